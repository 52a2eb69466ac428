"""The native source against a camera on loopback: real sockets, real time where time is not the question."""

import asyncio
from dataclasses import replace

import pytest

from kuramori.capture.rtsp_connection import ReceiveBuffer
from kuramori.capture.rtsp_source import (
    MAX_BYTES_PER_TICK,
    MAX_MESSAGES_PER_TICK,
    SETTLING_NS,
    RtspOptions,
    RtspSource,
    describe,
)
from kuramori.capture.rtsp_url import Credentials, parse_stream_url
from kuramori.capture.source import Codec, EndReason, SourceEnded
from kuramori.simulator.challenge import Scheme
from kuramori.simulator.material import Packetising, synthetic_material
from kuramori.simulator.rtsp_dialogue import Answer
from kuramori.simulator.rtsp_server import Behaviour
from tests.fakes.clips import clip, clip_units
from tests.fakes.native_source import (
    PATIENCE_SECONDS,
    BootClock,
    Recording,
    a_source,
    opened,
    refused,
)
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.rtsp_camera import (
    ACCOUNT,
    Answers,
    AudioKind,
    FallsSilent,
    HangsUp,
    Mount,
    NeverAnswers,
    ServerSettings,
    SpeaksGarbage,
    clip_material,
    fast_material,
    running_camera,
)


@pytest.mark.parametrize(
    ("codec", "b_frames"), [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 0)], ids=["h264", "b-frames", "h265"]
)
async def test_every_nal_unit_arrives_as_it_was_sent(codec: Codec, b_frames: int) -> None:
    """Real pictures with a password and an audio track on offer: the video byte for byte, in decode order."""
    units, shown = clip_units(codec, b_frames), clip(codec, b_frames).presentation
    mount = Mount("/cam", clip_material(codec, b_frames), AudioKind.AAC, ACCOUNT, phase=0.0)
    mount.first_sequence, mount.first_timestamp = 65_530, 2**32 - 20_000
    mount.video = replace(mount.video, frames_per_second=120)
    async with running_camera(mount) as server, opened(server, "/cam") as recording:
        await recording.until_units(len(units) + 10)
        assert recording.description is not None
        assert recording.description.codec is codec
        assert recording.description.audio_offered == ("MPEG4-GENERIC",)
        assert recording.description.parameter_sets == mount.video.parameter_sets
        taken = recording.sink.units
        assert [unit.nals for unit in taken] == [units[index % len(units)] for index in range(len(taken))]
        assert [unit.is_key for unit in taken[:60]] == [index % 30 == 0 for index in range(60)]
        first = taken[0].rtp_time
        assert [unit.rtp_time - first for unit in taken[:60]] == [750 * index for index in shown]
        assert recording.source.statistics.lost_packets == 0
        assert recording.sink.parameter_sets == []
        assert recording.sink.reports


async def test_audio_is_never_set_up() -> None:
    """The camera's own log: one SETUP, of the video, whatever was offered (R3)."""
    mounts = [Mount(f"/{kind}", fast_material(), kind, ACCOUNT) for kind in AudioKind]
    async with running_camera(*mounts) as server:
        for kind in AudioKind:
            async with opened(server, f"/{kind}") as recording:
                await recording.until_units(20)
                assert recording.source.statistics.setups == ["video"]
                assert recording.description is not None
                assert recording.description.setups == (server.url(f"/{kind}/track0"),)
        setups = [request.url for request in server.requests if request.method == "SETUP"]
        assert setups == [server.url(f"/{kind}/track0") for kind in AudioKind]
        assert (server.statistics.audio_setups, server.statistics.audio_packets_sent) == (0, 0)


@pytest.mark.parametrize("scheme", list(Scheme))
async def test_every_way_of_signing_in_works(scheme: Scheme) -> None:
    """From the first request to the last."""
    settings = ServerSettings(schemes=[scheme], qop="auth,auth-int")
    async with running_camera(Mount("/cam", fast_material(), account=ACCOUNT), settings=settings) as server:
        async with opened(server, "/cam") as recording:
            await recording.until_units(5)
        assert [r.method for r in server.requests if r.status == 401] == ["DESCRIBE"]
        assert server.requests[-1].method == "TEARDOWN"


async def test_nothing_is_delivered_before_the_first_drain() -> None:
    """Whoever opened the source has seen the description before the first unit."""
    async with (
        running_camera(Mount("/cam", fast_material(), account=ACCOUNT)) as server,
        opened(server, "/cam") as recording,
    ):
        while server.statistics.frames_sent < 30:
            await asyncio.sleep(0.01)
        assert recording.sink.units == []
        await recording.until_units(30)
        assert recording.sink.units[0].lost_packets == 0


