"""The RTSP server of simulated cameras: any number of mounts on one port, TCP interleaved, RTSPS or UDP.

Cheap by design: frames are packetised once (`material`), paced by one timer (`pacer`) and sent with one call.
Every request is logged, so that a test can prove which media were asked for. It must not know the recorder.
"""

import asyncio
import random
import re
import socket
import ssl
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kuramori.simulator.audio_material import audio_material
from kuramori.simulator.challenge import Challenge, Scheme
from kuramori.simulator.pacer import Pacer
from kuramori.simulator.replay_dialogue import FEATURE, ReplayDialogue
from kuramori.simulator.replay_stream import ReplayStatistics
from kuramori.simulator.rtsp_dialogue import Answer, NotRtsp, Request, RequestReader
from kuramori.simulator.rtsp_mount import Mount, Target
from kuramori.simulator.rtsp_outlet import MAX_WAITING_BYTES, TcpOutlet, UdpOutlet
from kuramori.simulator.stream import Stream, StreamStatistics, TrackState, first_key_frame
from kuramori.timebase import Clock, SystemClock

__all__ = [
    "Behaviour",
    "Connection",
    "LoggedRequest",
    "Mount",
    "RtspServer",
    "ServerSettings",
    "ServerStatistics",
]

MAX_LOGGED_REQUESTS = 10_000
GOLDEN_RATIO = 0.618_033_988_75  # spreads the mounts' frames evenly over time
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request as it came over the wire, and what was answered."""

    method: str
    url: str
    status: int
    transport: str
    user_agent: str
    authorization_scheme: str  # "", "Basic" or "Digest"


@dataclass(slots=True)
class ServerStatistics(StreamStatistics):
    """Plain counters of the server."""

    connections: int = 0
    sessions: int = 0  # that ever played
    playing: int = 0
    video_setups: int = 0
    audio_setups: int = 0
    client_frames: int = 0  # interleaved frames that clients sent: receiver reports


class Behaviour:
    """What a camera does out of order; this one does nothing of the kind. Tests override."""

    def answer(self, request: Request, connection: "Connection") -> Answer | bytes | None:
        """Return an answer (or raw bytes) of one's own, or None for the proper one."""
        return None

    def before_frame(self, stream: Stream) -> bool:
        """Called before each frame; False withholds it. May send or close through `stream.outlet`."""
        return True


@dataclass(slots=True)
class ServerSettings:
    """What all mounts of a server have in common."""

    realm: str = "camera"
    server_name: str = "Kuramori simulated camera"
    schemes: Sequence[Scheme] = (Scheme.DIGEST_SHA256, Scheme.DIGEST_MD5)
    qop: str = "auth"
    session_timeout_seconds: int = 60
    behaviour: Behaviour = field(default_factory=Behaviour)
    seed: int | None = None
    offer_udp: bool = True


