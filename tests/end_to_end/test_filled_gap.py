"""A service, a camera with a card, a pulled cable: the missing seconds are fetched, sealed and proven, and no others.

The camera is our own simulator: no peer that could be found records on a card and replays it.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kuramori.clips.job import CameraExtraction, ExtractionJob, SegmentInput
from kuramori.clips.verify import Verdict, verify_bundle
from kuramori.identity import read_identity
from kuramori.messages import Coverage, SpanKind
from kuramori.recorder_client import RecorderFault
from kuramori.simulator.card import CardState
from kuramori.simulator.fleet_plan import FleetPlan
from kuramori.simulator.live_camera import LiveCamera
from kuramori.simulator.live_fleet import LiveFleet
from kuramori.simulator.source_clip import ClipSettings
from kuramori.vault import read_device_key
from kuramori_segments.codes import AudioState, Provenance
from kuramori_segments.header import SegmentHeader
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.opening import dek_of, opened
from tests.end_to_end.soak import processes
from tests.fakes.bundles import take, unpacked, write_files
from tests.fakes.sealed_recording import SealedRecording, make_job

CLIP = ClipSettings(width=160, height=90, frames_per_second=10, bits_per_second=60_000, gop_seconds=1, seconds=2)
EXTRA = """
[network]
local_networks = ["127.0.0.0/8"]

[recorder]
stall_seconds = 2
back_off_first_seconds = 0.2
back_off_most_seconds = 1
connect_seconds = 3
"""
CLOCK_OFFSET_SECONDS = 7.0  # the cameras' clocks are ahead
OUTAGE_SECONDS = 10.0
PATIENCE_SECONDS = 90.0
FRAME_MS = 100


def now_ms() -> int:
    return int(time.time() * 1000)


@asynccontextmanager
async def service(folder: Path, audio_on: int = 1) -> AsyncIterator[tuple[Installation, LiveCamera, LiveCamera]]:
    """Two cameras with cards that record; only the first one's card is allowed."""
    plan = FleetPlan(
        cameras=2,
        audio_on=audio_on,
        clip=CLIP,
        cache_directory=folder / "clips",
        card=CardState.RECORDING,
        card_audio=True,
        clock_offset_seconds=CLOCK_OFFSET_SECONDS,
    )
    fleet = LiveFleet(plan)
    await asyncio.to_thread(fleet.prepare)
    gate, yard = await fleet.start()
    at = [
        CameraAt("gate", gate.onvif_url, more="card_recording = true"),
        CameraAt("yard", yard.onvif_url),
    ]
    site = Installation(folder / "site", at, volume_size="700 MiB", extra=EXTRA).make()
    site.start(whole_service=True)
    try:
        await site.until_recording()
        yield site, gate, yard
    finally:
        site.stop()
        site.kill()
        await fleet.stop()


