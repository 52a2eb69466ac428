"""The recorder's volumes as the watch over health sees them, and the probe of those into which nothing is recorded.

A file system can refuse every write and still call itself writable (ext4's emergency_ro): where cameras record, the
next commit finds that out; where none does, one block is written, synced and read back now and then. This module must
not know how media are judged.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kuramori.recorder import Recorder
from kuramori.storage_health.health_watch import HealthWatch, Watched
from kuramori.storage_health.medium_facts import OwnFacts
from kuramori.storage_watch import StorageWatch
from kuramori.volume_health import VolumeState
from kuramori.volume_lane import VolumeLane
from kuramori_config.quantities import Size
from kuramori_segments.storage_fault import StorageFault

PROBE_NS = 20_000_000_000  # so long nothing was written


@dataclass(slots=True)
class _Idle:
    """Since when a lane's commits stand still."""

    commits: int = -1
    since_boot_ns: int = 0


@dataclass(slots=True)
class WatchedVolumes:
    """Gives every volume of the configuration, and the state directory."""

    recorder: Recorder
    storage: StorageWatch
    state: Path
    watch: HealthWatch | None = None  # whose own file tries the state directory
    _idle: dict[Path, _Idle] = field(default_factory=dict)

    def __call__(self) -> Sequence[Watched]:
        """Return what is to be looked at now."""
        configuration = self.recorder.configuration
        rated = {volume.path: volume.endurance for volume in configuration.volumes}
        found = [
            Watched(path, _bytes(rated.get(path)), partial(self._own, path), partial(self._probe, path))
            for path in self.recorder.vault.shelf.places
        ]
        state = Watched(self.state, _bytes(configuration.storage.endurance), self._own_state, beside_volumes=True)
        return [*found, state]

    def _lane(self, path: Path) -> VolumeLane | None:
        return next((lane for lane in self.recorder.lanes if lane.path == path), None)

    def _own(self, path: Path) -> OwnFacts:
        lane = self._lane(path)
        if lane is None:
            away = self.recorder.vault.shelf.away.get(path)
            return OwnFacts(fault=str(away)) if away is not None else OwnFacts()
        usage, figures = lane.volume.usage(), lane.figures
        scrub = self.recorder.scrub_figures.get(lane.volume.superblock.volume_id)
        broken = lane.health.needs_return or lane.health.state is VolumeState.LATE
        return OwnFacts(
            fault=(lane.health.detail or lane.health.state.value) if broken else "",
            io_errors=figures.write_errors.get(errno.EIO, 0),
            bad_slots=usage.bad + usage.doubtful,
            damaged_segments=scrub.damaged if scrub is not None else 0,
            scrub_fault=scrub.fault if scrub is not None else "",
            commits=figures.commits,
            commit_seconds=figures.commit_seconds,
        )

    def _own_state(self) -> OwnFacts:
        return OwnFacts(fault=self.watch.save_fault if self.watch is not None else "")

    async def _probe(self, path: Path) -> None:
        """Try a volume by writing where nothing else does; what fails is treated as a commit that failed."""
        lane = self._lane(path)
        if lane is None or not lane.health.is_good or lane.busy:
            return
        idle, boot_ns = self._idle.setdefault(path, _Idle()), self.recorder.clock.boot_ns()
        if idle.commits != lane.figures.commits:
            idle.commits, idle.since_boot_ns = lane.figures.commits, boot_ns
        if boot_ns - idle.since_boot_ns < PROBE_NS:
            return
        idle.since_boot_ns = boot_ns
        try:
            await lane.thread.call(lane.volume.probe)
        except StorageFault as fault:
            figures = lane.figures
            figures.write_errors[fault.errno] = figures.write_errors.get(fault.errno, 0) + 1
            self.storage.commit_failed(lane, fault)


def _bytes(size: Size | None) -> int | None:
    return size.total_bytes if size is not None else None
