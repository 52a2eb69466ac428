"""Recording from GStreamer's RTSP server: interoperability with a stack that nobody here wrote."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from kuramori.capture.rtsp_source import RtspOptions, RtspSource
from kuramori.capture.rtsp_url import Credentials, parse_stream_url
from kuramori.capture.source import Codec, EndReason, SourceEnded
from kuramori.simulator.nal_units import is_picture
from kuramori.timebase import SystemClock
from tests.fakes.clips import clip_units, write_mp4
from tests.fakes.gstreamer_peer import GStreamerCamera
from tests.fakes.recording_sink import RecordingSink
from tests.peers import require_gstreamer_rtsp

SERVER = Path(__file__).parents[2] / "fakes" / "gst_rtsp_server.py"
PASSWORD = "grandmother's clock"


@asynccontextmanager
async def gstreamer(
    python: str, stream: Path, codec: Codec, audio: str, password: str = ""
) -> AsyncIterator[tuple[int, list[str]]]:
    """The server's port and its log of requests, which grows while it runs."""
    process = await asyncio.create_subprocess_exec(
        python,
        str(SERVER),
        str(stream),
        codec.value,
        audio,
        password,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    log: list[str] = []

    async def follow(lines: asyncio.StreamReader) -> None:
        while line := await lines.readline():
            log.append(line.decode().strip())

    try:
        port = int(await process.stdout.readline())
        following = asyncio.create_task(follow(process.stdout))
        yield port, log
    finally:
        process.kill()
        await process.wait()
    with suppress(asyncio.CancelledError):
        await following


@pytest.mark.parametrize(
    ("codec", "audio", "password"),
    [(Codec.H264, "pcmu", PASSWORD), (Codec.H264, "aac", ""), (Codec.H265, "none", "")],
)
async def test_its_video_is_recorded_and_its_audio_is_not_asked_for(
    tmp_path: Path, codec: Codec, audio: str, password: str
) -> None:
    """One SETUP in the server's own log, every slice of the clip byte for byte, the session torn down."""
    python = require_gstreamer_rtsp()
    stream = tmp_path / "clip.mp4"
    write_mp4(stream, codec)
    async with gstreamer(python, stream, codec, audio, password) as (port, log):
        url, _ = parse_stream_url(f"rtsp://127.0.0.1:{port}/cam")
        credentials = Credentials("viewer", password) if password else None
        sink = RecordingSink()
        source = RtspSource(RtspOptions(url, credentials), sink, boot_ns=SystemClock().boot_ns)
        description = await source.open()
        for _ in range(2000):
            source.drain()
            if len(sink.units) >= 45:
                break
            await asyncio.sleep(0.01)
        await source.close()
        for _ in range(500):
            if log and log[-1].startswith("TEARDOWN"):
                break
            await asyncio.sleep(0.01)

    assert description.codec is codec
    assert len(description.audio_offered) == (audio != "none")
    assert description.parameter_sets
    assert [line.split()[0] for line in log] == ["SETUP", "TEARDOWN"]
    assert log[0].endswith("stream=0")
    assert description.setups == (log[0].split()[1],)
    assert source.statistics.lost_packets == source.statistics.rejected_packets == 0
    assert not any(unit.damaged for unit in sink.units)
    assert sum(unit.is_key for unit in sink.units) >= 1
    sent = [nal for unit in clip_units(codec) for nal in unit if is_picture(codec, nal)]
    taken = [nal for nal in sink.nals if is_picture(codec, nal)]
    first = sent.index(taken[0])
    assert taken == [sent[(first + index) % len(sent)] for index in range(len(taken))]
    spacings = {b.rtp_time - a.rtp_time for a, b in zip(sink.units, sink.units[1:], strict=False)}
    assert spacings <= set(range(2990, 3011))


async def test_its_refusal_is_understood(tmp_path: Path) -> None:
    """A wrong password, and a stream that does not exist."""
    python = require_gstreamer_rtsp()
    stream = tmp_path / "clip.mp4"
    write_mp4(stream, Codec.H264)
    async with gstreamer(python, stream, Codec.H264, "none", PASSWORD) as (port, _):
        for path, password, wrong in (("/cam", "wrong", True), ("/other", PASSWORD, False)):
            url, _ = parse_stream_url(f"rtsp://127.0.0.1:{port}{path}")
            options = RtspOptions(url, Credentials("viewer", password))
            with pytest.raises(SourceEnded) as caught:
                await RtspSource(options, RecordingSink(), boot_ns=SystemClock().boot_ns).open()
            assert (caught.value.reason, caught.value.wrong_credentials) == (EndReason.REFUSED, wrong)


async def test_a_server_with_udp_only_is_understood(tmp_path: Path) -> None:
    """The native source says which transport to set; that one records it (`test_gstreamer_recordings`)."""
    camera = GStreamerCamera(require_gstreamer_rtsp(), tmp_path / "udp", "live", udp=True)
    try:
        url, _ = parse_stream_url((await asyncio.to_thread(camera.start().until_serving)).url)
        with pytest.raises(SourceEnded, match="transport = av") as caught:
            await RtspSource(RtspOptions(url, None), RecordingSink(), boot_ns=SystemClock().boot_ns).open()
        assert caught.value.reason is EndReason.UNSUITABLE
    finally:
        camera.stop()
