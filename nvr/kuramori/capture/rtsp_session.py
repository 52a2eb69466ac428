"""One RTSP dialogue as a state machine: the camera's messages in, what to send and what happened out.

Pure: no socket, no clock (time is handed in), no waiting. The order is OPTIONS, DESCRIBE, one SETUP (the video,
whatever else is offered: R3; with a written decision a second one, for sound that is recorded), PLAY; then a sign
of life before the session times out; TEARDOWN at the end. A redirect is refused: pictures go to the address that
was configured, and to no other.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from kuramori.capture.audio_offer import AudioOffer, NoSuitableAudio, choose_audio
from kuramori.capture.replay import REPLAY_TAG, ReplayRange
from kuramori.capture.rtsp_auth import Authenticator, parse_challenges
from kuramori.capture.rtsp_message import USER_AGENT, RtspMessage, RtspRequest, RtspResponse
from kuramori.capture.rtsp_url import Credentials, StreamUrl, without_credentials
from kuramori.capture.sdp import (
    NoSuitableVideo,
    NotADescription,
    SessionDescription,
    VideoOffer,
    choose_video,
    parse_session_description,
    resolve_control,
)
from kuramori.capture.source import EndReason, SourceEnded, StreamDescription

DEFAULT_SESSION_SECONDS = 60  # RFC 2326 section 12.37
LONGEST_SILENCE_SECONDS = 30.0  # between signs of life, however long the camera would wait
SHORTEST_SILENCE_SECONDS = 1.0
MAX_SIGNING_ATTEMPTS = 3  # per request: a stale nonce may be renewed, not for ever
MAX_SESSION_ID_CHARACTERS = 256
LAST_CHANNEL = 255
MAX_SERVER_NAME_CHARACTERS = 100
_INTERLEAVED = re.compile(r"interleaved=(\d{1,3})(?:-(\d{1,3}))?")
_SESSION_TIMEOUT = re.compile(r";\s*timeout\s*=\s*(\d{1,6})", re.IGNORECASE)
_WRONG_CREDENTIALS = "wrong user name or password"
UDP_ONLY = "the camera does not send over TCP: set transport = av"


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes to the camera."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Described:
    """The camera described its stream, and no more was wanted. `setup_url` is where its video would be set up."""

    description: StreamDescription
    setup_url: str


@dataclass(frozen=True, slots=True)
class PlayingSound:
    """Sound that was set up by decision."""

    offer: AudioOffer
    channels: tuple[int, int]  # RTP, RTCP


@dataclass(frozen=True, slots=True)
class Playing:
    """The video comes from now on."""

    description: StreamDescription
    offer: VideoOffer
    rtp_channel: int
    rtcp_channel: int
    sound: PlayingSound | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The dialogue is over."""

    ended: SourceEnded


Command = Send | Described | Playing | Finished


class _State(Enum):
    IDLE = auto()
    OPTIONS = auto()
    DESCRIBE = auto()
    SETUP = auto()
    SETUP_AUDIO = auto()
    PLAY = auto()
    PLAYING = auto()
    TEARDOWN = auto()
    OVER = auto()


@dataclass(slots=True)
class _Pending:
    """The request that waits for its answer."""

    sequence: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    signed: bool
    attempts: int


