"""A keystore that makes no key is asked ever more rarely, alarms once, and gives the key when it can again.

A real keystore in a folder; whether its place takes writes is the test's.
"""

import asyncio
import errno
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from kuramori.epoch_making import PROBLEM, EpochMaking
from kuramori.epoch_pause import LONGEST_WAIT_NS, NS_PER_SECOND, EpochPause
from kuramori.recorder_pulse import storage_fault_known
from kuramori.storage_texts import keystore_late_problem
from kuramori_segments.key_records import Epoch
from kuramori_segments.keystore_faults import KeystoreUnwritable
from kuramori_segments.keystore_pair import KeystorePair
from tests.fakes.house import House, running_house

LONG_SECONDS = 60.0


class FullPlace(KeystorePair):
    """The keystore, in a place that is full until told otherwise."""

    full = True
    tries = 0

    def new_epoch(self, *args: Any, **kwargs: Any) -> Epoch:
        self.tries += 1
        if self.full:
            raise KeystoreUnwritable("/var/lib/kuramori/keystore", errno.ENOSPC)
        return super().new_epoch(*args, **kwargs)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Two cameras."""
    async with running_house(tmp_path) as made:
        yield made
        made.recorder.keys.close()


async def until_tries(place: FullPlace, tries: int) -> None:
    """Wait for a try."""
    async with asyncio.timeout(LONG_SECONDS):
        while place.tries < tries:
            await asyncio.sleep(0.01)


async def test_a_full_place_is_tried_ever_more_rarely_and_used_when_it_is_not(house: House, logged: list[Any]) -> None:
    """Both cameras want a key: one try in each wait, one alarm, one problem; then each gets its key."""
    place = FullPlace(*house.vault.keystore.stores)
    object.__setattr__(house.vault, "keystore", place)
    making = EpochMaking(house.recorder)
    making.begin()
    cameras = list(house.recorder.cameras.values())
    for camera in cameras:
        making.request(camera)
    await until_tries(place, 1)
    house.clock.pass_ms(1000)
    await until_tries(place, 2)
    assert PROBLEM in house.recorder.problems
    assert all(camera.recording.plan.requested for camera in cameras)  # the tick does not ask meanwhile
    place.full = False
    house.clock.pass_ms(2000)
    async with asyncio.timeout(LONG_SECONDS):
        while not all(camera.recording.plan.ready for camera in cameras):
            await asyncio.sleep(0.01)
    assert place.tries == 4  # two in vain, and one for each camera
    assert PROBLEM not in house.recorder.problems
    told = [one["event"] for one in logged]
    assert told.count("epoch_refused") == 1
    assert told.count("epochs_again") == 1
    await making.finish(1.0)


class HangingPlace(KeystorePair):
    """The keystore, on a medium that neither works nor fails until told otherwise."""

    answers = threading.Event()

    def new_epoch(self, *args: Any, **kwargs: Any) -> Epoch:
        self.answers.wait(LONG_SECONDS)
        return super().new_epoch(*args, **kwargs)


async def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(LONG_SECONDS):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_place_that_hangs_is_told_until_a_key_is_made(house: House, logged: list[Any]) -> None:
    """Neither a key nor a refusal: one alarm, one problem; it is gone with the first key."""
    place = HangingPlace(*house.vault.keystore.stores)
    object.__setattr__(house.vault, "keystore", place)
    making = EpochMaking(house.recorder, late_seconds=0.05)
    making.begin()
    cameras = list(house.recorder.cameras.values())
    try:
        for camera in cameras:
            making.request(camera)
        await until(lambda: PROBLEM in house.recorder.problems)
        assert house.recorder.problems[PROBLEM] == keystore_late_problem()
        assert storage_fault_known(house.recorder)  # so no restart is asked for: it would mend nothing
    finally:
        place.answers.set()
    await until(lambda: all(camera.recording.plan.ready for camera in cameras))
    assert PROBLEM not in house.recorder.problems
    assert [one["event"] for one in logged].count("keystore_late") == 1
    await making.finish(1.0)


async def test_a_rotation_that_never_ends_is_told_as_well(house: House) -> None:
    """At the start nothing is asked of the keystore before its rotation is over: what waits for it is told, once."""
    making = EpochMaking(house.recorder, late_seconds=0.05)
    for camera in house.recorder.cameras.values():
        making.request(camera)
    await until(lambda: PROBLEM in house.recorder.problems)
    making.begin()
    await until(lambda: PROBLEM not in house.recorder.problems)
    await making.finish(1.0)


def test_waits_double_up_to_a_bound() -> None:
    """1, 2, 4, 8, 10, 10 seconds; news is the first refusal only; a key ends it."""
    pause, boot_ns = EpochPause(), 0
    waits, news = [], []
    for _ in range(6):
        news.append(pause.note_refusal(boot_ns))
        waits.append(pause.left_ns(boot_ns) // NS_PER_SECOND)
        boot_ns += pause.left_ns(boot_ns)
        assert pause.left_ns(boot_ns) == 0
    assert waits == [1, 2, 4, 8, 10, 10]
    assert waits[-1] * NS_PER_SECOND == LONGEST_WAIT_NS
    assert news == [True, *[False] * 5]
    assert pause.note_success() == 6
    assert pause.left_ns(0) == 0
    assert pause.note_refusal(boot_ns)
