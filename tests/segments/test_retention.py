"""When epochs die: no frame outlives its retention, none dies more than two hours early, whatever the clocks do."""

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kuramori_segments.key_records import NO_BOOT_ID, Epoch, KeptKey, Moment
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import RotationTooLate
from kuramori_segments.reference_time import judged_utc_ms, next_reference
from kuramori_segments.retention import (
    EARLIEST_DEATH_MS,
    EPOCH_LENGTH_MS,
    ROTATION_HORIZON_MS,
    ROTATION_INTERVAL_MS,
    RetentionRules,
    age_ms,
    oldest_decryptable,
    oldest_held,
    plan_rotation,
    remainder_until_utc_ms,
)
from tests.fakes.crashing_files import Machine
from tests.fakes.keystore_machine import HOLD, UID, cells_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BIRTH_UTC_MS = 1_790_000_000_000
BOOT_ONE, BOOT_TWO = b"\x01" * 16, b"\x02" * 16
WEEK = RetentionRules({1: 7 * DAY_MS, 2: 14 * DAY_MS}, 30 * DAY_MS)


def epoch(first_utc_ms: int, first_boot_ms: int = 0, boot_id: bytes = BOOT_ONE, camera: int = 1) -> Epoch:
    number = hash((first_utc_ms, first_boot_ms, boot_id, camera)) & ((1 << 64) - 1)
    return Epoch(number.to_bytes(16, "big"), camera, first_utc_ms, first_boot_ms, boot_id)


def dies(one: Epoch, now: Moment, reference: Moment | None = None, next_ms: int = ROTATION_HORIZON_MS) -> bool:
    return one.epoch_id in plan_rotation([one], WEEK, now, next_ms, reference).destroy


# ---- the rule ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("next_ms", [1, 60_000, HOUR_MS])
def test_an_epoch_dies_at_the_last_rotation_before_its_time(next_ms: int) -> None:
    """Its first frame would be as old as its retention when the next rotation is done: now; one ms younger: not yet."""
    at = 7 * DAY_MS - next_ms
    assert dies(epoch(0), Moment(0, at, BOOT_ONE), next_ms=next_ms)
    assert not dies(epoch(0), Moment(0, at - 1, BOOT_ONE), next_ms=next_ms)


def test_each_camera_has_its_own_retention() -> None:
    """And one that is no longer configured has the fallback."""
    now = Moment(0, 14 * DAY_MS, BOOT_ONE)
    assert [dies(epoch(0, camera=camera), now) for camera in (1, 2, 3)] == [True, True, False]
    assert [dies(epoch(0, camera=camera), Moment(0, 8 * DAY_MS, BOOT_ONE)) for camera in (1, 2, 3)] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("next_ms", [0, -1, ROTATION_HORIZON_MS + 1])
def test_a_rotation_beyond_the_horizon_is_refused(next_ms: int) -> None:
    """The promise would not hold: said instead of planned."""
    with pytest.raises(RotationTooLate) as caught:
        plan_rotation([], WEEK, Moment(0, 0), next_ms)
    assert caught.value.horizon_ms == ROTATION_HORIZON_MS


def test_the_interval_leaves_room_to_finish() -> None:
    """A rotation begun on time is done before the horizon, with a minute to spare."""
    assert ROTATION_INTERVAL_MS + 60_000 <= ROTATION_HORIZON_MS


@given(st.integers(0, 40 * DAY_MS), st.integers(1, HOUR_MS), st.integers(0, EPOCH_LENGTH_MS))
@example(7 * DAY_MS - HOUR_MS, HOUR_MS, EPOCH_LENGTH_MS)
def test_no_frame_outlives_and_none_dies_early(age: int, next_ms: int, length: int) -> None:
    """For every age, interval and length of an epoch: alive means young enough, dead means old enough."""
    dead = dies(epoch(BIRTH_UTC_MS), Moment(BIRTH_UTC_MS + age, age, BOOT_ONE), next_ms=next_ms)
    last_frame_age = age - length
    if dead:
        assert last_frame_age >= 7 * DAY_MS - EARLIEST_DEATH_MS
    else:
        assert age + next_ms < 7 * DAY_MS


# ---- the clocks --------------------------------------------------------------------------------------------


@given(st.integers(-(1 << 45), 1 << 45), st.booleans())
def test_within_one_boot_the_wall_clock_does_not_matter(wall_utc_ms: int, trusted: bool) -> None:
    """Rule 1: neither a jump ahead kills, nor a jump back saves."""
    young = Moment(wall_utc_ms, 6 * DAY_MS, BOOT_ONE, trusted)
    old = Moment(wall_utc_ms, 7 * DAY_MS, BOOT_ONE, trusted)
    assert not dies(epoch(BIRTH_UTC_MS), young)
    assert dies(epoch(BIRTH_UTC_MS), old)


