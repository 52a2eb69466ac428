"""What a number of simulated cameras shall be, and the parts that each is made of: clip, mounts, profiles, card.

Nothing here runs. This module must not know sockets or time.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.card import CardState, SimulatedCard
from kuramori.simulator.challenge import Account, Challenge, Scheme
from kuramori.simulator.material import VideoMaterial
from kuramori.simulator.onvif_camera import OnvifCamera, SimulatedProfile
from kuramori.simulator.profile_mounts import follow
from kuramori.simulator.rtsp_mount import Mount
from kuramori.simulator.source_clip import ClipSettings, material
from kuramori.simulator.truth_log import TruthLog

MOST_CAMERAS = 512
NUMBERED_CLIPS = 8  # up to so many cameras each show their number; more share one clip without
REALM = "simulated camera"


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
    announced: int = 0  # further devices that are only found: nothing answers at their addresses
    name_prefix: str = "camera"
    tls: bool = False  # HTTPS and RTSPS with a self-signed certificate
    card: CardState | None = None  # what their memory cards do; None: no slot for a card
    card_audio: bool = False  # cards record sound, where the camera offers it
    clock_offset_seconds: float = 0  # how wrong their clocks are
    motion_seconds: float = 0  # from one motion event to the next; 0: none


def materials(plan: FleetPlan) -> list[VideoMaterial]:
    """Make or load the clips; blocks for seconds at first use. Raises OSError."""
    cache = plan.cache_directory.expanduser()
    numbers: list[int | None] = [None]
    if plan.cameras <= NUMBERED_CLIPS:
        numbers = list(range(1, plan.cameras + 1))
    return [material(replace(plan.clip, number=number), cache) for number in numbers]


def audio_of(plan: FleetPlan, number: int) -> AudioKind:
    """Return the sound that this camera offers."""
    return AudioKind.AAC if number <= plan.audio_on else AudioKind.NONE


def _kinds(plan: FleetPlan, number: int) -> tuple[tuple[str, AudioKind], ...]:
    """Return name and sound of each of a camera's streams."""
    audio = audio_of(plan, number)
    silent = plan.silent_profile and audio is not AudioKind.NONE
    return (("main", audio), *((("silent", AudioKind.NONE),) if silent else ()))


def mounts_of(plan: FleetPlan, number: int, clips: Sequence[VideoMaterial]) -> list[Mount]:
    """Return a camera's streams."""
    video = clips[(number - 1) % len(clips)]
    return [Mount(path(number, kind), video, audio, plan.account) for kind, audio in _kinds(plan, number)]


def camera_of(plan: FleetPlan, number: int, stream_base: str, utc_ms: int) -> OnvifCamera:
    """Return a camera's ONVIF side; `stream_base` is scheme, host and port of its streams."""
    challenge = None
    if plan.account is not None:
        challenge = Challenge(REALM, secrets.token_hex(16), (Scheme.DIGEST_SHA256, Scheme.DIGEST_MD5))
    camera = OnvifCamera(
        name=f"{plan.name_prefix}-{number}",
        number=number,
        endpoint_id="",
        profiles=tuple(
            _profile(plan, kind, audio, stream_base + path(number, kind)) for kind, audio in _kinds(plan, number)
        ),
        account=plan.account,
        challenge=challenge,
        clock_offset_seconds=plan.clock_offset_seconds,
    )
    camera.media.refuses_profiles = not plan.profiles_can_be_made
    if plan.card is not None:
        camera.card = SimulatedCard(with_audio=plan.card_audio and audio_of(plan, number) is not AudioKind.NONE)
        if plan.card is CardState.RECORDING:
            camera.card.record(utc_ms, plan.clock_offset_seconds)
        camera.card.state = plan.card
    return camera


def join(
    camera: OnvifCamera, its_mounts: Sequence[Mount], all_mounts: dict[str, Mount], truth: TruthLog | None
) -> None:
    """Let a camera's streams follow its profiles, replay its card, tell its time and write down what was sent."""
    for mount in its_mounts:
        mount.card, mount.truth = camera.card, truth
        mount.clock_offset_seconds = lambda: camera.clock_offset_seconds
    camera.media.on_profile = follow(all_mounts)


def _profile(plan: FleetPlan, kind: str, audio: AudioKind, url: str) -> SimulatedProfile:
    clip = plan.clip
    return SimulatedProfile(
        token=kind,
        name=kind,
        encoding="H264" if clip.codec.value == "h264" else "H265",
        width=clip.width,
        height=clip.height,
        frames_per_second=clip.frames_per_second,
        bitrate_kbps=clip.bits_per_second // 1000,
        gop_frames=clip.gop_frames,
        audio=audio,
        rtsp_url=url,
    )


def path(number: int, kind: str = "main") -> str:
    """Return the path of one of a camera's streams."""
    return f"/camera-{number}" if kind == "main" else f"/camera-{number}/{kind}"
