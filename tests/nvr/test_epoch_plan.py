"""Which hour's key a segment gets: at most one hour of frames, and no slot closed half full for its sake."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from kuramori.epoch_plan import EPOCH_CLOSE_NS, EPOCH_LIMIT_NS, NS_PER_MS, NS_PER_SECOND, PREPARE_NS, EpochPlan

MINUTE_NS = 60 * NS_PER_SECOND


@dataclass(frozen=True)
class Epoch:
    boot_ns: int

    @property
    def first_boot_ms(self) -> int:
        return self.boot_ns // NS_PER_MS


def test_nothing_is_recorded_before_an_epoch_is_durable() -> None:
    """No epoch: no segment, and the wish for one."""
    plan: EpochPlan[Epoch] = EpochPlan()
    assert plan.for_segment(0) is None
    assert plan.wants_next(0, slot_left_ns=0)


def test_an_epoch_is_asked_for_once() -> None:
    """While one is being made no second is wanted."""
    plan: EpochPlan[Epoch] = EpochPlan(requested=True)
    assert not plan.wants_next(0, slot_left_ns=0)


def test_the_epoch_ends_early_when_the_next_slot_would_not_fill() -> None:
    """Slots of 25 minutes: after two of them the third would pass the hour, so it gets the next epoch."""
    plan = EpochPlan(current=Epoch(0), fill_ns=25 * MINUTE_NS)
    assert plan.for_segment(25 * MINUTE_NS) == Epoch(0)
    assert plan.wants_next(50 * MINUTE_NS - PREPARE_NS, slot_left_ns=PREPARE_NS)
    plan.arrived(Epoch(49 * MINUTE_NS))
    assert plan.for_segment(50 * MINUTE_NS) == Epoch(49 * MINUTE_NS)


def test_a_late_keystore_does_not_stop_the_recording_within_the_hour() -> None:
    """The next epoch is not ready: the current one serves until its hour is over, never longer."""
    plan = EpochPlan(current=Epoch(0), fill_ns=25 * MINUTE_NS)
    assert plan.for_segment(50 * MINUTE_NS) == Epoch(0)
    assert plan.for_segment(EPOCH_CLOSE_NS) is None


def test_a_segment_ends_at_a_key_frame_or_with_the_grace() -> None:
    """The hour's last ten seconds are for the key frame; then the segment ends regardless."""
    plan = EpochPlan(current=Epoch(0))
    assert not plan.must_close(EPOCH_CLOSE_NS - 1)
    assert plan.must_close(EPOCH_CLOSE_NS)
    assert not plan.must_close_at_once(EPOCH_LIMIT_NS - 1)
    assert plan.must_close_at_once(EPOCH_LIMIT_NS)


def test_an_epoch_made_ready_too_long_ago_is_not_used() -> None:
    """An epoch whose hour has passed unused serves nothing."""
    plan = EpochPlan(current=Epoch(0), ready=Epoch(MINUTE_NS), fill_ns=MINUTE_NS)
    assert plan.for_segment(2 * EPOCH_LIMIT_NS) is None


@given(st.lists(st.integers(1, 90 * 60), min_size=1, max_size=60), st.integers(0, 120))
def test_no_epoch_ever_holds_more_than_its_hour(fills_seconds: list[int], late_seconds: int) -> None:
    """Whatever the fill times and however late the keystore: frame times under one epoch span at most an hour."""
    plan: EpochPlan[Epoch] = EpochPlan()
    now_ns, due_ns = 0, None
    for fill in fills_seconds:
        end_ns = now_ns + fill * NS_PER_SECOND
        while now_ns < end_ns:
            if plan.wants_next(now_ns, end_ns - now_ns):
                plan.requested, due_ns = True, now_ns + late_seconds * NS_PER_SECOND
            if due_ns is not None and now_ns >= due_ns:
                plan.arrived(Epoch(due_ns))
                due_ns = None
            epoch = plan.for_segment(now_ns)
            if epoch is not None:
                assert now_ns - epoch.boot_ns < EPOCH_LIMIT_NS
            now_ns += 7 * NS_PER_SECOND
        plan.fill_ns = fill * NS_PER_SECOND
