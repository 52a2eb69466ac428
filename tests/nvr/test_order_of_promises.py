"""Promises that collide (THREATS.md, "Where promises collide"): the rows that no other test shows already.

The small recorder of `test_recorder_machine`: real volume, keystore and ledger, the clock is the test's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nvr.test_recorder_machine import HOUR_MS, MINUTE_MS, SLOTS, RecorderMachine, make_site

LAPS = 2


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[RecorderMachine]:
    """Two cameras, four hours of retention, an hour of floor, 48 slots."""
    site = make_site(tmp_path / "site")
    machine = RecorderMachine()
    machine.begin(seed=0)
    yield machine
    machine.teardown()
    site.close()


def record_laps(recorder: RecorderMachine, laps: int = LAPS) -> None:
    """Record the ring over and over, a picture a second: far more than was planned for."""
    for _ in range(laps * SLOTS * 2):
        for camera in ("gate", "yard"):
            recorder.frame(camera)
        recorder.clock.pass_ms(1000)


def test_recording_goes_on_where_everything_is_within_its_floor(recorder: RecorderMachine, logged: list[Any]) -> None:
    """A full ring, all of it younger than an hour: the newest are there, the oldest are not, and it is said."""
    record_laps(recorder)
    there = recorder.standing()
    by_age = sorted(recorder.recorded, key=lambda uid: recorder.recorded[uid].start_utc_ms)
    assert by_age[-1] in there
    assert by_age[0] not in there
    assert "floor_missed" in [one["event"] for one in logged]


def test_a_hold_stands_through_every_lap_and_recording_goes_on_beside_it(recorder: RecorderMachine) -> None:
    """Half of the ring is held; the rest is overwritten again and again, and what is held opens after all."""
    for _ in range(40):
        recorder.frame("gate")
        recorder.clock.pass_ms(MINUTE_MS)
    recorder.hold(camera="gate", back=40, length=39, hours=12)
    held = {uid for uid, one in recorder.recorded.items() if one.holds}
    assert len(held) >= 9
    record_laps(recorder)
    recorder.pass_ms(5 * HOUR_MS)
    assert held <= recorder.standing().keys()
    assert all(recorder.opens(uid) for uid in held)
    assert not any(recorder.opens(uid) for uid in recorder.recorded if uid not in held)
    record_laps(recorder, laps=1)
    assert held <= recorder.standing().keys()


def test_an_empty_ring_does_not_keep_anything_beyond_its_time(recorder: RecorderMachine) -> None:
    """There is room for years; after four hours nothing opens all the same."""
    recorder.record("gate", 3)
    recorder.pass_ms(4 * HOUR_MS)
    assert recorder.volume.usage().empty > SLOTS // 2
    assert recorder.standing()
    assert not any(recorder.opens(uid) for uid in recorder.recorded)


def test_a_lower_budget_drops_no_hold_that_was_granted(recorder: RecorderMachine) -> None:
    """The configuration is changed afterwards: what was granted stands."""
    recorder.record("gate", 12)
    recorder.hold(camera="gate", back=60, length=59, hours=12)
    held = {uid for uid, one in recorder.recorded.items() if one.holds}
    tuned = recorder.recorder.configuration.recorder.model_copy(update={"hold_budget_percent": 1.0})
    recorder.recorder.configuration = recorder.recorder.configuration.model_copy(update={"recorder": tuned})
    recorder.pass_ms(6 * HOUR_MS)
    assert held
    assert all(recorder.opens(uid) for uid in held)
    assert len(recorder.volume.held_slots()) == len(held)