async def test_readiness_alone_delivers_a_fast_stream() -> None:
    """Above the low-water mark no drain is needed; below it, drain brings the rest."""
    async with (
        running_camera(Mount("/cam", fast_material(), account=ACCOUNT)) as server,
        opened(server, "/cam") as recording,
    ):
        recording.source.drain()
        recording.clock.now_ns += SETTLING_NS
        recording.source.drain()
        statistics = recording.source.statistics
        bytes_before, wake_ups_before = statistics.received_bytes, statistics.wake_ups
        await arrived(recording, len(recording.sink.units) + 300)
        assert (statistics.received_bytes - bytes_before) / (statistics.wake_ups - wake_ups_before) > 100_000


async def test_the_first_pictures_are_taken_as_they_come() -> None:
    """Without waiting for a drain: their arrival is what dates all that follow. Then readiness is rare."""
    material = synthetic_material(Codec.H264, bits_per_second=100_000, frames_per_second=20, gop_frames=5, gops=2)
    async with (
        running_camera(Mount("/cam", material, account=ACCOUNT)) as server,
        opened(server, "/cam") as recording,
    ):
        recording.source.drain()
        await arrived(recording, 6)
        recording.clock.now_ns += SETTLING_NS
        recording.source.drain()
        before, sent = len(recording.sink.units), server.statistics.frames_sent
        while server.statistics.frames_sent < sent + 6:
            await asyncio.sleep(0.01)
        assert len(recording.sink.units) <= before + 1


async def arrived(recording: Recording, count: int) -> None:
    """Wait for so many units without draining."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(recording.sink.units) < count:
            await asyncio.sleep(0.01)


async def test_cameras_share_one_receive_buffer() -> None:
    """Interleaved reads of several cameras mix nothing up."""
    materials = {f"/cam{index}": fast_material() for index in range(6)}
    buffer = ReceiveBuffer()
    async with running_camera(*(Mount(path, its, phase=0.0) for path, its in materials.items())) as server:
        recordings = []
        for path in materials:
            url, _ = parse_stream_url(server.url(path))
            sink, clock = RecordingSink(), BootClock()
            source = RtspSource(RtspOptions(url), sink, boot_ns=clock.boot_ns, receive_buffer=buffer)
            recordings.append(Recording(source, sink, clock))
        await asyncio.gather(*(recording.source.open() for recording in recordings))
        while any(len(recording.sink.units) < 90 for recording in recordings):
            for recording in recordings:
                recording.source.drain()
            await asyncio.sleep(0.003)
        taken = [[unit.nals for unit in recording.sink.units[:90]] for recording in recordings]
        assert all(nals == taken[0] for nals in taken)
        assert all(recording.source.statistics.lost_packets == 0 for recording in recordings)
        await asyncio.gather(*(recording.source.close() for recording in recordings))


async def test_loss_is_the_cameras_own_figure() -> None:
    """Packets that the camera numbered and never sent, between the first and the last that came."""
    mount = Mount("/cam", fast_material(), loss=0.05, first_sequence=65_000, phase=0.0)
    async with (
        running_camera(mount, settings=ServerSettings(seed=7)) as server,
        opened(server, "/cam") as recording,
    ):
        await recording.until_units(300)
        mount_stream = next(iter(server.connections)).stream
        assert mount_stream is not None
        mount_stream.loss = 0.0
        withheld = server.statistics.packets_withheld
        await recording.until_units(len(recording.sink.units) + 30)
        assert withheld > 20
        assert recording.source.statistics.lost_packets == withheld
        assert sum(unit.lost_packets for unit in recording.sink.units) == withheld


async def test_parameter_sets_that_change_in_mid_stream_are_told() -> None:
    """The camera was set to another resolution without dropping the session."""
    small, large = clip_material(Codec.H264), clip_material(Codec.H264, width=480)
    both = replace(small, frames=(*small.frames[:30], *large.frames[:30]), frames_per_second=300)
    async with running_camera(Mount("/cam", both, phase=0.0)) as server:
        async with opened(server, "/cam") as recording:
            await recording.until_units(65)
        assert recording.sink.parameter_sets[:2] == [(30, large.parameter_sets), (60, small.parameter_sets)]


async def test_parameter_sets_may_stand_in_the_description_only() -> None:
    """Then no unit holds them, and the description does; or the other way round."""
    for in_band in (True, False):
        how = Packetising(in_band_parameter_sets=in_band, sdp_parameter_sets=not in_band)
        material = clip_material(Codec.H265, packetising=how)
        async with (
            running_camera(Mount("/cam", replace(material, frames_per_second=300), phase=0.0)) as server,
            opened(server, "/cam") as recording,
        ):
            await recording.until_units(40)
            assert recording.description is not None
            in_sdp = recording.description.parameter_sets
            assert in_sdp == (() if in_band else material.parameter_sets)
            told = [(0, material.parameter_sets)] if in_band else []
            assert recording.sink.parameter_sets == told


# How it ends


async def test_a_camera_that_hangs_up_vanishes() -> None:
    """Everything before is delivered."""
    async with (
        running_camera(Mount("/cam", fast_material()), behaviour=HangsUp(50)) as server,
        opened(server, "/cam") as recording,
    ):
        ended = await recording.until_over()
        assert ended.reason is EndReason.VANISHED
        assert len(recording.sink.units) > 0


async def test_a_camera_that_falls_silent_is_stalled_after_the_configured_time() -> None:
    """Time is the recorder's boot time; one packet puts the stall off."""
    async with (
        running_camera(Mount("/cam", fast_material()), behaviour=FallsSilent(30)) as server,
        opened(server, "/cam", stall_seconds=10.0) as recording,
    ):
        await recording.until_units(29)
        recording.clock.pass_seconds(9.9)
        recording.source.drain()
        assert not recording.source._over.done()  # type: ignore[union-attr]
        recording.clock.pass_seconds(0.2)
        assert (await recording.until_over()).reason is EndReason.STALLED


