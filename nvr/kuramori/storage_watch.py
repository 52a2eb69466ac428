"""Keeps recording going when a volume fails: cameras move elsewhere, or wait in memory; one that is back is used again.

Asked at every tick, volume by volume. What it decides follows `volume_health`; what blocks happens in the volume's own
thread, and a thread that hangs is left alone. This module must not know sockets, keys or SQL.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kuramori import log
from kuramori.camera import Camera
from kuramori.recording_values import Slots
from kuramori.storage_fault_texts import storage_fault_text
from kuramori.storage_texts import volume_problem
from kuramori.timebase import Clock
from kuramori.volume_health import HANGING_NS, LATE_NS, LET_GO_NS, NS_PER_SECOND, VolumeState
from kuramori.volume_lane import Filled, VolumeLane
from kuramori.volume_return import Returned, VolumeAway, reads
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.storage_fault import StorageFault, VolumeRefused
from kuramori_segments.volume import Volume

HOME_AFTER_NS = 20 * NS_PER_SECOND  # so long a volume must be good before its cameras come back to it
NOT_KEPT = "what was to be written could not be kept"

BringBack = Callable[[Volume, Path | None, Mapping[int, int | None], Sequence[int]], Returned]


async def _no_welcome(_lane: VolumeLane, _returned: Returned) -> None:
    """Nobody else needs to know."""


@dataclass(slots=True, eq=False)
class StorageWatch:
    """Decides where is recorded. `problems` is what the operator is told, by volume."""

    lanes: Sequence[VolumeLane]
    clock: Clock
    bring_back: BringBack  # blocking
    slots_of: Callable[[Volume], Slots] | None = None  # None: cameras never move
    home_of: Callable[[Camera], Path | None] = lambda _camera: None
    welcome: Callable[[VolumeLane, Returned], Awaitable[None]] = _no_welcome  # before it is recorded into again
    noted: Callable[[str, dict[str, str]], None] = lambda _kind, _facts: None  # for the ledger's timeline
    silence: Callable[[frozenset[Path]], None] = lambda _paths: None  # told which volumes do not answer
    excused: Callable[[Path, float], bool] = lambda _path, _seconds: False  # away by permission: no alarm
    problems: dict[str, str] = field(default_factory=dict)
    _silent: frozenset[Path] = frozenset()

    # ---- asked by the tick -----------------------------------------------------------------------------------

    def mind(self, lane: VolumeLane, boot_ns: int) -> bool:
        """Look after one volume; tell whether a commit may begin on it now."""
        try:
            if lane.busy:
                self._mind_late(lane, boot_ns)
                return False
            if lane.health.needs_return:
                self._mind_failing(lane, boot_ns)
                return False
            self._send_home(lane, boot_ns)
            return True
        finally:
            self._tell(lane, boot_ns)

    def commit_succeeded(self, lane: VolumeLane) -> None:
        """A commit is durable."""
        was_late = lane.health.state is VolumeState.LATE
        lane.health.note_success(self.clock.boot_ns())
        if was_late and lane.health.is_good:
            self._resume(lane)

    def commit_failed(self, lane: VolumeLane, fault: StorageFault) -> None:
        """A commit failed; its access units wait already."""
        was_good = not lane.health.needs_return
        lane.health.note_fault(fault, self.clock.boot_ns())
        if lane.health.is_good:
            self._resume(lane)
        elif was_good and lane.health.needs_return:
            self._announce("volume_failing", lane, str(fault))

    # ---- a commit that does not end ----------------------------------------------------------------------------

    def _mind_late(self, lane: VolumeLane, boot_ns: int) -> None:
        commit = lane.commit
        if commit is None or commit.given_up:
            return
        waited_ns = boot_ns - commit.began_boot_ns
        if waited_ns >= LATE_NS and lane.health.is_good:
            lane.health.note_late(boot_ns)
            self._suspend(lane)
            log.get(volume=lane.name).error("volume_late", seconds=waited_ns // NS_PER_SECOND)
        if waited_ns >= HANGING_NS and self._elsewhere(lane):
            self._give_up(lane, boot_ns)

    def _give_up(self, lane: VolumeLane, boot_ns: int) -> None:
        """Leave the thread alone: what it writes, and all that followed, is sealed again elsewhere.

        Its buffers stay untouched until it returns. What it may still make durable then is nobody's: the slots end
        where they were acknowledged before.
        """
        commit = lane.commit
        if commit is None:
            return
        commit.given_up = True
        batches = {id(camera): batch for camera, batch in commit.batches}
        for batch in batches.values():
            lane.left |= {write.slot: lane.volume.durable_bytes(write.slot) for write in batch.writes}
        for camera in lane.writers:
            if not camera.recording.seal_again(batches.get(id(camera))):
                camera.cut_run(GapReason.STORAGE_FAULT, NOT_KEPT)
        detail = f"a write has not ended for {(boot_ns - commit.began_boot_ns) // NS_PER_SECOND} s"
        lane.health.fail(VolumeState.HANGING, detail, boot_ns)
        self._announce("volume_hanging", lane, detail)
        self._empty(lane)

    # ---- a volume that fails -----------------------------------------------------------------------------------

    def _mind_failing(self, lane: VolumeLane, boot_ns: int) -> None:
        self._empty(lane)
        if lane.health.state is VolumeState.RETIRED or lane.is_returning or boot_ns < lane.health.next_try_boot_ns:
            return
        lane.returning = asyncio.create_task(self._try_return(lane), name="volume's return")

    def _empty(self, lane: VolumeLane) -> None:
        """Move every camera to another volume; where there is none they wait."""
        for camera in lane.cameras:
            if not camera.recording.is_between and not camera.recording.seal_again(None):
                camera.cut_run(GapReason.STORAGE_FAULT, NOT_KEPT)
            other = self._emptiest(lane)
            if other is None:
                camera.recording.suspended = True
            else:
                self._move(camera, lane, other)
        for filled in lane.filled:  # only those whose camera waits here too are left
            if not filled.recording.is_between:
                filled.recording.seal_again(None)
            filled.recording.suspended = True
        self._collect_left(lane)

    def _collect_left(self, lane: VolumeLane) -> None:
        for camera in lane.writers:
            self._take_left(camera, lane)

    def _take_left(self, camera: Camera | Filled, lane: VolumeLane) -> None:
        for slot in camera.recording.left_slots:
            lane.left.setdefault(slot, None)
        camera.recording.left_slots.clear()

    def _move(self, camera: Camera, lane: VolumeLane, other: VolumeLane) -> None:
        """Let a camera, and what is filled of it, go on in another volume."""
        if self.slots_of is None:
            return
        number = camera.recording.camera_number
        filled = [one for one in lane.filled if one.recording.camera_number == number]
        for one in filled:
            if not one.recording.is_between:
                one.recording.seal_again(None)
        slots = self.slots_of(other.volume)
        writers: list[Camera | Filled] = [camera, *filled]
        for writer in writers:
            self._take_left(writer, lane)
            writer.recording.move(slots, other.volume.superblock.slot_bytes)
            writer.recording.suspended = other.health.state is VolumeState.LATE
        lane.cameras = [one for one in lane.cameras if one is not camera]
        lane.filled = [one for one in lane.filled if one not in filled]
        lane.leaving.discard(number)
        other.cameras = [*other.cameras, camera]
        other.filled = [*other.filled, *filled]
        log.get(camera=camera.name).warning("camera_moved", volume=other.name, before=lane.name)

    def _elsewhere(self, lane: VolumeLane) -> bool:
        return self._emptiest(lane) is not None

    def _emptiest(self, lane: VolumeLane) -> VolumeLane | None:
        """The good volume with the fewest cameras."""
        if self.slots_of is None:
            return None
        others = [one for one in self.lanes if one is not lane and one.health.is_good]
        return min(others, key=lambda one: len(one.cameras), default=None)

    # ---- a volume that comes back ------------------------------------------------------------------------------

    async def _try_return(self, lane: VolumeLane) -> None:
        before = lane.volume
        try:
            returned = await lane.thread.call(self.bring_back, before, lane.path, lane.left, sorted(lane.doubtful))
        except (VolumeAway, VolumeRefused, StorageFault) as fault:
            lane.health.note_try_in_vain(storage_fault_text(fault), self.clock.boot_ns())
            await self._perhaps_let_go(lane)
            return
        lane.left, lane.doubtful = {}, set()
        lane.volume = returned.volume
        await self.welcome(lane, returned)
        if returned.volume is not before and self.slots_of is not None:
            slots = self.slots_of(returned.volume)
            for writer in lane.writers:  # who waited
                writer.recording.move(slots, returned.volume.superblock.slot_bytes)
        lane.health.note_return(self.clock.boot_ns())
        self._resume(lane)
        self._announce("volume_returned", lane, "")

    async def _perhaps_let_go(self, lane: VolumeLane) -> None:
        """A medium that does not answer, or fails for long, is closed: it can be unmounted then."""
        long_ago = self.clock.boot_ns() - lane.health.since_boot_ns >= LET_GO_NS
        if lane.path is not None and (long_ago or not await lane.thread.call(reads, lane.volume)):
            await lane.thread.call(lane.volume.close)

    def _suspend(self, lane: VolumeLane) -> None:
        for writer in lane.writers:
            writer.recording.suspended = True

    def _resume(self, lane: VolumeLane) -> None:
        for writer in lane.writers:
            writer.recording.suspended = False

    # ---- home again --------------------------------------------------------------------------------------------

    def _send_home(self, lane: VolumeLane, boot_ns: int) -> None:
        """Cameras that had to move come back between two segments, once their own volume has been good for a while."""
        for camera in lane.cameras:
            home = self._home_lane(camera, lane, boot_ns)
            if home is None:
                continue
            if camera.recording.is_between:
                self._move(camera, lane, home)
            else:
                camera.recording.suspended = True  # for a tick or two: what comes waits
                lane.leaving.add(camera.recording.camera_number)

    def _home_lane(self, camera: Camera, lane: VolumeLane, boot_ns: int) -> VolumeLane | None:
        path = self.home_of(camera)
        if path is None or path == lane.path:
            return None
        for other in self.lanes:
            if other.path == path and other.health.is_good and boot_ns - other.health.since_boot_ns >= HOME_AFTER_NS:
                return other
        return None

    # ---- what is told ------------------------------------------------------------------------------------------

    def _tell(self, lane: VolumeLane, boot_ns: int) -> None:
        name = f"volume {lane.name}"
        problem = None
        seconds = (boot_ns - lane.health.since_boot_ns) / NS_PER_SECOND
        excused = lane.path is not None and lane.health.needs_return and self.excused(lane.path, seconds)
        if lane.health.state is not VolumeState.RETIRED and not excused:
            problem = volume_problem(lane.name, lane.health, boot_ns, alone=not self._elsewhere(lane))
        if problem is None:
            self.problems.pop(name, None)
        else:
            self.problems[name] = problem
        waits = (VolumeState.LATE, VolumeState.HANGING)
        silent = frozenset(one.path for one in self.lanes if one.path is not None and one.health.state in waits)
        if silent != self._silent:
            self._silent = silent
            self.silence(silent)

    def _announce(self, kind: str, lane: VolumeLane, detail: str) -> None:
        log.get(volume=lane.name).error(kind, detail=detail) if detail else log.get(volume=lane.name).warning(kind)
        self.noted(kind, {"volume": lane.name, "detail": detail[:200]})
