"""The keystore when the power goes or a medium fails, before every single step: KEYS.md's table, executed.

Three promises, checked after each stop and each outcome of what was not yet durable: (1) every acknowledged key is
there; (2) a rotation happened wholly or not at all; (3) once the old root's destruction was begun, the old store
never opens again, and no copy of the store's medium ever made opens what was destroyed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori_segments.key_records import Epoch
from kuramori_segments.key_snapshot import SnapshotUnreadable, open_snapshot
from kuramori_segments.key_table import KeyTable, epochs_of
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import (
    EpochKeyGone,
    ErasureIncomplete,
    KeystoreFault,
    KeystoreUnwritable,
    RotationFailed,
)
from tests.fakes.crashing_files import Machine, PowerCut, Step, Survival
from tests.fakes.keystore_machine import BOOT, HOLD, UID, cells_of
from tests.fakes.simulated_tpm import tpm_cells_of

MAX_STEPS = 2000
CELLS = {"file": cells_of, "tpm": tpm_cells_of}
kinds_of_cells = pytest.mark.parametrize("kind", CELLS)


@dataclass
class Story:
    """What the recorder was told, call by call: what must be, what may be, what must not be."""

    machine: Machine
    kind: str = "file"  # of cell
    store: Keystore | None = None
    alive: dict[bytes, bytes] = field(default_factory=dict)  # acknowledged: epoch id and a probe of its key
    dying: set[bytes] = field(default_factory=set)  # a rotation that was to destroy them has not returned
    gone: set[bytes] = field(default_factory=set)  # a receipt says so
    images: list[dict[str, bytes]] = field(default_factory=list)
    held: bool = False
    call: str = "nothing"  # the call that was made last
    call_from: int = 0  # how many steps were made before the last rotation

    def make(self) -> None:
        self.call = "make"
        self.store = Keystore.create(self.machine.files("store"), CELLS[self.kind](self.machine), boot_id=BOOT)

    def open(self) -> None:
        self.store = Keystore.open(self.machine.files("store"), CELLS[self.kind](self.machine), boot_id=BOOT)

    def record(self, camera: int) -> Epoch:
        self.call = "record"
        assert self.store is not None
        epoch = self.store.new_epoch(camera, camera, camera)
        self.alive[epoch.epoch_id] = self.store.segment_key(epoch.epoch_id, UID)
        self.images.append(self.machine.image("store"))
        return epoch

    def hold(self, epoch: Epoch) -> None:
        self.call = "hold"
        assert self.store is not None
        self.store.keep_segment_key(epoch.epoch_id, UID, 1 << 60, HOLD)
        self.held = True

    def rotate(self, *epochs: Epoch) -> None:
        self.call, self.call_from = "rotate", len(self.machine.steps)
        assert self.store is not None
        self.dying = {epoch.epoch_id for epoch in epochs}
        self.images.append(self.machine.image("store"))
        self.store.rotate(self.dying, 1)
        self.confirm()

    def confirm(self) -> None:
        self.gone |= self.dying
        for epoch_id in self.dying:
            self.alive.pop(epoch_id, None)
        self.dying = set()

    def check(self) -> None:
        """Compare the open store with what was acknowledged."""
        assert self.store is not None
        found = {epoch.epoch_id for epoch in self.store.epochs()}
        sure = set(self.alive) - self.dying
        assert sure <= found, "an acknowledged key is missing"
        assert not found & self.gone, "a destroyed key is there"
        survivors = found & self.dying
        assert survivors in (set(), self.dying), "a rotation happened in part"
        for epoch_id in sure | survivors:
            assert self.store.segment_key(epoch_id, UID) == self.alive[epoch_id], "a key changed"
        for epoch_id in self.gone - {kept.epoch_id for kept in self.store.kept()}:
            with pytest.raises(EpochKeyGone):
                self.store.segment_key(epoch_id, UID)
        assert bool(self.store.kept()) >= self.held

    def check_thief(self, dead: set[bytes]) -> None:
        """No copy of the store's medium, made at any time, opens a dead key with a root that exists now."""
        roots = [root for cell in CELLS[self.kind](self.machine) if (root := cell.read()) is not None]
        for image in self.images:
            for content in image.values():
                for root in roots:
                    assert not dead & keys_in(root, content)