@given(st.integers(-(1 << 45), 1 << 45), st.booleans())
def test_after_the_first_trusted_moment_of_a_boot_jumps_do_not_matter(wall_utc_ms: int, trusted: bool) -> None:
    """Rule 2: an earlier boot's epoch ages by boot time from the reference on."""
    reference = Moment(BIRTH_UTC_MS + 5 * DAY_MS, 1000, BOOT_TWO)
    a_day_later = Moment(wall_utc_ms, 1000 + DAY_MS, BOOT_TWO, trusted)
    two_days_later = Moment(wall_utc_ms, 1000 + 2 * DAY_MS, BOOT_TWO, trusted)
    assert not dies(epoch(BIRTH_UTC_MS), a_day_later, reference)
    assert dies(epoch(BIRTH_UTC_MS), two_days_later, reference)


def test_a_trusted_clock_is_believed_about_the_time_without_power() -> None:
    """Rule 3: nobody else knows how long the power was off."""
    before = Moment(BIRTH_UTC_MS + DAY_MS, DAY_MS, BOOT_ONE)
    now = Moment(BIRTH_UTC_MS + 20 * DAY_MS, 60_000, BOOT_TWO, trusted=True)
    assert dies(epoch(BIRTH_UTC_MS), now, before)


def test_an_untrusted_clock_is_not() -> None:
    """Rule 4: what it alone says is overdue, not destroyed: refused, overwritten first, alarmed."""
    one = epoch(BIRTH_UTC_MS)
    before = Moment(BIRTH_UTC_MS + DAY_MS, DAY_MS, BOOT_ONE)
    now = Moment(BIRTH_UTC_MS + 20 * DAY_MS, 60_000, BOOT_TWO, trusted=False)
    plan = plan_rotation([one], WEEK, now, reference=before)
    assert plan.destroy == frozenset()
    assert plan.overdue == (one,)


def test_custodians_can_confirm_what_an_untrusted_clock_says() -> None:
    """Then what is overdue by the date they vouch for dies, and nothing that only the clock says."""
    one, two = epoch(BIRTH_UTC_MS), epoch(BIRTH_UTC_MS + 9 * DAY_MS)
    now = Moment(BIRTH_UTC_MS + 20 * DAY_MS, 60_000, BOOT_TWO, trusted=False)
    vouched = next_reference(None, now, confirmed_utc_ms=BIRTH_UTC_MS + 8 * DAY_MS)
    plan = plan_rotation([one, two], WEEK, now, reference=vouched)
    assert plan.destroy == {one.epoch_id}
    assert plan.overdue == (two,)


def test_what_custodians_vouch_for_is_a_lower_bound_and_moves_nothing_back() -> None:
    """A boot's first trusted moment replaces it; less than what is sure changes nothing; it is never trusted."""
    now = Moment(BIRTH_UTC_MS + 20 * DAY_MS, 60_000, BOOT_TWO, trusted=False)
    vouched = next_reference(None, now, confirmed_utc_ms=BIRTH_UTC_MS + 8 * DAY_MS)
    assert vouched == Moment(BIRTH_UTC_MS + 8 * DAY_MS, 60_000, BOOT_TWO, trusted=False)
    assert next_reference(vouched, now, confirmed_utc_ms=BIRTH_UTC_MS) == vouched
    trusted = Moment(BIRTH_UTC_MS + 21 * DAY_MS, 120_000, BOOT_TWO)
    assert next_reference(vouched, trusted) == trusted


def test_what_is_certain_counts_without_any_trusted_clock() -> None:
    """Rule 4: a recorder that never gets the time again still forgets: reference plus time since this boot began."""
    before = Moment(BIRTH_UTC_MS + 5 * DAY_MS, 5 * DAY_MS, BOOT_ONE)
    lost = Moment(0, 2 * DAY_MS, BOOT_TWO, trusted=False)
    assert dies(epoch(BIRTH_UTC_MS), lost, before)
    assert not dies(epoch(BIRTH_UTC_MS), Moment(0, DAY_MS, BOOT_TWO, trusted=False), before)
    assert dies(epoch(BIRTH_UTC_MS), Moment(0, 7 * DAY_MS, BOOT_TWO, trusted=False))


