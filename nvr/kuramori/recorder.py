"""The recorder's parts as one whole, for those who ask about them or act on them (answers, forgetting, figures).

Built once by the composition root (`recorder_process`). This module must not know how the parts work.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kuramori import log
from kuramori.camera import Camera
from kuramori.camera_assembly import CameraAssembly, home_at
from kuramori.camera_messages import Pause
from kuramori.camera_sources import StreamBook
from kuramori.camera_texts import camera_troubles
from kuramori.capacity_messages import CapacityPlan
from kuramori.clock_trust import clock_synchronised
from kuramori.fact_book import FactBook
from kuramori.filling.fill_figures import FillFigures
from kuramori.filling.filled_lane import FilledLane
from kuramori.header_reading import HeaderReading
from kuramori.media_watch import MediaWatch
from kuramori.pause_book import PauseBook
from kuramori.recording_values import RecordingState
from kuramori.scrubbing.damage_book import DamageBook
from kuramori.scrubbing.scrub_figures import ScrubFigures
from kuramori.sound import sound_troubles
from kuramori.storage_health.health_watch import HealthWatch
from kuramori.tick import Tick
from kuramori.timebase import Clock, UtcAnchor
from kuramori.vault import Vault
from kuramori.vault_thread import WorkThread
from kuramori.volume_lane import VolumeLane
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Configuration
from kuramori_segments.ledger_fault import LedgerFault
from kuramori_segments.ledger_records import Scalar
from kuramori_segments.ring import CameraPlan

OLDEST_KEPT_NS = 10_000_000_000
SETTLE_CHECK_SECONDS = 0.05


@dataclass(slots=True, eq=False)
class Recorder:
    """Everything that records."""

    configuration: Configuration
    vault: Vault
    clock: Clock
    anchor: UtcAnchor
    commits: WorkThread  # ledger news and volume commits, in order
    books: WorkThread  # keystore, and questions that read the ledger or the ring
    assembly: CameraAssembly
    cameras: Mapping[str, Camera]  # those of the configuration; replaced as a whole, for other threads read it
    numbers: Mapping[str, int]  # of every camera that ever was, likewise
    stream_book: StreamBook
    facts: FactBook
    pauses: PauseBook
    started_utc_ms: int
    keys: WorkThread = field(default_factory=lambda: WorkThread("keys"))  # new epochs: never behind a slow volume
    lanes: list[VolumeLane] = field(default_factory=list)  # grows when a volume appears
    tick: Tick | None = None
    problems: dict[str, str] = field(default_factory=dict)  # what is wrong now, by a stable name; empty is green
    door_facts: dict[str, Any] = field(default_factory=dict)  # camera name → the last CameraStream of the door
    left_retention_ms: Mapping[int, int] = field(default_factory=dict)  # of cameras that left while it runs, by number
    configuration_fault: Callable[[], str] = lambda: ""  # why the file, read anew, was refused; "" when it was not
    filled: dict[int, FilledLane] = field(default_factory=dict)  # what is filled from cameras' cards, by number
    media: MediaWatch | None = None
    health: HealthWatch | None = None
    filled_left: dict[int, RecordingState] = field(default_factory=dict)  # of cameras that left: where it goes on
    fill_figures: dict[str, FillFigures] = field(default_factory=dict)  # by name
    damage: DamageBook = field(default_factory=DamageBook)  # what reading back found
    scrub_figures: dict[bytes, ScrubFigures] = field(default_factory=dict)  # by volume id
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)  # whoever lets cameras come, go or rest holds it
    headers: HeaderReading = field(default_factory=HeaderReading)  # no thread of the recorder waits for a medium
    capacity: CapacityPlan | None = None  # how long pictures will stay, as last looked at
    _oldest: dict[int, int] = field(default_factory=dict)
    _oldest_until_boot_ns: int = 0

    @property
    def tables(self) -> Mapping[str, CameraTable]:
        """The cameras' tables of the configuration, by name."""
        return self.assembly.tables

    @property
    def plans(self) -> Mapping[int, CameraPlan]:
        """What the ring keeps for each camera, by its number."""
        return self.assembly.plans

    def home_of(self, camera: str, position: int | None = None) -> Path:
        """Return the volume that the camera belongs to by its place in the configuration."""
        if position is None:
            names = [table.name for table in self.configuration.cameras]
            position = names.index(camera) if camera in names else 0
        return home_at(self.vault.shelf.places, position)

    def now_utc_ms(self) -> int:
        """Return UTC by the anchor."""
        return self.anchor.utc_ms(self.clock.boot_ns())

    def pause_of(self, camera: str) -> Pause | None:
        """Return the camera's pause, if one is in force, with its end as the clock stands now."""
        boot_ns = self.clock.boot_ns()
        return self.pauses.in_force(camera, self.anchor.utc_ms(boot_ns), boot_ns)

    def problems_now(self) -> tuple[str, ...]:
        """Return what is wrong now, in sentences for the operator; empty is green."""
        found = [*self.problems.values()]
        if self.configuration_fault():
            found.append(self.configuration_fault())
        for camera in self.cameras.values():
            if camera.audio_decision() is not None and not self.pauses.is_paused(camera.name):
                found += sound_troubles(camera.name, camera.sound)
        utc_ms, limit_ms = self.now_utc_ms(), self.configuration.recorder.clock_offset_alarm_seconds * 1000
        for name in self.cameras:
            facts = self.facts.of(name)
            if facts is not None and not self.pauses.is_paused(name):
                found += camera_troubles(facts, utc_ms, limit_ms)
        return tuple(found)

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

    async def note(self, kind: str, camera_number: int | None = None, **facts: Scalar) -> None:
        """Put an event into the ledger's timeline; a ledger that takes none is told in the log and stops nothing."""
        boot_ns = self.clock.boot_ns()
        try:
            await self.commits.call(
                self.vault.ledger.record_event,
                kind,
                utc_ms=self.anchor.utc_ms(boot_ns),
                boot_ns=boot_ns,
                camera_number=camera_number,
                **facts,
            )
        except LedgerFault as fault:
            log.get().error("ledger_unwritable", detail=str(fault))

    async def settle(self, camera: Camera, seconds: float) -> bool:
        """Wait until the last pictures of a camera that rests, and the reason why, are durable; False: not in time."""
        lane = next(lane for lane in self.lanes if camera in lane.cameras)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while lane.busy or camera.run_changes or camera.outages or not camera.recording.is_settled:
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(SETTLE_CHECK_SECONDS)
        return True

    def camera_numbered(self, camera_number: int) -> Camera | None:
        """Return the camera of that number, if it is configured."""
        for camera in self.cameras.values():
            if camera.recording.camera_number == camera_number:
                return camera
        return None
