"""The rules of the ring, one table: what stands in it, who asks, which slot is named and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.ring import (
    CameraPlan,
    ChoiceReason,
    RingSegment,
    SlotChoice,
    beyond_plan,
    choose_slot,
)

DAY_MS = 86_400_000
DAY_SECONDS = 86_400
NOW = 100 * DAY_MS

Ring = dict[int, list[tuple[int, float]]]  # camera -> (slot, age in days), oldest first


class PlainQueues:
    """The queues of a ring written down as a dict."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    def cameras(self) -> Iterable[int]:
        return self._ring.keys()

    def oldest_first(self, camera_number: int) -> Iterator[RingSegment]:
        for slot, age_days in self._ring.get(camera_number, []):
            yield RingSegment(slot, NOW - int(age_days * DAY_MS))

    def count(self, camera_number: int) -> int:
        return len(self._ring.get(camera_number, []))


@dataclass
class Case:
    name: str
    ring: Ring
    expected: SlotChoice | None
    free_slot: int | None = None
    camera: int = 1
    owned: int | None = None
    floors_days: dict[int, float] = field(default_factory=lambda: {1: 7, 2: 7, 3: 7})
    planned: dict[int, int] = field(default_factory=dict)
    untouchable: frozenset[int] = frozenset()
    retention_days: dict[int, float] = field(default_factory=dict)


FULL: Ring = {1: [(10, 9), (11, 8)], 2: [(20, 12), (21, 11)], 3: [(30, 8)]}

