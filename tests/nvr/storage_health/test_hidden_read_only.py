"""A file system that refuses every write and still calls itself writable is found by writing, where nobody records."""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kuramori.camera_messages import Light
from kuramori.storage_health.health_watch import HealthWatch
from kuramori.storage_health.medium_history import MediumHistory
from kuramori.storage_health.sysfs_medium import Sources
from kuramori.storage_health.watched_volumes import PROBE_NS, WatchedVolumes
from kuramori.storage_watch import StorageWatch
from kuramori.volume_health import VolumeState
from kuramori.volume_lane import VolumeLane
from kuramori.volume_shelf import VolumeShelf
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume
from tests.fakes.clock import ToldClock
from tests.fakes.power_cut import power_cut_disk
from tests.peers import require_root

PATIENCE_SECONDS = 60.0


@dataclass
class IdleRecorder:
    """What the watched volumes ask of a recorder into whose only volume nothing is recorded."""

    lanes: list[VolumeLane]
    clock: ToldClock
    vault: Any
    configuration: Any = field(
        default_factory=lambda: SimpleNamespace(volumes=(), storage=SimpleNamespace(endurance=None))
    )
    scrub_figures: dict[bytes, Any] = field(default_factory=dict)


def a_volume(path: Path) -> Volume:
    return Volume.create_file(
        path, size_bytes=8 << 20, volume_id=b"v" * 16, recorder_id=b"r" * 16, created_utc_ms=1, slot_bytes=1 << 20
    )


async def found_by_writing(volume: Volume, path: Path, state: Path, fail: Any) -> tuple[Light, VolumeState]:
    """Let an idle volume be watched, fail it, and return what is said of it once the probe has met the fault."""
    clock = ToldClock()
    shelf = VolumeShelf((path,))
    shelf.put(path, volume)
    lane = VolumeLane(volume, [], path)
    recorder: Any = IdleRecorder([lane], clock, SimpleNamespace(shelf=shelf))
    problems: dict[str, str] = {}

    def bring_back(*_arguments: Any) -> Any:
        raise AssertionError("nobody asks for its return here")

    storage = StorageWatch(lanes=[lane], clock=clock, bring_back=bring_back, problems=problems)
    watched = WatchedVolumes(recorder, storage, state)
    history = MediumHistory(state / "storage_health.json")
    watch = HealthWatch(watched, history, Sources(state / "smart"), clock, clock.utc_ms, "boot", problems)
    running = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(3):  # as long as it takes writes, probes find nothing
                clock.pass_ms(PROBE_NS // 1_000_000)
                await asyncio.sleep(0.05)
            assert lane.health.is_good
            fail()
            while lane.health.is_good or watch.reports[0].light is not Light.RED:
                clock.pass_ms(PROBE_NS // 1_000_000)
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.wait([running])
        lane.thread.close(wait=True)
    return watch.reports[0].light, lane.health.state


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kuramori.storage_health.health_watch.JUDGE_SECONDS", 0.01)


@pytest.mark.root
@pytest.mark.parametrize("how", ["error", "cut"])
async def test_a_file_system_that_hides_it_is_found_by_writing(tmp_path: Path, how: str) -> None:
    """An error that the kernel found in ext4, and a disk that is gone: statvfs calls both writable."""
    require_root()
    with power_cut_disk(tmp_path) as disk:
        path = disk.directory / "volume"
        volume = a_volume(path)

        try:
            light, state = await found_by_writing(
                volume, path, tmp_path, disk.raise_error if how == "error" else disk.cut
            )
            assert not os.statvfs(disk.directory).f_flag & os.ST_RDONLY
            with pytest.raises(StorageFault):
                volume.probe()
        finally:
            volume.close()
    assert (light, state) == (Light.RED, VolumeState.FAILING)
