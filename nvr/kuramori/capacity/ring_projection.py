"""How long each camera's pictures will stay in a ring, and when something is overwritten too early. Pure arithmetic.

It follows the rules by which slots are taken (kuramori_segments.ring): free ones; beyond 1.2 times its plan a camera's
own oldest; what is past its retention; what another has beyond its plan; what is furthest past its floor. A test
lets the real rule run and compares. It must not know volumes, keys or the clock: times count in seconds from now.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kuramori.capacity.ring_load import CameraLoad
from kuramori_config.capacity import SPARE_SLOTS_PER_CAMERA
from kuramori_segments.ring import OVERRUN_DENOMINATOR, OVERRUN_NUMERATOR

STEPS = 400  # moments looked at between now and the longest retention
HALVINGS = 60
SHORT_SHARE = 0.98  # reaching less of the retention is told; the alert's rule has the same number


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring as it stands. `slots` are those that can be written at all."""

    slots: int
    free_slots: int
    held_slots: int
    cameras: tuple[CameraLoad, ...]
    ages_seconds: Mapping[str, Sequence[float]]  # by camera, of its finished segments that nothing holds

    @property
    def available_slots(self) -> int:
        """How many slots go round, without those that are held, being written, or taken in advance."""
        return max(0, self.slots - self.held_slots - SPARE_SLOTS_PER_CAMERA * self.recording)

    @property
    def recording(self) -> int:
        """How many cameras take slots."""
        return sum(one.rate.slots_per_second > 0 for one in self.cameras)


@dataclass(frozen=True, slots=True)
class Projection:
    """What becomes of a ring at the present rates. None: never."""

    reached_seconds: Mapping[str, float]  # how long each camera's pictures stay, its retention at most
    needed_slots: int  # for every camera's whole retention, holds included
    first_overwrite_seconds: float | None  # until no slot is free any more
    first_loss_seconds: float | None  # until something within its retention is overwritten
    floor_missed_seconds: float | None  # until something within its floor is overwritten

    def short(self, cameras: Sequence[CameraLoad]) -> list[CameraLoad]:
        """Return the cameras that do not reach their retention."""
        return [one for one in cameras if self.reached_seconds[one.name] < one.retention_seconds * SHORT_SHARE]

    def below_floor(self, cameras: Sequence[CameraLoad]) -> list[CameraLoad]:
        """Return the cameras that do not reach their floor."""
        return [one for one in cameras if self.reached_seconds[one.name] < floor_of(one) * SHORT_SHARE]


def floor_of(camera: CameraLoad) -> int:
    """Return how long the camera is kept at least: its floor, or its retention where that is shorter."""
    return min(camera.floor_seconds, camera.retention_seconds)


def project(ring: Ring) -> Projection:
    """Return what becomes of a ring."""
    reached = reach(ring)
    total = sum(one.rate.slots_per_second for one in ring.cameras)
    needed = sum(-int(-one.rate.slots_per_second * one.retention_seconds // 1) for one in ring.cameras)
    loss = _first_shortage(ring, lambda one: one.retention_seconds)
    if loss is None and any(reached[one.name] < one.retention_seconds * SHORT_SHARE for one in ring.cameras):
        loss = ring.free_slots / total  # a camera that runs beyond its plan overwrites its own days
    return Projection(
        reached_seconds=reached,
        needed_slots=needed + ring.held_slots + SPARE_SLOTS_PER_CAMERA * ring.recording,
        first_overwrite_seconds=ring.free_slots / total if total else None,
        first_loss_seconds=loss,
        floor_missed_seconds=_first_shortage(ring, floor_of),
    )


def reach(ring: Ring) -> dict[str, float]:
    """Return how long each camera's pictures stay in the long run, its retention at most.

    Where everybody's share fits, what is left over goes to cameras beyond their plan, but no further than they had come
    when the ring was full for the first time: then they stop growing. Where it does not, all give up the same days
    beyond their floors.
    """
    available = ring.available_slots
    total = sum(one.rate.slots_per_second for one in ring.cameras)
    lap_seconds = available / total if total else 0.0
    share = {one.name: _share_seconds(one) for one in ring.cameras}

    def slots(seconds: Mapping[str, float]) -> float:
        return sum(one.rate.slots_per_second * seconds[one.name] for one in ring.cameras)

    fits = slots(share) <= available

    def kept(beyond_floor_seconds: float) -> dict[str, float]:
        found = {}
        for one in ring.cameras:
            seconds, least = max(0.0, one.floor_seconds + beyond_floor_seconds), share[one.name]
            grown = max(least, min(seconds, lap_seconds))
            found[one.name] = min(grown, one.retention_seconds) if fits else min(least, seconds)
        return found

    low = -float(max((one.floor_seconds for one in ring.cameras), default=0))
    high = float(max((one.retention_seconds for one in ring.cameras), default=0))
    if slots(kept(high)) <= available:
        return kept(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slots(kept(middle)) <= available else (low, middle)
    return kept(low)


def _share_seconds(camera: CameraLoad) -> float:
    """Return how long a camera is kept within 1.2 times its plan, its retention at most."""
    rate = camera.rate.slots_per_second
    if not camera.planned_slots or not rate:
        return float(camera.retention_seconds)
    return min(float(camera.retention_seconds), OVERRUN_NUMERATOR * camera.planned_slots / OVERRUN_DENOMINATOR / rate)


def _first_shortage(ring: Ring, life_of: Callable[[CameraLoad], int]) -> float | None:
    """Return when more than fits would have to be kept for so long; None: never."""
    longest = max((life_of(one) for one in ring.cameras), default=0)
    ages = {name: sorted(seconds) for name, seconds in ring.ages_seconds.items()}
    available = ring.available_slots
    for step in range(STEPS + 1):
        after = longest * step / STEPS
        standing = 0.0
        for one in ring.cameras:
            life = life_of(one)
            standing += bisect_right(ages.get(one.name, []), life - after)  # what is there now and young enough then
            standing += one.rate.slots_per_second * min(after, life)
        if standing > available + 1:  # the last one is being written
            return after
    return None