def test_a_trusted_clock_that_says_less_than_is_certain_is_not_believed() -> None:
    """The ceiling is never exceeded: a clock set back between two boots saves nothing."""
    before = Moment(BIRTH_UTC_MS + 6 * DAY_MS, 6 * DAY_MS, BOOT_ONE)
    set_back = Moment(BIRTH_UTC_MS, DAY_MS, BOOT_TWO, trusted=True)
    assert dies(epoch(BIRTH_UTC_MS), set_back, before)


def test_unknown_boots_are_never_the_same_boot() -> None:
    """Without a boot id only the wall clock and the reference are left."""
    one = epoch(BIRTH_UTC_MS, boot_id=NO_BOOT_ID)
    now = Moment(BIRTH_UTC_MS + HOUR_MS, 30 * DAY_MS, NO_BOOT_ID)
    assert age_ms(one, now, None) == HOUR_MS
    assert age_ms(one, Moment(0, 30 * DAY_MS, NO_BOOT_ID, trusted=False), None) == 0


# ---- a simulated recorder ----------------------------------------------------------------------------------

RULES = RetentionRules({1: DAY_MS, 2: 2 * DAY_MS}, 3 * DAY_MS)


@dataclass(slots=True)
class Boot:
    """One boot in true time, and from when on its clock was trusted (None: never)."""

    number: int
    start_true_ms: int
    trusted_from_true_ms: int | None = None
    stop_true_ms: int = 1 << 60
    certain_lag_ms: int = 0  # time that the power was off since the last trusted boot: nobody measured it

    @property
    def boot_id(self) -> bytes:
        return self.number.to_bytes(16, "big")


@dataclass(slots=True)
class Life:
    """What really happened to one epoch, in true time."""

    camera: int
    boot: Boot
    first_true_ms: int
    last_true_ms: int
    died_true_ms: int | None = None