class RtspSession:
    """Speaks with one camera over one connection."""

    def __init__(
        self,
        url: StreamUrl,
        credentials: Credentials | None,
        new_client_nonce: Callable[[], str],
        *,
        describe_only: bool = False,
        take_audio: bool = False,
        replay: ReplayRange | None = None,
    ) -> None:
        self._url = url
        self._replay = replay
        self._take_audio = take_audio
        self._audio_offer: AudioOffer | None = None
        self._audio_url = ""
        self._audio_refused = ""
        self._sound: PlayingSound | None = None
        self._authenticator = Authenticator(credentials, new_client_nonce) if credentials else None
        self._describe_only = describe_only
        self._state = _State.IDLE
        self._sequence = 0
        self._pending: _Pending | None = None
        self._server = ""
        self._can_get_parameter = False
        self._base = url.text
        self._aggregate = url.text
        self._session_id: str | None = None
        self._session_seconds = DEFAULT_SESSION_SECONDS
        self._description: SessionDescription | None = None
        self._offer: VideoOffer | None = None
        self._setup_url = ""
        self._channels = (0, 1)
        self._next_sign_seconds = 0.0

    @property
    def is_over(self) -> bool:
        """Nothing more will be said."""
        return self._state is _State.OVER

    def begin(self) -> list[Command]:
        """Say the first word."""
        return self._request(_State.OPTIONS, "OPTIONS", self._url.text)

    def receive(self, message: RtspMessage, now_seconds: float) -> list[Command]:
        """Take one message of the camera in."""
        if self._state is _State.OVER:
            return []
        if isinstance(message, RtspRequest):
            return self._serve(message)
        pending = self._pending
        if pending is None or message.header("cseq") not in (None, str(pending.sequence)):
            return []  # an answer to what nobody asks any more
        self._pending = None
        self._server = message.header("server") or self._server
        if message.status < 200:
            self._pending = pending
            return []
        if message.status == 401:
            return self._sign_in(message, pending)
        if pending.signed and message.status < 300 and self._authenticator is not None:
            self._authenticator.accepted()
        return self._progress(message, pending, now_seconds)

    def on_time(self, now_seconds: float) -> list[Command]:
        """Give a sign of life when it is due. To be called about once a second while playing."""
        if self._state is not _State.PLAYING or now_seconds < self._next_sign_seconds:
            return []
        self._next_sign_seconds = now_seconds + self._silence_seconds()
        method = "GET_PARAMETER" if self._can_get_parameter else "OPTIONS"
        return self._request(_State.PLAYING, method, self._aggregate)

    def tear_down(self) -> list[Command]:
        """Say good-bye, where there is a session."""
        if self._session_id is None or self._state in (_State.TEARDOWN, _State.OVER):
            self._state = _State.OVER
            return []
        return self._request(_State.TEARDOWN, "TEARDOWN", self._aggregate)

    # Answers, by what was asked

    def _progress(self, response: RtspResponse, pending: _Pending, now_seconds: float) -> list[Command]:
        state = self._state
        if state is _State.OPTIONS:
            return self._on_options(response)
        if state is _State.TEARDOWN:
            self._state = _State.OVER
            return [Finished(SourceEnded(EndReason.STOPPED, "stopped"))]
        if state is _State.PLAYING:
            return self._on_sign_of_life(response, pending)
        if state is _State.SETUP_AUDIO:
            return self._on_setup_audio(response)
        if response.status >= 300:
            return self._finish(refusal(response.status, pending.method))
        if state is _State.DESCRIBE:
            return self._on_describe(response)
        if state is _State.SETUP:
            return self._on_setup(response)
        if state is _State.PLAY:
            return self._on_play(now_seconds)
        return []

    def _on_options(self, response: RtspResponse) -> list[Command]:
        """What the camera can do; one that answers nothing useful here may still describe its stream."""
        if response.status in (301, 302, 303, 305, 307):
            return self._finish(refusal(response.status, "OPTIONS"))
        public = response.header("public") or ""
        self._can_get_parameter = "GET_PARAMETER" in public.upper()
        return self._request(_State.DESCRIBE, "DESCRIBE", self._url.text, ("Accept", "application/sdp"))

    def _on_describe(self, response: RtspResponse) -> list[Command]:
        try:
            description = parse_session_description(response.body)
            offer = choose_video(description)
        except NotADescription as error:
            return self._fail(EndReason.GARBAGE, f"the description of the stream cannot be read: {error}")
        except NoSuitableVideo as error:
            return self._fail(EndReason.UNSUITABLE, error.detail)
        base = response.header("content-base") or response.header("content-location") or ""
        if base.lower().startswith(("rtsp://", "rtsps://")):
            self._base = without_credentials(base)
        aggregate = resolve_control(self._base, description.control)
        setup_url = resolve_control(self._base, offer.control)
        if aggregate is None or setup_url is None:
            return self._fail(EndReason.GARBAGE, "the description names an address that cannot be used")
        self._description, self._offer = description, offer
        self._aggregate, self._setup_url = aggregate, setup_url
        if self._take_audio:
            self._choose_audio(description)
        if self._describe_only:
            self._state = _State.OVER
            return [Described(self._stream_description(description, offer), setup_url)]
        transport = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
        return self._request(_State.SETUP, "SETUP", setup_url, transport, *self._replay_tag)

    def _choose_audio(self, description: SessionDescription) -> None:
        """With a decision: which sound to set up, or why none. The video is recorded either way."""
        try:
            offer = choose_audio(description)
        except NoSuitableAudio as reason:
            self._audio_refused = reason.detail
            return
        audio_url = resolve_control(self._base, offer.control)
        if audio_url is None or audio_url in (self._setup_url, self._aggregate):
            self._audio_refused = "refused: the description names no address of its own for the sound"
            return
        self._audio_offer, self._audio_url = offer, audio_url

    def _on_setup(self, response: RtspResponse) -> list[Command]:
        transport = response.header("transport") or ""
        if transport and "TCP" not in transport.upper():
            return self._fail(EndReason.UNSUITABLE, UDP_ONLY)
        match = _INTERLEAVED.search(transport)
        if match is not None:
            first = int(match[1])
            self._channels = (first, int(match[2]) if match[2] else first + 1)
        if max(self._channels) > LAST_CHANNEL:
            return self._fail(EndReason.GARBAGE, "the camera names a channel that does not exist")
        header = response.header("session") or ""
        session_id = header.partition(";")[0].strip()
        if not session_id or len(session_id) > MAX_SESSION_ID_CHARACTERS or not session_id.isprintable():
            return self._fail(EndReason.GARBAGE, "the camera names no session")
        self._session_id = session_id
        timeout = _SESSION_TIMEOUT.search(header)
        if timeout is not None:
            self._session_seconds = int(timeout[1])
        if self._audio_offer is not None:
            first = max(self._channels) + 1
            if first < LAST_CHANNEL:
                asked = ("Transport", f"RTP/AVP/TCP;unicast;interleaved={first}-{first + 1}")
                return self._request(_State.SETUP_AUDIO, "SETUP", self._audio_url, asked)
            self._audio_refused = "refused: no channel is left for it"
        return self._play()

    def _on_setup_audio(self, response: RtspResponse) -> list[Command]:
        """The sound is set up, or is refused; the video is played either way."""
        if self._audio_offer is None:
            return self._play()
        match = _INTERLEAVED.search(response.header("transport") or "")
        if response.status >= 300:
            self._audio_refused = f"refused: the camera answered {response.status} to SETUP of the sound"
        elif match is None:
            self._audio_refused = "refused: the camera does not say on which channel its sound comes"
        else:
            first = int(match[1])
            channels = first, int(match[2]) if match[2] else first + 1
            if max(channels) > LAST_CHANNEL or len({*channels, *self._channels}) != 4:
                self._audio_refused = "refused: the camera sends its sound on a channel of the video"
            else:
                self._sound = PlayingSound(self._audio_offer, channels)
        return self._play()

    def _play(self) -> list[Command]:
        if self._replay is not None:  # from the card and not from the lens, as fast as we read
            wanted = (("Range", self._replay.header), ("Rate-Control", "no"))
            return self._request(_State.PLAY, "PLAY", self._aggregate, *self._replay_tag, *wanted)
        return self._request(_State.PLAY, "PLAY", self._aggregate, ("Range", "npt=0.000-"))

    @property
    def _replay_tag(self) -> tuple[tuple[str, str], ...]:
        return (("Require", REPLAY_TAG),) if self._replay is not None else ()

    def _on_play(self, now_seconds: float) -> list[Command]:
        if self._description is None or self._offer is None:
            return []
        self._state = _State.PLAYING
        self._next_sign_seconds = now_seconds + self._silence_seconds()
        description = self._stream_description(self._description, self._offer)
        return [Playing(description, self._offer, *self._channels, self._sound)]

    def _on_sign_of_life(self, response: RtspResponse, pending: _Pending) -> list[Command]:
        if response.status in (403, 454):
            return self._finish(refusal(response.status, pending.method))
        if response.status >= 300 and pending.method == "GET_PARAMETER":
            self._can_get_parameter = False
        return []

    def _sign_in(self, response: RtspResponse, pending: _Pending) -> list[Command]:
        authenticator = self._authenticator
        if authenticator is None:
            detail = "the camera asks for a user name and password, and none is configured"
            return self._finish(SourceEnded(EndReason.REFUSED, detail, wrong_credentials=True))
        challenges = parse_challenges(response.all_headers("www-authenticate"))
        if not challenges:
            return self._fail(EndReason.REFUSED, "the camera asks for a way of signing in that is not known")
        if not authenticator.take(challenges, signed=pending.signed) or (pending.attempts >= MAX_SIGNING_ATTEMPTS):
            return self._finish(refusal(401, pending.method))
        return self._send(pending.method, pending.url, pending.headers, pending.attempts + 1)

    # Words of our own

    def _serve(self, request: RtspRequest) -> list[Command]:
        """Answer a request of the camera: some ask whether we are still there."""
        if request.method == "REDIRECT":
            return self._finish(refusal(302, "PLAY"))
        if request.method == "TEARDOWN":
            return self._fail(EndReason.VANISHED, "the camera ended the session")
        known = request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")
        status, reason = (200, "OK") if known else (501, "Not Implemented")
        headers = (("CSeq", request.header("cseq") or "0"), ("User-Agent", USER_AGENT))
        return [Send(RtspResponse(status, reason, headers).to_bytes())]

    def _request(self, state: _State, method: str, url: str, *headers: tuple[str, str]) -> list[Command]:
        self._state = state
        return self._send(method, url, headers, 1)

    def _send(self, method: str, url: str, headers: tuple[tuple[str, str], ...], attempts: int) -> list[Command]:
        self._sequence += 1
        common = [("CSeq", str(self._sequence)), ("User-Agent", USER_AGENT)]
        if self._session_id is not None:
            common.append(("Session", self._session_id))
        authorization = self._authenticator.authorization(method, url) if self._authenticator else None
        if authorization is not None:
            common.append(("Authorization", authorization))
        signed = authorization is not None
        self._pending = _Pending(self._sequence, method, url, headers, signed, attempts)
        return [Send(RtspRequest(method, url, (*common, *headers)).to_bytes())]

    def _silence_seconds(self) -> float:
        half = self._session_seconds / 2
        return max(SHORTEST_SILENCE_SECONDS, min(LONGEST_SILENCE_SECONDS, half))

    def _stream_description(self, description: SessionDescription, offer: VideoOffer) -> StreamDescription:
        setups = () if self._describe_only else (self._setup_url,)
        if self._sound is not None:
            setups = (*setups, self._audio_url)
        server = "".join(character for character in self._server if character.isprintable())
        return StreamDescription(
            offer.codec,
            offer.clock_rate_hz,
            offer.parameter_sets,
            description.audio_offered,
            setups,
            server[:MAX_SERVER_NAME_CHARACTERS],
            audio=self._sound.offer.audio if self._sound is not None else None,
            audio_refused=self._audio_refused,
        )

    def _fail(self, reason: EndReason, detail: str) -> list[Command]:
        return self._finish(SourceEnded(reason, detail))

    def _finish(self, ended: SourceEnded) -> list[Command]:
        self._state = _State.OVER
        return [Finished(ended)]


