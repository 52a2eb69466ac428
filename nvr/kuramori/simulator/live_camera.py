"""One simulated camera that lives: cut off and joined again, rebooted, moved, its clock stepped, its events a storm.

It has servers of its own, so that its life does not touch another's, and knows the truth of what it sent. Times in
its truth and happenings are the simulator's own. This module must not know the recorder.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from kuramori.simulator.certificate import SimulatedCertificate
from kuramori.simulator.discovery_responder import TYPES, DiscoveryResponder
from kuramori.simulator.fleet_plan import REALM, join
from kuramori.simulator.onvif.event_topics import EventKind
from kuramori.simulator.onvif.profile import SimulatedProfile
from kuramori.simulator.onvif_camera import OnvifCamera
from kuramori.simulator.onvif_server import OnvifServer
from kuramori.simulator.pacer import Pacer
from kuramori.simulator.rtsp_dialogue import Answer, Request
from kuramori.simulator.rtsp_mount import Mount
from kuramori.simulator.rtsp_server import Behaviour, Connection, RtspServer, ServerSettings
from kuramori.simulator.stream import Stream
from kuramori.simulator.truth_log import Interval, TruthLog
from kuramori.timebase import Clock
from kuramori_onvif.ws_discovery_message import Announcement

STORM_TURN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was done to the camera."""

    utc_ms: int
    what: str


@dataclass(slots=True)
class Frozen(Behaviour):
    """While `frozen`, connections stay open and nothing comes over them."""

    frozen: bool = False

    def answer(self, request: Request, connection: Connection) -> Answer | bytes | None:
        """Say nothing."""
        return b"" if self.frozen else None

    def before_frame(self, stream: Stream) -> bool:
        """Send nothing."""
        return not self.frozen


