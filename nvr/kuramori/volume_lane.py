"""One volume on the path of a frame: the cameras that are written to it, its thread, its commit under way, its health.

What the tick hands over and what the watch over storage decides meet here. This module must not know either of them.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kuramori.camera import Camera
from kuramori.recording import CameraRecording
from kuramori.recording_values import Batch, DurableMark
from kuramori.vault_thread import FilledRun, RunCut, WorkThread
from kuramori.volume_health import VolumeHealth
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.run_tracker import RunChange
from kuramori_segments.volume import Volume

COMMIT_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Filled(Protocol):
    """What is filled from one camera's card: committed with the ticks like a camera, but never drained by them."""

    durable: DurableMark | None

    @property
    def recording(self) -> CameraRecording: ...

    def take_ledger_changes(self) -> tuple[list[RunChange | FilledRun | RunCut], list[tuple[int, GapReason, str]]]:
        """Return what the ledger must know before the next commit, and forget it here."""

    def cut_run(self, reason: GapReason, detail: str = "") -> None:
        """What was to be written could not be kept."""


@dataclass(slots=True)
class CommitFigures:
    """Plain figures of commits, read at scrape time."""

    commits: int = 0
    commit_seconds: float = 0.0
    commit_buckets: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_BUCKETS_SECONDS) + 1))
    write_errors: dict[int, int] = field(default_factory=dict)  # by errno

    def note_commit(self, seconds: float) -> None:
        """Count one commit and how long it took."""
        self.commits += 1
        self.commit_seconds += seconds
        self.commit_buckets[bisect_left(COMMIT_BUCKETS_SECONDS, seconds)] += 1


@dataclass(slots=True, eq=False)
class CommitUnderWay:
    """What one commit writes, and of whom. `given_up`: it hangs, and its pictures go elsewhere."""

    batches: Sequence[tuple[Camera | Filled, Batch]]
    began_boot_ns: int
    given_up: bool = False


@dataclass(slots=True, eq=False)
class VolumeLane:
    """One volume with the cameras that are written to it. `path` None: it is never opened anew."""

    volume: Volume
    cameras: list[Camera]
    path: Path | None = None
    filled: list[Filled] = field(default_factory=list)
    thread: WorkThread = field(default_factory=lambda: WorkThread("volume"))
    health: VolumeHealth = field(default_factory=VolumeHealth)
    under_way: asyncio.Task[None] | None = None
    commit: CommitUnderWay | None = None
    figures: CommitFigures = field(default_factory=CommitFigures)
    returning: asyncio.Task[None] | None = None  # the look at a failed volume
    doubtful: set[int] = field(default_factory=set)  # slots of failed commits, until they are looked at
    left: dict[int, int | None] = field(default_factory=dict)  # slots that cameras left, and what was acknowledged
    leaving: set[int] = field(default_factory=set)  # numbers of cameras that end their segment here and go home

    @property
    def name(self) -> str:
        """The volume's path, for people."""
        return str(self.path) if self.path is not None else "the volume"

    @property
    def busy(self) -> bool:
        """Tell whether a commit is under way."""
        return self.under_way is not None and not self.under_way.done()

    @property
    def is_returning(self) -> bool:
        """Tell whether it is being looked at."""
        return self.returning is not None and not self.returning.done()

    @property
    def writers(self) -> list[Camera | Filled]:
        """Everything that is recorded into the volume."""
        return [*self.cameras, *self.filled]
