"""What a simulated camera is and how it is set: the state that its services answer from. No questions, no answers.

Tests and the fleet change it while the camera runs. This module must not know SOAP or sockets.
"""

from dataclasses import dataclass, field

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account, Challenge
from kuramori.simulator.onvif.profile import SimulatedProfile

OPERATIONS_KEPT = 1000
MANUFACTURER = "Kuramori"
MODEL = "Simulated camera"


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

    def scopes(self) -> tuple[str, ...]:
        """Return the scopes of discovery and GetScopes."""
        prefix = "onvif://www.onvif.org"
        name, model = self.name.replace(" ", "%20"), MODEL.replace(" ", "%20")
        has_audio = any(profile.audio is not AudioKind.NONE for profile in self.profiles)
        kinds = ("type/video_encoder", *(("type/audio_encoder",) if has_audio else ()))
        return (
            f"{prefix}/Profile/Streaming",
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

    def note_operation(self, operation: str) -> None:
        """Remember what was asked."""
        self.operations = [*self.operations, operation][-OPERATIONS_KEPT:]