def keys_in(root: bytes, content: bytes) -> set[bytes]:
    for slot in (0, 1):
        try:
            table = KeyTable.decode(memoryview(open_snapshot(root, slot, content).table))
        except SnapshotUnreadable:
            continue
        return {epoch.epoch_id for epoch in epochs_of(table.epoch_facts())}
    return set()


def tell(story: Story) -> None:
    """A life in calls."""
    story.make()
    first, second, third = (story.record(camera) for camera in (1, 2, 3))
    story.hold(second)
    story.rotate(first, second)
    fourth = story.record(4)
    story.rotate(third)
    story.rotate()
    story.record(5)
    story.rotate(fourth)


def run(machine: Machine, kind: str = "file") -> tuple[Story, str]:
    """Tell the story until the power goes; return it with the name of the call that was interrupted."""
    story = Story(machine, kind)
    try:
        tell(story)
    except PowerCut:
        return story, story.call
    return story, "the end"


def steps_of_the_whole_story(kind: str) -> int:
    machine = Machine()
    run(machine, kind)
    return len(machine.steps)


STEPS = {kind: steps_of_the_whole_story(kind) for kind in CELLS}


@kinds_of_cells
def test_the_story_takes_as_many_steps_as_expected(kind: str) -> None:
    """If this number falls, some sync was lost; then the rest of this file proves less."""
    assert 80 < STEPS[kind] < 200


@kinds_of_cells
@pytest.mark.parametrize("survival", Survival)
def test_a_power_cut_before_any_step_is_survived(survival: Survival, kind: str) -> None:
    """Every step of the whole story, every outcome of what was not durable; then life goes on."""
    some_begun = 0
    for cut_at in range(1, STEPS[kind] + 2):
        machine = Machine(cut_at=cut_at)
        story, call = run(machine, kind)
        begun = call == "rotate" and destruction_begun(story)
        some_begun += begun
        machine.restart(survival)
        if call == "make":
            if not opens(story):
                story.make()
            story.check()
            continue
        story.open()
        story.check()
        assert story.store is not None
        assert not story.store.erasure_pending
        found = {epoch.epoch_id for epoch in story.store.epochs()}
        if begun:
            assert not found & story.dying, "the old store opened although its destruction was begun"
        if not found & story.dying:
            story.confirm()
        story.check_thief(story.gone)
        story.rotate(story.record(9))
        story.check()
        story.check_thief(story.gone)
    assert some_begun > 10, "no stop fell behind the beginning of a destruction: nothing was proven"


def opens(story: Story) -> bool:
    try:
        story.open()
    except KeystoreFault:
        return False
    return True


def destruction_begun(story: Story) -> bool:
    """Tell whether the interrupted rotation took a step on the old cell after its new snapshot: step 6 or later."""
    done = story.machine.steps[story.call_from : -1]
    made = [number for number, step in enumerate(done) if step.kind == "enter" and step.name.startswith("snapshot")]
    if not made:
        return False
    old_cell = "cell-a" if done[made[0]].name == "snapshot-b" else "cell-b"
    return any(step.name == old_cell for step in done[made[0] :])


@kinds_of_cells
@pytest.mark.parametrize("survival", Survival)
def test_a_second_power_cut_while_opening_is_survived(survival: Survival, kind: str) -> None:
    """The machine stops again while it finishes what the first stop interrupted."""
    for cut_at in range(1, STEPS[kind] + 1, 3):
        for cut_again in range(1, 12):
            machine = Machine(cut_at=cut_at)
            story, call = run(machine, kind)
            if call == "make":
                break
            machine.restart(survival)
            machine.cut_at = len(machine.steps) + cut_again
            try:
                story.open()
            except PowerCut:
                machine.restart(survival)
                story.open()
            story.check()


def is_change(step: Step) -> bool:
    return step.kind != "read"


@kinds_of_cells
@pytest.mark.parametrize("reads_too", [False, True])
def test_a_single_fault_at_any_step_costs_no_key(reads_too: bool, kind: str) -> None:
    """EIO once, anywhere: acknowledged keys stay, promised erasures hold, and the store goes on or says why not."""
    for fault_at in range(1, STEPS[kind] * (2 if reads_too else 1)):
        machine = Machine(count_reads=reads_too)
        machine.fails = lambda number, _step, at=fault_at: number == at  # type: ignore[misc]
        story = Story(machine, kind)
        for _ in guarded(story):
            pass
        machine.restart()
        if story.store is None:
            continue
        story.store.close()
        story.open()
        story.check()
        story.check_thief(story.gone)