CASES = [
    Case("a free slot is taken first", FULL, SlotChoice(5, ChoiceReason.FREE), free_slot=5),
    Case(
        "a free slot is taken even by a camera beyond its plan: nothing is lost by it",
        FULL,
        SlotChoice(5, ChoiceReason.FREE),
        free_slot=5,
        planned={1: 1},
    ),
    Case(
        "with none free, the segment furthest past its floor goes, whoever's it is",
        FULL,
        SlotChoice(20, ChoiceReason.FURTHEST_PAST_FLOOR, 2),
    ),
    Case(
        "past its floor, not old: a longer floor protects an older segment",
        FULL,
        SlotChoice(10, ChoiceReason.FURTHEST_PAST_FLOOR, 1),
        floors_days={1: 7, 2: 14, 3: 7},
    ),
    Case(
        "a camera without a plan (removed) has no floor",
        {1: [(10, 9)], 9: [(90, 4)]},
        SlotChoice(90, ChoiceReason.FURTHEST_PAST_FLOOR, 9),
    ),
    Case(
        "with all within their floor recording goes on, and says by how much the floor was missed",
        {1: [(10, 3)], 2: [(20, 5)]},
        SlotChoice(20, ChoiceReason.FURTHEST_PAST_FLOOR, 2, missed_floor_ms=2 * DAY_MS),
    ),
    Case(
        "a held or leased segment is passed over, the next one of its camera is not",
        FULL,
        SlotChoice(21, ChoiceReason.FURTHEST_PAST_FLOOR, 2),
        untouchable=frozenset({20}),
    ),
    Case(
        "a camera all of whose segments are held gives nothing",
        FULL,
        SlotChoice(10, ChoiceReason.FURTHEST_PAST_FLOOR, 1),
        untouchable=frozenset({20, 21}),
    ),
    Case(
        "what is past its retention goes before anybody's days, also where another is further past its floor",
        {1: [(10, 9), (11, 8)], 2: [(20, 29)]},
        SlotChoice(10, ChoiceReason.EXPIRED, 1),
        retention_days={1: 8, 2: 30},
    ),
    Case(
        "of what is past its retention the furthest goes first",
        {1: [(10, 9)], 2: [(20, 33)]},
        SlotChoice(20, ChoiceReason.EXPIRED, 2),
        retention_days={1: 8, 2: 30},
    ),
    Case(
        "a held segment is not taken although its retention is over",
        {1: [(10, 9), (11, 8.5)], 2: [(20, 29)]},
        SlotChoice(11, ChoiceReason.EXPIRED, 1),
        retention_days={1: 8, 2: 30},
        untouchable=frozenset({10}),
    ),
    Case(
        "a camera beyond its plan takes its own even where another's time is over: it must not grow by it",
        {1: [(10, 2)], 2: [(20, 33)]},
        SlotChoice(10, ChoiceReason.OWN_OLDEST, 1, missed_floor_ms=5 * DAY_MS),
        owned=12,
        planned={1: 10},
        retention_days={1: 8, 2: 30},
    ),
    Case("with everything untouchable there is no slot", FULL, None, untouchable=frozenset(range(40))),
    Case("an empty ring without a free slot has none", {}, None),
    Case(
        "a camera beyond 1.2 times its plan takes its own oldest, not the others' days",
        FULL,
        SlotChoice(10, ChoiceReason.OWN_OLDEST, 1),
        owned=12,
        planned={1: 10},
    ),
    Case(
        "at 1.2 times its plan exactly the ring is still common",
        FULL,
        SlotChoice(20, ChoiceReason.FURTHEST_PAST_FLOOR, 2),
        owned=11,
        planned={1: 10},
    ),
    Case(
        "its own oldest goes even within its floor, and says so",
        {1: [(10, 1), (11, 0.5)], 2: [(20, 30)]},
        SlotChoice(10, ChoiceReason.OWN_OLDEST, 1, missed_floor_ms=6 * DAY_MS),
        owned=12,
        planned={1: 10},
    ),
    Case(
        "its own oldest that is not held",
        FULL,
        SlotChoice(11, ChoiceReason.OWN_OLDEST, 1),
        owned=12,
        planned={1: 10},
        untouchable=frozenset({10}),
    ),
    Case(
        "with all of its own held it falls back to the common rule: recording comes first",
        FULL,
        SlotChoice(20, ChoiceReason.FURTHEST_PAST_FLOOR, 2),
        owned=12,
        planned={1: 10},
        untouchable=frozenset({10, 11}),
    ),
    Case(
        "what another camera has beyond its plan goes before anybody's days, also where it is younger",
        {1: [(10, 9)], 2: [(20, 12)], 3: [(30, 2), (31, 1)]},
        SlotChoice(30, ChoiceReason.BEYOND_PLAN, 3, missed_floor_ms=5 * DAY_MS),
        owned=2,
        planned={1: 10, 2: 10, 3: 1},
    ),
    Case(
        "a camera that has no more than 1.2 times its plan is not beyond it",
        {1: [(10, 9)], 2: [(20, 12)], 3: [(30, 2)] * 6},
        SlotChoice(20, ChoiceReason.FURTHEST_PAST_FLOOR, 2),
        planned={1: 10, 2: 10, 3: 5},
    ),
    Case(
        "what is past its retention goes before what is beyond a plan",
        {1: [(10, 9)], 2: [(20, 31)], 3: [(30, 2), (31, 1)]},
        SlotChoice(20, ChoiceReason.EXPIRED, 2),
        owned=2,
        planned={1: 10, 2: 10, 3: 1},
        retention_days={2: 30},
    ),
    Case(
        "a segment dated in the future counts as of now: it is not kept for ever, nor taken first",
        {1: [(10, -400)], 2: [(20, 6)]},
        SlotChoice(20, ChoiceReason.FURTHEST_PAST_FLOOR, 2, missed_floor_ms=DAY_MS),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ring_rule(case: Case) -> None:
    """Each case is a rule of the ring."""
    numbers = case.floors_days.keys() | case.planned.keys()
    plans = {
        number: CameraPlan(
            number,
            case.planned.get(number, 0),
            int(case.floors_days.get(number, 0) * DAY_SECONDS),
            int(case.retention_days[number] * DAY_SECONDS) if number in case.retention_days else None,
        )
        for number in numbers
    }
    choice = choose_slot(
        case.camera,
        free_slot=case.free_slot,
        owned_slots=len(case.ring.get(case.camera, [])) if case.owned is None else case.owned,
        queues=PlainQueues(case.ring),
        plans=plans,
        untouchable=case.untouchable,
        now_utc_ms=NOW,
    )
    assert choice == case.expected


@given(
    st.dictionaries(st.integers(1, 5), st.lists(st.floats(0, 40), max_size=6), max_size=5),
    st.sets(st.integers(0, 100), max_size=30),
    st.dictionaries(st.integers(1, 5), st.tuples(st.integers(0, 8), st.integers(0, 30)), max_size=5),
    st.integers(1, 5),
)
def test_never_chooses_what_must_stay(
    ages: dict[int, list[float]],
    untouchable: set[int],
    promises: dict[int, tuple[int, int]],
    camera: int,
) -> None:
    """Whatever stands in the ring: never an untouchable slot, and none only when all are untouchable."""
    ring: Ring = {
        number: [(number * 10 + place, age) for place, age in enumerate(sorted(days, reverse=True))]
        for number, days in ages.items()
    }
    choice = choose_slot(
        camera,
        free_slot=None,
        owned_slots=len(ring.get(camera, [])),
        queues=PlainQueues(ring),
        plans={n: CameraPlan(n, planned, floor * DAY_SECONDS) for n, (planned, floor) in promises.items()},
        untouchable=untouchable,
        now_utc_ms=NOW,
    )
    open_to_choice = {slot for segments in ring.values() for slot, _ in segments} - untouchable
    assert (choice is None) == (not open_to_choice)
    if choice is not None:
        assert choice.slot in open_to_choice


@pytest.mark.parametrize(
    ("owned", "planned", "expected"),
    [(0, 0, False), (1000, 0, False), (0, 1, False), (1, 1, True), (4, 5, False), (5, 5, False), (6, 5, True)],
)
def test_the_overrun_is_counted_in_whole_slots(owned: int, planned: int, expected: bool) -> None:
    """One more slot must not take a camera beyond 1.2 times its plan; no plan, no limit."""
    assert beyond_plan(owned, planned) is expected


def test_what_is_overdue_goes_first_but_nothing_that_is_held() -> None:
    """Before the segment that is furthest past its floor; a free slot still comes before it."""
    queues, plans = PlainQueues(FULL), {}

    def chosen(free_slot: int | None, untouchable: frozenset[int]) -> SlotChoice | None:
        return choose_slot(
            1,
            free_slot=free_slot,
            owned_slots=2,
            queues=queues,
            plans=plans,
            untouchable=untouchable,
            now_utc_ms=NOW,
            overdue=(30, 11),
        )

    assert chosen(5, frozenset()) == SlotChoice(5, ChoiceReason.FREE)
    assert chosen(None, frozenset()) == SlotChoice(30, ChoiceReason.OVERDUE)
    assert chosen(None, frozenset({30})) == SlotChoice(11, ChoiceReason.OVERDUE)
    held = chosen(None, frozenset({30, 11}))
    assert held is not None
    assert held.reason is ChoiceReason.FURTHEST_PAST_FLOOR
