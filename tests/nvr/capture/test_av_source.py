"""The compatibility source: UDP through a child process, with the camera on loopback."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kuramori.capture.av_process import AvOptions, AvSource
from kuramori.capture.rtsp_source import RtspOptions
from kuramori.capture.rtsp_url import Credentials, parse_stream_url
from kuramori.capture.source import Codec, EndReason, SourceEnded, StreamDescription
from kuramori.simulator.nal_units import is_picture
from kuramori.simulator.rtsp_server import RtspServer
from kuramori.timebase import SystemClock
from tests.fakes.clips import clip_units
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.rtsp_camera import (
    ACCOUNT,
    AudioKind,
    FallsSilent,
    HangsUp,
    Mount,
    NeverAnswers,
    ServerSettings,
    clip_material,
    running_camera,
)

STOP_SECONDS = 0.5
PATIENCE = 3000  # times ten milliseconds: starting a process takes long on a busy machine


def a_mount(codec: Codec = Codec.H264) -> Mount:
    return Mount("/cam", clip_material(codec), AudioKind.AAC, ACCOUNT, phase=0.0)


def a_source(server: RtspServer, sink: RecordingSink, **changes: object) -> AvSource:
    url, _ = parse_stream_url(server.url("/cam"))
    stream = RtspOptions(url, Credentials(ACCOUNT.user, ACCOUNT.password))
    options = AvOptions(replace(stream, **changes))  # type: ignore[arg-type]
    return AvSource(options, sink, boot_ns=SystemClock().boot_ns)


@asynccontextmanager
async def opened(
    server: RtspServer, sink: RecordingSink, **changes: object
) -> AsyncIterator[tuple[AvSource, StreamDescription]]:
    source = a_source(server, sink, **changes)
    description = await source.open()
    try:
        yield source, description
    finally:
        await source.close()


async def until_units(source: AvSource, sink: RecordingSink, count: int) -> None:
    for _ in range(PATIENCE):
        source.drain()
        if len(sink.units) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"only {len(sink.units)} units")


@pytest.mark.parametrize("codec", list(Codec))
async def test_udp_video_arrives_and_audio_is_never_set_up(codec: Codec) -> None:
    """Every slice as it was sent; one SETUP, over UDP; offered audio is reported; the session is torn down."""
    sink = RecordingSink()
    async with running_camera(a_mount(codec)) as server:
        async with opened(server, sink) as (source, description):
            assert description.codec is codec
            assert description.audio_offered == ("MPEG4-GENERIC",)
            assert description.setups == (server.url("/cam/track0"),)
            await until_units(source, sink, 40)
            assert source.statistics.setups == ["video"]
        setups = [request for request in server.requests if request.method == "SETUP"]
        assert [setup.url for setup in setups] == [server.url("/cam/track0")]
        assert "client_port=" in setups[0].transport
        assert server.statistics.audio_setups == 0
        for _ in range(PATIENCE):
            if server.requests[-1].method == "TEARDOWN":
                break
            await asyncio.sleep(0.01)
        assert server.requests[-1].method == "TEARDOWN"
    sent = [nal for unit in clip_units(codec) for nal in unit if is_picture(codec, nal)]
    taken = [nal for nal in sink.nals if is_picture(codec, nal)]
    first = sent.index(taken[0])
    assert taken == [sent[(first + index) % len(sent)] for index in range(len(taken))]
    assert sink.units[0].is_key
    times = [unit.rtp_time for unit in sink.units]
    assert {after - before for before, after in itertools.pairwise(times)} == {3000}


async def test_decided_sound_is_refused_with_its_reason() -> None:
    """The child takes pictures only, whatever was decided: one SETUP, and why there is no sound (R3)."""
    sink = RecordingSink()
    async with running_camera(a_mount()) as server:
        async with opened(server, sink, take_audio=True) as (source, description):
            await until_units(source, sink, 2)
        setups = [request.url for request in server.requests if request.method == "SETUP"]
    assert setups == [server.url("/cam/track0")]
    assert description.audio is None
    assert "transport av" in description.audio_refused
    assert sink.sound == []


async def test_nothing_of_the_camera_stands_in_arguments_or_environment() -> None:
    """Both can be read by any process of the machine."""
    sink = RecordingSink()
    async with running_camera(a_mount()) as server, opened(server, sink) as (source, _):
        process = Path(f"/proc/{source.child_pid}")
        shown = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
        assert b"av_child" in shown
        for secret in (ACCOUNT.user, ACCOUNT.password, ACCOUNT.password.replace(" ", "%20"), "rtsp://"):
            assert secret.encode() not in shown


async def test_loss_is_reported_and_marked() -> None:
    """What the library says is missing stands with the next unit."""
    mount = a_mount()
    mount.loss = 0.05
    sink = RecordingSink()
    async with running_camera(mount) as server, opened(server, sink) as (source, _):
        for _ in range(PATIENCE):
            source.drain()
            if source.statistics.lost_packets:
                break
            await asyncio.sleep(0.01)
        assert source.statistics.lost_packets > 0
        assert any(unit.damaged and unit.lost_packets for unit in sink.units)


async def test_a_killed_child_is_an_end_like_any_other() -> None:
    """The recorder lives; the source says that it vanished."""
    sink = RecordingSink()
    async with running_camera(a_mount()) as server, opened(server, sink) as (source, _):
        await until_units(source, sink, 5)
        assert source.child_pid is not None
        os.kill(source.child_pid, signal.SIGKILL)
        ended = await source.ended()
        assert ended.reason is EndReason.VANISHED


async def test_a_stopped_child_is_killed_at_once() -> None:
    """One that hangs while it plays is given a moment, then killed: half a second in all."""
    sink = RecordingSink()
    async with running_camera(a_mount()) as server:
        source = a_source(server, sink)
        await source.open()
        assert source.child_pid is not None
        os.kill(source.child_pid, signal.SIGSTOP)
        async with asyncio.timeout(STOP_SECONDS):
            await source.close()
        assert (await source.ended()).reason is EndReason.STOPPED
        assert not Path(f"/proc/{source.child_pid}").exists()
        await source.close()


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_child_that_hangs_while_it_connects_is_killed_at_once(cancelled: bool) -> None:
    """The camera takes its SETUP in and says nothing: the library blocks, the recorder does not."""
    async with running_camera(a_mount(), behaviour=NeverAnswers(("SETUP",))) as server:
        source = a_source(server, RecordingSink(), open_seconds=60.0)
        opening = asyncio.create_task(source.open())
        while "SETUP" not in {request.method for request in server.requests}:
            await asyncio.sleep(0.01)
        async with asyncio.timeout(STOP_SECONDS):
            if cancelled:
                opening.cancel()
            await source.close()
            with pytest.raises((asyncio.CancelledError, SourceEnded)):
                await opening
        assert not Path(f"/proc/{source.child_pid}").exists()
        assert (await source.ended()).reason is EndReason.STOPPED


async def test_a_camera_that_sends_no_udp_is_told_from_a_dead_one() -> None:
    """It is not read over TCP behind the operator's back: the sentence says what to set."""
    async with running_camera(a_mount(), settings=ServerSettings(offer_udp=False)) as server:
        source = a_source(server, RecordingSink())
        with pytest.raises(SourceEnded, match="transport = native") as caught:
            await source.open()
        assert caught.value.reason is EndReason.UNSUITABLE
        assert not Path(f"/proc/{source.child_pid}").exists()