def refusal(status: int, method: str) -> SourceEnded:
    """What a status of 300 or more means for the source (RFC 2326 section 7.1.1)."""
    if status in (401, 403):
        return SourceEnded(EndReason.REFUSED, f"{_WRONG_CREDENTIALS} ({status})", wrong_credentials=True)
    if 300 <= status < 400:
        detail = f"the camera redirects to another address ({status}); redirects are not followed"
        return SourceEnded(EndReason.UNSUITABLE, detail)
    if status == 404:
        return SourceEnded(EndReason.REFUSED, "the camera knows no such stream (404)")
    if status == 454:
        return SourceEnded(EndReason.REFUSED, "the camera no longer knows the session (454)")
    if status == 551:
        return SourceEnded(EndReason.UNSUITABLE, "the camera does not replay its recordings (551)")
    if status == 457:
        return SourceEnded(EndReason.REFUSED, "the camera has nothing of this range (457)")
    if status == 461 and method == "SETUP":
        return SourceEnded(EndReason.UNSUITABLE, UDP_ONLY)
    if status in (406, 415, 461):
        return SourceEnded(EndReason.UNSUITABLE, f"the camera does not send this stream over TCP ({status})")
    return SourceEnded(EndReason.REFUSED, f"the camera answered {status} to {method}")
