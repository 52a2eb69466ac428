"""Whether a claim is followed: only where needed, only into local networks, only if the camera proves itself."""

import ipaddress
from pathlib import Path

import pytest

from kuramori.door.acquaintance import Acquaintance, AcquaintanceBook
from kuramori.door.following import (
    MOST_CLAIMS,
    claimed_places,
    endpoint_at,
    is_same_camera,
    known_places,
    proves_identity,
)
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.models import (
    AudioFact,
    ClockReading,
    ClockSource,
    DeviceInformation,
    FoundDevice,
    MediaProfile,
    StreamAddress,
    VideoEncoder,
)
from kuramori_onvif.profiles import Choice, Why

OLD = "http://192.168.10.5/onvif/device_service"
NEW = "http://192.168.10.77/onvif/device_service"
KNOWN = Acquaintance(OLD, OLD, "urn:uuid:AB", "S1")
LOCAL = (ipaddress.ip_network("192.168.10.0/24"),)


def _seen(address: str, source: str, endpoint: str = "urn:uuid:ab") -> FoundDevice:
    return FoundDevice(endpoint, address, False, source, "eth0")


def _description(serial: str | None, endpoint: str = "") -> CameraDescription:
    information = None if serial is None else DeviceInformation("m", "x", "1", serial, "h")
    video = VideoEncoder("v", "H264", 1, 1, None, None, None)
    profile = MediaProfile("p", "p", True, 1, video, AudioFact.ABSENT, "")
    clock = ClockReading(ClockSource.UNKNOWN, None, None, 0)
    stream = StreamAddress("rtsp://192.168.10.5/x", None)
    return CameraDescription(
        information, endpoint, clock, Choice(profile, video, Why.SILENT, False), stream, "none", ()
    )


def test_the_last_place_comes_before_the_configured_one() -> None:
    """A camera that moved once is asked where it was last."""
    assert known_places(OLD, Acquaintance(OLD, NEW)) == (NEW, OLD)
    assert known_places(OLD, KNOWN) == (OLD,)
    assert known_places(OLD, None) == (OLD,)


def test_a_claim_of_the_same_identity_in_a_local_network_is_a_place() -> None:
    """However the id is written; places already tried are left out."""
    seen = [_seen(NEW, "192.168.10.77"), _seen(OLD, "192.168.10.5"), _seen(NEW, "192.168.10.77", "urn:uuid:other")]
    assert claimed_places(KNOWN, seen, LOCAL, None, (OLD,)) == (NEW,)


@pytest.mark.parametrize(
    ("source", "vpn", "places"),
    [
        ("203.0.113.9", None, 0),
        ("203.0.113.9", "city-vpn", 1),
        ("fe80::1%eth0", None, 1),
        ("127.0.0.1", None, 1),
        ("nonsense", None, 0),
    ],
)
def test_a_claim_from_elsewhere_is_not_followed(source: str, vpn: str | None, places: int) -> None:
    """No sign-in leaves the declared local networks because somebody shouted (O5)."""
    assert len(claimed_places(KNOWN, [_seen("http://x.example/", source)], LOCAL, vpn, ())) == places


def test_without_a_known_identity_no_claim_can_match() -> None:
    """An unknown camera is nobody's to claim."""
    assert claimed_places(None, [_seen(NEW, "192.168.10.77")], LOCAL, None, ()) == ()
    assert claimed_places(Acquaintance(OLD, OLD), [_seen(NEW, "192.168.10.77", "")], LOCAL, None, ()) == ()


def test_a_crowd_of_claims_is_not_tried_to_the_end() -> None:
    """A few are, the rest is not."""
    crowd = [_seen(f"http://192.168.10.{n}/", f"192.168.10.{n}") for n in range(20)]
    assert len(claimed_places(KNOWN, crowd, LOCAL, None, ())) == MOST_CLAIMS


@pytest.mark.parametrize(
    ("serial", "endpoint", "same", "proven"),
    [
        ("S1", "", True, True),
        ("S2", "urn:uuid:ab", False, False),
        ("", "uuid:ab", True, True),
        ("", "uuid:cd", False, False),
        ("", "", True, False),
        (None, "", True, False),
    ],
)
def test_who_answers_is_recognised(serial: str | None, endpoint: str, same: bool, proven: bool) -> None:
    """The serial number decides, else the identity; silence is accepted at a known place, not at a claimed one."""
    found = _description(serial, endpoint)
    assert is_same_camera(KNOWN, found) is same
    assert proves_identity(KNOWN, found) is proven
    assert is_same_camera(None, found)
    assert not proves_identity(None, found)


def test_an_identity_is_learned_from_the_same_address_and_port_only() -> None:
    """Two cameras behind one address are told apart by port."""
    seen = [_seen("http://192.168.10.5:81/x", "192.168.10.5", "other"), _seen(OLD, "192.168.10.5", "right")]
    assert endpoint_at("http://192.168.10.5/elsewhere", seen) == "right"
    assert endpoint_at("http://192.168.10.6/", seen) == ""


def test_acquaintances_survive_a_restart_and_damage(tmp_path: Path) -> None:
    """What was noted is read again; a damaged file means that the cameras are met anew."""
    path = tmp_path / "acquaintances.json"
    book = AcquaintanceBook(path)
    assert book.note("gate", KNOWN)
    assert not book.note("gate", KNOWN)
    assert AcquaintanceBook(path).of("gate", OLD) == KNOWN
    for damage in (b"", b"[]", b'{"version":1,"cameras":{"gate":{}}}', b"\xff", b'{"version":2,"cameras":{}}'):
        path.write_bytes(damage)
        assert AcquaintanceBook(path).of("gate", OLD) is None


def test_a_camera_that_is_configured_elsewhere_is_a_stranger(tmp_path: Path) -> None:
    """Who enters another address means that address."""
    book = AcquaintanceBook(tmp_path / "acquaintances.json")
    book.note("gate", KNOWN)
    assert book.of("gate", NEW) is None
