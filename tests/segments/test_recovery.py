"""What recovery makes of each way in which a slot can be left, and what it tells the recorder."""

import errno
import random
from contextlib import suppress
from dataclasses import replace

import pytest

from kuramori_segments.check import check_volume
from kuramori_segments.codes import SlotState
from kuramori_segments.device_key import device_key_id
from kuramori_segments.finding import FindingKind
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.recovery import Outcome, RecoveryReport, camera_tail, recover, recover_slots
from kuramori_segments.slot_change import OpenSlot, SlotWrite
from kuramori_segments.slot_entry import SLOT_ENTRY_BYTES, SlotEntry
from kuramori_segments.storage_fault import MediumFault, MediumReadOnly, StorageFault
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume import Volume
from tests.fakes.faulty_disk import SECTOR_BYTES, FaultyDisk, PowerCut, Tear
from tests.fakes.segment_maker import RECORDER_ID, SegmentMaker, opened_units
from tests.fakes.segments import DEVICE_KEY, SIGNER, make_uid

SLOT_BYTES = 128 << 10
SLOTS = 8
NOW = 1_800_000_000_000
KEYS = {device_key_id(DEVICE_KEY.public_key()): DEVICE_KEY.public_key()}


class Site:
    """One camera, one volume."""

    def __init__(self, cameras: int = 1) -> None:
        geometry = Superblock(SLOTS, bytes(16), RECORDER_ID, NOW, slot_bytes=SLOT_BYTES)
        self.disk = FaultyDisk(geometry.volume_bytes)
        self.volume = Volume.create(
            self.disk,
            slot_count=SLOTS,
            slot_bytes=SLOT_BYTES,
            volume_id=bytes(16),
            recorder_id=RECORDER_ID,
            created_utc_ms=NOW,
        )
        self.maker = SegmentMaker(self.volume, cameras, random.Random(3), NOW)

    def restart(self) -> RecoveryReport:
        """Open what is durable, and recover."""
        self.disk = self.disk.survivor(Tear.NOTHING, random.Random(1))
        self.volume = Volume.open(self.disk)
        report = recover(self.volume, SIGNER)
        self.maker.go_on(self.volume, report.tails)
        return report

    def clean(self) -> bool:
        return check_volume(self.disk.read_at, self.disk.size_bytes, device_keys=KEYS) == []

    def table_offsets(self, slot: int) -> tuple[int, int]:
        superblock = self.volume.superblock
        place = slot * SLOT_ENTRY_BYTES
        return superblock.table_a_offset + place, superblock.table_b_offset + place

    def entry(self, slot: int) -> SlotEntry:
        entry = self.volume.entry(slot)
        assert entry is not None
        return entry

    def first_bad(self, slot: int, offset_bytes: int) -> None:
        """Break one sector of a slot."""
        self.disk.bad_sectors.add((self.volume.superblock.slot_offset(slot) + offset_bytes) // SECTOR_BYTES)


@pytest.fixture
def site() -> Site:
    return Site()


def outcomes(report: RecoveryReport) -> list[Outcome]:
    return [slot.outcome for slot in report.slots]


class TestAtStart:
    def test_after_an_orderly_stop_there_is_nothing_to_do(self, site: Site) -> None:
        """Closed and flushed: no slot is looked at, nothing is written, the tail is known."""
        site.maker.tick()
        site.maker.tick(close=True)
        site.volume.flush()
        report = site.restart()
        assert report.slots == ()
        assert site.disk.log == []
        (tail,) = report.tails
        assert tail.next_access_unit == site.maker.cameras[0].acknowledged
        assert tail.chain_digest == site.maker.cameras[0].previous_digest

    def test_a_torn_segment_ends_at_its_last_commit(self, site: Site) -> None:
        """It gets a signed footer behind what was acknowledged, opens to the last unit, and is marked recovered."""
        for _ in range(3):
            site.maker.tick()
        acknowledged = site.maker.cameras[0].acknowledged
        report = site.restart()
        assert outcomes(report) == [Outcome.RECOVERED]
        slot = report.slots[0].slot
        assert site.entry(slot).state is SlotState.RECOVERED
        assert opened_units(site.volume, slot, site.entry(slot)) == list(range(acknowledged))
        assert site.clean()
        (tail,) = report.tails
        assert (tail.last_access_unit, tail.next_access_unit) == (acknowledged - 1, acknowledged)
        assert tail.last_utc_ms == site.entry(slot).end_utc_ms

    def test_a_segment_closed_in_the_last_commit_is_just_entered(self, site: Site) -> None:
        """Footer durable, table not yet: the footer stays as it is."""
        site.maker.tick()
        site.maker.tick(close=True)
        report = site.restart()
        assert outcomes(report) == [Outcome.CLOSED]
        assert site.entry(report.slots[0].slot).state is SlotState.CLOSED
        assert site.clean()

    def test_is_done_once(self, site: Site) -> None:
        """A second start finds nothing left to do."""
        site.maker.tick()
        site.restart()
        before = site.disk.snapshot()
        assert site.restart().slots == ()
        assert site.disk.snapshot() == before

    def test_an_entry_whose_header_never_came_is_emptied(self, site: Site) -> None:
        """OPEN in the table, an earlier segment's header in the slot: nothing was acknowledged, the slot is free."""
        site.maker.tick()
        slot = site.maker.cameras[0].slot
        entry = replace(site.entry(slot), sequence=99)
        for offset in site.table_offsets(slot):
            site.disk.corrupt(offset, entry.pack())
        report = site.restart()
        assert outcomes(report) == [Outcome.DISCARDED]
        assert site.entry(slot).state is SlotState.EMPTY
        assert site.volume.cameras() == []

    @pytest.mark.parametrize("closed", [True, False], ids=["closed", "torn"])
    def test_a_lost_entry_is_read_from_the_slot(self, site: Site, closed: bool) -> None:
        """Both copies of the entry destroyed: header, chunks and footer say it all again."""
        site.maker.tick()
        site.maker.tick(close=closed)
        site.volume.flush()
        slot = site.volume.overlapping(1, 0, 1 << 60)[0].slot
        known = site.entry(slot)
        for offset in site.table_offsets(slot):
            site.disk.corrupt(offset, b"?" * SLOT_ENTRY_BYTES)
        report = site.restart()
        assert outcomes(report) == [Outcome.CLOSED if closed else Outcome.RECOVERED]
        again = site.entry(slot)
        assert (again.camera_number, again.sequence, again.epoch_id) == (
            known.camera_number,
            known.sequence,
            known.epoch_id,
        )
        assert site.clean()

    def test_lost_entries_of_empty_slots_are_empty_again(self, site: Site) -> None:
        """Where no header stands there was nothing."""
        for slot in range(SLOTS):
            for offset in site.table_offsets(slot):
                site.disk.corrupt(offset, b"?" * SLOT_ENTRY_BYTES)
        report = site.restart()
        assert outcomes(report) == [Outcome.DISCARDED] * SLOTS
        assert site.volume.usage().empty == SLOTS
        assert site.clean()

    def test_a_damaged_superblock_is_mended(self, site: Site) -> None:
        """One copy destroyed: after the start there are two again."""
        site.disk.corrupt(0, b"?" * BLOCK_BYTES)
        site.restart()
        assert site.clean()

    def test_a_hole_between_segments_is_told_from_the_end(self) -> None:
        """Closed and opened in one torn commit: the run ends before the hole, numbers go on behind everything."""
        site = Site()
        camera = site.maker.cameras[0]
        while camera.sequence < 2:
            snapshot, acknowledged = site.disk.snapshot(), camera.acknowledged
            site.maker.tick()
        (first, second) = site.volume.overlapping(1, 0, 1 << 60)
        kept = site.disk.snapshot()
        start = site.volume.superblock.slot_offset(first.slot)
        site.disk.corrupt(start, snapshot[start : start + SLOT_BYTES])  # as if the closing never reached the medium
        report = site.restart()
        assert [slot.outcome for slot in report.slots if slot.slot == first.slot] == [Outcome.RECOVERED]
        (tail,) = report.tails
        assert tail.sequence == second.sequence
        assert tail.last_access_unit == acknowledged - 1
        assert tail.next_access_unit == max(opened_units(site.volume, second.slot, site.entry(second.slot))) + 1
        assert tail.next_access_unit > tail.last_access_unit + 1
        assert tail.last_utc_ms == site.entry(first.slot).end_utc_ms
        assert kept != snapshot
        assert site.clean()

    def test_a_segment_without_units_does_not_stretch_the_run(self, site: Site) -> None:
        """Opened just before the crash and still without a picture: the run ends with the segment before."""
        site.maker.tick()
        site.maker.tick(close=True)
        last_utc_ms = site.volume.overlapping(1, 0, 1 << 60)[0].end_utc_ms
        camera = site.maker.cameras[0]
        taken = site.volume.take_slot(1, plans={}, now_utc_ms=NOW)
        assert taken is not None
        camera.sequence += 1
        site.maker.now_utc_ms += 90_000
        empty = site.maker.begin_segment(camera)
        commit = empty.take_commit()
        assert commit is not None
        opened = OpenSlot(taken.slot, 1, camera.sequence, make_uid("epoch"), site.maker.now_utc_ms)
        site.volume.commit([SlotWrite(taken.slot, 0, commit.buffers)], [opened])
        (tail,) = site.restart().tails
        assert (tail.slot, tail.sequence) == (taken.slot, camera.sequence)
        assert tail.last_utc_ms == last_utc_ms
        assert tail.next_access_unit == camera.acknowledged

    def test_a_camera_whose_last_segment_cannot_be_read_has_no_tail(self, site: Site) -> None:
        """Nothing is invented: the ledger's own knowledge must do."""
        site.maker.tick(close=True)
        site.volume.flush()
        slot = site.volume.overlapping(1, 0, 1 << 60)[0].slot
        site.disk.corrupt(site.volume.superblock.slot_offset(slot), bytes(SLOT_BYTES))
        assert camera_tail(site.volume, 1) is None
        assert camera_tail(site.volume, 2) is None
        assert site.restart().tails == ()


class TestBrokenPlaces:
    def test_a_segment_ends_before_what_cannot_be_read(self, site: Site) -> None:
        """An unreadable block ends the segment; what stands before it opens, and what lies behind is nobody's."""
        for _ in range(3):
            site.maker.tick()
        slot = site.maker.cameras[0].slot
        end = site.volume.durable_bytes(slot)
        site.first_bad(slot, end - 100)
        volume = Volume.open(site.disk)
        assert outcomes(recover(volume, SIGNER)) == [Outcome.RECOVERED]
        entry = volume.entry(slot)
        assert entry is not None
        assert entry.extent_blocks * BLOCK_BYTES < end
        assert opened_units(volume, slot, entry)[0] == 0
        assert site.clean()

    def test_a_place_that_takes_no_footer_is_given_up_and_still_read(self, site: Site) -> None:
        """The slot is BAD: catalogued, never taken again, and every start leaves it so."""
        for _ in range(3):
            site.maker.tick()
        slot = site.maker.cameras[0].slot
        end = site.volume.durable_bytes(slot)
        site.first_bad(slot, end)
        volume = Volume.open(site.disk)
        assert outcomes(recover(volume, SIGNER)) == [Outcome.BAD]
        entry = volume.entry(slot)
        assert entry is not None
        assert (entry.state, entry.camera_number, entry.extent_blocks * BLOCK_BYTES) == (SlotState.BAD, 1, end)
        findings = check_volume(site.disk.read_at, site.disk.size_bytes, device_keys=KEYS)
        assert [finding.kind for finding in findings] == [FindingKind.SLOT_BAD]
        assert [segment.slot for segment in volume.overlapping(1, 0, 1 << 60)] == [slot]
        tail = camera_tail(volume, 1)
        assert tail is not None
        assert tail.next_access_unit == site.maker.cameras[0].acknowledged
        again = Volume.open(site.disk)
        assert recover(again, SIGNER).slots == ()
        assert again.usage().bad == 1

    def test_a_broken_place_costs_the_others_nothing(self) -> None:
        """Three torn segments, one of them on a place that takes no footer: two are recovered, one is given up."""
        site = Site(cameras=3)
        for _ in range(3):
            site.maker.tick()
        broken = site.maker.cameras[1].slot
        site.first_bad(broken, site.volume.durable_bytes(broken))
        volume = Volume.open(site.disk)
        report = recover(volume, SIGNER)
        by_slot = {slot.slot: slot.outcome for slot in report.slots}
        assert by_slot.pop(broken) is Outcome.BAD
        assert set(by_slot.values()) == {Outcome.RECOVERED}
        assert {tail.camera_number for tail in report.tails} == {1, 2, 3}

    def test_a_medium_that_takes_no_writes_is_refused(self, site: Site) -> None:
        """Read-only is no matter of one place: recovery does not go on alone."""
        site.maker.tick()
        disk = site.disk.survivor(Tear.NOTHING, random.Random(1))
        disk.faults = {0: errno.EROFS}
        with pytest.raises(MediumReadOnly):
            recover(Volume.open(disk), SIGNER)

    def test_a_broken_table_block_is_got_past(self, site: Site) -> None:
        """One copy of the table cannot be written: recovery ends with the other."""
        site.maker.tick()
        disk = site.disk.survivor(Tear.NOTHING, random.Random(1))
        disk.bad_sectors = {site.volume.superblock.table_b_offset // SECTOR_BYTES}
        volume = Volume.open(disk)
        assert outcomes(recover(volume, SIGNER)) == [Outcome.RECOVERED]
        disk.bad_sectors = set()
        assert Volume.open(disk).unfinished_slots() == []


class TestWhileRecording:
    def failing(self, number: int) -> tuple[Site, StorageFault]:
        """Record, then fail one sync."""
        site = Site(cameras=2)
        for _ in range(3):
            site.maker.tick()
        syncs = iter(range(len(site.disk.log), len(site.disk.log) + 20))
        site.disk.faults = dict.fromkeys(syncs, number)
        with pytest.raises(StorageFault) as fault:
            site.maker.tick()
        site.disk.faults = {}
        return site, fault.value

    def test_doubtful_slots_end_at_what_is_really_durable(self) -> None:
        """After a failed commit the slots are recovered from the medium, not from the cache, and are good again."""
        site, fault = self.failing(errno.EIO)
        acknowledged = {camera.number: camera.acknowledged for camera in site.maker.cameras}
        assert site.volume.unfinished_slots() == sorted(fault.slots)
        done = recover_slots(site.volume, fault.slots, SIGNER)
        assert {slot.outcome for slot in done} == {Outcome.RECOVERED}
        for camera in site.maker.cameras:
            tail = camera_tail(site.volume, camera.number)
            assert tail is not None
            assert tail.next_access_unit == acknowledged[camera.number]
        site.volume.flush()
        assert site.clean()

    def test_recording_goes_on_elsewhere_at_once(self) -> None:
        """Sealed again into other slots, with the chain going on from what was acknowledged."""
        site, fault = self.failing(errno.ENOSPC)
        tails = []
        recover_slots(site.volume, fault.slots, SIGNER)
        for camera in site.maker.cameras:
            tail = camera_tail(site.volume, camera.number)
            assert tail is not None
            tails.append(tail)
        site.maker.go_on(site.volume, tuple(tails))
        for _ in range(5):
            site.maker.tick()
        site.maker.tick(close=True)
        site.volume.flush()
        assert site.clean()
        units = {u for s in site.volume.overlapping(1, 0, 1 << 60) for u in opened_units(
            site.volume, s.slot, site.entry(s.slot))}  # fmt: skip
        assert units == set(range(site.maker.cameras[0].acknowledged))

    def test_doubtful_unused_slots_are_free_again(self) -> None:
        """A failed zero-fill leaves slots doubtful; looked at, they are empty slots."""
        site = Site()
        site.first_bad(0, 0)
        with pytest.raises(MediumFault):
            site.volume.zero_fill_step(SLOT_BYTES)
        (done,) = recover_slots(site.volume, [0], SIGNER)
        assert done.outcome is Outcome.DISCARDED
        assert site.volume.unfinished_slots() == []


def test_power_may_be_lost_while_recovering() -> None:
    """Cut at each operation of recovery, the next recovery comes to the same end."""
    for cut in range(8):
        site = Site(cameras=2)
        for _ in range(4):
            site.maker.tick()
        disk = site.disk.survivor(Tear.NOTHING, random.Random(cut))
        disk.cut_at_operation = cut
        with suppress(PowerCut):
            recover(Volume.open(disk), SIGNER)
        site.disk = disk.survivor(Tear.GARBAGE, random.Random(cut))
        site.volume = Volume.open(site.disk)
        recover(site.volume, SIGNER)
        assert site.clean()
        for camera in site.maker.cameras:
            tail = camera_tail(site.volume, camera.number)
            assert tail is not None
            assert tail.next_access_unit == camera.acknowledged