@dataclass
class Recorder:
    """A real keystore in a simulated machine: true time, boots, a wall clock that lies, trust that comes late."""

    rng: Random
    wall_lies: bool
    true_ms: int = BIRTH_UTC_MS
    trusted: bool = True
    wall_offset_ms: int = 0
    machine: Machine = field(default_factory=Machine)
    boots: list[Boot] = field(default_factory=list)
    lives: dict[bytes, Life] = field(default_factory=dict)
    held: dict[bytes, int] = field(default_factory=dict)  # uid of a kept segment -> the true time at which it ends
    store: Keystore | None = None

    def lie_ms(self) -> int:
        return self.rng.randint(-400, 400) * DAY_MS if self.wall_lies else 0

    def start(self, off_ms: int, trusted: bool) -> None:
        """The power was off that long; the clock may be wrong until it is trusted. Rotates once, as it must."""
        lag_ms = 0
        if self.store is not None:
            self.store.close()
            self.boots[-1].stop_true_ms = self.true_ms
            lag_ms = off_ms + (self.boots[-1].certain_lag_ms if self.boots[-1].trusted_from_true_ms is None else 0)
        self.true_ms += off_ms
        boot = Boot(len(self.boots) + 1, self.true_ms, self.true_ms if trusted else None, certain_lag_ms=lag_ms)
        self.boots.append(boot)
        self.trusted = trusted
        self.wall_offset_ms = 0 if trusted else self.lie_ms()
        files, cells = self.machine.files("store"), cells_of(self.machine)
        opened = Keystore.open if boot.number > 1 else Keystore.create
        self.store = opened(files, cells, boot_id=boot.boot_id)
        self.rotate()

    def now(self) -> Moment:
        boot = self.boots[-1]
        return Moment(self.true_ms + self.wall_offset_ms, self.true_ms - boot.start_true_ms, boot.boot_id, self.trusted)

    def rotate(self) -> None:
        assert self.store is not None
        now = self.now()
        plan = plan_rotation(self.store.epochs(), RULES, now, ROTATION_HORIZON_MS, self.store.reference)
        self.store.rotate(plan.destroy, now.utc_ms, now_boot_ms=now.boot_ms, time_trusted=now.trusted)
        for epoch_id in plan.destroy:
            self.lives[epoch_id].died_true_ms = self.true_ms

    def hour(self) -> None:
        """One interval: both cameras record, the clock may jump or become trusted, a rotation."""
        assert self.store is not None
        length_ms = self.rng.randint(60_000, ROTATION_INTERVAL_MS)
        for camera in (1, 2):
            now = self.now()
            made = self.store.new_epoch(camera, now.utc_ms, now.boot_ms)
            self.lives[made.epoch_id] = Life(camera, self.boots[-1], self.true_ms, self.true_ms + length_ms)
            if self.rng.random() < 0.2:
                uid = len(self.held).to_bytes(16, "big")
                self.held[uid] = self.true_ms + self.rng.randint(1, 40) * HOUR_MS
                self.store.keep_segment_key(made.epoch_id, uid, self.held[uid], HOLD)
        self.true_ms += length_ms
        if self.boots[-1].trusted_from_true_ms is None:
            if self.rng.random() < 0.2:
                self.boots[-1].trusted_from_true_ms = self.true_ms
                self.trusted, self.wall_offset_ms = True, 0
        elif self.rng.random() < 0.2:
            self.trusted = self.rng.random() < 0.5
            self.wall_offset_ms = self.rng.choice([0, self.lie_ms()])
        self.rotate()

    def check(self) -> None:
        """Both promises for every epoch, with what could not be known made explicit."""
        for life in self.lives.values():
            retention_ms = RULES.of(life.camera)
            dated = life.boot.trusted_from_true_ms is not None
            unknown_ms = 0 if dated else life.boot.certain_lag_ms
            if life.died_true_ms is not None:
                earliest = life.last_true_ms + retention_ms - EARLIEST_DEATH_MS - unknown_ms
                assert life.died_true_ms >= earliest, "a frame died too early"
            latest = self.sure_to_know(life, life.first_true_ms + retention_ms)
            assert (life.died_true_ms or self.true_ms) <= latest, "a frame outlived its retention"

    def check_held(self) -> None:
        """A kept key never ends before its time, and soon after it where this boot knows the time."""
        assert self.store is not None
        kept = {key.segment_uid for key in self.store.kept()}
        for uid, end_true_ms in self.held.items():
            if uid not in kept:
                assert self.true_ms >= end_true_ms, "a hold ended too early"
            elif self.boots[-1].trusted_from_true_ms is not None:
                assert self.true_ms < end_true_ms, "a hold outlived its end"

    def sure_to_know(self, life: Life, end_true_ms: int) -> int:
        """Return when a recorder must know at the latest that an epoch's time is over.

        At once in its own boot. Later, when power is on and a trusted clock has spoken in that boot; where the epoch
        itself was never dated, counted from the start of the boot that found that out.
        """
        if end_true_ms <= life.boot.stop_true_ms - ROTATION_HORIZON_MS:
            return end_true_ms
        for boot in self.boots[life.boot.number :]:
            if boot.trusted_from_true_ms is None:
                continue
            if life.boot.trusted_from_true_ms is None and boot.start_true_ms > life.first_true_ms:
                end_true_ms = max(end_true_ms, boot.start_true_ms + RULES.of(life.camera))
                life = Life(life.camera, boot, boot.start_true_ms, 0)
            if end_true_ms <= boot.stop_true_ms - ROTATION_HORIZON_MS:
                return max(end_true_ms, boot.trusted_from_true_ms)
        return 1 << 60  # no boot since then was trusted and long enough


def live(seed: int, wall_lies: bool, hours: int, restarts: int) -> Recorder:
    recorder = Recorder(Random(seed), wall_lies)
    recorder.start(0, trusted=True)
    for _ in range(hours):
        recorder.hour()
        if recorder.rng.random() * hours < restarts:
            recorder.start(recorder.rng.choice([0, 5000, HOUR_MS, 3 * DAY_MS]), recorder.rng.random() < 0.5)
        recorder.check()
        recorder.check_held()
    return recorder


@pytest.mark.parametrize("wall_lies", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_a_recorder_that_runs_through_keeps_both_promises(seed: int, wall_lies: bool) -> None:
    """One boot, days long, whatever the wall clock says and whoever trusts it."""
    recorder = live(seed, wall_lies, hours=100, restarts=0)
    assert sum(life.died_true_ms is not None for life in recorder.lives.values()) > 20


@pytest.mark.parametrize("wall_lies", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_a_recorder_that_is_restarted_keeps_both_promises(seed: int, wall_lies: bool) -> None:
    """Power cuts of seconds to days, clocks that are wrong until trusted, jumps afterwards."""
    live(seed, wall_lies, hours=80, restarts=8)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 60), st.integers(0, 12))
def test_any_life_with_any_clock_keeps_both_promises(seed: int, hours: int, restarts: int) -> None:
    """Wall clocks that lie, jump ahead and back, with and without a time source, over outages: the model decides."""
    live(seed, True, hours=hours, restarts=restarts)


