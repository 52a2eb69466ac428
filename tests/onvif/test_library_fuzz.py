"""Any well-formed answer, through the SOAP library itself: a value or our error, never the library's."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuramori_onvif.device import Device
from kuramori_onvif.errors import OnvifError
from kuramori_onvif.transport import HttpAnswer, HttpTransport
from tests.fakes.hostile_camera import ENVELOPE

NAMES = (
    "tds:GetServicesResponse", "tds:GetCapabilitiesResponse", "tds:GetDeviceInformationResponse", "tds:Service",
    "tds:GetEndpointReferenceResponse", "tds:GUID", "tds:Namespace", "tds:XAddr", "tds:Version", "tt:Major",
    "tds:Manufacturer", "tds:Capabilities", "tt:Media", "tt:XAddr", "tt:StreamingCapabilities", "tt:RTPMulticast",
    "tt:Extension", "trt:MediaUri", "tt:Uri", "tt:Timeout", "tt:InvalidAfterConnect", "s:Body", "s:Fault",
)  # fmt: skip
TEXTS = st.sampled_from(("", "1", "x", "true", "PT5S", "99999999999999999999", "http://h/", "rtsp://127.0.0.1/"))
TYPES = ("", ' i:type="tt:IntList"', ' i:nil="true"', ' i:type="nowhere:Thing"', ' i:type=":"')
NODE = st.recursive(
    st.tuples(st.sampled_from(NAMES), TEXTS),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=4)),
    max_leaves=12,
)


def _written(node: tuple[str, object]) -> str:
    name, content = node
    inner = "".join(_written(one) for one in content) if isinstance(content, list) else str(content)
    kind = TYPES[len(inner) % len(TYPES)]
    return f'<{name} token="a" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"{kind}>{inner}</{name}>'


class CannedTransport(HttpTransport):
    """Answers everything with the same body, without a socket."""

    body = b""

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], operation: str, *, hold_seconds: float = 0.0
    ) -> HttpAnswer:
        return HttpAnswer(200, (), self.body)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop for all examples: the library's service objects belong to a loop."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def device(runner: asyncio.Runner) -> Iterator[Device]:
    """A device without a network."""
    made = Device("http://127.0.0.1/onvif/device_service", utc_ms=lambda: 0)
    made._soap.transport = CannedTransport("127.0.0.1")
    yield made
    runner.run(made.close())


OPERATIONS = (
    ("GetServices", "_named_services"),
    ("GetCapabilities", "_named_capabilities"),
    ("GetDeviceInformation", "information"),
    ("GetEndpointReference", "endpoint_id"),
)


@pytest.mark.parametrize(("operation", "method"), OPERATIONS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(children=st.lists(NODE, max_size=4))
def test_any_tree_gives_a_value_or_our_error(
    runner: asyncio.Runner, device: Device, operation: str, method: str, children: list[tuple[str, object]]
) -> None:
    """Elements in wrong places, doubled, with texts that no type expects."""
    inner = "".join(_written(child) for child in children)
    body = ENVELOPE.format(f"<tds:{operation}Response>{inner}</tds:{operation}Response>")
    assert isinstance(device._soap.transport, CannedTransport)
    device._soap.transport.body = body.encode()
    try:
        runner.run(getattr(device, method)())
    except OnvifError:
        return
