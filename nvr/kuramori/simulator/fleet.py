"""A number of simulated cameras as a whole: their clips, one RTSP server, ONVIF servers, discovery; up and down.

The composition root of the simulator; `kuramori simulate` and the tests use it. It must not know command lines.
"""

import ipaddress
import secrets
import socket
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account, Challenge, Scheme
from kuramori.simulator.discovery_responder import TYPES, DiscoveryResponder
from kuramori.simulator.material import VideoMaterial
from kuramori.simulator.onvif_camera import OnvifCamera, SimulatedProfile
from kuramori.simulator.onvif_server import OnvifServer
from kuramori.simulator.profile_mounts import follow
from kuramori.simulator.rtsp_server import Mount, RtspServer, ServerSettings
from kuramori.simulator.source_clip import ClipSettings, material
from kuramori_onvif.interfaces import choose_interfaces, list_interfaces
from kuramori_onvif.ws_discovery_message import Announcement

MOST_CAMERAS = 512
NUMBERED_CLIPS = 8  # up to so many cameras each show their number; more share one clip without


class FleetFault(Exception):
    """The cameras cannot be started; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What is to be simulated. `audio_on`: how many of the cameras, from the first, offer sound."""

    cameras: int = 2
    audio_on: int = 1
    host: str = "127.0.0.1"
    rtsp_port: int = 0
    onvif_port: int = 0
    account: Account | None = None
    clip: ClipSettings = field(default_factory=ClipSettings)
    cache_directory: Path = Path("~/.cache/kuramori/simulator")
    silent_profile: bool = False  # cameras with sound also offer a profile without
    profiles_can_be_made: bool = False  # over ONVIF, and what is in them can be changed
    discovery: bool = True
    name_prefix: str = "camera"


@dataclass(frozen=True, slots=True)
class RunningCamera:
    """One camera as it can be reached. No credentials in the addresses."""

    name: str
    endpoint_id: str
    onvif_url: str
    rtsp_url: str
    audio: str  # "none", "aac"


class Fleet:
    """The running cameras. start() once, stop() as often as wanted."""

    def __init__(self, plan: FleetPlan) -> None:
        self.plan = plan
        self.rtsp: RtspServer | None = None
        self.onvif: OnvifServer | None = None
        self.responder: DiscoveryResponder | None = None
        self._materials: list[VideoMaterial] = []

    def prepare(self) -> None:
        """Make or load the clips; blocks for seconds at first use. Raises OSError."""
        plan = self.plan
        cache = plan.cache_directory.expanduser()
        numbers: list[int | None] = [None]
        if plan.cameras <= NUMBERED_CLIPS:
            numbers = list(range(1, plan.cameras + 1))
        self._materials = [material(self._clip(number), cache) for number in numbers]

    def _clip(self, number: int | None) -> ClipSettings:
        clip = self.plan.clip
        return ClipSettings(
            clip.codec,
            clip.width,
            clip.height,
            clip.frames_per_second,
            clip.bits_per_second,
            clip.gop_seconds,
            clip.seconds,
            number,
        )

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
        try:
            ipaddress.IPv4Address(plan.host)
        except ValueError:
            raise FleetFault(f"the host must be an IPv4 address of this machine, not {plan.host}") from None
        self.rtsp = RtspServer(
            self._mounts(), host=plan.host, port=plan.rtsp_port, settings=ServerSettings(realm="simulated camera")
        )
        await self.rtsp.start()
        self.onvif = OnvifServer(self._cameras(self.rtsp.port), plan.host, plan.onvif_port)
        await self.onvif.start()
        for camera in self.onvif.cameras:
            camera.media.refuses_profiles = not plan.profiles_can_be_made
            camera.media.on_profile = follow(self.rtsp.mounts)
            port = camera.device_url.split("/")[2].rpartition(":")[2]
            camera.endpoint_id = _endpoint_id(plan.host, port, camera.number)
        if plan.discovery:
            await self._announce(self.onvif.cameras)
        return tuple(
            RunningCamera(
                camera.name,
                camera.endpoint_id,
                camera.device_url,
                camera.profiles[0].rtsp_url,
                camera.profiles[0].audio.value,
            )
            for camera in self.onvif.cameras
        )

    async def stop(self) -> None:
        """Say Bye, hang up, close. May be called twice."""
        if self.responder is not None:
            self.responder.stop()
        if self.onvif is not None:
            await self.onvif.stop()
        if self.rtsp is not None:
            await self.rtsp.stop()
        self.responder = self.onvif = self.rtsp = None

    def _audio(self, number: int) -> AudioKind:
        return AudioKind.AAC if number <= self.plan.audio_on else AudioKind.NONE

    def _has_silent_profile(self, number: int) -> bool:
        return self.plan.silent_profile and self._audio(number) is not AudioKind.NONE

    def _mounts(self) -> list[Mount]:
        mounts = []
        for number in range(1, self.plan.cameras + 1):
            video = self._materials[(number - 1) % len(self._materials)]
            mounts.append(Mount(_path(number), video, self._audio(number), self.plan.account))
            if self._has_silent_profile(number):
                mounts.append(Mount(_path(number, "silent"), video, AudioKind.NONE, self.plan.account))
        return mounts

    def _cameras(self, rtsp_port: int) -> tuple[OnvifCamera, ...]:
        plan = self.plan
        challenge = None
        if plan.account is not None:
            challenge = Challenge("simulated camera", secrets.token_hex(16), (Scheme.DIGEST_SHA256, Scheme.DIGEST_MD5))
        return tuple(
            OnvifCamera(
                name=f"{plan.name_prefix}-{number}",
                number=number,
                endpoint_id="",
                profiles=self._profiles(number, rtsp_port),
                account=plan.account,
                challenge=challenge,
            )
            for number in range(1, plan.cameras + 1)
        )

    def _profiles(self, number: int, rtsp_port: int) -> tuple[SimulatedProfile, ...]:
        kinds = [("main", self._audio(number))]
        if self._has_silent_profile(number):
            kinds.append(("silent", AudioKind.NONE))
        clip = self.plan.clip
        return tuple(
            SimulatedProfile(
                token=kind,
                name=kind,
                encoding="H264" if clip.codec.value == "h264" else "H265",
                width=clip.width,
                height=clip.height,
                frames_per_second=clip.frames_per_second,
                bitrate_kbps=clip.bits_per_second // 1000,
                gop_frames=clip.gop_frames,
                audio=audio,
                rtsp_url=f"rtsp://{self.plan.host}:{rtsp_port}{_path(number, kind)}",
            )
            for kind, audio in kinds
        )

    async def _announce(self, cameras: tuple[OnvifCamera, ...]) -> None:
        interfaces, _ = choose_interfaces(list_interfaces(), (self.plan.host,))
        if not interfaces:
            raise FleetFault(f"no interface of this machine has the address {self.plan.host}")
        devices = tuple(
            Announcement(camera.endpoint_id, TYPES, camera.scopes(), (camera.device_url,)) for camera in cameras
        )
        self.responder = DiscoveryResponder(devices, interfaces[0])
        await self.responder.start()


def _path(number: int, kind: str = "main") -> str:
    return f"/camera-{number}" if kind == "main" else f"/camera-{number}/{kind}"


def _endpoint_id(host: str, port: str, number: int) -> str:
    """The same camera on the same address keeps its identity; two simulators never share one."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'kuramori:{socket.gethostname()}/{host}/{port}/{number}')}"
