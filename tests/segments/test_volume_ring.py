"""The volume as a ring: which slots it gives, holds and leases, and how it is zero-filled in the background."""

import errno

import pytest

from kuramori_segments.codes import SlotState
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.ring import CameraPlan, ChoiceReason
from kuramori_segments.slot_change import CloseSlot, DateSlot, EmptySlot, SlotWrite
from kuramori_segments.storage_fault import MediumFault, MediumReadOnly, SlotMisuse
from kuramori_segments.volume import Volume
from tests.segments.test_volume import HEADER, NOW, SLOT_BYTES, SLOTS, make_volume, opened_slot, opening, record, take


class TestRing:
    def test_forgets_what_it_overwrites(self) -> None:
        """The displaced segment is gone from the catalogue the moment its slot is taken."""
        volume, _ = make_volume()
        for sequence in range(SLOTS):
            record(volume, sequence)
        take(volume)
        assert [segment.sequence for segment in volume.overlapping(1, 0, 1 << 60)] == list(range(1, SLOTS))
        assert volume.find(1, 0) is None
        latest = volume.latest(1)
        assert latest is not None
        assert latest.sequence == SLOTS - 1

    def test_keeps_what_is_leased_or_held(self) -> None:
        """Neither is overwritten, whatever the need; afterwards they are."""
        volume, _ = make_volume()
        for sequence in range(SLOTS):
            record(volume, sequence)
        leased = volume.lease(1, NOW, NOW + 2)
        assert [item.entry.sequence for item in leased] == [0, 1]
        assert [item.extent_bytes for item in leased] == [2 * BLOCK_BYTES] * 2
        held = volume.find(1, 2)
        assert held is not None
        volume.hold([held.slot])
        volume.commit()
        with pytest.raises(SlotMisuse):
            volume.commit([], [EmptySlot(leased[0].slot)])
        kept = {held.slot, *(item.slot for item in leased)}
        assert not kept & {record(volume, sequence) for sequence in range(10, 30)}
        volume.end_lease([item.slot for item in leased])
        volume.hold([])
        assert kept <= {record(volume, sequence) for sequence in range(30, 50)}

    def test_two_leases_are_two(self) -> None:
        """A slot leased twice stays until both have ended."""
        volume, _ = make_volume(1)
        slot = record(volume, 1)
        volume.lease(1, 0, 1 << 60)
        volume.lease(1, 0, 1 << 60)
        volume.end_lease([slot])
        assert volume.take_slot(1, plans={}, now_utc_ms=NOW) is None
        volume.end_lease([slot])
        assert volume.take_slot(1, plans={}, now_utc_ms=NOW) is not None

    def test_says_when_there_is_no_slot(self) -> None:
        """With every slot being written, taking says None instead of guessing."""
        volume, _ = make_volume()
        for camera in range(1, SLOTS + 1):
            slot = take(volume, camera).slot
            volume.commit([SlotWrite(slot, 0, [HEADER])], [opening(slot, 1, camera)])
        assert volume.take_slot(9, plans={}, now_utc_ms=NOW) is None

    def test_a_flapping_camera_takes_its_own(self) -> None:
        """Slots taken, but not opened yet, count too."""
        volume, _ = make_volume()
        record(volume, 1, camera=2)
        for sequence in range(4):
            record(volume, sequence, camera=1)
        plans = {1: CameraPlan(1, 4, 0), 2: CameraPlan(2, 4, 0)}
        assert take(volume, 1, plans).choice.reason is ChoiceReason.FREE
        choice = take(volume, 1, plans).choice
        assert (choice.reason, choice.victim_camera_number) == (ChoiceReason.OWN_OLDEST, 1)

    def test_dates_a_segment_when_time_is_known(self) -> None:
        """New times stand in the table at once and are found by a search."""
        volume, disk = make_volume()
        slot = record(volume, 1)
        volume.commit([], [DateSlot(slot, 5000, 6000)])
        entry = Volume.open(disk).entry(slot)
        assert entry is not None
        assert (entry.start_utc_ms, entry.end_utc_ms) == (5000, 6000)
        assert [segment.slot for segment in volume.overlapping(1, 5500, 5600)] == [slot]

    def test_an_emptied_slot_is_free_and_forgotten(self) -> None:
        """When keys are gone the slot may be emptied; nothing of it is found any more."""
        volume, disk = make_volume()
        slot = record(volume, 1)
        volume.commit([], [EmptySlot(slot)])
        assert volume.cameras() == []
        entry = Volume.open(disk).entry(slot)
        assert entry is not None
        assert (entry.state, entry.camera_number, entry.sequence) == (SlotState.EMPTY, 0, 0)
        assert volume.usage().empty == SLOTS

    def test_a_bad_slot_is_never_taken_and_still_found(self) -> None:
        """What is readable of a broken place stays catalogued; also after a restart nobody writes there."""
        volume, disk = make_volume()
        slot = opened_slot(volume)
        volume.commit([], [CloseSlot(slot, NOW + 9, 1, SlotState.BAD)])
        volume.flush()
        for used in (volume, Volume.open(disk)):
            assert [segment.slot for segment in used.overlapping(1, NOW, NOW + 9)] == [slot]
            assert used.usage().bad == 1
        assert slot not in {record(volume, sequence, camera=2) for sequence in range(2, 30)}

    def test_reads_a_slot_by_its_own_offsets(self) -> None:
        """A slot's reader counts from the slot's start, and how far it may read is known while it is written."""
        volume, _ = make_volume()
        slot = opened_slot(volume)
        assert volume.reader(slot)(0, BLOCK_BYTES) == HEADER
        assert volume.durable_bytes(slot) == BLOCK_BYTES


