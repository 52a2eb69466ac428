"""One stream of a simulated camera as its RTSP server offers it: what it carries, who may look, what goes wrong."""

from dataclasses import dataclass

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account
from kuramori.simulator.material import VideoMaterial


@dataclass(slots=True)
class Mount:
    """One camera's stream. `video` may be replaced between sessions: the camera was reconfigured."""

    path: str  # "/cam0", optionally with a query
    video: VideoMaterial
    audio: AudioKind = AudioKind.NONE
    account: Account | None = None  # None: no password asked
    loss: float = 0.0  # share of the RTP packets that are numbered but never sent
    first_sequence: int | None = None  # None: at random
    first_timestamp: int | None = None
    phase: float | None = None  # where in the clip a session begins, 0 to 1; None: spread