class RtspServer:
    """Serves mounts until stopped. Start and stop once."""

    def __init__(
        self,
        mounts: Iterable[Mount],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        settings: ServerSettings | None = None,
        clock: Clock | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        """`pacer`: one that is shared by servers, and stopped by whoever owns it."""
        self.mounts = {mount.path.rstrip("/"): mount for mount in mounts}
        self.settings = settings or ServerSettings()
        self.statistics = ServerStatistics()
        self.requests: deque[LoggedRequest] = deque(maxlen=MAX_LOGGED_REQUESTS)
        self.chance = random.Random(self.settings.seed)  # noqa: S311 - numbers of a simulation
        self.nonce = f"{self.chance.getrandbits(128):032x}"
        self.host, self.port = host, port
        self.udp: tuple[socket.socket, socket.socket] | None = None
        self._tls = tls
        self._server: asyncio.Server | None = None
        self.replays = ReplayStatistics()
        self.clock: Clock = clock or SystemClock()
        self._own_pacer = pacer is None
        self.pacer = pacer or Pacer(lambda: self.clock.utc_ms() / 1000)
        self.connections: set[Connection] = set()

    async def start(self) -> None:
        """Listen; with port 0 the port is chosen and stands in `port` afterwards."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self), self.host, self.port, ssl=self._tls, backlog=512
        )
        self.port = self._server.sockets[0].getsockname()[1]
        if self.settings.offer_udp:
            self.udp = (_udp_socket(self.host), _udp_socket(self.host))

    async def stop(self) -> None:
        """Hang up on everybody and listen no more."""
        if self._own_pacer:
            self.pacer.stop()
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.close()
        for udp_socket in self.udp or ():
            udp_socket.close()
        if self._server is not None:
            await self._server.wait_closed()

    def url(self, path: str) -> str:
        """The stream's URL, without credentials."""
        return f"{'rtsps' if self._tls else 'rtsp'}://{self.host}:{self.port}{path}"

    def hang_up(self) -> None:
        """Close every connection at once, as a camera that loses power."""
        for connection in list(self.connections):
            connection.close()

    def target_of(self, request: Request) -> Target | None:
        """Find what a request names."""
        path, _, track = request.path.rpartition("/track")
        if not path:
            path, track = request.path, ""
        if path in self.mounts:
            return Target(self.mounts[path], track)
        base, _, recording = path.rpartition("/recording/")
        if base in self.mounts and self.mounts[base].card is not None:
            return Target(self.mounts[base], track, recording)
        return None


class Connection(asyncio.Protocol):
    """One client: its dialogue, and at most one session."""

    def __init__(self, server: RtspServer) -> None:
        self.server = server
        self.stream: Stream | None = None
        self.replay: ReplayDialogue | None = None
        self.session = f"{server.chance.getrandbits(32):08X}"
        self._reader = RequestReader()
        self._transport: asyncio.Transport | None = None
        self._client_ports: dict[int, tuple[int, int]] = {}  # by channel, with UDP

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection up."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is needed")
        self._transport = transport
        transport.set_write_buffer_limits(high=MAX_WAITING_BYTES)
        self.server.connections.add(self)
        self.server.statistics.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the session."""
        self.server.connections.discard(self)
        self._stop_stream()

    def close(self) -> None:
        """Hang up without a word."""
        self._stop_stream()
        if self._transport is not None:
            self._transport.abort()

    def send_raw(self, data: bytes) -> None:
        """Write any bytes to the control connection."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        before = self._reader.client_frames
        try:
            requests = self._reader.feed(data)
        except NotRtsp:
            self.close()
            return
        self.server.statistics.client_frames += self._reader.client_frames - before
        for request in requests:
            self._answer(request)

    def _answer(self, request: Request) -> None:
        own = self.server.settings.behaviour.answer(request, self)
        answer = self._proper_answer(request) if own is None else own
        status = answer.status if isinstance(answer, Answer) else 0
        scheme = request.headers.get("authorization", "").partition(" ")[0]
        self.server.requests.append(
            LoggedRequest(
                request.method,
                request.url,
                status,
                request.headers.get("transport", ""),
                request.headers.get("user-agent", ""),
                scheme,
            )
        )
        if isinstance(answer, bytes):
            self.send_raw(answer)
            return
        name = self.server.settings.server_name
        self.send_raw(answer.to_bytes(request.headers.get("cseq", "0"), name))
        if answer.status == 200 and request.method == "PLAY":
            self._start_stream()
        if answer.status == 200 and request.method == "TEARDOWN" and self._transport is not None:
            self._stop_stream()
            self._transport.close()

    def _proper_answer(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            return Answer(200, (("Public", _METHODS),))
        target = self.server.target_of(request)
        if target is None:
            return Answer(404)
        mount = target.mount
        settings = self.server.settings
        challenge = Challenge(settings.realm, self.server.nonce, settings.schemes, settings.qop)
        if mount.account is not None and not challenge.admits(
            mount.account, request.method, request.headers.get("authorization", "")
        ):
            return Answer(401, challenge.headers())
        if target.recording:
            return self._replayed(request, target)
        if FEATURE in request.headers.get("require", ""):
            return Answer(551, (("Unsupported", FEATURE),))
        if request.method == "DESCRIBE":
            return self._describe(request, mount)
        if request.method == "SETUP":
            return self._set_up(request, mount, target.track)
        if request.headers.get("session", "").partition(";")[0] != self.session:
            return Answer(454)
        if request.method == "PLAY":
            return self._play(request)
        if request.method in ("GET_PARAMETER", "SET_PARAMETER", "TEARDOWN", "PAUSE"):
            return Answer(200, (("Session", self.session),))
        return Answer(501)

    def _replayed(self, request: Request, target: Target) -> Answer:
        mount, card = target.mount, target.mount.card
        if card is None or self.stream is not None:
            return Answer(455)
        if self.replay is None:
            self.replay = ReplayDialogue(
                card,
                target.recording,
                mount.video,
                mount.audio,
                self,
                self.session,
                (self._session_header(),),
                lambda channel: self._new_track(mount, channel),
                self.server.clock.utc_ms,
                self.server.replays,
            )
        self.replay.recording = target.recording
        return self.replay.answer(request, target.track)

    def _session_header(self) -> tuple[str, str]:
        return ("Session", f"{self.session};timeout={self.server.settings.session_timeout_seconds}")

    def _describe(self, request: Request, mount: Mount) -> Answer:
        text = (
            f"v=0\r\no=- 1 1 IN IP4 {self.server.host}\r\ns={self.server.settings.server_name}\r\n"
            "c=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n" + mount.video.sdp_media("track0")
        )
        audio = audio_material(mount.audio)
        if audio is not None:
            text += audio.sdp_media("track1")
        headers = (
            ("Content-Base", request.url.rstrip("/") + "/"),
            ("Content-Type", "application/sdp"),
        )
        return Answer(200, headers, text.encode())

    def _set_up(self, request: Request, mount: Mount, track: str) -> Answer:
        audio = audio_material(mount.audio)
        if track not in ("0", "1") or (track == "1" and audio is None):
            return Answer(404)
        agreed = self._agree_transport(request.headers.get("transport", ""), 2 * int(track))
        if agreed is None:
            return Answer(461)
        channel, transport = agreed
        if self.stream is None:
            self.stream = self._new_stream(mount)
        state = self._new_track(mount, channel)
        if track == "0":
            self.stream.video = state
            self.server.statistics.video_setups += 1
        else:
            self.stream.audio, self.stream.audio_material = state, audio
            self.server.statistics.audio_setups += 1
        return Answer(200, (("Transport", f"{transport};ssrc={state.ssrc:08X}"), self._session_header()))

    def _agree_transport(self, asked: str, channel: int) -> tuple[int, str] | None:
        if "TCP" in asked.upper():
            match = re.search(r"interleaved=(\d+)-", asked)
            channel = int(match[1]) if match else channel
            return channel, f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
        match = re.search(r"client_port=(\d+)-(\d+)", asked)
        if match is None or self.server.udp is None:
            return None
        self._client_ports[channel] = (int(match[1]), int(match[2]))
        ports = "-".join(str(udp_socket.getsockname()[1]) for udp_socket in self.server.udp)
        return channel, f"RTP/AVP;unicast;client_port={match[1]}-{match[2]};server_port={ports}"

    def _new_stream(self, mount: Mount) -> Stream:
        peer = self._transport.get_extra_info("peername")[0] if self._transport is not None else ""
        outlet: TcpOutlet | UdpOutlet = TcpOutlet(self)
        if self._client_ports and self.server.udp is not None:
            outlet = UdpOutlet(self, self.server.udp, peer, self._client_ports)
        number = list(self.server.mounts.values()).index(mount)
        phase = (number * GOLDEN_RATIO) % 1.0 if mount.phase is None else mount.phase
        return Stream(
            mount.video,
            outlet,
            self.server.statistics,
            loss=mount.loss,
            chance=self.server.chance,
            before_frame=self.server.settings.behaviour.before_frame,
            truth=mount.truth.session(1000 / mount.video.frames_per_second) if mount.truth is not None else None,
            clock_offset_seconds=mount.clock_offset_seconds,
            first_frame=first_key_frame(mount.video, phase),
        )

    def _new_track(self, mount: Mount, channel: int) -> TrackState:
        chance = self.server.chance
        sequence = chance.getrandbits(16) if mount.first_sequence is None else mount.first_sequence
        timestamp = chance.getrandbits(32) if mount.first_timestamp is None else mount.first_timestamp
        return TrackState(channel, chance.getrandbits(32), sequence, timestamp)

    def _play(self, request: Request) -> Answer:
        stream = self.stream
        if stream is None or stream.video is None:
            return Answer(454)
        video = stream.video
        information = f"url={request.url.rstrip('/')}/track0;seq={video.sequence};rtptime={video.first_timestamp}"
        return Answer(200, (("Session", self.session), ("Range", "npt=0.000-"), ("RTP-Info", information)))

    def _start_stream(self) -> None:
        if self.replay is not None and self.replay.stream is not None and not self.replay.stream.started_seconds:
            self.replay.stream.start(asyncio.get_running_loop().time())
            self.server.pacer.add(self.replay.stream)
        if self.stream is None or self.stream.started_seconds:
            return
        loop = asyncio.get_running_loop()
        phase = self.server.statistics.sessions * GOLDEN_RATIO % 1.0
        self.stream.start(loop.time() + phase / self.stream.material.frames_per_second)
        self.server.statistics.sessions += 1
        self.server.statistics.playing += 1
        self.server.pacer.add(self.stream)

    def _stop_stream(self) -> None:
        if self.replay is not None:
            self.replay.stop()
        if self.stream is not None and not self.stream.closed:
            self.stream.closed = True
            if self.stream.truth is not None:
                self.stream.truth.ended(self.waiting_bytes == 0)
            if self.stream.started_seconds:
                self.server.statistics.playing -= 1

    @property
    def waiting_bytes(self) -> int:
        """What the client has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0


def _udp_socket(host: str) -> socket.socket:
    udp_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp_socket.bind((host, 0))
    udp_socket.setblocking(False)
    return udp_socket
