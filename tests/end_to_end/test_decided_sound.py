"""Sound by written decision, from GStreamer's camera to a clip in somebody's hand; and no sound without (R3)."""

import asyncio
import io
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kuramori.capture.source import Codec
from kuramori.clips.job import CameraExtraction, SegmentInput
from kuramori.clips.verify import Verdict, verify_bundle
from kuramori.identity import read_identity
from kuramori.messages import CoverageSpan
from kuramori_segments.codes import AudioState
from kuramori_segments.header import SegmentHeader
from tests.end_to_end.installation import PATIENCE_SECONDS, CameraAt, Installation
from tests.end_to_end.opening import FOREVER_UTC_MS, dek_of, opened
from tests.fakes.bundles import take, unpacked
from tests.fakes.sealed_recording import SealedRecording, make_job
from tests.nvr.capture.test_gstreamer import gstreamer
from tests.peers import require_gstreamer_rtsp

MAYOR = "mayor Yamada Taro"


@asynccontextmanager
async def recorded(folder: Path, audio: str, decision: str) -> AsyncIterator[tuple[Installation, list[str]]]:
    """A recorder that records GStreamer's camera, and that camera's log of requests."""
    python = require_gstreamer_rtsp()
    async with gstreamer(python, Path("live"), Codec.H264, audio) as (port, log):
        camera = CameraAt("gate", f"rtsp://127.0.0.1:{port}/cam", decision=decision)
        site = Installation(folder / "site", [camera], "300 MiB").make()
        site.start()
        try:
            await site.until_recording()
            yield site, log
        finally:
            site.stop()


def set_up(log: list[str]) -> list[str]:
    """Return the tracks that were set up, as the camera saw it."""
    return [line.rpartition("/")[2] for line in log if line.startswith("SETUP")]


@dataclass
class Opened:
    """A camera's segments as `make_job` wants them: opened by k custodians, keys released by the recorder."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    recorder_id: bytes
    segments: list[SegmentInput]
    number: int
    name: str = "gate"

    def extraction(self, spans: tuple[CoverageSpan, ...]) -> CameraExtraction:
        return CameraExtraction(self.name, self.number, "Test bench", tuple(self.segments), spans)


async def all_of(site: Installation) -> tuple[Opened, int, int]:
    """Return everything recorded so far, and its first and last moment."""
    plan = await site.recorder.plan_extraction("gate", 0, FOREVER_UTC_MS)
    keys = await site.recorder.release_keys("test", tuple(segment.segment_uid for segment in plan.segments))
    key = load_pem_private_key(site.places.device_key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    segments = [
        SegmentInput(
            Path(segment.volume_path),
            segment.offset_bytes,
            segment.extent_bytes,
            segment.state,
            segment.header,
            segment.segment_uid,
            segment.sequence,
            dek_of(site, SegmentHeader.unpack(segment.header)),
            released.k_seg,
        )
        for segment, released in zip(plan.segments, keys.keys, strict=True)
    ]
    identity = read_identity(site.places.identity)
    found = Opened(site.places.state, key, identity.recorder_id, segments, plan.camera_number)
    return found, plan.segments[0].start_utc_ms, plan.segments[-1].end_utc_ms


async def test_aac_is_recorded_and_handed_over_playable(tmp_path: Path) -> None:
    """Two SETUPs; header, CONFIG, status and metrics say who decided; the clip's sound is decoded as it was sent."""
    async with recorded(tmp_path, "aac", MAYOR) as (site, log):
        await asyncio.sleep(4)
        status = (await site.recorder.status()).cameras[0]
        figures = (await site.recorder.statistics()).cameras[0]
        segments = await opened(site, "gate")
        source, begin, end = await all_of(site)
        job = make_job(cast("SealedRecording", source), begin, end + 1)
        archive = await take(job)
    assert set_up(log) == ["stream=0", "stream=1"]
    assert status.setups == ("video", "audio")
    assert MAYOR in status.sound
    assert (figures.audio_setups, figures.undecided_audio_setups, figures.audio_decided) == (1, 0, True)
    assert {segment.header.audio for segment in segments} == {AudioState.RECORDED_BY_DECISION}
    assert all(MAYOR in segment.audio_text for segment in segments)
    frames = [record.payload for segment in segments for record in segment.sound]
    assert len(frames) > 30
    manifest = json.loads(unpacked(archive)["manifest.json"])
    assert [item["who"] for item in manifest["cameras"][0]["sound"]["decisions"]] == [MAYOR]
    with av.open(io.BytesIO(unpacked(archive)["clip.mp4"])) as clip:
        handed = [bytes(packet) for packet in clip.demux(audio=0) if packet.size]
    assert handed == frames[-len(handed) :]
    assert len(handed) > 30
    with av.open(io.BytesIO(unpacked(archive)["clip.mp4"])) as clip:
        heard = list(clip.decode(audio=0))
        loud = max(float(abs(frame.to_ndarray()).max()) for frame in heard)
    assert len(heard) == len(handed)
    assert loud > 0.1  # the camera sends a tone
    (tmp_path / "bundle.tar").write_bytes(archive)
    assert verify_bundle(tmp_path / "bundle.tar").verdict is Verdict.UNCHANGED


async def test_g711_is_refused_and_the_pictures_are_unharmed(tmp_path: Path) -> None:
    """With the same decision: one SETUP, pictures without loss, and the reason in status, problems and segments."""
    async with recorded(tmp_path, "pcmu", MAYOR) as (site, log):
        await asyncio.sleep(2)
        status = await site.recorder.status()
        segments = await opened(site, "gate")
    camera = status.cameras[0]
    assert set_up(log) == ["stream=0"]
    assert camera.setups == ("video",)
    assert "refused: PCMU" in camera.sound
    assert [problem for problem in status.problems if "gate" in problem and "refused: PCMU" in problem]
    assert {segment.header.audio for segment in segments} == {AudioState.OFFERED_NOT_SET_UP}
    assert all("refused: PCMU" in segment.audio_text and MAYOR in segment.audio_text for segment in segments)
    assert not any(segment.sound for segment in segments)
    assert sum(len(segment.units) for segment in segments) > 20
    assert camera.lost_packets == 0


async def test_when_the_decision_is_withdrawn_the_sound_ends(tmp_path: Path) -> None:
    """The table is removed and the file read again: the camera is connected anew with one SETUP; nothing is heard."""
    async with recorded(tmp_path, "aac", MAYOR) as (site, log):
        text = site.config_path.read_text()
        site.config_path.write_text(text[: text.index("[camera.audio]")])
        assert site.process is not None
        site.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(set_up(log)) < 3 or (await site.recorder.status()).cameras[0].state != "recording":
                await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        camera = (await site.recorder.status()).cameras[0]
        figures = (await site.recorder.statistics()).cameras[0]
        segments = await opened(site, "gate")
    assert set_up(log) == ["stream=0", "stream=1", "stream=0"]
    assert (camera.setups, camera.sound) == (("video",), "offered (MPEG4-GENERIC), not set up")
    assert (figures.audio_decided, figures.audio_recorded, figures.undecided_audio_setups) == (False, False, 0)
    states = [segment.header.audio for segment in segments]
    assert states == sorted(states, reverse=True)
    assert {*states} == {AudioState.RECORDED_BY_DECISION, AudioState.OFFERED_NOT_SET_UP}
    assert not any(segment.sound for segment in segments if segment.header.audio is AudioState.OFFERED_NOT_SET_UP)