async def test_rubbish_in_the_stream_ends_it() -> None:
    """What was whole before it is delivered."""
    async with (
        running_camera(Mount("/cam", fast_material()), behaviour=SpeaksGarbage(20)) as server,
        opened(server, "/cam") as recording,
    ):
        assert (await recording.until_over()).reason is EndReason.GARBAGE
        assert len(recording.sink.units) == 20


@pytest.mark.parametrize(
    ("behaviour", "reason", "words"),
    [
        (Answers(["DESCRIBE"], Answer(404)), EndReason.REFUSED, "no such stream"),
        (Answers(["DESCRIBE"], Answer(302, (("Location", "rtsp://evil/"),))), EndReason.UNSUITABLE, "redirect"),
        (Answers(["SETUP"], Answer(461)), EndReason.UNSUITABLE, "TCP"),
        (Answers(["PLAY"], Answer(454)), EndReason.REFUSED, "454"),
        (Answers(["OPTIONS"], b"HTTP/1.1 200 OK\r\n\r\n<html>"), EndReason.GARBAGE, "not RTSP"),
        (Answers(["DESCRIBE"], b"\x16\x03\x01"), EndReason.GARBAGE, "not RTSP"),
        (Answers(["DESCRIBE"], b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 20_000), EndReason.GARBAGE, "header"),
    ],
)
async def test_a_camera_that_does_not_open(behaviour: Behaviour, reason: EndReason, words: str) -> None:
    """Each way to fail is named, and the source has said so to both who opened and who waits."""
    async with running_camera(Mount("/cam", fast_material()), behaviour=behaviour) as server:
        ended = await refused(a_source(server, "/cam"))
        assert ended.reason is reason
        assert words in ended.detail


async def test_a_wrong_password_is_tried_once_and_never_shown() -> None:
    """One signed request per connection."""
    async with running_camera(Mount("/cam", fast_material(), account=ACCOUNT)) as server:
        ended = await refused(a_source(server, "/cam", credentials=Credentials("viewer", "hunter2")))
        assert (ended.reason, ended.wrong_credentials) == (EndReason.REFUSED, True)
        assert "hunter2" not in str(ended)
        assert [r.authorization_scheme for r in server.requests if r.status == 401] == ["", "Digest"]


async def test_a_camera_that_never_answers_is_stalled() -> None:
    """Connecting worked, so it is not unreachable."""
    async with running_camera(Mount("/cam", fast_material()), behaviour=NeverAnswers(["DESCRIBE"])) as server:
        ended = await refused(a_source(server, "/cam", open_seconds=0.2))
        assert ended.reason is EndReason.STALLED


async def test_nobody_at_the_address() -> None:
    """A refused connection, and a name that does not exist."""
    async with running_camera(Mount("/cam", fast_material())) as server:
        recording = a_source(server, "/cam")
    assert (await refused(recording)).reason is EndReason.UNREACHABLE
    url, _ = parse_stream_url("rtsp://no-such-host.invalid/cam")
    source = RtspSource(RtspOptions(url), RecordingSink(), boot_ns=BootClock().boot_ns)
    with pytest.raises(SourceEnded) as caught:
        await source.open()
    assert caught.value.reason is EndReason.UNREACHABLE


