"""The volume against a plain model: any order of taking, committing, closing, holding, failing, cutting and reopening.

The model knows, for each slot, what was acknowledged. After every step the volume must agree, and after a power cut
what is read must be what was acknowledged or what was being committed, never a claim about bytes that are not there.
"""

import errno
import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kuramori_segments.codes import SlotState
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.slot_change import CloseSlot, EmptySlot, OpenSlot, SlotChange, SlotWrite
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume import Volume
from tests.fakes.faulty_disk import FaultyDisk, PowerCut, Tear

SLOTS = 4
SURVIVORS = 8  # ways in which each power cut is played through
SLOT_BYTES = 64 << 10
NOW = 1_800_000_000_000


@dataclass(frozen=True)
class Known:
    """What the model believes of a slot: its segment, its acknowledged bytes, whether it was closed."""

    camera: int
    sequence: int
    data: bytes
    closed: bool = False


class VolumeMachine(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 2**32), full=st.booleans())
    def create(self, seed: int, full: bool) -> None:
        self.rng = random.Random(seed)
        size = Superblock(SLOTS, bytes(16), bytes(16), 0, slot_bytes=SLOT_BYTES).volume_bytes
        self.disk = FaultyDisk(size)
        self.volume = Volume.create(
            self.disk,
            slot_count=SLOTS,
            slot_bytes=SLOT_BYTES,
            volume_id=bytes(16),
            recorder_id=bytes(16),
            created_utc_ms=NOW,
        )
        self.model: dict[int, Known] = {}  # by slot, acknowledged
        self.taken: dict[int, int] = {}
        self.displaced: dict[int, Known] = {}  # no commit yet: the medium may or may not have them still, but whole
        self.held: set[int] = set()
        self.sequence = 0
        if full:
            self.run_full()

    def run_full(self) -> None:
        """Fill every slot with a finished segment: most of a ring's life is spent overwriting."""
        for slot in range(SLOTS):
            self.take(1 + slot % 3)
        self.sequence = SLOTS
        data = self.rng.randbytes(2 * BLOCK_BYTES)
        writes = [SlotWrite(slot, 0, [data]) for slot in sorted(self.taken)]
        opens = [OpenSlot(slot, camera, slot, bytes(16), NOW + slot) for slot, camera in sorted(self.taken.items())]
        self.volume.commit(writes, [*opens, *(CloseSlot(slot, NOW + slot + 1, 2) for slot in self.taken)])
        self.volume.flush()
        self.acknowledge({slot: Known(camera, slot, data, closed=True) for slot, camera in self.taken.items()})

    def open_slots(self) -> list[int]:
        return sorted(slot for slot, known in self.model.items() if not known.closed)

    @rule(camera=st.integers(1, 3))
    def take(self, camera: int) -> None:
        taken = self.volume.take_slot(camera, plans={}, now_utc_ms=NOW)
        usable = set(range(SLOTS)) - set(self.open_slots()) - self.taken.keys() - self.held
        assert (taken is None) == (not usable)
        if taken is not None:
            assert taken.slot in usable
            displaced = self.model.pop(taken.slot, None)
            assert (taken.displaced is None) == (displaced is None)
            if displaced is not None:
                self.displaced[taken.slot] = displaced
            self.taken[taken.slot] = camera

    @precondition(lambda self: self.taken)
    @rule()
    def give_back(self) -> None:
        slot = self.rng.choice(sorted(self.taken))
        self.volume.give_back(slot)
        del self.taken[slot]

    def plan(self) -> tuple[list[SlotWrite], list[SlotChange], dict[int, Known]]:
        """Open what was taken, append to and close what is open, all at random."""
        batch: list[SlotWrite] = []
        changes: list[SlotChange] = []
        after: dict[int, Known] = {}
        for slot, camera in sorted(self.taken.items()):
            if self.rng.random() < 0.7:
                self.sequence += 1
                data = self.rng.randbytes(BLOCK_BYTES * self.rng.randint(1, 3))
                batch.append(SlotWrite(slot, 0, [data]))
                changes.append(OpenSlot(slot, camera, self.sequence, bytes(16), NOW + self.sequence))
                after[slot] = Known(camera, self.sequence, data)
        for slot in self.open_slots():
            known = self.model[slot]
            if self.rng.random() < 0.6 and len(known.data) < SLOT_BYTES - 3 * BLOCK_BYTES:
                data = self.rng.randbytes(BLOCK_BYTES * self.rng.randint(1, 2))
                batch.append(SlotWrite(slot, len(known.data), [data[:BLOCK_BYTES], data[BLOCK_BYTES:]]))
                known = after[slot] = replace(known, data=known.data + data)
            if self.rng.random() < 0.4:
                blocks = len(known.data) // BLOCK_BYTES
                changes.append(CloseSlot(slot, NOW + known.sequence + 1, blocks))
                after[slot] = replace(known, closed=True)
        return batch, changes, after

    @rule()
    def commit(self) -> None:
        batch, changes, after = self.plan()
        self.volume.commit(batch, changes)
        self.acknowledge(after)

    def acknowledge(self, after: dict[int, Known]) -> None:
        self.displaced.clear()
        self.model |= after
        for slot in after:
            self.taken.pop(slot, None)

    @rule()
    def release(self) -> None:
        finished = [slot for slot, known in self.model.items() if known.closed and slot not in self.held]
        if finished:
            slot = self.rng.choice(sorted(finished))
            self.volume.commit([], [EmptySlot(slot)])
            self.displaced.clear()
            del self.model[slot]

    @rule()
    def hold(self) -> None:
        self.held = {slot for slot, known in self.model.items() if known.closed and self.rng.random() < 0.3}
        self.volume.hold(self.held)

    @rule()
    def fill(self) -> None:
        self.volume.zero_fill_step(SLOT_BYTES // 2)

    @rule()
    def stop_and_start(self) -> None:
        """An orderly stop: what is open is closed, what was taken is let go of."""
        closes = [CloseSlot(s, NOW + self.model[s].sequence + 1, len(self.model[s].data) // BLOCK_BYTES)
                  for s in self.open_slots()]  # fmt: skip
        self.volume.commit([], closes)
        self.volume.flush()
        self.displaced.clear()
        assert not self.volume.unsettled
        for slot in self.open_slots():
            self.model[slot] = replace(self.model[slot], closed=True)
        self.restart(self.disk, {})

    @rule(failing=st.integers(0, 6), number=st.sampled_from([errno.EIO, errno.ENOSPC]))
    def commit_that_fails(self, failing: int, number: int) -> None:
        batch, changes, after = self.plan()
        self.disk.faults = {len(self.disk.log) + failing: number}
        try:
            self.volume.commit(batch, changes)
        except StorageFault as fault:
            self.check_doubt(fault, after)
            self.disk.faults = {}
            self.disk.forget_cached(0, self.disk.size_bytes)
            self.restart(self.disk.survivor(Tear.NOTHING, self.rng), after)
            return
        self.disk.faults = {}
        self.acknowledge(after)

    def check_doubt(self, fault: StorageFault, attempted: dict[int, Known]) -> None:
        assert set(fault.slots) == attempted.keys()

    @rule(cut=st.integers(0, 4), takers=st.integers(0, 3))
    def power_cut(self, cut: int, takers: int) -> None:
        """Lose power in a commit; every way in which the disk may be left must do."""
        for camera in range(takers):
            self.take(camera + 1)
        batch, changes, after = self.plan()
        self.disk.cut_at_operation = len(self.disk.log) + cut
        try:
            self.volume.commit(batch, changes)
            self.acknowledge(after)
            after = {}
        except PowerCut:
            pass
        for _ in range(SURVIVORS):
            disk = self.disk.survivor(self.rng.choice(list(Tear)), self.rng)
            volume = Volume.open(disk)
            left = {slot: self.what_is_left(volume, slot, after.get(slot)) for slot in range(SLOTS)}
        self.take_over(disk, volume, left)

    def restart(self, disk: FaultyDisk, attempted: dict[int, Known]) -> None:
        volume = Volume.open(disk)
        left = {slot: self.what_is_left(volume, slot, attempted.get(slot)) for slot in range(SLOTS)}
        self.take_over(disk, volume, left)

    def what_is_left(self, volume: Volume, slot: int, new: Known | None) -> Known | None:
        """Compare a slot after a start with what may be there; return its segment as far as acknowledged."""
        entry = volume.entry(slot)
        read = volume.reader(slot)
        assert entry is not None, "an entry is never lost in a power cut"
        if entry.state is SlotState.EMPTY:
            assert slot not in self.model, "an acknowledged segment is gone"
            return None
        acknowledged = self.model.get(slot) or self.displaced.get(slot)
        known = acknowledged if acknowledged and acknowledged.sequence == entry.sequence else new
        assert known is not None, "a segment nobody recorded"
        assert (entry.camera_number, entry.sequence) == (known.camera, known.sequence)
        if known is not acknowledged:
            assert entry.state is SlotState.OPEN, "the table says closed before any byte is durable"
            assert slot not in self.model, "an acknowledged segment is gone"
            return replace(known, data=b"", closed=False)
        assert read(0, len(known.data)) == known.data, "the table claims bytes that are gone"
        if entry.state is SlotState.CLOSED:
            assert known.closed, "the table says closed before the last bytes are durable"
            assert entry.extent_blocks * BLOCK_BYTES == len(known.data)
        return replace(known, closed=entry.state is SlotState.CLOSED)

    def take_over(self, disk: FaultyDisk, volume: Volume, left: dict[int, Known | None]) -> None:
        """Go on with this disk; do what recovery does, which knows from a scan what the model knows anyway."""
        self.disk, self.volume = disk, volume
        # What was displaced and is not found now may be found again after another cut, until a commit has returned.
        ghosts = {slot: known for slot, known in self.displaced.items() if left[slot] is None}
        self.model = {}
        for slot, known in left.items():
            if known is not None and not known.closed:
                ghosts = {}
                if not known.data:
                    volume.commit([], [EmptySlot(slot)])
                    continue
                volume.adopt(OpenSlot(slot, known.camera, known.sequence, bytes(16), NOW), len(known.data))
                blocks = len(known.data) // BLOCK_BYTES
                volume.commit([], [CloseSlot(slot, NOW + known.sequence + 1, blocks)])
                known = replace(known, closed=True)
            if known is not None:
                self.model[slot] = known
        self.taken = {}
        self.displaced = ghosts
        self.held &= self.model.keys()
        volume.hold(self.held)
        assert volume.unfinished_slots() == []

    @invariant()
    def volume_and_model_agree(self) -> None:
        for slot in range(SLOTS):
            entry = self.volume.entry(slot)
            known = self.model.get(slot)
            assert entry is not None
            if known is None:
                assert entry.state is SlotState.EMPTY
                continue
            assert (entry.camera_number, entry.sequence) == (known.camera, known.sequence)
            assert (entry.state is SlotState.CLOSED) == known.closed
            assert self.volume.durable_bytes(slot) == len(known.data)
            assert self.volume.reader(slot)(0, len(known.data)) == known.data
        for camera in (1, 2, 3):
            found = [segment.sequence for segment in self.volume.overlapping(camera, 0, 1 << 60)]
            assert found == sorted(known.sequence for known in self.model.values() if known.camera == camera)


TestVolumeMachine = VolumeMachine.TestCase
TestVolumeMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.slow
class TestVolumeMachineAtLength(VolumeMachine.TestCase):  # type: ignore[misc, name-defined]
    """The same, for long."""

    settings = settings(max_examples=1500, stateful_step_count=80, deadline=None)