@dataclass(slots=True)
class LiveCamera:
    """One camera with its servers. `next_host`: where it moves to."""

    onvif: OnvifCamera
    mounts: dict[str, Mount]
    host: str
    pacer: Pacer
    clock: Clock
    certificate: SimulatedCertificate | None = None
    responder: DiscoveryResponder | None = None
    next_host: Callable[[], str] | None = None
    truth: TruthLog = field(default_factory=TruthLog)
    happenings: list[Happening] = field(default_factory=list)
    behaviour: Frozen = field(default_factory=Frozen)
    rtsp: RtspServer | None = None
    server: OnvifServer | None = None
    rtsp_port: int = 0
    onvif_port: int = 0

    def __post_init__(self) -> None:
        """Join the camera's parts."""
        join(self.onvif, tuple(self.mounts.values()), self.mounts, self.truth)

    @property
    def name(self) -> str:
        """Its name."""
        return self.onvif.name

    @property
    def endpoint_id(self) -> str:
        """Its identity, which never changes."""
        return self.onvif.endpoint_id

    @property
    def onvif_url(self) -> str:
        """Where its device service is now."""
        return self.onvif.device_url

    @property
    def rtsp_url(self) -> str:
        """Where its main stream is now."""
        return self.onvif.profiles[0].rtsp_url

    def sent(self) -> tuple[Interval, ...]:
        """Return when whole frames really went into the connection of a client."""
        return self.truth.intervals()

    def emit(self, kind: EventKind, state: bool | str = True) -> None:
        """Let something happen before the camera."""
        self.onvif.emit(kind, state, self.clock.utc_ms())

    async def start(self) -> None:
        """Listen, and say Hello. Raises OSError."""
        context = self.certificate.context if self.certificate is not None else None
        settings = ServerSettings(realm=REALM, behaviour=self.behaviour, offer_udp=False)
        self.rtsp = RtspServer(
            (), host=self.host, port=self.rtsp_port, tls=context, settings=settings, clock=self.clock, pacer=self.pacer
        )
        self.rtsp.mounts = self.mounts
        await self.rtsp.start()
        self.server = OnvifServer((self.onvif,), self.host, self.onvif_port, self.clock, self.certificate)
        await self.server.start()
        self.rtsp_port = self.rtsp.port
        self.onvif_port = urlsplit(self.onvif.device_url).port or 0
        self._settle_addresses(self.rtsp.url(""))
        if self.responder is not None:
            device = Announcement(self.endpoint_id, TYPES, self.onvif.scopes(), (self.onvif_url,))
            self.responder.come(device)

    async def stop(self) -> None:
        """Close everything, say nothing. May be called twice."""
        rtsp, server, self.rtsp, self.server = self.rtsp, self.server, None, None
        if rtsp is not None:
            await rtsp.stop()
        if server is not None:
            await server.stop()

    async def cut(self) -> None:
        """The cable is pulled: connections break, nothing answers, nobody said Bye. Its card goes on."""
        self._note("cut")
        if self.responder is not None:
            self.responder.go(self.endpoint_id, silently=True)
        await self.stop()

    async def restore(self) -> None:
        """The cable is back, at the same address. Raises OSError."""
        self._note("restored")
        await self.start()

    def freeze(self, frozen: bool = True) -> None:
        """Keep connections open and send nothing over them, or go on."""
        self._note("frozen" if frozen else "thawed")
        self.behaviour.frozen = frozen

    async def reboot(self, seconds: float) -> None:
        """Go down with a Bye, forget subscriptions, come back. The card records nothing meanwhile. Raises OSError."""
        self._note("reboot")
        card = self.onvif.card
        recorded = card is not None and card.since_utc_ms is not None
        if card is not None and recorded:
            card.stop(self.clock.utc_ms())
        if self.responder is not None:
            self.responder.go(self.endpoint_id)
        await self.stop()
        await asyncio.sleep(seconds)
        self.onvif.reboot(self.clock.utc_ms())
        if card is not None and recorded:
            card.record(self.clock.utc_ms(), self.onvif.clock_offset_seconds)
        await self.start()
        self._note("up")

    async def move(self) -> None:
        """Appear at other ports and, on the loopback, at another address; the identity stays. Raises OSError."""
        await self.stop()
        self.host = self.next_host() if self.next_host is not None else self.host
        self.rtsp_port = self.onvif_port = 0
        await self.start()
        self._note(f"moved to {self.onvif_url}")

    def step_clock(self, seconds: float) -> None:
        """Let the camera's clock jump by so much."""
        self._note(f"clock {seconds:+g} s")
        self.onvif.set_clock(self.onvif.clock_offset_seconds + seconds, self.clock.utc_ms())

    async def storm(self, events_per_second: float, seconds: float) -> int:
        """Report motion that often; return how many events there were."""
        self._note(f"storm {events_per_second:g}/s")
        loop = asyncio.get_running_loop()
        began, count = loop.time(), 0
        while (passed := loop.time() - began) < seconds:
            while count < passed * events_per_second:
                self.emit(EventKind.MOTION, count % 2 == 0)
                count += 1
            await asyncio.sleep(STORM_TURN_SECONDS)
        return count

    def change_certificate(self) -> None:
        """Show another certificate from the next handshake on."""
        if self.certificate is not None:
            self._note("certificate changed")
            self.certificate.renew()

    def _note(self, what: str) -> None:
        self.happenings.append(Happening(self.clock.utc_ms(), what))

    def _settle_addresses(self, base: str) -> None:
        """Let every profile lead to where the streams are now."""
        self.onvif.profiles = _moved(self.onvif.profiles, base)
        known = self.onvif.media.encoders
        known.update(zip(known, _moved(tuple(known.values()), base), strict=True))


def _moved(profiles: Sequence[SimulatedProfile], base: str) -> tuple[SimulatedProfile, ...]:
    return tuple(
        replace(one, rtsp_url=_at(one.rtsp_url, base), origin_url=_at(one.origin_url, base)) for one in profiles
    )


def _at(url: str, base: str) -> str:
    return base + urlsplit(url).path if url else ""
