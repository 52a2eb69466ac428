"""What a simulated camera is and how it is set: the state that its services answer from. No questions, no answers.

Tests and the fleet change it while the camera runs. This module must not know SOAP or sockets.
"""

from dataclasses import dataclass, field

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.card import SimulatedCard
from kuramori.simulator.challenge import Account, Challenge
from kuramori.simulator.onvif.event_desk import EventDesk
from kuramori.simulator.onvif.event_topics import EventKind
from kuramori.simulator.onvif.media_settings import MediaSettings, TimeSettings
from kuramori.simulator.onvif.profile import SimulatedProfile
from kuramori.simulator.onvif.time_text import written

OPERATIONS_KEPT = 1000
MANUFACTURER = "Kuramori"
MODEL = "Simulated camera"


@dataclass(slots=True)
class Search:
    """A search for recordings or events: what is left to be told, and how often it is still not finished."""

    results: list[str]
    rounds: int


@dataclass(slots=True)
class CameraState:
    """One camera. `device_url` is known once its port is."""

    name: str
    number: int
    endpoint_id: str
    profiles: tuple[SimulatedProfile, ...]
    account: Account | None = None
    challenge: Challenge | None = None
    device_url: str = ""
    clock_offset_seconds: float = 0  # how wrong its clock is
    old_firmware: bool = False  # knows neither GetServices nor media2
    operations: list[str] = field(default_factory=list)  # as they came, the last OPERATIONS_KEPT
    events: EventDesk = field(default_factory=EventDesk)
    media: MediaSettings = field(default_factory=MediaSettings)
    time: TimeSettings = field(default_factory=TimeSettings)
    card: SimulatedCard | None = None  # None: no slot for a card, no recording services
    searches: dict[str, Search] = field(default_factory=dict)  # by token

    def scopes(self) -> tuple[str, ...]:
        """Return the scopes of discovery and GetScopes."""
        prefix = "onvif://www.onvif.org"
        name, model = self.name.replace(" ", "%20"), MODEL.replace(" ", "%20")
        has_audio = any(profile.audio is not AudioKind.NONE for profile in self.profiles)
        kinds = ("type/video_encoder", *(("type/audio_encoder",) if has_audio else ()))
        return (
            f"{prefix}/Profile/Streaming",
            *((f"{prefix}/Profile/G",) if self.card is not None else ()),
            f"{prefix}/manufacturer/{MANUFACTURER}",
            f"{prefix}/hardware/{model}",
            f"{prefix}/name/{name}",
            *(f"{prefix}/{kind}" for kind in kinds),
        )

    def service_url(self, service: str) -> str:
        """Return the address of one of its services."""
        return self.device_url.rpartition("/")[0] + f"/{service}"

    def camera_utc_ms(self, utc_ms: int) -> int:
        """Return what the camera's own clock shows."""
        return utc_ms + round(self.clock_offset_seconds * 1000)

    def set_clock(self, offset_seconds: float, utc_ms: int) -> None:
        """Let the camera's clock jump; what its card records from now on carries the other time."""
        self.clock_offset_seconds = offset_seconds
        if self.card is not None:
            self.card.clock_stepped(utc_ms, offset_seconds)

    def note_operation(self, operation: str) -> None:
        """Remember what was asked."""
        self.operations = [*self.operations, operation][-OPERATIONS_KEPT:]

    def emit(self, kind: EventKind, state: bool | str, utc_ms: int) -> None:
        """Let something happen: every subscriber is told. `state` of a job is "Idle", "Active" or "Error"."""
        value = state if isinstance(state, str) else str(state).lower()
        self.events.emit(kind, value, self.camera_utc_ms(utc_ms))

    def reboot(self, utc_ms: int) -> None:
        """Forget what a camera forgets when it starts again: subscriptions and searches."""
        self.events.forget()
        self.searches.clear()
        self.events.emit(EventKind.REBOOT, written(self.camera_utc_ms(utc_ms)), self.camera_utc_ms(utc_ms))
