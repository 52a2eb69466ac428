"""What is projected is what the ring's own rule does: the rule runs for laps and laps, and the two are compared."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori.capacity.ring_load import CameraLoad, Rate, measured_rate
from kuramori.capacity.ring_projection import Ring, project, reach
from kuramori_config.capacity import SPARE_SLOTS_PER_CAMERA
from kuramori_segments.catalogue import OPEN_END, CataloguedSegment
from kuramori_segments.ring import CameraPlan, RingSegment, choose_slot

DAY = 86_400
NOW = 1_800_000_000_000


def camera(
    name: str, slots_per_day: float, retention_days: float = 14, floor_days: float = 7, planned: int = 0
) -> CameraLoad:
    return CameraLoad(name, Rate(slots_per_day / DAY), int(retention_days * DAY), int(floor_days * DAY), planned)


def ring(slots: int, *cameras: CameraLoad, free: int | None = None, held: int = 0) -> Ring:
    return Ring(slots, slots if free is None else free, held, cameras, {})


@dataclass
class RunningRing:
    """The real rule on a ring of slots, and cameras that take one after another."""

    cameras: tuple[CameraLoad, ...]
    slots: int
    queues: dict[int, list[RingSegment]] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)

    def run(self, days: float) -> dict[str, float]:
        """Return how many days of each camera stood at least, in the last third of the time."""
        self.free = list(range(self.slots))
        self.queues = {number: [] for number in range(len(self.cameras))}
        plans = {
            number: CameraPlan(number, one.planned_slots, one.floor_seconds, one.retention_seconds)
            for number, one in enumerate(self.cameras)
        }
        due = [(1 / one.rate.slots_per_second * (1 + number / 7), number) for number, one in enumerate(self.cameras)]
        heapify(due)
        least = {one.name: float("inf") for one in self.cameras}
        while due[0][0] < days * DAY:
            at, number = heappop(due)
            heappush(due, (at + 1 / self.cameras[number].rate.slots_per_second, number))
            choice = choose_slot(
                number,
                free_slot=self.free[0] if self.free else None,
                owned_slots=len(self.queues[number]),
                queues=_Queues(self),
                plans=plans,
                untouchable=(),
                now_utc_ms=int(at * 1000),
            )
            assert choice is not None
            if choice.victim_camera_number is None:
                self.free.pop(0)
            else:
                self.queues[choice.victim_camera_number].pop(0)
            self.queues[number].append(RingSegment(choice.slot, int(at * 1000)))
            if at > days * DAY * 2 / 3:
                for other, one in enumerate(self.cameras):
                    oldest = self.queues[other][0].end_utc_ms / 1000 if self.queues[other] else at
                    stood = at - oldest + 1 / one.rate.slots_per_second
                    least[one.name] = min(least[one.name], stood, one.retention_seconds)
        return {name: seconds / DAY for name, seconds in least.items()}


@dataclass
class _Queues:
    ring: RunningRing

    def cameras(self) -> Iterable[int]:
        return self.ring.queues.keys()

    def oldest_first(self, number: int) -> Iterator[RingSegment]:
        return iter(self.ring.queues[number])

    def count(self, number: int) -> int:
        return len(self.ring.queues[number])


LOADS = st.builds(
    camera,
    name=st.just("x"),
    slots_per_day=st.floats(2, 12),
    retention_days=st.floats(4, 20),
    floor_days=st.floats(1, 4),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(LOADS, min_size=1, max_size=4),
    st.floats(0.4, 1.6),
    st.lists(st.sampled_from((0.0, 0.3, 0.7, 1.0)), min_size=4, max_size=4),
)
def test_the_rule_does_what_was_projected(loads: list[CameraLoad], share: float, plans: list[float]) -> None:
    """Any cameras, planned too low or not, a ring too small or large: the days that stand are those projected."""
    cameras = tuple(
        camera(
            f"c{n}",
            one.rate.slots_per_second * DAY,
            one.retention_seconds / DAY,
            one.floor_seconds / DAY,
            int(one.rate.slots_per_second * one.retention_seconds * plans[n]),
        )
        for n, one in enumerate(loads)
    )
    needed = sum(one.rate.slots_per_second * one.retention_seconds for one in cameras)
    slots = int(needed * share) + len(cameras)
    expected = reach(ring(slots + SPARE_SLOTS_PER_CAMERA * len(cameras), *cameras))
    stood = RunningRing(cameras, slots).run(90)
    for one in cameras:
        slack = 3 * len(cameras) / (one.rate.slots_per_second * DAY) + 0.03 * one.retention_seconds / DAY
        assert stood[one.name] == pytest.approx(expected[one.name] / DAY, abs=slack)


def test_what_fits_is_reached_by_everyone_and_nothing_is_ever_lost() -> None:
    """Seven days of one, thirty of another, in a ring of exactly the planned size."""
    gate, yard = camera("gate", 10, 7), camera("yard", 10, 30)
    found = project(ring(70 + 300 + 2 * SPARE_SLOTS_PER_CAMERA, gate, yard))
    assert found.reached_seconds == {"gate": 7 * DAY, "yard": 30 * DAY}
    assert (found.first_loss_seconds, found.floor_missed_seconds) == (None, None)
    assert found.first_overwrite_seconds == pytest.approx(374 / 20 * DAY)
    assert not found.short((gate, yard))


def test_a_ring_too_small_says_for_whom_and_when() -> None:
    """Both cameras give up the same days beyond their floor; the first loss comes when the ring is full."""
    gate, yard = camera("gate", 10, 14), camera("yard", 10, 30)
    found = project(ring(244, gate, yard))
    assert found.reached_seconds["gate"] == pytest.approx(12 * DAY, rel=0.01)
    assert found.reached_seconds["yard"] == pytest.approx(12 * DAY, rel=0.01)
    assert [one.name for one in found.short((gate, yard))] == ["gate", "yard"]
    assert found.first_loss_seconds == pytest.approx(12 * DAY, rel=0.05)
    assert found.floor_missed_seconds is None
    assert found.needed_slots == 140 + 300 + 4


def test_the_day_is_named_on_which_the_floor_is_missed() -> None:
    """Seven days of both would need 140 slots; 104 are there."""
    cameras = camera("gate", 10), camera("yard", 10)
    found = project(ring(104, *cameras))
    assert found.floor_missed_seconds == pytest.approx(5.05 * DAY, rel=0.05)
    assert len(found.below_floor(cameras)) == 2


def test_held_slots_are_taken_from_everybodys_days() -> None:
    """What a hold keeps does not go round."""
    gate = camera("gate", 10)
    assert reach(ring(102, gate, held=40))["gate"] == pytest.approx(6 * DAY, rel=0.01)


def test_what_stands_already_counts_by_its_age() -> None:
    """Old recordings make room soon; young ones do not."""
    gate = camera("gate", 10, 14)
    old = Ring(142, 0, 0, (gate,), {"gate": [n * 0.1 * DAY for n in range(140)]})
    young = Ring(112, 0, 0, (gate,), {"gate": [0.5 * DAY] * 110})
    assert project(old).first_loss_seconds is None
    first = project(young).first_loss_seconds
    assert first is not None
    assert first < DAY


def test_a_camera_that_sends_far_more_than_planned_loses_its_own_days_only() -> None:
    """Beyond 1.2 times its plan it takes its own oldest; the other one keeps its retention."""
    flapping, steady = camera("flapping", 100, 14, 1, planned=140), camera("steady", 10, 14, 7, planned=140)
    found = reach(ring(140 + 168 + 4, flapping, steady))
    assert found["steady"] == 14 * DAY
    assert found["flapping"] < 3 * DAY
    stood = RunningRing((flapping, steady), 308).run(80)
    assert stood["steady"] == pytest.approx(14, abs=0.5)
    assert stood["flapping"] == pytest.approx(found["flapping"] / DAY, abs=0.5)
    assert found["flapping"] == pytest.approx(1.68 * DAY, rel=0.01)


def segment(start_s: float, end_s: float | None, sequence: int = 0) -> CataloguedSegment:
    end = OPEN_END if end_s is None else NOW + int(end_s * 1000)
    return CataloguedSegment(0, sequence, NOW + int(start_s * 1000), end)


def test_a_rate_is_slots_over_the_time_they_cover() -> None:
    """The open one does not count, nor what is older than a week or lies in the future."""
    week_old = segment(-8 * DAY, -8 * DAY + 1)
    known = [segment(-4000 + n * 1000, -3000 + n * 1000) for n in range(3)]
    rate = measured_rate([week_old, *known, segment(-1000, None), segment(50, 60)], NOW)
    assert rate == Rate(1 / 1000, 3000)


def test_too_little_is_no_measurement() -> None:
    """Three slots and ten minutes are needed; before, the configuration's expectation counts, and is called so."""
    assert measured_rate([segment(-4000, -3000), segment(-3000, -2000)], NOW) is None
    assert measured_rate([segment(-100 + n, -99 + n) for n in range(90)], NOW) is None
    assert not Rate(0.1).measured


def test_pictures_that_are_far_apart_are_no_gap() -> None:
    """A slot ends with its last picture and the next begins with the next one; an outage between two is not counted."""
    slots = [segment(-8000 + n * 300, -8000 + n * 300 + 200, n) for n in range(10)]
    after_an_outage = [segment(-3000 + n * 300, -3000 + n * 300 + 200, 10 + n) for n in range(10)]
    assert measured_rate(slots + after_an_outage, NOW) == Rate(20 / 5800, 5800)
