"""The recorder's parts as one whole, for those who ask about them or act on them (answers, forgetting, figures).

Built once by the composition root (`recorder_process`). This module must not know how the parts work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kuramori.camera import Camera
from kuramori.camera_sources import StreamBook
from kuramori.clock_trust import clock_synchronised
from kuramori.tick import Tick, VolumeLane
from kuramori.timebase import Clock, UtcAnchor
from kuramori.vault import Vault
from kuramori.vault_thread import WorkThread
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Configuration
from kuramori_segments.ring import CameraPlan


@dataclass(slots=True, eq=False)
class Recorder:
    """Everything that records."""

    configuration: Configuration
    vault: Vault
    clock: Clock
    anchor: UtcAnchor
    commits: WorkThread  # ledger news and volume commits, in order
    books: WorkThread  # keystore, and questions that read the ledger or the ring
    cameras: Mapping[str, Camera]
    tables: Mapping[str, CameraTable]
    plans: Mapping[int, CameraPlan]
    stream_book: StreamBook
    started_utc_ms: int
    lanes: Sequence[VolumeLane] = ()
    tick: Tick | None = None
    problems: dict[str, str] = field(default_factory=dict)  # what is wrong now, by a stable name; empty is green
    door_facts: dict[str, Any] = field(default_factory=dict)  # camera name → the last CameraStream of the door

    def now_utc_ms(self) -> int:
        """Return UTC by the anchor."""
        return self.anchor.utc_ms(self.clock.boot_ns())

    @property
    def clock_trusted(self) -> bool:
        """Tell whether a time source keeps the wall clock."""
        return clock_synchronised()

    def camera_numbered(self, camera_number: int) -> Camera | None:
        """Return the camera of that number, if it is configured."""
        for camera in self.cameras.values():
            if camera.recording.camera_number == camera_number:
                return camera
        return None

    def retention_ms(self, camera_name: str) -> int | None:
        """Return how long a configured camera's pictures are kept."""
        table = self.tables.get(camera_name)
        return None if table is None else table.retention.seconds * 1000