async def test_opening_can_be_cancelled() -> None:
    """The connection is gone afterwards, and so is the wait."""
    async with running_camera(Mount("/cam", fast_material()), behaviour=NeverAnswers(["DESCRIBE"])) as server:
        recording = a_source(server, "/cam")
        task = asyncio.create_task(recording.source.open())
        while not server.requests:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await recording.source.ended()).reason is EndReason.STOPPED
        while server.connections:
            await asyncio.sleep(0.005)


async def test_closing_says_goodbye_once() -> None:
    """TEARDOWN is sent and answered; closing again, draining or closing unopened does nothing."""
    async with running_camera(Mount("/cam", fast_material(), account=ACCOUNT)) as server:
        async with opened(server, "/cam") as recording:
            await recording.until_units(5)
            await recording.source.close()
            taken = len(recording.sink.units)
            assert (await recording.source.ended()).reason is EndReason.STOPPED
            recording.source.drain()
            await recording.source.close()
            assert len(recording.sink.units) == taken
        assert [request.method for request in server.requests][-1] == "TEARDOWN"
        assert (server.requests[-1].status, server.statistics.playing) == (200, 0)
        unopened = a_source(server, "/cam")
        unopened.source.drain()
        await unopened.source.close()
        assert (await unopened.source.ended()).reason is EndReason.STOPPED


async def test_closing_does_not_wait_for_a_camera_that_does_not_listen() -> None:
    """A moment, not more."""
    async with running_camera(Mount("/cam", fast_material()), behaviour=NeverAnswers(["TEARDOWN"])) as server:
        recording = a_source(server, "/cam")
        await recording.source.open()
        async with asyncio.timeout(2):
            await recording.source.close()


async def test_signs_of_life_and_receiver_reports_are_sent_while_recording() -> None:
    """Half the session's time-out apart; a report once the camera told its clock."""
    settings = ServerSettings(session_timeout_seconds=20)
    async with (
        running_camera(Mount("/cam", fast_material(), account=ACCOUNT), settings=settings) as server,
        opened(server, "/cam") as recording,
    ):
        await recording.until(lambda: bool(recording.sink.reports))
        for _ in range(3):
            recording.clock.pass_seconds(9)
            await recording.until_units(len(recording.sink.units) + 20)
        signs = [r for r in server.requests if r.method == "GET_PARAMETER"]
        assert [sign.status for sign in signs] in ([200], [200, 200])
        assert server.statistics.client_frames >= 1


async def test_only_a_description_is_asked_for() -> None:
    """Nothing is set up."""
    async with running_camera(Mount("/cam", fast_material(), AudioKind.PCMU, ACCOUNT)) as server:
        url, _ = parse_stream_url(server.url("/cam"))
        options = RtspOptions(url, Credentials(ACCOUNT.user, ACCOUNT.password))
        description, control_url = await describe(options, boot_ns=BootClock().boot_ns)
        assert (description.audio_offered, description.setups) == (("PCMU",), ())
        assert control_url == server.url("/cam/track0")
        assert {request.method for request in server.requests} == {"OPTIONS", "DESCRIBE"}


async def test_a_camera_that_floods_is_read_in_measure() -> None:
    """Beyond what any camera needs, bytes wait in the network until the next drain; nothing is lost by it."""
    material = synthetic_material(Codec.H264, bits_per_second=800_000_000, frames_per_second=500, gop_frames=50)
    async with running_camera(Mount("/cam", material)) as server, opened(server, "/cam") as recording:
        recording.source.drain()
        while not recording.source.statistics.throttled_ticks:
            await asyncio.sleep(0.01)
        before = recording.source.statistics.received_bytes
        assert before < 2 * MAX_BYTES_PER_TICK
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert recording.source.statistics.received_bytes == before
        await recording.until(lambda: recording.source.statistics.received_bytes > before)


@pytest.mark.parametrize("rubbish", [b"RTSP/1.0 200 OK\r\n\r\n", b"OPTIONS * RTSP/1.0\r\n\r\n"])
async def test_a_camera_that_talks_without_end_is_ended(rubbish: bytes) -> None:
    """Messages are dear to read: thousands in a second are no conversation."""
    flood = SpeaksGarbage(20, rubbish * 2 * MAX_MESSAGES_PER_TICK)
    async with running_camera(Mount("/cam", fast_material()), behaviour=flood) as server:
        async with opened(server, "/cam") as recording:
            ended = await recording.until_over()
        assert (ended.reason, ended.detail) == (EndReason.GARBAGE, "the camera talks without end")
