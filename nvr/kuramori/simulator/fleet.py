"""A number of simulated cameras as a whole: their clips, one RTSP server, ONVIF servers, discovery; up and down.

The composition root of the simulator; `kuramori simulate` and the tests use it. It must not know command lines.
"""

import asyncio
import ipaddress
import socket
import uuid
from dataclasses import dataclass

from kuramori.simulator.certificate import SimulatedCertificate
from kuramori.simulator.discovery_responder import TYPES, DiscoveryResponder, crowd
from kuramori.simulator.fleet_plan import (
    MOST_CAMERAS,
    REALM,
    FleetFault,
    FleetPlan,
    camera_of,
    join,
    materials,
    mounts_of,
)
from kuramori.simulator.material import VideoMaterial
from kuramori.simulator.onvif.event_topics import EventKind
from kuramori.simulator.onvif_camera import OnvifCamera
from kuramori.simulator.onvif_server import OnvifServer
from kuramori.simulator.rtsp_server import RtspServer, ServerSettings
from kuramori.timebase import Clock, SystemClock
from kuramori_onvif.interfaces import Interface, choose_interfaces, list_interfaces
from kuramori_onvif.ws_discovery_message import Announcement

__all__ = ["MOST_CAMERAS", "Fleet", "FleetFault", "FleetPlan", "RunningCamera"]


@dataclass(frozen=True, slots=True)
class RunningCamera:
    """One camera as it can be reached. No credentials in the addresses."""

    name: str
    endpoint_id: str
    onvif_url: str
    rtsp_url: str
    audio: str  # "none", "aac"
    card: str = ""  # "", "off", "recording", "failed"
    certificate: str = ""  # SHA-256 in hex, where it speaks TLS


class Fleet:
    """The running cameras. start() once, stop() as often as wanted."""

    def __init__(self, plan: FleetPlan) -> None:
        self.plan = plan
        self.rtsp: RtspServer | None = None
        self.onvif: OnvifServer | None = None
        self.responder: DiscoveryResponder | None = None
        self.certificate: SimulatedCertificate | None = None
        self._clock: Clock = SystemClock()
        self._materials: list[VideoMaterial] = []
        self._motion: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Make or load the clips; blocks for seconds at first use. Raises OSError."""
        self._materials = materials(self.plan)

    async def start(self) -> tuple[RunningCamera, ...]:
        """Start everything; return the cameras in order. Raises FleetFault or OSError, with nothing left running."""
        if not self._materials:
            self.prepare()
        try:
            return await self._start()
        except (OSError, FleetFault):
            await self.stop()
            raise

    async def _start(self) -> tuple[RunningCamera, ...]:
        plan = self.plan
        check_host(plan.host)
        if plan.announced and not ipaddress.IPv4Address(plan.host).is_loopback:
            raise FleetFault("devices that are only announced live on the loopback, not on " + plan.host)
        self.certificate = SimulatedCertificate(plan.host) if plan.tls else None
        context = self.certificate.context if self.certificate is not None else None
        self.rtsp = RtspServer(
            (), host=plan.host, port=plan.rtsp_port, tls=context, settings=ServerSettings(realm=REALM)
        )
        await self.rtsp.start()
        cameras = tuple(self._camera(self.rtsp, number) for number in range(1, plan.cameras + 1))
        self.onvif = OnvifServer(cameras, plan.host, plan.onvif_port, certificate=self.certificate)
        await self.onvif.start()
        for camera in cameras:
            port = camera.device_url.split("/")[2].rpartition(":")[2]
            camera.endpoint_id = _endpoint_id(plan.host, port, camera.number)
        if plan.discovery:
            devices = (*(announcement(camera) for camera in cameras), *crowd(plan.announced))
            self.responder = DiscoveryResponder(devices, interface_of(plan.host))
            await self.responder.start()
        if plan.motion_seconds:
            self._motion = asyncio.create_task(self._move_about(plan.motion_seconds))
        return tuple(self._running(camera) for camera in cameras)

    def _camera(self, rtsp: RtspServer, number: int) -> OnvifCamera:
        camera = camera_of(self.plan, number, rtsp.url(""), self._clock.utc_ms())
        mounts = mounts_of(self.plan, number, self._materials)
        rtsp.mounts.update((mount.path, mount) for mount in mounts)
        join(camera, mounts, rtsp.mounts, None)
        return camera

    def _running(self, camera: OnvifCamera) -> RunningCamera:
        return RunningCamera(
            camera.name,
            camera.endpoint_id,
            camera.device_url,
            camera.profiles[0].rtsp_url,
            camera.profiles[0].audio.value,
            camera.card.state.value if camera.card is not None else "",
            self.certificate.fingerprint.hex() if self.certificate is not None else "",
        )

    async def _move_about(self, seconds: float) -> None:
        """Something moves before every camera, half of the time."""
        moving = False
        while True:
            await asyncio.sleep(seconds / 2)
            moving = not moving
            for camera in self.onvif.cameras if self.onvif is not None else ():
                camera.emit(EventKind.MOTION, moving, self._clock.utc_ms())

    async def stop(self) -> None:
        """Say Bye, hang up, close. May be called twice."""
        if self._motion is not None:
            self._motion.cancel()
            await asyncio.gather(self._motion, return_exceptions=True)
        if self.responder is not None:
            self.responder.stop()
        if self.onvif is not None:
            await self.onvif.stop()
        if self.rtsp is not None:
            await self.rtsp.stop()
        self.responder = self.onvif = self.rtsp = self._motion = None


def announcement(camera: OnvifCamera) -> Announcement:
    """Return what a camera says of itself by discovery."""
    return Announcement(camera.endpoint_id, TYPES, camera.scopes(), (camera.device_url,))


def check_host(host: str) -> None:
    """Raise FleetFault unless this is an IPv4 address."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        raise FleetFault(f"the host must be an IPv4 address of this machine, not {host}") from None


def interface_of(host: str) -> Interface:
    """Return the interface with this address; all of 127.0.0.0/8 is the loopback's. Raises FleetFault."""
    wanted = "127.0.0.1" if ipaddress.IPv4Address(host).is_loopback else host
    interfaces, _ = choose_interfaces(list_interfaces(), (wanted,))
    if not interfaces:
        raise FleetFault(f"no interface of this machine has the address {host}")
    return interfaces[0]


def _endpoint_id(host: str, port: str, number: int) -> str:
    """The same camera on the same address keeps its identity; two simulators never share one."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'kuramori:{socket.gethostname()}/{host}/{port}/{number}')}"
