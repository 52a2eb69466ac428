"""R3 in the dialogue: sound is set up where the source was told of a written decision, and only AAC, and never else."""

import itertools

import pytest

from kuramori.capture.rtsp_session import Playing
from kuramori.capture.source import AudioDescription, EndReason
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.rtsp_server import Behaviour, Mount
from kuramori.simulator.stream import Stream
from tests.fakes.native_source import opened
from tests.fakes.rtsp_camera import fast_material, running_camera
from tests.fakes.sound import aac_media
from tests.nvr.capture.test_rtsp_session import SESSION, TCP, Conversation

VIDEO = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"
)
PCMU = "m=audio 0 RTP/AVP 0\r\na=control:trackID=9\r\n"
SOUND_TCP = ("Transport", "RTP/AVP/TCP;unicast;interleaved=2-3")


def until_video(sdp: str, *, take_audio: bool = True) -> Conversation:
    """The dialogue up to the answer to the video's SETUP."""
    talk = Conversation(take_audio=take_audio).answer(200).answer(200, body=sdp.encode())
    assert (talk.said.method, talk.said.url) == ("SETUP", "rtsp://cam/live/trackID=1")
    return talk.answer(200, TCP, SESSION)


def playing(talk: Conversation) -> Playing:
    """What is played once PLAY is answered."""
    assert talk.said.method == "PLAY"
    (command,) = talk.answer(200).commands
    assert isinstance(command, Playing)
    return command


def test_with_a_decision_exactly_two_setups() -> None:
    """The video first, then the first AAC, on the next channels and in the same session."""
    talk = until_video(VIDEO + PCMU + aac_media("trackID=2"))
    assert (talk.said.method, talk.said.url) == ("SETUP", "rtsp://cam/live/trackID=2")
    assert talk.said.header("transport") == "RTP/AVP/TCP;unicast;interleaved=2-3"
    assert talk.said.header("session") == "4711"
    told = playing(talk.answer(200, SOUND_TCP, SESSION))
    assert told.sound is not None
    assert told.sound.channels == (2, 3)
    assert told.description.audio == AudioDescription(16_000, 16_000, 1, b"\x14\x08")
    assert told.description.audio_refused == ""
    assert told.description.setups == ("rtsp://cam/live/trackID=1", "rtsp://cam/live/trackID=2")


def test_without_a_decision_there_is_no_second_one() -> None:
    """Whatever is offered."""
    told = playing(until_video(VIDEO + aac_media(), take_audio=False))
    assert (told.sound, told.description.audio, told.description.audio_refused) == (None, None, "")
    assert told.description.audio_offered == ("MPEG4-GENERIC",)
    assert len(told.description.setups) == 1


@pytest.mark.parametrize(
    ("sdp", "reason"),
    [
        (VIDEO, "the camera offers no sound"),
        (VIDEO + PCMU, "refused: PCMU"),
        (VIDEO + aac_media(control="*"), "no address of its own"),
        (VIDEO + aac_media(control="trackID=1"), "no address of its own"),
        (VIDEO + aac_media(control="http://elsewhere/"), "no address of its own"),
    ],
)
def test_other_sound_is_refused_and_the_video_played(sdp: str, reason: str) -> None:
    """One SETUP, PLAY, and the reason."""
    told = playing(until_video(sdp))
    assert told.sound is None
    assert reason in told.description.audio_refused
    assert len(told.description.setups) == 1


@pytest.mark.parametrize(
    ("status", "transport", "reason"),
    [
        (461, SOUND_TCP, "the camera answered 461"),
        (453, SOUND_TCP, "the camera answered 453"),
        (200, ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"), "on a channel of the video"),
        (200, ("Transport", "RTP/AVP/TCP;unicast;interleaved=1-2"), "on a channel of the video"),
        (200, ("Transport", "RTP/AVP/TCP;unicast;interleaved=5-5"), "on a channel of the video"),
        (200, ("Transport", "RTP/AVP/TCP;unicast;interleaved=255"), "on a channel of the video"),
        (200, ("Transport", "RTP/AVP;unicast"), "on which channel"),
        (200, ("Server", "x"), "on which channel"),
    ],
)
def test_a_camera_that_cannot_is_recorded_without_sound(status: int, transport: tuple[str, str], reason: str) -> None:
    """An answer to the second SETUP that is no use costs the sound, never the pictures."""
    told = playing(until_video(VIDEO + aac_media()).answer(status, transport))
    assert told.sound is None
    assert reason in told.description.audio_refused


def test_no_channel_is_left() -> None:
    """A camera that puts its video on the last channels keeps its sound."""
    talk = Conversation(take_audio=True).answer(200).answer(200, body=(VIDEO + aac_media()).encode())
    told = playing(talk.answer(200, ("Transport", "RTP/AVP/TCP;interleaved=254-255"), SESSION))
    assert "no channel" in told.description.audio_refused


async def test_frames_come_over_the_wire_beside_whole_pictures() -> None:
    """A camera with AAC: two SETUPs in its own log, frames 64 ms apart, and no packet rejected."""
    async with (
        running_camera(Mount("/cam", fast_material(), AudioKind.AAC)) as server,
        opened(server, "/cam", take_audio=True) as recording,
    ):
        await recording.until(lambda: len(recording.sink.sound) >= 8 and len(recording.sink.units) >= 8)
        statistics = recording.source.statistics
        set_up = [request.url for request in server.requests if request.method == "SETUP"]
    assert [url.rpartition("/")[2] for url in set_up] == ["track0", "track1"]
    times = [frame.rtp_time for frame in recording.sink.sound]
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {1024}
    assert statistics.setups == ["video", "audio"]
    assert statistics.rejected_packets == statistics.rejected_audio_packets == statistics.lost_audio_packets == 0
    assert not any(unit.damaged for unit in recording.sink.units)


async def test_g711_is_refused_and_the_pictures_come() -> None:
    """With the decision, but another codec: one SETUP, every picture, and the reason."""
    async with (
        running_camera(Mount("/cam", fast_material(), AudioKind.PCMU)) as server,
        opened(server, "/cam", take_audio=True) as recording,
    ):
        await recording.until_units(8)
        set_up = [request.url for request in server.requests if request.method == "SETUP"]
    assert [url.rpartition("/")[2] for url in set_up] == ["track0"]
    assert recording.description is not None
    assert recording.description.audio_refused == "refused: PCMU"
    assert recording.sink.sound == []


class OnlySound(Behaviour):
    """A camera whose pictures stop while its sound goes on."""

    def before_frame(self, stream: Stream) -> bool:
        return False


async def test_sound_alone_is_a_stall() -> None:
    """Without pictures the stream is over, however much is heard."""
    async with (
        running_camera(Mount("/cam", fast_material(), AudioKind.AAC), behaviour=OnlySound()) as server,
        opened(server, "/cam", take_audio=True) as recording,
    ):
        await recording.until(lambda: len(recording.sink.sound) >= 3)
        recording.clock.pass_seconds(11)
        ended = await recording.until_over()
    assert ended.reason is EndReason.STALLED
    assert recording.sink.units == []