async def test_a_camera_cannot_make_the_child_grow_without_bound() -> None:
    """The kernel ends it, and only it, long before the machine has no memory left."""
    sink = RecordingSink()
    async with running_camera(a_mount()) as server, opened(server, sink) as (source, _):
        limits = Path(f"/proc/{source.child_pid}/limits").read_text()
        (line,) = (line for line in limits.splitlines() if line.startswith("Max address space"))
        assert int(line.split()[3]) <= 1 << 30


async def test_a_silent_camera_is_stalled() -> None:
    """UDP has no end of connection: only silence tells."""
    sink = RecordingSink()
    async with (
        running_camera(a_mount(), behaviour=FallsSilent(60)) as server,
        opened(server, sink, stall_seconds=1.5) as (source, _),
    ):
        await until_units(source, sink, 10)
        for _ in range(PATIENCE):
            source.drain()
            if source._over is not None and source._over.done():
                break
            await asyncio.sleep(0.01)
        assert (await source.ended()).reason is EndReason.STALLED


async def test_a_camera_that_hangs_up_before_the_first_picture() -> None:
    """Opening fails, or the stream ends; nothing hangs and no process stays."""
    sink = RecordingSink()
    async with running_camera(a_mount(), behaviour=HangsUp(0)) as server:
        source = a_source(server, sink, open_seconds=8.0, stall_seconds=2.0)
        try:
            await source.open()
            source.drain()
            await asyncio.wait_for(source.ended(), 20)
        except SourceEnded:
            pass
        await source.close()
        assert source.child_pid is None or not Path(f"/proc/{source.child_pid}").exists()


async def test_refusals_are_told_in_the_same_words_as_elsewhere() -> None:
    """A wrong password; RTSPS, which this source does not speak."""
    async with running_camera(a_mount()) as server:
        wrong = a_source(server, RecordingSink(), credentials=Credentials("viewer", "hunter2"))
        with pytest.raises(SourceEnded) as caught:
            await wrong.open()
        assert (caught.value.reason, caught.value.wrong_credentials) == (EndReason.REFUSED, True)
        assert wrong.child_pid is None
        url, _ = parse_stream_url("rtsps://127.0.0.1/cam")
        with pytest.raises(SourceEnded) as caught:
            await a_source(server, RecordingSink(), url=url).open()
        assert caught.value.reason is EndReason.UNSUITABLE


async def test_a_child_that_talks_nonsense_is_ended(tmp_path: Path) -> None:
    """Taken over by a camera's bytes, it can only be ended."""
    impostor = tmp_path / "impostor"
    impostor.write_text("#!/bin/sh\nread order\nprintf '\\377\\377\\377\\377rubbish'\nexec sleep 60\n")
    impostor.chmod(0o700)
    async with running_camera(a_mount()) as server:
        source = a_source(server, RecordingSink())
        source._options = replace(source._options, interpreter=str(impostor))
        with pytest.raises(SourceEnded) as caught:
            await source.open()
        assert caught.value.reason is EndReason.GARBAGE
        assert not Path(f"/proc/{source.child_pid}").exists()


async def test_opening_can_be_cancelled(tmp_path: Path) -> None:
    """The child is gone afterwards."""
    impostor = tmp_path / "impostor"
    impostor.write_text("#!/bin/sh\nexec sleep 60\n")
    impostor.chmod(0o700)
    async with running_camera(a_mount()) as server:
        source = a_source(server, RecordingSink())
        source._options = replace(source._options, interpreter=str(impostor))
        opening = asyncio.create_task(source.open())
        while source.child_pid is None:
            await asyncio.sleep(0.01)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await source.close()
        assert not Path(f"/proc/{source.child_pid}").exists()
