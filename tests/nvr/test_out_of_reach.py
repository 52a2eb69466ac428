"""A volume that is away or does not answer holds up no forgetting, and no order is called done that cannot see into it.

A real vault in a folder; its medium is made silent, and the clock is the test's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kuramori.forgetting_values import OutOfReach
from kuramori.header_reading import UNREAD, HeaderReading
from kuramori.messages import FailureCode
from kuramori.vault import Volume
from kuramori.volume_return import VolumeAway
from tests.fakes.house import FRAME_MS, FRAMES_PER_SLOT, START_UTC_MS, House, running_house
from tests.fakes.slow_disk import SilentDisk
from tests.nvr.test_forgetting import HOUR_MS, hold, leave_the_hour, order

PATIENCE_SECONDS = 0.2
LONG_SECONDS = 60.0  # what must not wait for a medium is done by then on any machine
AWAY = Path("/srv/second/volume1")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Two cameras whose pictures are kept for four hours."""
    async with running_house(tmp_path) as made:
        made.recorder.headers = HeaderReading(PATIENCE_SECONDS)
        yield made


@contextmanager
def silent(volume: Volume) -> Iterator[SilentDisk]:
    """Let reads of the volume wait until the block ends, or until they may go on."""
    before = volume._disk
    disk = SilentDisk(before)
    volume._disk = disk  # type: ignore[assignment]
    try:
        yield disk
    finally:
        disk.answers.set()
        volume._disk = before


async def answers_again(reading: HeaderReading) -> None:
    """Wait until no read hangs."""
    async with asyncio.timeout(LONG_SECONDS):
        while reading.hangs:
            await asyncio.sleep(0.01)


async def test_keys_die_on_time_while_a_read_hangs(house: House) -> None:
    """A hold has headers read in each rotation: the medium gives none, the keys die all the same, held slots stay."""
    house.record("gate", 3 * FRAMES_PER_SLOT)
    begin = START_UTC_MS + FRAMES_PER_SLOT * FRAME_MS + 60_000
    number = house.recorder.cameras["gate"].recording.camera_number
    await house.forgetting.place_hold(hold("gate", begin, begin + 60_000, START_UTC_MS + 10 * HOUR_MS), [number])
    (volume,) = house.vault.volumes
    held = volume.held_slots()
    house.clock.pass_ms(4 * HOUR_MS)
    with silent(volume) as disk:
        async with asyncio.timeout(LONG_SECONDS):
            await house.forgetting.catch_up()
            await house.recorder.books.call(lambda: None)
        assert disk.waiting.is_set()
        assert house.recorder.headers.hangs
        assert house.vault.keystore.epochs() == ()
        assert volume.held_slots() == held != frozenset()
    await answers_again(house.recorder.headers)
    assert sum(house.openable("gate")) == 1


async def test_a_hanging_read_is_waited_for_once(house: House) -> None:
    """Who asks again while it hangs is told at once; when it answers it is read again."""
    house.record("gate", 3)
    (volume,) = house.vault.volumes
    reading = HeaderReading(PATIENCE_SECONDS)
    with silent(volume):
        for _ in range(3):
            assert await asyncio.to_thread(reading.headers, volume, (0, 0)) == [UNREAD, UNREAD]
        assert reading.hangs
    await answers_again(reading)
    (header,) = reading.headers(volume, (0,))
    assert header is not None
    assert header is not UNREAD
    reading.close()


async def test_an_order_waits_for_a_volume_that_does_not_answer(house: House) -> None:
    """Nothing is destroyed, the sentence names the volume; when it answers the same order erases."""
    house.record("gate", 3 * FRAMES_PER_SLOT)
    await leave_the_hour(house, "gate")
    number = house.recorder.cameras["gate"].recording.camera_number
    begin = START_UTC_MS + FRAMES_PER_SLOT * FRAME_MS + 60_000
    asked = order("gate", begin, begin + 60_000)
    (volume,) = house.vault.volumes
    epochs = house.vault.keystore.epochs()
    with silent(volume), pytest.raises(OutOfReach, match=str(house.vault.volume_paths[0])) as waits:
        await house.forgetting.erase(asked, number)
    assert waits.value.failure.code is FailureCode.VOLUME_AWAY
    assert house.vault.keystore.epochs() == epochs
    assert house.vault.ledger.erasures() == ()
    await answers_again(house.recorder.headers)
    assert await house.forgetting.erase(asked, number) is not None
    assert not house.openable("gate")[1]
    assert house.openable("gate")[0]


async def test_an_order_waits_for_a_volume_that_was_never_opened(house: House) -> None:
    """What lies on it is not known, so nothing is said to be erased; once it is retired the order is carried out."""
    house.record("gate", 2)
    await leave_the_hour(house, "gate")
    number = house.recorder.cameras["gate"].recording.camera_number
    asked = order("gate", START_UTC_MS, START_UTC_MS + FRAME_MS)
    house.vault.shelf.miss(AWAY, VolumeAway(AWAY))
    with pytest.raises(OutOfReach, match=str(AWAY)):
        await house.forgetting.erase(asked, number)
    assert all(house.openable("gate"))
    house.vault.shelf.retire(AWAY)
    assert await house.forgetting.erase(asked, number) is not None
    assert not house.openable("gate")[0]


async def test_a_camera_without_keys_has_nothing_on_any_volume(house: House) -> None:
    """Where no key of the camera lives nothing opens, wherever it lies: there is nothing to wait for."""
    number = house.recorder.cameras["yard"].recording.camera_number
    house.vault.shelf.miss(AWAY, VolumeAway(AWAY))
    assert await house.forgetting.erase(order("yard", START_UTC_MS, START_UTC_MS + 1000), number) is None
