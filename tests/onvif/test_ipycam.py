"""A camera that nobody here wrote: found, signed in to and described, over real multicast between namespaces."""

from collections.abc import Iterator

import pytest

from tests.fakes.ipycam_peer import ADDRESS, discover, run_at_ours, running_ipycam
from tests.fakes.namespaces import Cable

pytestmark = pytest.mark.root

DESCRIBE = """
import asyncio, json, sys, time
from kuramori_onvif.device import Credentials, Device
from kuramori_onvif.errors import OnvifError
async def main():
    address, user, password = sys.argv[1:]
    credentials = Credentials(user, password) if user else None
    async with Device(address, credentials, utc_ms=lambda: time.time_ns() // 10**6) as device:
        try:
            found = await device.describe()
        except OnvifError as error:
            print(json.dumps({"error": error.code}))
            return
    print(json.dumps({
        "model": found.information.model, "uri": found.stream.uri, "method": found.sign_in_method,
        "profile": found.choice.profile.token, "audio": found.choice.profile.audio, "clock": found.clock.source,
        "offset_ms": found.clock.offset_ms,
    }))
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cable]:
    """The camera running in its namespace, with a password."""
    with running_ipycam(tmp_path_factory.mktemp("ipycam")) as made:
        yield made


def _describe(network: Cable, address: str, user: str, password: str) -> dict[str, object]:
    return run_at_ours(network, DESCRIBE, address, user, password)


def test_it_is_found_and_described(network: Cable) -> None:
    """Discovery, then sign-in, profile and stream; its clock, for which it wants a sign-in, from the HTTP date."""
    (device,) = discover(network)["devices"]
    assert (device["name"], device["address"]) == ("Gate", ADDRESS)
    assert device["endpoint_id"].startswith("urn:uuid:")
    found = _describe(network, device["address"], "operator", "hunter2")
    assert found["model"] == "VirtualCam-1"
    assert found["uri"] == "rtsp://10.99.0.2:8554/video_main"
    assert (found["profile"], found["audio"]) == ("Profile_Main", "absent")
    assert (found["method"], found["clock"]) == ("WS-UsernameToken", "http_date")
    assert abs(int(str(found["offset_ms"]))) < 2000


@pytest.mark.parametrize(
    ("user", "password", "code"), [("operator", "wrong", "credentials-refused"), ("", "", "credentials-missing")]
)
def test_it_keeps_strangers_out_and_we_say_so(network: Cable, user: str, password: str, code: str) -> None:
    """A wrong password and none at all are told apart."""
    assert _describe(network, ADDRESS, user, password) == {"error": code}
