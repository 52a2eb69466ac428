"""Conversations: the camera says this, we must answer that. No sockets, no clocks."""

from dataclasses import dataclass, field

import pytest

from kuramori.capture.rtsp_message import RtspRequest, RtspResponse, parse_message
from kuramori.capture.rtsp_session import Command, Described, Finished, Playing, RtspSession, Send
from kuramori.capture.rtsp_url import Credentials, parse_stream_url
from kuramori.capture.source import Codec, EndReason

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\na=control:*\r\n"
    b"m=audio 0 RTP/AVP 0\r\na=control:trackID=2\r\n"
    b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"
)
DIGEST = ("WWW-Authenticate", 'Digest realm="cam", nonce="n1"')
TCP = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
SESSION = ("Session", "4711;timeout=20")


@dataclass
class Conversation:
    """A session and what it said last."""

    url: str = "rtsp://cam/live"
    credentials: Credentials | None = None
    describe_only: bool = False
    take_audio: bool = False
    now_seconds: float = 0.0
    commands: list[Command] = field(default_factory=list)

    def __post_init__(self) -> None:
        url, _ = parse_stream_url(self.url)
        self.session = RtspSession(
            url, self.credentials, lambda: "c0ffee", describe_only=self.describe_only, take_audio=self.take_audio
        )
        self.commands = self.session.begin()

    @property
    def said(self) -> RtspRequest:
        """The one request that was just sent."""
        (command,) = self.commands
        assert isinstance(command, Send)
        parsed = parse_message(command.data, 0, len(command.data))
        assert parsed is not None
        assert isinstance(parsed[0], RtspRequest)
        return parsed[0]

    @property
    def finished(self) -> Finished:
        """The end that was just declared."""
        (command,) = self.commands
        assert isinstance(command, Finished)
        return command

    def answer(self, status: int, *headers: tuple[str, str], body: bytes = b"") -> "Conversation":
        """The camera answers the last request."""
        sequence = self.said.header("cseq") or ""
        response = RtspResponse(status, "x", (("CSeq", sequence), *headers), body)
        self.commands = self.session.receive(response, self.now_seconds)
        return self

    def hear(self, message: RtspRequest | RtspResponse) -> "Conversation":
        """The camera says something unasked."""
        self.commands = self.session.receive(message, self.now_seconds)
        return self

    def at(self, now_seconds: float) -> "Conversation":
        """Time passes."""
        self.now_seconds = now_seconds
        self.commands = self.session.on_time(now_seconds)
        return self

    def until_playing(self, public: str = "DESCRIBE, GET_PARAMETER") -> "Conversation":
        """The usual beginning."""
        self.answer(200, ("Public", public)).answer(200, body=SDP).answer(200, TCP, SESSION)
        return self.answer(200)