@given(st.integers(0, 1 << 45), st.booleans(), st.integers(0, 30 * DAY_MS))
def test_a_wall_clock_that_jumps_ends_nothing_and_delays_nothing(wall_utc_ms: int, trusted: bool, elapsed: int) -> None:
    """E1: after a boot's first trusted moment boot time alone judges; E2: without any reference, not yet."""
    reference = Moment(BIRTH_UTC_MS, 1000, BOOT_TWO)
    now = Moment(wall_utc_ms, 1000 + elapsed, BOOT_TWO, trusted)
    assert judged_utc_ms(now, reference) == BIRTH_UTC_MS + elapsed
    assert judged_utc_ms(Moment(wall_utc_ms, 1000, BOOT_TWO, trusted=False), None) is None
    later_boot = Moment(wall_utc_ms, elapsed, BOOT_ONE, trusted=False)
    assert judged_utc_ms(later_boot, reference) == BIRTH_UTC_MS + elapsed


def test_epochs_from_before_trusted_time_are_dated_when_it_comes() -> None:
    """A clock that said 1970 at the start must not make last night's recordings look 50 years old after a restart."""
    machine = Machine()
    store = Keystore.create(machine.files("store"), cells_of(machine), boot_id=BOOT_ONE)
    made = store.new_epoch(1, 0, 5000)
    store.rotate((), 10_000, now_boot_ms=15_000, time_trusted=False)
    assert store.epochs()[0].first_utc_ms == 0
    store.rotate((), BIRTH_UTC_MS, now_boot_ms=25_000, time_trusted=True)
    (dated,) = store.epochs()
    assert (dated.epoch_id, dated.first_utc_ms) == (made.epoch_id, BIRTH_UTC_MS - 20_000)
    store.close()
    store = Keystore.open(machine.files("store"), cells_of(machine), boot_id=BOOT_TWO)
    assert store.epochs() == (dated,)


def test_only_custodians_move_the_reference_of_a_boot() -> None:
    """A later trusted moment does not, however trusted."""
    machine = Machine()
    store = Keystore.create(machine.files("store"), cells_of(machine), boot_id=BOOT_ONE)
    store.rotate((), BIRTH_UTC_MS, now_boot_ms=1000)
    store.rotate((), BIRTH_UTC_MS + 30 * DAY_MS, now_boot_ms=2000)
    assert store.reference == Moment(BIRTH_UTC_MS + 1000, 2000, BOOT_ONE)
    assert store.new_epoch(1, BIRTH_UTC_MS + 30 * DAY_MS, 2500).first_utc_ms == BIRTH_UTC_MS + 1500
    store.rotate((), BIRTH_UTC_MS + 30 * DAY_MS, now_boot_ms=3000, confirmed_utc_ms=BIRTH_UTC_MS + 30 * DAY_MS)
    assert store.reference == Moment(BIRTH_UTC_MS + 30 * DAY_MS, 3000, BOOT_ONE)


# ---- the rest of an epoch, and the oldest ------------------------------------------------------------------


def test_the_rest_of_an_epoch_erased_in_part_dies_on_time() -> None:
    """Kept keys end with the first rotation at or after their time: given this one, within the retention."""
    machine = Machine()
    store = Keystore.create(machine.files("store"), cells_of(machine), boot_id=BOOT_ONE)
    made = store.new_epoch(1, BIRTH_UTC_MS, 0)
    store.keep_segment_key(made.epoch_id, UID, remainder_until_utc_ms(BIRTH_UTC_MS, 7 * DAY_MS), HOLD)
    store.rotate({made.epoch_id}, BIRTH_UTC_MS + DAY_MS)
    utc_ms = BIRTH_UTC_MS + DAY_MS
    while store.kept():
        utc_ms += ROTATION_INTERVAL_MS
        store.rotate((), utc_ms)
    assert 7 * DAY_MS - EARLIEST_DEATH_MS <= utc_ms - BIRTH_UTC_MS <= 7 * DAY_MS


def test_the_oldest_decryptable_is_that_of_the_oldest_key() -> None:
    """Of one camera, or of all; none where there is none."""
    epochs = [epoch(30, camera=1), epoch(10, camera=2), epoch(20, camera=1)]
    assert oldest_decryptable(epochs) == epochs[1]
    assert oldest_decryptable(epochs, 1) == epochs[2]
    assert oldest_decryptable(epochs, 3) is None


def test_held_keys_are_a_series_of_their_own() -> None:
    """Oldest by the epoch they came from."""
    kept = [KeptKey(HOLD, UID, bytes(16), camera, first, 0) for camera, first in ((1, 50), (2, 40), (1, 45))]
    assert oldest_held(kept) == kept[1]
    assert oldest_held(kept, 1) == kept[2]
    assert oldest_held([]) is None
