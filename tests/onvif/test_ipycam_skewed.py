"""A camera that nobody here wrote, its clock 15 minutes ahead of ours, that wants a sign-in even for the time.

It refuses tokens that are off by more than five minutes: without its clock nobody gets in. The clock that is moved is
ours, which is a parameter; which of the two is wrong makes no difference to a token.
"""

from collections.abc import Iterator

import pytest

from tests.fakes.ipycam_peer import ADDRESS, PASSWORD, USER, run_at_ours, running_ipycam
from tests.fakes.namespaces import Cable

pytestmark = pytest.mark.root

SKEW_SECONDS = 900
PROGRAM = """
import asyncio, json, sys, time
from kuramori_onvif import answers
from kuramori_onvif.clock import utc_ms_of
from kuramori_onvif.device import Credentials, Device
from kuramori_onvif.errors import CredentialsRefused
from kuramori_onvif.soap import NS_DEVICE
def utc_ms(): return time.time_ns() // 10**6 - 900_000
def device(): return Device(sys.argv[1], Credentials(*sys.argv[2:]), utc_ms=utc_ms)
async def naive():
    async with device() as camera:
        try:
            await camera.information()
        except CredentialsRefused:
            return "refused"
        return "let in"
async def main():
    said = {"naive": await naive()}
    async with device() as camera:
        found = await camera.describe()
        request = answers.request(NS_DEVICE, "GetSystemDateAndTime")
        answer = await camera.soap.ask(camera.device_address, request)
        told_ms = utc_ms_of(answers.camera_date(answer.content))
        masks, storages = await camera.privacy_masks(found.profiles), await camera.storage_configurations()
        ntp = await camera.network_time()
    said |= {
        "source": found.clock.source, "offset_ms": found.clock.offset_ms, "method": found.sign_in_method,
        "model": found.information.model, "told_offset_ms": told_ms - utc_ms(), "how": found.silenced.how,
        "untold": [masks, storages, ntp],
    }
    print(json.dumps(said))
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """What a conversation with the camera came to."""
    network: Cable
    with running_ipycam(tmp_path_factory.mktemp("ipycam")) as network:
        yield run_at_ours(network, PROGRAM, ADDRESS, USER, PASSWORD)


def _off_by(value: object) -> int:
    return abs(int(str(value)) - SKEW_SECONDS * 1000)


def test_without_its_clock_it_lets_nobody_in(said: dict[str, object]) -> None:
    """The right password in a token of our own time is refused: the camera really is that strict."""
    assert said["naive"] == "refused"


def test_its_clock_is_read_from_its_refusal_and_the_sign_in_works(said: dict[str, object]) -> None:
    """The HTTP date gives the offset, the token carries it, the camera is described."""
    assert (said["source"], said["method"], said["model"]) == ("http_date", "WS-UsernameToken", "VirtualCam-1")
    assert _off_by(said["offset_ms"]) < 2000


def test_the_time_that_it_tells_to_who_is_signed_in_agrees(said: dict[str, object]) -> None:
    """The authenticated answer to the second."""
    assert _off_by(said["told_offset_ms"]) < 2500


def test_what_it_does_not_know_is_not_told(said: dict[str, object]) -> None:
    """Neither masks nor storages nor time servers: each unknown, none an error; its profile is silent by itself."""
    assert said["untold"] == [None, None, None]
    assert said["how"] == "chosen"
