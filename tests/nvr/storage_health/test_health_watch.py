"""The watch over media while recording goes on: nothing that hangs holds it, and nothing is forgotten by a restart."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kuramori.camera_messages import Light
from kuramori.storage_health.health_watch import LOOK_SECONDS, SILENT_SECONDS, HealthWatch, Watched
from kuramori.storage_health.medium_facts import OwnFacts
from kuramori.storage_health.medium_history import MediumHistory
from kuramori.storage_health.medium_report import MediumReport
from kuramori.storage_health.sysfs_medium import Sources
from tests.fakes.clock import ToldClock
from tests.nvr.storage_health.sysfs_tree import CARD, OTHER_CARD, SysfsTree, card_under

START = 1_790_000_000_000
PATIENCE_SECONDS = 60.0
TERABYTE = 10**12


@dataclass
class Site:
    """A recorder's folder with a card under it, and the watch of each of its runs."""

    folder: Path
    tree: SysfsTree
    disk: Path
    clock: ToldClock
    problems: dict[str, str] = field(default_factory=dict)
    noted: list[str] = field(default_factory=list)
    own: OwnFacts = field(default_factory=OwnFacts)
    watched: list[Watched] = field(default_factory=list)

    def watch(self) -> HealthWatch:
        return HealthWatch(
            lambda: self.watched,
            MediumHistory(self.folder / "storage_health.json"),
            Sources(self.folder / "smart", self.tree.root),
            self.clock,
            self.clock.utc_ms,
            "boot",
            self.problems,
            lambda kind, _facts: self.noted.append(kind),
        )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr("kuramori.storage_health.health_watch.JUDGE_SECONDS", 0.01)
    volume = tmp_path / "volume"
    volume.mkdir()
    tree = SysfsTree(tmp_path / "sys")
    made = Site(tmp_path, tree, card_under(tree, volume), ToldClock(START, 1))
    made.watched.append(Watched(volume, 10 * TERABYTE, lambda: made.own))
    return made


