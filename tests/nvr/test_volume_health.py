"""When a volume counts as failing, late or good again."""

import errno

import pytest

from kuramori.volume_health import (
    FIRST_TRY_NS,
    LONGEST_TRY_NS,
    REMEMBERED_NS,
    VolumeHealth,
    VolumeState,
)
from kuramori_segments.storage_fault import StorageFault, storage_fault


def fault(number: int) -> StorageFault:
    return storage_fault(OSError(number, "injected"), "write", ((0, 4096),))


def test_one_broken_place_makes_no_failing_volume() -> None:
    """The next commit goes elsewhere on it; but the fault is told for ten minutes."""
    health = VolumeHealth()
    health.note_fault(fault(errno.EIO), 100)
    assert health.is_good
    assert not health.is_sound(101)
    health.note_success(200)
    assert not health.is_sound(200)
    assert health.is_sound(100 + REMEMBERED_NS)


def test_two_faults_in_a_row_make_it_failing() -> None:
    """A success between them does not."""
    health = VolumeHealth()
    health.note_fault(fault(errno.EIO), 100)
    health.note_success(200)
    health.note_fault(fault(errno.EIO), 300)
    assert health.is_good
    health.note_fault(fault(errno.EIO), 400)
    assert health.needs_return


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.ENXIO])
def test_a_fault_of_the_whole_file_system_is_enough(number: int) -> None:
    """Full or read-only: no other slot helps. A device that is gone says ENXIO, which is a place like EIO."""
    health = VolumeHealth()
    health.note_fault(fault(number), 100)
    assert health.needs_return is (number != errno.ENXIO)


def test_tries_come_ever_later() -> None:
    """Half a second at first, ten seconds at most."""
    health = VolumeHealth()
    health.note_fault(fault(errno.EROFS), 0)
    assert health.next_try_boot_ns == FIRST_TRY_NS
    for _ in range(10):
        health.note_try_in_vain("still", 1000)
    assert health.next_try_boot_ns == 1000 + LONGEST_TRY_NS
    health.note_return(5000)
    assert health.is_good


def test_a_late_commit_that_ends_is_forgiven() -> None:
    """Late is no failure: what came waited in memory."""
    health = VolumeHealth()
    health.note_late(100)
    assert health.state is VolumeState.LATE
    health.note_success(200)
    assert health.is_good
