"""Which slot is written next: a pure choice, from what stands in the ring and what is promised to each camera.

It must not know files, keys or the clock. Requirement K3 (the oldest is overwritten), K2 (a floor is kept), K5 (a
hold touches nothing else and is never dropped). The rules, in order:

1. the next free slot, counted on from the last one taken; with none, a segment that is overdue: its time is over by
   a clock that is not trusted enough to destroy its key;
2. with neither free, a camera that runs beyond 1.2 times its planned slots takes its own oldest segment, so that one
   flapping camera does not eat the others' days;
3. else what is past its camera's retention, the furthest first: its key is dead or overdue, nobody loses a day by it;
4. else what a camera has beyond 1.2 times its plan: it took free slots as long as there were any, and gives them back
   before anybody else loses a day;
5. else the segment that is furthest past its camera's floor, whoever's it is, even where all are within their
   floor (recording goes on; the choice says by how much the floor was missed, and that is an alarm);
6. what is held, leased (being extracted) or still written is never chosen; with nothing left there is no slot.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

OVERRUN_NUMERATOR, OVERRUN_DENOMINATOR = 6, 5  # 1.2 times the plan, in whole numbers


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """What the configuration promises one camera. `planned_slots` 0: no plan, so no overrun either."""

    camera_number: int
    planned_slots: int
    floor_seconds: int
    retention_seconds: int | None = None  # None: nothing of it is known to be past its time


class RingSegment(NamedTuple):
    """One finished segment as the ring sees it."""

    slot: int
    end_utc_ms: int


class Queues(Protocol):
    """The finished segments of each camera, oldest first. The catalogue is one."""

    def cameras(self) -> Iterable[int]:
        """Return the numbers of all cameras that own a segment."""

    def oldest_first(self, camera_number: int) -> Iterator[RingSegment]:
        """Yield the finished segments of a camera in the order in which they were recorded."""

    def count(self, camera_number: int) -> int:
        """Return how many segments the camera has, the open one too."""


class ChoiceReason(StrEnum):
    """Which rule found the slot."""

    FREE = "free"
    OVERDUE = "overdue"
    OWN_OLDEST = "own_oldest"
    EXPIRED = "expired"
    BEYOND_PLAN = "beyond_plan"
    FURTHEST_PAST_FLOOR = "furthest_past_floor"


@dataclass(frozen=True, slots=True)
class SlotChoice:
    """The slot to write next. `missed_floor_ms` > 0: what stood there was younger than its camera's floor."""

    slot: int
    reason: ChoiceReason
    victim_camera_number: int | None = None
    missed_floor_ms: int = 0


def beyond_plan(owned_slots: int, planned_slots: int) -> bool:
    """Tell whether one more slot would take a camera beyond 1.2 times its plan."""
    return planned_slots > 0 and (owned_slots + 1) * OVERRUN_DENOMINATOR > planned_slots * OVERRUN_NUMERATOR


def choose_slot(
    camera_number: int,
    *,
    free_slot: int | None,
    owned_slots: int,
    queues: Queues,
    plans: Mapping[int, CameraPlan],
    untouchable: Container[int],
    now_utc_ms: int,
    overdue: Iterable[int] = (),
) -> SlotChoice | None:
    """Return the slot that the camera writes next, or None when every slot must stay as it is.

    `overdue`: slots in the order in which they shall go.
    `owned_slots` counts what the camera has, open and reserved ones too. `untouchable` are held, leased, reserved
    and doubtful slots. Cameras without a plan (removed ones) have no floor.
    """
    if free_slot is not None:
        return SlotChoice(free_slot, ChoiceReason.FREE)
    for slot in overdue:
        if slot not in untouchable:
            return SlotChoice(slot, ChoiceReason.OVERDUE)
    plan = plans.get(camera_number)
    if plan is not None and beyond_plan(owned_slots, plan.planned_slots):
        own = _oldest(queues, camera_number, untouchable)
        if own is not None:
            missed = _floor_ms(plan) - _age_ms(own, now_utc_ms)
            return SlotChoice(own.slot, ChoiceReason.OWN_OLDEST, camera_number, max(0, missed))
    best: SlotChoice | None = None
    best_rank = (-1, 0)
    for victim_camera in queues.cameras():
        segment = _oldest(queues, victim_camera, untouchable)
        if segment is None:
            continue
        rank, choice = _rank(segment, victim_camera, queues, plans.get(victim_camera), now_utc_ms)
        if best is None or rank > best_rank:
            best_rank, best = rank, choice
    return best


def _rank(
    segment: RingSegment, camera_number: int, queues: Queues, plan: CameraPlan | None, now_utc_ms: int
) -> tuple[tuple[int, int], SlotChoice]:
    """Return which rule would take this segment (the highest counts) and by how much, and the choice that it is."""
    age_ms = _age_ms(segment, now_utc_ms)
    past_ms = age_ms - _floor_ms(plan)
    if plan is not None and plan.retention_seconds is not None:
        over_ms = age_ms - plan.retention_seconds * 1000
        if over_ms > 0:
            return (2, over_ms), SlotChoice(segment.slot, ChoiceReason.EXPIRED, camera_number)
    missed_ms = max(0, -past_ms)
    if plan is not None and beyond_plan(queues.count(camera_number) - 1, plan.planned_slots):
        return (1, past_ms), SlotChoice(segment.slot, ChoiceReason.BEYOND_PLAN, camera_number, missed_ms)
    return (0, past_ms), SlotChoice(segment.slot, ChoiceReason.FURTHEST_PAST_FLOOR, camera_number, missed_ms)


def _oldest(queues: Queues, camera_number: int, untouchable: Container[int]) -> RingSegment | None:
    for segment in queues.oldest_first(camera_number):
        if segment.slot not in untouchable:
            return segment
    return None


def _age_ms(segment: RingSegment, now_utc_ms: int) -> int:
    """Return how long ago the segment ended; one dated in the future counts as of now."""
    return now_utc_ms - min(segment.end_utc_ms, now_utc_ms)


def _floor_ms(plan: CameraPlan | None) -> int:
    return plan.floor_seconds * 1000 if plan is not None else 0