def test_the_usual_conversation() -> None:
    """OPTIONS, DESCRIBE, one SETUP (the video, although audio comes first), PLAY."""
    talk = Conversation()
    assert (talk.said.method, talk.said.url) == ("OPTIONS", "rtsp://cam/live")
    talk.answer(200, ("Public", "DESCRIBE"), ("Server", "Maker 1.0"))
    assert (talk.said.method, talk.said.header("accept")) == ("DESCRIBE", "application/sdp")
    talk.answer(200, ("Content-Base", "rtsp://cam/live/"), body=SDP)
    assert (talk.said.method, talk.said.url) == ("SETUP", "rtsp://cam/live/trackID=1")
    assert talk.said.header("transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    talk.answer(200, ("Transport", "RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=1"), SESSION)
    assert (talk.said.method, talk.said.url) == ("PLAY", "rtsp://cam/live/")
    assert talk.said.header("session") == "4711"
    (playing,) = talk.answer(200, ("Session", "4711")).commands
    assert isinstance(playing, Playing)
    assert (playing.rtp_channel, playing.rtcp_channel) == (4, 5)
    assert playing.description.codec is Codec.H264
    assert playing.description.audio_offered == ("PCMU",)
    assert playing.description.setups == ("rtsp://cam/live/trackID=1",)
    assert playing.description.server == "Maker 1.0"


def test_the_camera_asks_for_a_password_at_the_first_word() -> None:
    """The refused request is repeated with an answer, and every later one is signed at once."""
    talk = Conversation(credentials=Credentials("u", "p"))
    assert talk.said.header("authorization") is None
    talk.answer(401, DIGEST)
    assert talk.said.method == "OPTIONS"
    assert (talk.said.header("authorization") or "").startswith('Digest username="u"')
    talk.answer(200)
    assert talk.said.method == "DESCRIBE"
    assert 'uri="rtsp://cam/live"' in (talk.said.header("authorization") or "")


def test_a_wrong_password_is_tried_once() -> None:
    """One attempt per connection, so that accounts are not locked."""
    talk = Conversation(credentials=Credentials("u", "p"))
    ended = talk.answer(401, DIGEST).answer(401, ("WWW-Authenticate", 'Digest realm="cam", nonce="n2"'))
    assert ended.finished.ended.reason is EndReason.REFUSED
    assert "wrong user name or password" in ended.finished.ended.detail
    assert ended.finished.ended.wrong_credentials


def test_a_stale_nonce_is_renewed_but_not_for_ever() -> None:
    """A camera that calls every nonce stale is given up."""
    talk = Conversation(credentials=Credentials("u", "p")).answer(401, DIGEST)
    for number in range(20):
        talk.answer(401, ("WWW-Authenticate", f'Digest realm="cam", nonce="s{number}", stale=true'))
        if isinstance(talk.commands[0], Finished):
            break
    assert number < 5
    assert talk.finished.ended.wrong_credentials


def test_a_password_is_needed_and_none_is_configured() -> None:
    """Said in words that lead to the configuration."""
    ended = Conversation().answer(401, DIGEST).finished.ended
    assert (ended.reason, ended.wrong_credentials) == (EndReason.REFUSED, True)
    assert "none is configured" in ended.detail


def test_a_way_of_signing_in_that_is_not_known() -> None:
    """Not a wrong password: trying again soon locks nothing."""
    talk = Conversation(credentials=Credentials("u", "p"))
    ended = talk.answer(401, ("WWW-Authenticate", "Negotiate")).finished.ended
    assert (ended.reason, ended.wrong_credentials) == (EndReason.REFUSED, False)


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (403, EndReason.REFUSED, "wrong user name or password"),
        (404, EndReason.REFUSED, "no such stream"),
        (454, EndReason.REFUSED, "session"),
        (453, EndReason.REFUSED, "453"),
        (503, EndReason.REFUSED, "503"),
        (301, EndReason.UNSUITABLE, "redirect"),
        (302, EndReason.UNSUITABLE, "redirect"),
        (415, EndReason.UNSUITABLE, "415"),
        (461, EndReason.UNSUITABLE, "TCP"),
    ],
)
@pytest.mark.parametrize("step", ["DESCRIBE", "SETUP", "PLAY"])
def test_refusals_are_told_apart(step: str, status: int, reason: EndReason, words: str) -> None:
    """Each status at each step becomes the reason of the gap, in words for the operator."""
    talk = Conversation().answer(200)
    if step != "DESCRIBE":
        talk.answer(200, body=SDP)
    if step == "PLAY":
        talk.answer(200, TCP, SESSION)
    assert talk.said.method == step
    ended = talk.answer(status, ("Location", "rtsp://evil/")).finished.ended
    assert ended.reason is reason
    assert words in ended.detail


def test_a_redirect_is_refused_at_the_first_word_too() -> None:
    """Pictures and passwords go to the configured address and to no other."""
    ended = Conversation().answer(302, ("Location", "rtsp://evil/")).finished.ended
    assert ended.reason is EndReason.UNSUITABLE
    talk = Conversation().until_playing()
    request = RtspRequest("REDIRECT", "rtsp://cam/live", (("Location", "rtsp://evil/"),))
    assert talk.hear(request).finished.ended.reason is EndReason.UNSUITABLE


def test_a_camera_that_does_not_know_options_is_asked_to_describe() -> None:
    """OPTIONS is a courtesy."""
    assert Conversation().answer(501).said.method == "DESCRIBE"


def test_no_video_and_rubbish_for_a_description_differ() -> None:
    """UNSUITABLE against GARBAGE."""
    audio_only = SDP.partition(b"m=video")[0]
    assert Conversation().answer(200).answer(200, body=audio_only).finished.ended.reason is (EndReason.UNSUITABLE)
    assert Conversation().answer(200).answer(200, body=b"<html>").finished.ended.reason is EndReason.GARBAGE


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([SESSION, ("Transport", "RTP/AVP;unicast;client_port=1-2")], EndReason.UNSUITABLE),
        ([SESSION, ("Transport", "RTP/AVP/TCP;interleaved=255-256")], EndReason.GARBAGE),
        ([TCP], EndReason.GARBAGE),
        ([TCP, ("Session", "x" * 300)], EndReason.GARBAGE),
    ],
)
def test_a_setup_that_agrees_to_something_else_is_not_played(headers: list[tuple[str, str]], reason: EndReason) -> None:
    """UDP instead of TCP, channels that do not exist, no session."""
    talk = Conversation().answer(200).answer(200, body=SDP).answer(200, *headers)
    assert talk.finished.ended.reason is reason


