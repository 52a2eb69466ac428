"""Whole recordings of GStreamer's RTSP server, a stack that nobody here wrote: from its wire to the opened segment.

Each camera is one thing that real cameras do: sound beside the pictures in three codings, pictures out of order,
H.265, TLS with a certificate of its own, UDP and nothing else.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import av
import pytest

from kuramori.capture.source import Codec
from kuramori.messages import SpanKind
from kuramori.simulator.nal_units import is_picture
from kuramori_metrics.statistics import CameraStatistics
from kuramori_segments.codes import AudioState
from kuramori_segments.records import AccessUnitRecord
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.opening import OpenedSegment, opened
from tests.fakes.certificates import make_certificate
from tests.fakes.clips import clip, clip_units, write_mp4
from tests.fakes.gstreamer_peer import GStreamerCamera
from tests.peers import require_gstreamer_rtsp

FRAMES = 900  # of each clip: half a minute, so that no stream ends during the test
UNITS_LEAST = 90  # three seconds, with three key frames
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Peer:
    """What one GStreamer camera sends."""

    codec: Codec = Codec.H264
    b_frames: int = 0
    audio: str = "none"
    udp: bool = False
    tls: bool = False

    @property
    def clip(self) -> str:
        return f"{self.codec.value}-{self.b_frames}.mp4"


PEERS = {
    "pcmu": Peer(audio="pcmu"),
    "pcma": Peer(audio="pcma"),
    "aac": Peer(audio="aac"),
    "b-frames": Peer(b_frames=2),
    "h265": Peer(Codec.H265),
    "rtsps": Peer(tls=True),
    "udp-only": Peer(udp=True, audio="pcmu"),
}


@dataclass(slots=True)
class Recorded:
    """What the recorder has of all of them."""

    segments: dict[str, list[OpenedSegment]] = field(default_factory=dict)
    figures: dict[str, CameraStatistics] = field(default_factory=dict)
    requests: dict[str, list[str]] = field(default_factory=dict)
    gaps: dict[str, list[str]] = field(default_factory=dict)

    def units(self, name: str) -> list[AccessUnitRecord]:
        return [unit for segment in self.segments[name] for unit in segment.units]


def _cameras(folder: Path, python: str, stack: ExitStack) -> dict[str, GStreamerCamera]:
    cameras = {}
    _, _, pem = make_certificate(folder, "camera")
    for name, peer in PEERS.items():
        stream = folder / peer.clip
        if not stream.exists():
            write_mp4(stream, peer.codec, peer.b_frames, FRAMES)
        tls = pem if peer.tls else None
        camera = GStreamerCamera(python, folder / name, stream, peer.codec, peer.audio, udp=peer.udp, tls=tls)
        stack.callback(camera.stop)
        cameras[name] = camera.start()
    return {name: camera.until_serving() for name, camera in cameras.items()}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """One recorder records all of them for a few seconds; everything is opened by its custodians."""
    python, folder = require_gstreamer_rtsp(), tmp_path_factory.mktemp("gstreamer")
    with ExitStack() as stack:
        cameras = _cameras(folder, python, stack)
        reached = [
            CameraAt(name, camera.url, "av" if PEERS[name].udp else "native") for name, camera in cameras.items()
        ]
        site = Installation(folder / "site", reached, "1 GiB").make()
        stack.callback(site.kill)
        site.start()
        found = Recorded()
        asyncio.run(_record(site, found))
        found.requests = {name: camera.requests for name, camera in cameras.items()}
        site.stop()
        yield found


async def _record(site: Installation, found: Recorded) -> None:
    await site.until_recording()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found.figures = {camera.name: camera for camera in (await site.recorder.statistics()).cameras}
        if min(camera.access_units for camera in found.figures.values()) > UNITS_LEAST + 30:
            break
        assert time.monotonic() < deadline, found.figures
        await asyncio.sleep(0.1)
    now = int(time.time() * 1000)
    for name in PEERS:
        found.segments[name] = await opened(site, name)
        spans = (await site.recorder.coverage(name, now - 120_000, now)).spans
        found.gaps[name] = [span.reason for span in spans if span.kind is SpanKind.GAP and span.reason is not None]


def _nals(units: Sequence[AccessUnitRecord]) -> Iterator[bytes]:
    for unit in units:
        at = 0
        while at < len(unit.payload):
            length = int.from_bytes(unit.payload[at : at + 4], "big")
            yield unit.payload[at + 4 : at + 4 + length]
            at += 4 + length


@pytest.mark.parametrize("name", PEERS)
def test_every_picture_is_there_as_it_was_sent(recorded: Recorded, name: str) -> None:
    """Byte for byte, in the order of the wire, from a key frame on, with not one missing."""
    peer, units = PEERS[name], recorded.units(name)
    assert len(units) >= UNITS_LEAST
    assert units[0].is_key
    assert not any(unit.is_damaged or unit.is_discontinuity for unit in units[1:])
    sent = [
        nal
        for unit in clip_units(peer.codec, peer.b_frames, frames=FRAMES)
        for nal in unit
        if is_picture(peer.codec, nal)
    ]
    kept = [nal for nal in _nals(units) if is_picture(peer.codec, nal)]
    first = sent.index(kept[0])
    assert kept == sent[first : first + len(kept)]


@pytest.mark.parametrize("name", PEERS)
def test_what_was_recorded_can_be_looked_at(recorded: Recorded, name: str) -> None:
    """A decoder makes a picture of each access unit; shown in the order of their times, they are evenly spaced."""
    peer, units = PEERS[name], recorded.units(name)[:UNITS_LEAST]
    decoder = av.CodecContext.create("h264" if peer.codec is Codec.H264 else "hevc", "r")
    pictures = []
    for unit in units:
        annexb = b"".join(b"\x00\x00\x00\x01" + nal for nal in _nals([unit]))
        pictures += decoder.decode(av.Packet(annexb))
    pictures += decoder.decode(None)
    assert len(pictures) == len(units)
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 180)}
    times = sorted(unit.rtp_time for unit in units[: -peer.b_frames or None])
    spacings = {later - earlier for earlier, later in itertools.pairwise(times)}
    assert spacings <= set(range(2990, 3011))
    if peer.b_frames:
        assert [unit.rtp_time for unit in units] != times


@pytest.mark.parametrize("name", PEERS)
def test_nothing_was_lost_and_no_stream_broke(recorded: Recorded, name: str) -> None:
    """No packet missing, no reconnect, one gap: before the start."""
    figures = recorded.figures[name]
    assert (figures.lost_packets, figures.reconnects_by_reason) == (0, ())
    assert recorded.gaps[name] == ["not_yet_started"]


@pytest.mark.parametrize("name", PEERS)
def test_sound_is_never_asked_for(recorded: Recorded, name: str) -> None:
    """R3 without a decision: one SETUP in the server's own log, and the offer stands in the segment's header."""
    setups = [line for line in recorded.requests[name] if line.startswith("SETUP")]
    assert len(setups) == 1
    assert setups[0].endswith("stream=0")
    offered = PEERS[name].audio != "none"
    states = {segment.header.audio for segment in recorded.segments[name]}
    assert states == {AudioState.OFFERED_NOT_SET_UP if offered else AudioState.NONE_OFFERED}
    assert recorded.figures[name].audio_setups == 0
    assert bool(recorded.figures[name].audio_offered) == offered


def test_the_clips_are_what_they_are_called() -> None:
    """The one with pictures out of order really has them."""
    shown = clip(Codec.H264, 2, frames=FRAMES).presentation
    assert list(shown) != sorted(shown)