@kinds_of_cells
@pytest.mark.parametrize("place", ["store", "cell"])
def test_a_medium_that_dies_for_good_costs_no_key(place: str, kind: str) -> None:
    """From any step on, every change on one medium fails; after it is repaired, all acknowledged keys are there."""
    for dies_at in range(1, STEPS[kind], 2):
        machine = Machine()
        machine.fails = lambda number, step, at=dies_at: number >= at and step.place == place and is_change(step)  # type: ignore[misc]
        story = Story(machine, kind)
        for _ in guarded(story):
            pass
        machine.restart()
        if story.store is None:
            continue
        story.store.close()
        story.open()
        story.check()
        story.check_thief(story.gone)


def guarded(story: Story) -> Iterator[None]:
    """The same life, but the recorder goes on after each fault, as it would."""
    attempt(story.make)
    if story.store is None:
        return
    epochs: list[Epoch] = []
    for camera in (1, 2, 3):
        attempt(lambda camera=camera: epochs.append(story.record(camera)))  # type: ignore[misc]
        yield
    for lap in range(4):
        if epochs:
            dying = epochs.pop(0)
            rotate(story, dying)
            yield
        attempt(lambda lap=lap: epochs.append(story.record(10 + lap)))  # type: ignore[misc]
        yield


def rotate(story: Story, epoch: Epoch) -> None:
    try:
        story.rotate(epoch)
    except RotationFailed:
        assert story.store is not None
        assert epoch in story.store.epochs(), "a failed rotation destroyed a key"
        story.dying = set()
    except ErasureIncomplete:
        assert story.store is not None
        assert story.store.erasure_pending
        assert epoch in story.store.decryptable()
        assert epoch not in story.store.epochs()
        # Not promised gone yet, but it must not come back either way in part.
        story.alive.pop(epoch.epoch_id)
        story.dying = set()


def attempt(action: Callable[[], object]) -> None:
    try:
        action()
    except (KeystoreUnwritable, RotationFailed, KeystoreFault):
        return


def test_a_journal_that_failed_is_never_written_again() -> None:
    """A failed sync leaves unknown bytes: the epoch goes into a journal behind a new snapshot, in the same call."""
    machine = Machine()
    story = Story(machine)
    story.make()
    story.record(1)
    at = len(machine.steps) + 2  # the sync of the next block
    machine.fails = lambda number, _step: number == at
    story.record(2)
    assert story.store is not None
    assert story.store.generation == 2
    after = [step for step in machine.steps[at:] if step.kind == "write"]
    assert "journal-a" not in {step.name for step in after}
    machine.restart(Survival.LOST)
    story.open()
    story.check()


def test_an_incomplete_erasure_is_completed_by_the_next_rotation() -> None:
    """The cell fails when it is to be destroyed: alarm, then step 1 of the next rotation makes it good."""
    machine = Machine()
    story = Story(machine)
    story.make()
    epoch = story.record(1)
    assert story.store is not None
    machine.fails = lambda _number, step: step.name == "cell-a" and is_change(step)
    with pytest.raises(ErasureIncomplete):
        story.store.rotate({epoch.epoch_id}, 1)
    assert story.store.erasure_pending
    with pytest.raises(RotationFailed) as caught:
        story.store.rotate((), 2)
    assert caught.value.step == 1
    assert story.store.decryptable() == (epoch,)
    machine.fails = lambda _number, _step: False
    story.store.rotate((), 3)
    assert not story.store.erasure_pending
    assert story.store.decryptable() == ()
    assert [receipt.epochs for receipt in story.store.erasures] == [(epoch,)]


def test_an_incomplete_erasure_is_completed_by_the_next_start() -> None:
    """The recorder stops before the next rotation: opening destroys the old root first, and the receipt is there."""
    machine = Machine()
    story = Story(machine)
    story.make()
    epoch = story.record(1)
    assert story.store is not None
    machine.fails = lambda _number, step: step.name == "cell-a" and is_change(step)
    with pytest.raises(ErasureIncomplete):
        story.store.rotate({epoch.epoch_id}, 1)
    machine.restart()
    story.open()
    assert story.store.epochs() == ()
    assert not story.store.erasure_pending
    assert story.store.erasures[-1].epochs == (epoch,)
    assert cells_of(machine)[0].read() is None


