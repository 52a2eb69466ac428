"""What a simulated camera answers to a client that wants a recording (ONVIF Streaming section 6): one session.

Pure but for the outlet, which is only handed on. This module must not know sockets or sign-in.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from kuramori.simulator.audio_material import AudioKind, AudioMaterial, audio_material
from kuramori.simulator.card import CardFrame, CardSpan, CardState, SimulatedCard, card_frames
from kuramori.simulator.material import VideoMaterial
from kuramori.simulator.onvif.time_text import written
from kuramori.simulator.replay_stream import ReplayOutlet, ReplayStatistics, ReplayStream
from kuramori.simulator.rtsp_dialogue import Answer, Request
from kuramori.simulator.stream import TrackState

FEATURE = "onvif-replay"
_CLOCK = re.compile(r"clock=(\d{8}T\d{6}(?:\.\d{1,6})?)Z-(?:(\d{8}T\d{6}(?:\.\d{1,6})?)Z)?")
_CHANNEL = re.compile(r"interleaved=(\d+)-")
_FOREVER_UTC_MS = 1 << 62


@dataclass(slots=True)
class ReplayDialogue:
    """The answers of one session. `stream` is what the latest PLAY began, to be paced by whoever owns the clock."""

    card: SimulatedCard
    recording: str
    video: VideoMaterial
    sound: AudioKind
    outlet: ReplayOutlet
    session: str
    session_headers: tuple[tuple[str, str], ...]
    new_track: Callable[[int], TrackState]
    utc_ms: Callable[[], int]
    statistics: ReplayStatistics
    stream: ReplayStream | None = None
    _tracks: dict[str, TrackState] = field(default_factory=dict)
    _extension: bool = False

    def answer(self, request: Request, track: str) -> Answer:
        """Answer a request to this recording."""
        spans = self.card.recordings(self.utc_ms()).get(self.recording)
        if spans is None or self.card.state is CardState.FAILED:
            return Answer(404)
        if FEATURE in request.headers.get("require", ""):
            self._extension = True
        match request.method:
            case "DESCRIBE":
                return self._describe(request)
            case "SETUP":
                return self._set_up(request, track)
        if request.headers.get("session", "").partition(";")[0] != self.session or "0" not in self._tracks:
            return Answer(454)
        match request.method:
            case "PLAY":
                return self._play(request, spans)
            case "PAUSE" | "TEARDOWN":
                self.stop()
                return Answer(200, (("Session", self.session),))
            case "GET_PARAMETER" | "SET_PARAMETER":
                return Answer(200, (("Session", self.session),))
            case _:
                return Answer(501)

    def stop(self) -> None:
        """Play no more."""
        if self.stream is not None:
            self.stream.closed = True

    def _sound(self) -> AudioMaterial | None:
        if not self.card.with_audio:
            return None
        return audio_material(AudioKind.AAC if self.sound is AudioKind.NONE else self.sound)

    def _describe(self, request: Request) -> Answer:
        sound = self._sound()
        text = (
            f"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns={self.recording}\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
            f"{self.video.sdp_media('track0')}a=x-onvif-track:video-1\r\n"
        )
        if sound is not None:
            text += f"{sound.sdp_media('track1')}a=x-onvif-track:audio-1\r\n"
        headers = (("Content-Base", request.url.rstrip("/") + "/"), ("Content-Type", "application/sdp"))
        return Answer(200, headers, text.encode())

    def _set_up(self, request: Request, track: str) -> Answer:
        if track not in ("0", "1") or (track == "1" and self._sound() is None):
            return Answer(404)
        asked = request.headers.get("transport", "")
        if "TCP" not in asked.upper():
            return Answer(461)
        match = _CHANNEL.search(asked)
        channel = int(match[1]) if match else 2 * int(track)
        self._tracks[track] = self.new_track(channel)
        self.statistics.audio_setups += track == "1"
        transport = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1};ssrc={self._tracks[track].ssrc:08X}"
        return Answer(200, (("Transport", transport), *self.session_headers))

    def _play(self, request: Request, spans: tuple[CardSpan, ...]) -> Answer:
        switches = self.card.replay
        if switches.refuses_status:
            return Answer(switches.refuses_status)
        asked = request.headers.get("range", "")
        begins, ends = _range(asked) if asked else (0.0, float(_FOREVER_UTC_MS))
        pictures = card_frames(spans, self.video, begins, ends) if begins >= 0 else iter(())
        first = next(pictures, None)
        if first is None:
            return Answer(457)
        self.stop()
        hurry = request.headers.get("rate-control", "").strip().lower() == "no"
        self.stream = self._new_stream(chain((first,), pictures), switches.fastest if hurry else 1.0, request)
        self.statistics.sessions += 1
        last = max(span.to_camera_utc_ms for span in spans)
        moments = (_clock(first.camera_utc_ms), _clock(min(ends, last)))
        track = self._tracks["0"]
        information = f"url={request.url.rstrip('/')}/track0;seq={track.sequence}"
        return Answer(
            200, (("Session", self.session), ("Range", f"clock={moments[0]}-{moments[1]}"), ("RTP-Info", information))
        )

    def _new_stream(self, pictures: chain[CardFrame], speed: float | None, request: Request) -> ReplayStream:
        number = request.headers.get("cseq", "0")
        return ReplayStream(
            pictures,
            self.video.frames_per_second,
            self.outlet,
            self._tracks["0"],
            self.card.replay,
            self.statistics,
            speed,
            self._extension,
            int(number) if number.isdecimal() else 0,
            self._tracks.get("1"),
            self._sound(),
        )


def _range(text: str) -> tuple[float, float]:
    """Read a range of moments (RFC 2326 section 3.7) in milliseconds; (-1, -1) when it cannot be read."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return -1.0, -1.0
    try:
        begins = _moment(match[1])
        return begins, _moment(match[2]) if match[2] else float(_FOREVER_UTC_MS)
    except ValueError:
        return -1.0, -1.0


def _moment(text: str) -> float:
    whole, _, fraction = text.partition(".")
    found = datetime.strptime(whole, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return found.timestamp() * 1000 + (int(fraction.ljust(3, "0")[:3]) if fraction else 0)


def _clock(camera_utc_ms: float) -> str:
    return written(round(camera_utc_ms)).replace("-", "").replace(":", "")
