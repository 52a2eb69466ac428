"""One stream of a simulated camera as its RTSP server offers it: what it carries, who may look, what goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.card import SimulatedCard
from kuramori.simulator.challenge import Account
from kuramori.simulator.material import VideoMaterial
from kuramori.simulator.truth_log import TruthLog


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
    card: SimulatedCard | None = None  # its recordings are replayed at `path`/recording/TOKEN
    clock_offset_seconds: Callable[[], float] | None = None  # of the camera's clock, told by sender reports
    truth: TruthLog | None = None  # where it is written down what was really sent


@dataclass(frozen=True, slots=True)
class Target:
    """What a request names: a mount, a track of it ("" for the whole), a recording of its card ("" for live)."""

    mount: Mount
    track: str = ""
    recording: str = ""
