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

OLDEST_KEPT_NS = 10_000_000_000


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
    _oldest: dict[int, int] = field(default_factory=dict)
    _oldest_until_boot_ns: int = 0

    def now_utc_ms(self) -> int:
        """Return UTC by the anchor."""
        return self.anchor.utc_ms(self.clock.boot_ns())

    @property
    def clock_trusted(self) -> bool:
        """Tell whether a time source keeps the wall clock."""
        return clock_synchronised()

    async def oldest_decryptable_utc_ms(self) -> dict[int, int]:
        """Return the first frame of the oldest living key of each camera, by its number.

        There may be tens of thousands of keys, so this is counted in the books thread, and at most every ten seconds.
        """
        boot_ns = self.clock.boot_ns()
        if boot_ns >= self._oldest_until_boot_ns:
            self._oldest = await self.books.call(self._count_oldest)
            self._oldest_until_boot_ns = boot_ns + OLDEST_KEPT_NS
        return self._oldest

    def _count_oldest(self) -> dict[int, int]:
        oldest: dict[int, int] = {}
        for epoch in self.vault.keystore.decryptable():
            known = oldest.get(epoch.camera_number)
            if known is None or epoch.first_utc_ms < known:
                oldest[epoch.camera_number] = epoch.first_utc_ms
        return oldest

    def camera_numbered(self, camera_number: int) -> Camera | None:
        """Return the camera of that number, if it is configured."""
        for camera in self.cameras.values():
            if camera.recording.camera_number == camera_number:
                return camera
        return None