class TestZeroFilling:
    def test_goes_on_after_a_restart(self) -> None:
        """Published progress is kept, the end is reached, every byte is zero, nothing is filled twice for long."""
        volume, disk = make_volume(300, filled=False)
        disk.corrupt(volume.superblock.data_offset, b"\xff" * (disk.size_bytes - volume.superblock.data_offset))
        filled = 0
        while filled < 200:
            filled = volume.zero_fill_step(10 << 20).filled_slots
        again = Volume.open(disk)
        assert again.superblock.filled_slots == filled
        steps = 0
        while not again.zero_fill_step(10 << 20).done:
            steps += 1
        assert steps < 20
        assert not any(disk.read_at(volume.superblock.data_offset, disk.size_bytes - volume.superblock.data_offset))
        assert again.zero_fill_step(1 << 20).done

    def test_recording_that_is_faster_goes_ahead_and_is_never_overwritten(self) -> None:
        """With no filled slot free, the next slot is taken as it is; filling steps over it, also after a restart."""
        volume, disk = make_volume(filled=False)
        slots = [record(volume, sequence) for sequence in range(3)]
        assert slots == [0, 1, 2]
        volume.flush()
        again = Volume.open(disk)
        while not again.zero_fill_step(SLOT_BYTES).done:
            pass
        for slot in slots:
            assert again.reader(slot)(0, BLOCK_BYTES) == HEADER

    def test_a_failing_place_costs_no_camera_a_frame(self) -> None:
        """A fault while filling concerns unused slots only; they are doubtful, filling goes on behind them."""
        volume, disk = make_volume(filled=False)
        slot = record(volume, 1)
        disk.bad_sectors = {volume.superblock.slot_offset(2) // 512 + 1}
        volume.zero_fill_step(SLOT_BYTES)
        with pytest.raises(MediumFault) as fault:
            volume.zero_fill_step(SLOT_BYTES)
        assert fault.value.slots == (2,)
        while not volume.zero_fill_step(SLOT_BYTES).done:
            pass
        assert volume.unfinished_slots() == [2]
        assert 2 not in {record(volume, sequence) for sequence in range(2, 20)}
        entry = volume.entry(slot)
        assert entry is not None

    def test_a_full_or_read_only_file_system_says_nothing_about_the_place(self) -> None:
        """Only an error of the medium makes slots doubtful."""
        volume, disk = make_volume(filled=False)
        disk.faults = {0: errno.EROFS}
        with pytest.raises(MediumReadOnly):
            volume.zero_fill_step(SLOT_BYTES)
        assert volume.unfinished_slots() == []
