"""Reading back in a running installation: a byte that decays is told once, with camera and times, and harms nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.messages import ScrubStatus, SegmentExtent, SegmentState, SpanKind
from kuramori.simulator.rtsp_server import Mount, RtspServer
from kuramori_segments.chunk import ChunkHead
from kuramori_segments.limits import BLOCK_BYTES
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.opening import opened
from tests.fakes.rtsp_camera import clip_material, running_camera

NAMES = ("left", "right")
PATIENCE_SECONDS = 40.0
RATE = '\n[recorder]\nscrub_per_second = "{rate}"\n'


@pytest.fixture
async def cameras() -> AsyncIterator[RtspServer]:
    """Two cameras."""
    async with running_camera(*(Mount(f"/{name}", clip_material(Codec.H264)) for name in NAMES)) as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path, cameras: RtspServer) -> Iterator[Installation]:
    """A recorder for them whose reading back leaves time to break something first."""
    at = [CameraAt(name, cameras.url(f"/{name}")) for name in NAMES]
    made = Installation(tmp_path / "site", at, volume_size="200 MiB", extra=RATE.format(rate="320 KiB")).make()
    yield made
    made.kill()


async def test_a_decayed_byte_is_told_once_and_harms_nothing_beside_it(installation: Installation) -> None:
    """On the medium of a running recorder: log, status, figures, coverage and plan say it; all else opens as ever."""
    installation.start()
    await installation.until_recording()
    await asyncio.sleep(1.5)  # something to break: a few commits of each camera
    installation.stop()
    installation.start()
    await installation.until_recording()
    begin = int(time.time() * 1000) - 60_000
    broken = (await installation.recorder.plan_extraction("right", begin, begin + 60_000)).segments[0]
    assert broken.state is SegmentState.CLOSED
    before, behind = break_chunk(broken)
    scrub = await until_all_read(installation)
    assert (scrub.segments, scrub.damaged, scrub.unverified) == (2, 1, 0)

    (event,) = installation.events("segment_damaged")
    assert (event["camera"], event["what"], event["times_utc_ms"]) == ("right", "chunk_checksum", [[before, behind]])
    status = await installation.recorder.status()
    assert [problem for problem in status.problems if "camera right" in problem]
    assert all(camera.state == "recording" for camera in status.cameras)
    figures = (await installation.recorder.statistics()).volumes[0].scrub
    assert figures is not None
    assert (figures.damaged, figures.damage_found) == (1, 1)
    await says_damaged(installation, before, behind)

    installation.stop()
    installation.start()
    await installation.until_recording()
    await says_damaged(installation, before, behind)
    assert len(installation.events("segment_damaged")) == 1
    assert len(await opened(installation, "left")) >= 2


async def says_damaged(installation: Installation, before: int, behind: int) -> None:
    """Coverage calls exactly these times of this camera damaged, and so does the plan of an extraction."""
    now = int(time.time() * 1000)
    for name, times in (("right", [(before, behind)]), ("left", [])):
        for spans in (
            (await installation.recorder.coverage(name, now - 120_000, now)).spans,
            (await installation.recorder.plan_extraction(name, now - 120_000, now)).spans,
        ):
            assert [(s.from_utc_ms, s.to_utc_ms) for s in spans if s.kind is SpanKind.DAMAGED] == times
            assert {span.kind for span in spans} <= {SpanKind.GAP, SpanKind.RECORDED, SpanKind.DAMAGED}


async def until_all_read(installation: Installation) -> ScrubStatus:
    """Wait until everything finished has been read back; return how far it came."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            scrub = (await installation.recorder.status()).volumes[0].scrub
            if scrub is not None and scrub.segments and not scrub.unverified and installation.events("segment_damaged"):
                return scrub
            await asyncio.sleep(0.1)


def break_chunk(segment: SegmentExtent) -> tuple[int, int]:
    """Flip a bit in the middle of a segment; return the time of the pictures around it."""
    with Path(segment.volume_path).open("r+b") as file:
        heads, offset = [], BLOCK_BYTES
        while offset < segment.extent_bytes - BLOCK_BYTES:
            file.seek(segment.offset_bytes + offset)
            heads.append((offset, ChunkHead.unpack(file.read(64))))
            offset += heads[-1][1].extent_bytes
        (_, before), (place, _), (_, behind) = heads[len(heads) // 2 - 1 : len(heads) // 2 + 2]
        file.seek(segment.offset_bytes + place + 100)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    return before.last_utc_ms, behind.first_utc_ms
