"""Whether a hold may be granted: holds have a budget of the rings, and none may push a camera below its floor (K5).

What a hold will keep is what lies in the rings now and, for minutes still to come, what the camera's rate makes of
them. A hold that was granted is never dropped, so this is the only place where one is refused. Blocking; it must not
know keys or where holds are written down.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from kuramori.capacity.capacity_texts import span
from kuramori.capacity.ring_load import CameraLoad
from kuramori.capacity.ring_projection import floor_of, reach
from kuramori.capacity.survey import hold_budget, rate_of, ring_of
from kuramori.capacity_messages import HoldBudget
from kuramori.recorder import Recorder
from kuramori.texts import tr
from kuramori_segments.ledger_records import Hold
from kuramori_segments.volume import Volume

SAME_SHARE = 0.999  # a camera that was below its floor before loses no more than rounding by a hold


@dataclass(frozen=True, slots=True)
class Keeping:
    """What holds keep of one volume: slots that are there, and how many are still to come."""

    slots: frozenset[int] = frozenset()
    to_come: int = 0

    @property
    def count(self) -> int:
        """How many slots that is."""
        return len(self.slots) + self.to_come


@dataclass(slots=True)
class HoldBook:
    """Several holds together, volume by volume."""

    recorder: Recorder
    reach_back_ms: int  # how far a hold reaches back, to a key frame before its first minute
    now_utc_ms: int
    by_volume: dict[int, Keeping] = field(default_factory=dict)

    @classmethod
    def of(cls, recorder: Recorder, holds: Iterable[Hold], reach_back_ms: int) -> "HoldBook":
        """Count these holds, without a look at the medium."""
        book = cls(recorder, reach_back_ms, recorder.now_utc_ms())
        for hold in holds:
            book.add(hold)
        return book

    def add(self, hold: Hold) -> None:
        """Count a hold: the slots that it names now, and the minutes of it that are still to be recorded."""
        for volume in self.recorder.vault.volumes:
            known = self.by_volume.get(id(volume), Keeping())
            found = (
                segment.slot
                for number in hold.camera_numbers
                for segment in volume.overlapping(number, hold.from_utc_ms - self.reach_back_ms, hold.to_utc_ms)
            )
            self.by_volume[id(volume)] = replace(known, slots=known.slots.union(found))
        to_come_seconds = (hold.to_utc_ms - max(hold.from_utc_ms, self.now_utc_ms)) / 1000
        if to_come_seconds <= 0:
            return
        for lane in list(self.recorder.lanes):
            for camera in lane.cameras:
                if camera.recording.camera_number in hold.camera_numbers:
                    rate = rate_of(self.recorder, camera.name).slots_per_second
                    known = self.by_volume.get(id(lane.volume), Keeping())
                    more = math.ceil(rate * to_come_seconds) + 1
                    self.by_volume[id(lane.volume)] = replace(known, to_come=known.to_come + more)

    def kept_of(self, volume: Volume) -> Keeping:
        """Return what they keep of one volume."""
        return self.by_volume.get(id(volume), Keeping())

    @property
    def slots(self) -> int:
        """How many slots all of them keep."""
        return sum(keeping.count for keeping in self.by_volume.values())

    @property
    def usable_slots(self) -> int:
        """How many slots all rings have."""
        return sum(lane.volume.superblock.slot_count for lane in self.recorder.lanes)

    @property
    def budget(self) -> HoldBudget:
        """What holds may keep, and what these do."""
        return hold_budget(self.recorder.configuration, self.usable_slots, self.slots)


def refusal(recorder: Recorder, before: HoldBook, after: HoldBook) -> str | None:
    """Return why a hold cannot be granted, for a person: `before` without it, `after` with it. None: it can."""
    usable, budget = after.usable_slots, after.budget
    if budget.used_slots > budget.slots:
        return tr(
            f"this hold and those in force would keep {budget.used_slots} of {usable} slots; at most {budget.slots} "
            f"({budget.percent:g} %) may be held, or cameras would lose their days. Name fewer minutes, or lift "
            "another hold.",
            f"この延長を加えると、保存領域 {usable} 区画のうち {budget.used_slots} 区画が延長分となり、"
            f"上限の {budget.slots} 区画（{budget.percent:g}%）を超えます。"
            "時間を短くするか、他の延長を解除してください。",
        )
    for lane in list(recorder.lanes):
        pushed = _pushed_below_floor(recorder, lane.volume, [c.name for c in lane.cameras], before, after)
        if pushed is not None:
            camera, seconds = pushed
            kept, floor = span(seconds), span(floor_of(camera))
            return tr(
                f"it would leave room for {kept} of camera {camera.name} only, which has to keep {floor} at least. "
                "Name fewer minutes, lift another hold, or enlarge the volume.",
                f"カメラ {camera.name} の保存が約{kept}分となり、保存期間の下限である{floor}を下回ります。"
                "時間を短くするか、他の延長を解除するか、保存領域を広げてください。",
            )
    return None


def _pushed_below_floor(
    recorder: Recorder, volume: Volume, names: Collection[str], before: HoldBook, after: HoldBook
) -> tuple[CameraLoad, float] | None:
    """Return the camera that a hold pushes furthest below its floor, and how long it would be kept."""
    if after.kept_of(volume).count == before.kept_of(volume).count:
        return None
    ring = ring_of(recorder, volume, list(names), recorder.now_utc_ms())
    was: Mapping[str, float] = reach(replace(ring, held_slots=before.kept_of(volume).count))
    found = reach(replace(ring, held_slots=after.kept_of(volume).count))
    pushed = [
        one for one in ring.cameras if found[one.name] < floor_of(one) and found[one.name] < was[one.name] * SAME_SHARE
    ]
    worst = min(pushed, key=lambda one: found[one.name] / floor_of(one), default=None)
    return None if worst is None else (worst, found[worst.name])
