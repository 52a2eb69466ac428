"""Holds against the ring: a budget, minutes still to come, and nobody pushed below a floor.

A real vault in a folder; the clock is the test's.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori.capacity.capacity_watch import PROBLEM, CapacityWatch
from kuramori.forgetting import HoldRefused
from kuramori.messages import FailureCode, PlaceHoldRequest
from kuramori.recorder_figures import statistics_of
from tests.fakes.house import FRAMES_PER_SLOT, START_UTC_MS, House, running_house

HOUR_MS = 3_600_000
SLOTS_PER_HOUR = 9  # of what the house records


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Two cameras, four hours of retention, one hour of floor, about forty slots; both rates measured."""
    async with running_house(tmp_path) as made:
        for camera in ("gate", "yard"):
            made.record(camera, 4 * FRAMES_PER_SLOT)
        yield made


def asked(house: House, camera: str, hours: float, number: int = 7) -> tuple[PlaceHoldRequest, list[int]]:
    """A hold for the next hours of a camera."""
    now = house.recorder.now_utc_ms()
    request = PlaceHoldRequest(
        f"{number:032x}", (camera,), now, now + int(hours * HOUR_MS), now + 90 * HOUR_MS, "", "Sato Hanako", "inquiry"
    )
    return request, [house.recorder.cameras[camera].recording.camera_number]


def allow(house: House, percent: float) -> None:
    tuned = house.recorder.configuration.recorder.model_copy(update={"hold_budget_percent": percent})
    house.recorder.configuration = house.recorder.configuration.model_copy(update={"recorder": tuned})


async def test_minutes_still_to_come_count_by_the_measured_rate(house: House) -> None:
    """A quarter of some forty slots: half an hour more is granted, two hours are not, and the reason has numbers."""
    await house.forgetting.place_hold(*asked(house, "gate", 0.5, number=1))
    used = house.forgetting.hold_budget()
    assert 4 <= used.used_slots <= 0.5 * SLOTS_PER_HOUR + 3
    assert used.slots == int(house.vault.volumes[0].superblock.slot_count * 0.25)
    with pytest.raises(HoldRefused) as caught:
        await house.forgetting.place_hold(*asked(house, "gate", 2, number=2))
    assert caught.value.failure.code is FailureCode.HOLD_BUDGET
    assert f"at most {used.slots} (25 %)" in caught.value.failure.message
    assert len(house.vault.ledger.holds(house.recorder.now_utc_ms())) == 1


async def test_a_hold_that_would_push_another_camera_below_its_floor_is_refused(house: House) -> None:
    """The budget would allow it; the yard's hour would not fit any more."""
    allow(house, 75)
    await house.forgetting.place_hold(*asked(house, "gate", 1, number=1))
    with pytest.raises(HoldRefused) as caught:
        await house.forgetting.place_hold(*asked(house, "gate", 2, number=2))
    assert caught.value.failure.code is FailureCode.HOLD_BUDGET
    assert "has to keep 1 hours at least" in caught.value.failure.message


async def test_the_same_hold_again_is_the_same_and_is_never_refused(house: House) -> None:
    """The desk repeats itself after a crash; a hold that was granted is not judged a second time."""
    hold, numbers = asked(house, "gate", 0.5)
    first, _ = await house.forgetting.place_hold(hold, numbers)
    allow(house, 1)
    again, _ = await house.forgetting.place_hold(hold, numbers)
    assert again == first


async def test_a_hold_that_was_lifted_keeps_nothing_when_it_is_placed_again(house: House) -> None:
    """What became of it since stays so."""
    hold = PlaceHoldRequest(
        f"{3:032x}", ("gate",), START_UTC_MS, START_UTC_MS + 60_000, START_UTC_MS + 90 * HOUR_MS, "", "Sato", "inquiry"
    )
    number = house.recorder.cameras["gate"].recording.camera_number
    await house.forgetting.place_hold(hold, [number])
    assert house.vault.keystore.kept()
    await house.forgetting.lift_hold(hold.hold_id, "Sato", "handed over")
    await house.forgetting.place_hold(hold, [number])
    assert house.vault.keystore.kept() == ()
    assert house.vault.volumes[0].held_slots() == frozenset()


async def test_a_hold_keeps_the_keys_of_the_segments_it_names_and_no_others(house: House) -> None:
    """Four slots of an hour, the minutes of one named: one key, beside no epoch's."""
    number = house.recorder.cameras["gate"].recording.camera_number
    minute = START_UTC_MS + 600_000
    hold = PlaceHoldRequest(f"{4:032x}", ("gate",), minute, minute + 1000, minute + 90 * HOUR_MS, "", "Sato", "inquiry")
    await house.forgetting.place_hold(hold, [number])
    named = {item.header.segment_uid for item in house.forgetting.segments(number, minute - 20_000, minute + 1000)}
    assert {key.segment_uid for key in house.vault.keystore.kept()} == named
    assert len(named) == 1


async def test_held_slots_are_counted_per_volume_and_budget_in_the_figures(house: House) -> None:
    """What status and metrics say of holds is what the ring keeps."""
    number = house.recorder.cameras["gate"].recording.camera_number
    hold = PlaceHoldRequest(
        f"{5:032x}", ("gate",), START_UTC_MS, START_UTC_MS + 1, START_UTC_MS + HOUR_MS * 90, "", "Sato", "inquiry"
    )
    await house.forgetting.place_hold(hold, [number])
    await CapacityWatch(house.recorder, house.forgetting).look()
    figures = statistics_of(house.recorder, house.forgetting, {})
    assert figures.volumes[0].held_slots == 1
    assert figures.keystore is not None
    assert figures.keystore.hold_budget is not None
    assert figures.keystore.hold_budget.used_slots == 1


async def test_what_will_be_missed_is_said_before_it_is(house: House) -> None:
    """Four hours of both would need seventy slots: a problem, while nothing has been overwritten yet."""
    plan = await CapacityWatch(house.recorder, house.forgetting).look()
    (volume,) = plan.volumes
    assert volume.free_slots > 0
    assert all(camera.measured for camera in volume.cameras)
    assert [round(camera.slots_per_day / 24) for camera in volume.cameras] == [SLOTS_PER_HOUR] * 2
    assert "gate" in house.recorder.problems[PROBLEM]
    assert "(measured)" in house.recorder.problems[PROBLEM]
    assert volume.first_loss_utc_ms is not None
    assert plan.utc_ms < volume.first_loss_utc_ms <= plan.utc_ms + 4 * HOUR_MS
    figures = statistics_of(house.recorder, house.forgetting, {})
    gate = figures.cameras[0]
    assert gate.retention_seconds is not None
    assert gate.retention_reached_seconds is not None
    assert gate.retention_reached_seconds < gate.retention_seconds
    assert figures.volumes[0].capacity is not None
    assert figures.volumes[0].capacity.first_overwrite_seconds is not None


async def test_without_recordings_the_configuration_is_believed_and_said_so(tmp_path: Path) -> None:
    """What is expected fits, and is not called measured."""
    async with running_house(tmp_path) as house:
        plan = await CapacityWatch(house.recorder, house.forgetting).look()
    assert not any(camera.measured for volume in plan.volumes for camera in volume.cameras)
    assert PROBLEM not in house.recorder.problems
    assert plan.volumes[0].first_loss_utc_ms is None