def test_a_half_made_slot_that_cannot_be_destroyed_never_counts() -> None:
    """Read-back fails and so does destroying the new root: the journal declares it void, and later keys survive."""
    machine = Machine(count_reads=True)
    story = Story(machine)
    story.make()
    first = story.record(1)
    assert story.store is not None

    def fails(_number: int, step: Step) -> bool:
        snapshot_begun = any(done.name == "snapshot-b" and done.kind == "enter" for done in machine.steps)
        return snapshot_begun and step.name == "cell-b"

    machine.fails = fails
    with pytest.raises(RotationFailed) as caught:
        story.store.rotate({first.epoch_id}, 1)
    assert caught.value.step == 5
    later = story.record(2)
    machine.restart(Survival.LOST)
    story.open()
    story.check()
    assert {epoch.epoch_id for epoch in story.store.epochs()} == {first.epoch_id, later.epoch_id}
    story.rotate(first)
    story.check()
    assert story.store.generation == 3


def test_a_cell_that_cannot_be_read_does_not_bring_the_older_store_back() -> None:
    """The newer store's cell gives an error: refuse, rather than fall back to what was to be destroyed."""
    machine = Machine()
    story = Story(machine)
    story.make()
    epoch = story.record(1)
    machine.cut_at = next_step(machine, story, epoch)
    machine.restart(Survival.LOST)
    machine.fails = lambda _number, step: step.name == "cell-b"
    with pytest.raises(KeystoreFault):
        story.open()
    machine.fails = lambda _number, _step: False
    story.open()
    assert story.store is not None
    assert story.store.epochs() == ()


def next_step(machine: Machine, story: Story, epoch: Epoch) -> int:
    """Stop a rotation right before step 6, and return where."""
    assert story.store is not None

    def cut_before_destruction(_number: int, step: Step) -> bool:
        if step.name == "cell-a" and is_change(step):
            raise PowerCut
        return False

    machine.fails = cut_before_destruction
    with pytest.raises(PowerCut):
        story.store.rotate({epoch.epoch_id}, 1)
    return len(machine.steps)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["record", "rotate", "hold", "restart", "cut", "fault"]), max_size=25),
    st.randoms(),
    st.sampled_from(sorted(CELLS)),
)
def test_any_life_keeps_the_promises(calls: list[str], chance: object, kind: str) -> None:
    """Random calls, restarts, power cuts and faults against a plain list of what was acknowledged."""
    rng = chance
    machine = Machine()
    story = Story(machine, kind)
    story.make()
    for call in calls:
        soon = len(machine.steps) + rng.randint(1, 14)  # type: ignore[attr-defined]
        if call == "cut":
            machine.cut_at = soon
        elif call == "fault":
            machine.fails = lambda number, _step, at=soon: number == at  # type: ignore[misc]
        else:
            live(story, call, rng)
    machine.restart()
    reopen(story)
    story.check()
    story.check_thief(story.gone)


def live(story: Story, call: str, rng: object) -> None:
    assert story.store is not None
    epochs = [epoch for epoch in story.store.epochs() if epoch.epoch_id in story.alive]
    try:
        if call == "record":
            attempt(lambda: story.record(1))
        elif call == "rotate" and epochs:
            rotate(story, rng.choice(epochs))  # type: ignore[attr-defined]
        elif call == "hold" and epochs:
            attempt(lambda: story.hold(epochs[0]))
        elif call == "restart":
            story.store.close()
            story.machine.restart(rng.choice(list(Survival)))  # type: ignore[attr-defined]
            reopen(story)
    except PowerCut:
        story.machine.restart(rng.choice(list(Survival)))  # type: ignore[attr-defined]
        reopen(story)
    story.check()


def reopen(story: Story) -> None:
    """Start again; a rotation that was interrupted counts as it came out."""
    story.machine.places["store"].close()
    story.open()
    assert story.store is not None
    found = {epoch.epoch_id for epoch in story.store.epochs()}
    if story.dying and not found & story.dying:
        story.confirm()
    story.dying = set()
