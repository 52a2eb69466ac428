"""A camera that nobody here wrote, recorded by the whole service: found out by ONVIF, its clock 15 minutes ahead.

It refuses sign-ins that are off by more than five minutes and tells its time only to who is signed in: the door has to
understand its clock before the recorder learns where the stream is. Pictures are dated by our clock, never by its.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.door_client import DoorClient
from kuramori.door_messages import DoorCameraState
from kuramori.messages import SpanKind
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.opening import opened
from tests.fakes.ipycam_peer import ADDRESS, PASSWORD, USER, discover, running_ipycam
from tests.fakes.namespaces import Cable

pytestmark = pytest.mark.root

MINUTES_AHEAD = 15
UNITS_LEAST = 60
PATIENCE_SECONDS = 60.0
LOCAL = '[network]\nlocal_networks = ["10.99.0.0/24"]\n'


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cable]:
    """The camera in its namespace, in its own time."""
    with running_ipycam(tmp_path_factory.mktemp("ipycam"), MINUTES_AHEAD) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, network: Cable) -> Iterator[Installation]:
    """The whole service in our namespace, with the camera as discovery found it."""
    (found,) = discover(network)["devices"]
    camera = CameraAt("gate", found["address"], user=USER, password=PASSWORD)
    made = Installation(tmp_path / "site", [camera], "300 MiB", LOCAL, inside=network.at_ours()).make()
    made.start(whole_service=True)
    yield made
    made.stop()
    made.kill()


async def test_it_is_understood_and_recorded(site: Installation) -> None:
    """Signed in, its clock told, its silent profile recorded in one session, each picture at our own time."""
    await site.until_recording()
    (camera,) = (await DoorClient(site.places.door_socket).status()).cameras
    assert (camera.state, camera.address, camera.model) == (DoorCameraState.FOUND, ADDRESS, "VirtualCam-1")
    assert camera.facts is not None
    assert abs((camera.facts.clock_offset_ms or 0) - MINUTES_AHEAD * 60_000) < 3000
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (figures := (await site.recorder.statistics()).cameras[0]).access_units < UNITS_LEAST:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    now = int(time.time() * 1000)
    units = [unit for segment in await opened(site, "gate") for unit in segment.units]
    spans = (await site.recorder.coverage("gate", now - 120_000, now)).spans
    assert units[0].is_key
    # It hands its packets on through a UDP socket of its own and loses some on a busy machine: that must be told.
    assert all(unit.lost_packets_before for unit in units[1:] if unit.is_damaged or unit.is_discontinuity)
    assert {span.reason for span in spans if span.kind is SpanKind.GAP} <= {"not_yet_started", "stream_damaged"}
    assert any(span.kind is SpanKind.RECORDED for span in spans)
    assert all(now - 60_000 < unit.utc_us // 1000 <= now + 1000 for unit in units)
    assert (figures.audio_setups, figures.reconnects_by_reason) == (0, ())
    assert PASSWORD not in site.log_path.read_text()
    status = (await site.recorder.status()).cameras[0]
    assert status.codec == Codec.H264.value