def test_a_sign_of_life_is_given_before_the_session_times_out() -> None:
    """timeout=20: every ten seconds, by GET_PARAMETER where the camera knows it."""
    talk = Conversation().until_playing()
    assert talk.at(9.9).commands == []
    assert talk.at(10.0).said.method == "GET_PARAMETER"
    assert talk.said.header("session") == "4711"
    assert talk.answer(200).commands == []
    assert talk.at(19.9).commands == []
    assert talk.at(20.1).said.method == "GET_PARAMETER"


def test_a_sign_of_life_falls_back_to_options() -> None:
    """Where GET_PARAMETER is not offered, or refused."""
    assert Conversation().until_playing(public="DESCRIBE").at(10).said.method == "OPTIONS"
    talk = Conversation().until_playing().at(10)
    assert talk.answer(501).commands == []
    assert talk.at(20).said.method == "OPTIONS"


def test_a_sign_of_life_that_goes_unanswered_does_not_end_the_stream() -> None:
    """Some cameras never answer it; pictures decide."""
    talk = Conversation().until_playing()
    for second in range(10, 200, 10):
        assert talk.at(second).said.method == "GET_PARAMETER"


def test_a_nonce_that_grows_old_in_mid_stream_is_renewed() -> None:
    """The password was right before; the camera only wants a new nonce."""
    talk = Conversation(credentials=Credentials("u", "p")).answer(401, DIGEST).until_playing().at(10)
    talk.answer(401, ("WWW-Authenticate", 'Digest realm="cam", nonce="n2"'))
    assert 'nonce="n2"' in (talk.said.header("authorization") or "")
    assert talk.answer(200).commands == []


def test_a_camera_that_forgot_the_session_ends_it() -> None:
    """454 to a sign of life."""
    assert Conversation().until_playing().at(10).answer(454).finished.ended.reason is EndReason.REFUSED


def test_the_session_is_torn_down_once() -> None:
    """With its id; the answer ends the dialogue."""
    talk = Conversation().until_playing()
    talk.commands = talk.session.tear_down()
    assert (talk.said.method, talk.said.header("session")) == ("TEARDOWN", "4711")
    assert talk.session.tear_down() == []
    early = Conversation()
    assert early.session.tear_down() == []


def test_the_cameras_own_questions_are_answered() -> None:
    """Some ask whether we are still there; what is not known is said so."""
    talk = Conversation().until_playing()
    (command,) = talk.hear(RtspRequest("OPTIONS", "*", (("CSeq", "9"),))).commands
    assert isinstance(command, Send)
    assert command.data.startswith(b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n")
    (command,) = talk.hear(RtspRequest("ANNOUNCE", "rtsp://cam/", (("CSeq", "10"),))).commands
    assert isinstance(command, Send)
    assert command.data.startswith(b"RTSP/1.0 501 ")
    assert talk.hear(RtspRequest("TEARDOWN", "*", ())).finished.ended.reason is EndReason.VANISHED


def test_answers_to_nothing_are_passed_over() -> None:
    """A late or invented answer changes nothing; an answer without a number belongs to the last request."""
    talk = Conversation()
    assert talk.hear(RtspResponse(404, "x", (("CSeq", "99"),))).commands == []
    assert talk.hear(RtspResponse(100, "Continue", ())).commands == []
    assert talk.hear(RtspResponse(200, "OK", ())).said.method == "DESCRIBE"


def test_only_a_description_may_be_wanted() -> None:
    """Nothing is set up then."""
    talk = Conversation(describe_only=True).answer(200)
    (described,) = talk.answer(200, body=SDP).commands
    assert isinstance(described, Described)
    assert described.description.setups == ()
    assert described.setup_url == "rtsp://cam/live/trackID=1"
    assert talk.session.is_over


def test_no_credentials_from_a_camera_are_repeated() -> None:
    """A Content-Base with a password in it is cleaned before it is used or shown."""
    talk = Conversation().answer(200)
    talk.answer(200, ("Content-Base", "rtsp://u:secret@cam/live/"), body=SDP)
    assert talk.said.url == "rtsp://cam/live/trackID=1"
