"""Any bytes from a camera, through each reader: a value or one of our errors, in bounded time and memory."""

import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.errors import OnvifError
from kuramori_onvif.hardened_xml import MAX_TAGS
from kuramori_onvif.models import AudioFact, MediaProfile
from kuramori_onvif.network_time import MAX_SERVERS, NetworkTime, read_clock_mode
from kuramori_onvif.privacy_masks import MAX_MASKS, MAX_SOURCES, PrivacyMasks
from kuramori_onvif.soap import vet
from kuramori_onvif.storage_configuration import MAX_STATE_FACTS, MAX_STORAGES, StorageConfiguration
from kuramori_onvif.transport import HttpAnswer
from tests.fakes.hostile_camera import ENVELOPE
from tests.onvif.quirk_readers import READERS

SECONDS = 3.0  # of CPU, for the largest answer that is read at all, on a slow machine
GROWTH_BYTES = 96 * 1024 * 1024
OPERATIONS = {
    "profiles of media": ("trt:GetProfiles", "trt:Profiles"),
    "profiles of media2": ("tr2:GetProfiles", "tr2:Profiles"),
    "masks": ("tr2:GetMasks", "tr2:Masks"),
    "time servers": ("tds:GetNTP", "tds:NTPInformation"),
    "storages": ("tds:GetStorageConfigurations", "tds:StorageConfigurations"),
    "clock mode": ("tds:GetSystemDateAndTime", "tds:SystemDateAndTime"),
    "services": ("tds:GetServices", "tds:Service"),
}
ALL_READERS: dict[str, Callable[[xml.Element], object]] = {**READERS, "clock mode": read_clock_mode}
NAMES = (
    "tr2:Masks", "tr2:ConfigurationToken", "tr2:Enabled", "tds:NTPInformation", "tt:FromDHCP", "tt:NTPManual",
    "tt:NTPFromDHCP", "tt:IPv4Address", "tt:DNSname", "tt:Type", "tds:StorageConfigurations", "tds:Data",
    "tds:LocalPath", "tds:StorageUri", "tds:User", "tds:Status", "tds:Extension", "trt:Profiles", "tr2:Profiles",
    "tr2:Configurations", "tr2:VideoSource", "tr2:VideoEncoder", "tr2:AudioEncoder", "tt:VideoEncoderConfiguration",
    "tt:AudioEncoderConfiguration", "tt:Encoding", "tt:Resolution", "tt:Width", "tds:SystemDateAndTime",
    "tt:DateTimeType", "tt:DaylightSavings", "tds:Service", "tds:Namespace", "tds:XAddr", "tt:Name",
)  # fmt: skip
TEXTS = st.sampled_from(
    ("", "1", "true", "NTP", "H264", "999999999999999999999", "蔵" * 300, "http://u:p@h/", "&#x85;&#xA0;", " x ")
)
NODES = st.recursive(
    st.tuples(st.sampled_from(NAMES), TEXTS),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=5)),
    max_leaves=20,
)


def _written(node: tuple[str, object]) -> str:
    name, content = node
    inner = "".join(_written(one) for one in content) if isinstance(content, list) else str(content)
    return f'<{name} token="t{len(inner) % 3}" type="LocalStorage">{inner}</{name}>'


def _read(reader: str, body: bytes) -> object:
    operation = OPERATIONS[reader][0].partition(":")[2]
    return ALL_READERS[reader](vet("camera", operation, HttpAnswer(200, (), body)))


def _answer(reader: str, content: str) -> bytes:
    operation = OPERATIONS[reader][0]
    return ENVELOPE.format(f"<{operation}Response>{content}</{operation}Response>").encode()


def _check(value: object) -> None:
    """What was read is within its limits, and nothing in it is longer than we keep of one text."""
    match value:
        case PrivacyMasks():
            assert len(value.sources) <= MAX_SOURCES + 1
            assert sum(source.on + source.off for source in value.sources) <= MAX_MASKS
        case NetworkTime():
            assert len(value.servers) <= MAX_SERVERS
        case (StorageConfiguration(), *_):
            assert len(value) <= MAX_STORAGES
            assert all(len(storage.state) <= MAX_STATE_FACTS for storage in value)
        case (MediaProfile(), *_):
            assert len(value) <= 256
    assert len(repr(value)) < 2_000_000


@pytest.mark.parametrize("reader", OPERATIONS)
@settings(deadline=None)
@given(body=st.binary(max_size=400))
def test_any_bytes_give_a_value_or_our_error(reader: str, body: bytes) -> None:
    """Bare, or inside a good envelope."""
    for whole in (body, _answer(reader, "?").replace(b"?", body)):
        try:
            _check(_read(reader, whole))
        except OnvifError:
            continue


@pytest.mark.parametrize("reader", OPERATIONS)
@settings(deadline=None)
@given(nodes=st.lists(NODES, max_size=6))
def test_any_tree_is_read(reader: str, nodes: list[tuple[str, object]]) -> None:
    """Elements in wrong places, doubled, with texts that nobody expects: a value, always."""
    _check(_read(reader, _answer(reader, "".join(_written(node) for node in nodes))))


@pytest.mark.parametrize("reader", OPERATIONS)
@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_answer_gives_a_value_or_our_error(reader: str, data: st.DataObject) -> None:
    """Bytes cut out or exchanged anywhere."""
    whole = _answer(reader, "".join(_written(data.draw(NODES)) for _ in range(3)))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    try:
        _check(_read(reader, whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:]))
    except OnvifError:
        return


@pytest.mark.parametrize("shape", ["many", "one with many", "deep"])
@pytest.mark.parametrize("reader", OPERATIONS)
def test_the_largest_answer_is_read_in_bounded_time_and_memory(reader: str, shape: str) -> None:
    """As many tags as are read at all, all of the kind that this reader looks for."""
    element = OPERATIONS[reader][1]
    most = MAX_TAGS // 2 - 20
    if shape == "many":
        content = f'<{element} token="t">x</{element}>' * most
    elif shape == "one with many":
        content = (
            f'<{element} token="t">{"<tt:NTPManual><tt:Status>x</tt:Status></tt:NTPManual>" * (most // 2)}</{element}>'
        )
    else:
        content = (f'<{element} token="t">' * 50 + f"</{element}>" * 50) * (most // 100)
    body = _answer(reader, content)
    tracemalloc.start()
    began = time.process_time()
    try:
        _check(_read(reader, body))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < SECONDS
    assert peak < GROWTH_BYTES


@given(st.binary(max_size=300))
def test_damage_never_makes_a_loud_profile_silent(damage: bytes) -> None:
    """Whatever stands beside it: an audio encoder that is there is seen, or the answer is refused."""
    whole = _answer(
        "profiles of media2",
        '<tr2:Profiles token="p"><tr2:Configurations><tr2:VideoEncoder token="v"/>?<tr2:AudioEncoder token="a"/>'
        "</tr2:Configurations></tr2:Profiles>",
    ).replace(b"?", damage)
    try:
        found = _read("profiles of media2", whole)
    except OnvifError:
        return
    assert isinstance(found, tuple)
    assert found[0].audio is AudioFact.CONFIGURED or b"<" in damage