@asynccontextmanager
async def running(watch: HealthWatch) -> AsyncIterator[HealthWatch]:
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def until(said: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not said():
            await asyncio.sleep(0.005)


def report(watch: HealthWatch) -> MediumReport:
    return watch.reports[0]


def pass_seconds(site: Site, seconds: float) -> None:
    site.clock.pass_ms(int(seconds * 1000))


async def until_light(watch: HealthWatch, light: Light) -> None:
    await until(lambda: report(watch).light is light and report(watch).light_since_utc_ms is not None)


async def test_a_card_with_an_endurance_becomes_green(site: Site) -> None:
    """It is unknown until the first look has ended, and nobody is alarmed."""
    watch = site.watch()
    assert report(watch).light is Light.UNKNOWN
    async with running(watch):
        await until_light(watch, Light.GREEN)
        assert (report(watch).device, report(watch).identity) == ("mmcblk0", f"cid:{CARD}")
        assert report(watch).written_bytes == 0
        assert site.problems == {}
        site.tree.write(site.disk, stat="1 0 8 1 5 0 902000 5 0 0 0")
        pass_seconds(site, LOOK_SECONDS)
        await until(lambda: report(watch).written_bytes == 2000 * 512)


async def test_an_error_of_the_recorder_counts_at_once_and_over_a_restart(site: Site) -> None:
    """Red without another look; the next run still knows it, and since when."""
    watch = site.watch()
    async with running(watch):
        await until_light(watch, Light.GREEN)
        pass_seconds(site, 5)
        site.own = OwnFacts(io_errors=1)
        await until_light(watch, Light.RED)
        assert "kuramori storage" in site.problems[f"health {site.watched[0].path}"]
    since = report(watch).light_since_utc_ms
    site.own = OwnFacts()
    again = site.watch()
    pass_seconds(site, 60)
    async with running(again):
        await until_light(again, Light.RED)
        assert report(again).light_since_utc_ms == since


async def test_a_card_swapped_while_the_recorder_was_off_alarms_until_it_is_accepted(site: Site) -> None:
    """The alarm lasts over restarts; accepting it ends it for good."""
    watch = site.watch()
    async with running(watch):
        await until_light(watch, Light.GREEN)
    site.tree.write(site.disk, device__cid=OTHER_CARD)
    for _ in range(2):
        watch = site.watch()
        async with running(watch):
            await until_light(watch, Light.GREEN)
            assert report(watch).swapped
            assert "--accept" in site.problems[f"health {site.watched[0].path}"]
    assert site.noted == ["medium_swapped", "medium_swapped"]
    async with running(watch := site.watch()):
        await until(lambda: report(watch).swapped)
        volume = str(site.watched[0].path)
        assert watch.accept("/somewhere/else", report(watch).identity) is None
        assert watch.accept(volume, "cid:of-a-third-card") is None  # exchanged again before anybody accepted it
        accepted = watch.accept(volume, report(watch).identity)
        assert accepted is not None
        assert not accepted.swapped
        assert site.problems == {}
    async with running(watch := site.watch()):
        await until_light(watch, Light.GREEN)
        assert not report(watch).swapped


@pytest.mark.parametrize("hanging", ["stat", "device/cid", "ro"])
async def test_a_file_that_never_answers_makes_one_medium_unknown_and_holds_nobody(site: Site, hanging: str) -> None:
    """Others are looked at meanwhile; the watch ends at once, and says that a thread stays behind."""
    site.watched.append(Watched(Path("/proc")))  # no medium, and it answers
    watch = site.watch()
    pipe = site.disk / hanging
    async with running(watch):
        await until_light(watch, Light.GREEN)
        pipe.unlink()
        os.mkfifo(pipe)
        pass_seconds(site, LOOK_SECONDS)
        await asyncio.sleep(0.05)
        pass_seconds(site, SILENT_SECONDS)
        await until_light(watch, Light.UNKNOWN)
        assert report(watch).evidence[0].key == "silent"
        pass_seconds(site, LOOK_SECONDS)
        await until(lambda: report(watch).evidence[0].value == str(int(SILENT_SECONDS + LOOK_SECONDS)))
        await until(lambda: watch.reports[1].looked_utc_ms == site.clock.utc_ms())
    assert watch.hangs
    with pipe.open("w"):
        pass  # the thread returns
    await asyncio.to_thread(_until_ended)


def _until_ended() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("medium health"):
            thread.join(PATIENCE_SECONDS)


async def test_a_history_that_cannot_be_written_is_red_for_the_state_directory(site: Site) -> None:
    """Its own file is the probe of that medium; the volume stays as it is."""
    (site.folder / "storage_health.json.new").mkdir()
    watch = site.watch()
    site.watched.append(
        Watched(site.folder / "sys", None, lambda: OwnFacts(fault=watch.save_fault), beside_volumes=False)
    )
    async with running(watch):
        await until(lambda: watch.reports[1].light is Light.RED)
        assert report(watch).light is Light.GREEN
        (site.folder / "storage_health.json.new").rmdir()
        watch.accept(str(site.watched[0].path), report(watch).identity)
        await until(lambda: not watch.save_fault)


async def test_the_state_directory_is_told_only_on_a_disk_of_its_own(site: Site) -> None:
    """One card under everything is one line and one alarm."""
    site.watched.append(Watched(site.folder, beside_volumes=True))
    watch = site.watch()
    async with running(watch):
        await until(lambda: len(watch.reports) == 1 and report(watch).device == "mmcblk0")


async def test_a_volume_that_is_retired_is_forgotten(site: Site) -> None:
    """With its problem."""
    site.own = OwnFacts(bad_slots=1)
    watch = site.watch()
    async with running(watch):
        await until(lambda: bool(site.problems))
        site.watched.clear()
        await until(lambda: not site.problems)
        assert watch.reports == ()


async def test_a_probe_is_begun_again_only_when_the_last_one_has_ended(site: Site) -> None:
    """A write that hangs is one write."""
    begun, gate = [], asyncio.Event()

    async def probe() -> None:
        begun.append(1)
        await gate.wait()

    probing: Callable[[], Awaitable[None]] = probe
    site.watched[0] = Watched(site.watched[0].path, TERABYTE, lambda: site.own, probing)
    watch = site.watch()
    async with running(watch):
        await until_light(watch, Light.GREEN)
        assert len(begun) == 1
        gate.set()
        await until(lambda: len(begun) > 1)