async def until(done: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with contextlib.suppress(RecorderFault):
                if await done():
                    return
            await asyncio.sleep(0.3)


async def coverage(site: Installation, camera: str, begin: int, end: int) -> Coverage:
    return await site.recorder.coverage(camera, begin, end)


def missing_ms(found: Coverage) -> int:
    return sum(span.to_utc_ms - span.from_utc_ms for span in found.spans if span.kind is SpanKind.GAP)


def filled_ms(found: Coverage) -> int:
    return sum(span.to_utc_ms - span.from_utc_ms for span in found.spans if span.filled)


async def pull_the_cable(site: Installation, camera: LiveCamera, name: str, seconds: float) -> tuple[int, int]:
    """Cut the camera off for so long; return a range around it in which it was recorded at both ends."""
    await asyncio.sleep(3)
    begin = now_ms() - 2_000
    await camera.cut()
    await asyncio.sleep(seconds)
    await camera.restore()
    await site.until_recording([name])
    await asyncio.sleep(3)
    return begin, now_ms() - 2_000


async def job_of(site: Installation, folder: Path, begin: int, end: int) -> ExtractionJob:
    """The job that opens a range of the gate, as k custodians together could make it."""
    plan = await site.recorder.plan_extraction("gate", begin, end)
    keys = await site.recorder.release_keys("test", tuple(one.segment_uid for one in plan.segments))
    k_seg = {key.segment_uid: key.k_seg for key in keys.keys}
    segments = tuple(
        SegmentInput(
            Path(one.volume_path),
            one.offset_bytes,
            one.extent_bytes,
            one.state,
            one.header,
            one.segment_uid,
            one.sequence,
            dek_of(site, SegmentHeader.unpack(one.header)),
            k_seg[one.segment_uid],
        )
        for one in plan.segments
    )
    places = site.places
    identity = read_identity(places.identity)
    paper = SealedRecording(folder / "paper", name="gate", number=plan.camera_number)
    paper.key, paper.recorder_id, paper.segments = read_device_key(places.device_key), identity.recorder_id, [*segments]
    (folder / "paper" / "device_key.pem").write_bytes(places.device_key.read_bytes())
    (folder / "paper" / "device_certificate.pem").write_bytes(places.device_certificate.read_bytes())
    job = make_job(paper, begin, end, spans=plan.spans)
    assert isinstance(job.cameras[0], CameraExtraction)
    return job


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_pulled_cable_leaves_no_gap(tmp_path: Path) -> None:
    """Ten seconds come from the card; another camera loses nothing; the clip across them opens and verifies."""
    async with service(tmp_path) as (site, gate, _yard):
        await yard_and_gate_are_well(site)
        begin, end = await pull_the_cable(site, gate, "gate", OUTAGE_SECONDS)
        missing = missing_ms(await coverage(site, "gate", begin, end))
        assert missing >= (OUTAGE_SECONDS - 1) * 1000

        async def nothing_missing() -> bool:
            return missing_ms(await coverage(site, "gate", begin, end)) == 0

        await until(nothing_missing)
        assert filled_ms(await coverage(site, "gate", begin, end)) == missing
        whole = await coverage(site, "yard", begin, end)
        assert [span.kind for span in whole.spans] == [SpanKind.RECORDED]
        assert filled_ms(whole) == 0
        await the_segments_are_as_they_should_be(site)
        assert gate.rtsp is not None
        assert gate.rtsp.replays.sessions > 0
        assert gate.rtsp.replays.audio_setups == 0
        await the_clip_is_whole(site, tmp_path, begin, end)


async def yard_and_gate_are_well(site: Installation) -> None:
    """Both are recorded for a while."""
    await asyncio.sleep(1)
    assert {camera.name for camera in (await site.recorder.status()).cameras} == {"gate", "yard"}


async def the_segments_are_as_they_should_be(site: Installation) -> None:
    """Live pictures of both cameras are numbered without a hole; the filled ones say what they are, without sound."""
    for name in ("gate", "yard"):
        segments = await opened(site, name)
        live = [segment for segment in segments if segment.header.provenance is Provenance.LIVE]
        filled = [segment for segment in segments if segment.header.provenance is Provenance.FILLED_FROM_CAMERA]
        numbers = [unit.number for segment in live for unit in segment.units]
        assert numbers == list(range(1, len(numbers) + 1))
        assert bool(filled) is (name == "gate")
        for segment in filled:
            assert segment.header.audio is AudioState.OFFERED_NOT_SET_UP
            assert segment.sound == ()
            assert segment.units[0].is_key


async def the_clip_is_whole(site: Installation, folder: Path, begin: int, end: int) -> None:
    """A picture every tenth of a second from end to end, each once, and every one proven."""
    files = unpacked(await take(await job_of(site, folder, begin, end)))
    manifest = json.loads(files["manifest.json"])
    (camera,) = manifest["cameras"]
    assert camera["gaps"] == []
    assert camera["holes"] == []
    assert len(camera["filled"]) == 1
    pictures = sum(clip["pictures"] for clip in camera["clips"])
    assert pictures == pytest.approx((end - begin) / FRAME_MS, abs=2 * 1000 / FRAME_MS)
    report = verify_bundle(write_files(folder / "bundle", files))
    assert report.verdict is Verdict.UNCHANGED


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_killed_while_filling_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """kill -9 in the middle of a piece: what was durable counts, the rest is a gap, and is fetched again."""
    async with service(tmp_path, audio_on=0) as (site, gate, _yard):
        card = gate.onvif.card
        assert card is not None
        card.replay.fastest = 1.0  # slow enough to be met at work
        begin, end = await pull_the_cable(site, gate, "gate", 15.0)

        async def some_filled() -> bool:
            return filled_ms(await coverage(site, "gate", begin, end)) > 4_000

        await until(some_filled)
        os.kill(processes(site.places.runtime)["recorder"], signal.SIGKILL)  # its supervisor starts it anew
        await site.until_recording()
        found = await coverage(site, "gate", begin, end)
        assert filled_ms(found) > 2_000
        assert missing_ms(found) > 0
        card.replay.fastest = None

        async def nothing_missing() -> bool:
            return missing_ms(await coverage(site, "gate", begin, end)) == 0

        await until(nothing_missing)
        states = {span.kind for span in (await coverage(site, "gate", begin, end)).spans}
        assert states <= {SpanKind.RECORDED, SpanKind.UNPROVEN}
        await the_clip_is_whole_after_a_crash(site, tmp_path, begin, end)


async def the_clip_is_whole_after_a_crash(site: Installation, folder: Path, begin: int, end: int) -> None:
    """Recovered and filled segments in one clip: each moment once."""
    files = unpacked(await take(await job_of(site, folder, begin, end)))
    (camera,) = json.loads(files["manifest.json"])["cameras"]
    assert camera["holes"] == []
    pictures = sum(clip["pictures"] for clip in camera["clips"])
    assert pictures == pytest.approx((end - begin) / FRAME_MS, abs=2 * 1000 / FRAME_MS)
    assert verify_bundle(write_files(folder / "bundle", files)).verdict is Verdict.UNCHANGED
