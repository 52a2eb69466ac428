"""Recorded without a trustworthy clock, dated when there is one: ledger, slot table, plan. Headers stay as they are."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from kuramori.camera import Camera
from kuramori.dating import DATED_EVENT, Dating, periods_of
from kuramori.vault_thread import LedgerNews, LedgerWriter
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger_records import TimelineEvent
from kuramori_segments.run_tracker import RunClosed, RunOpened
from tests.fakes.house import FRAME_MS, House, running_house

YEARS_MS = 40 * 365 * 86_400_000
FOREVER_UTC_MS = 1 << 52


class Source:
    """A time source that is there or not."""

    synchronised = False

    def __call__(self) -> bool:
        return self.synchronised


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A recorder that starts forty years too early: its battery is empty."""
    async with running_house(tmp_path) as made:
        made.clock.now_utc_ms -= YEARS_MS
        made.recorder.anchor.observe(made.clock.utc_ms(), made.clock.boot_ns())
        made.recorder.assembly.time_unknown = True
        for camera in made.recorder.cameras.values():
            camera.recording.time_unknown = True
        yield made


def record(house: House, frames: int) -> tuple[int, int]:
    """Record some pictures of the gate, as a run of the ledger too; return its ends."""
    camera: Camera = house.recorder.cameras["gate"]
    number, first = camera.recording.camera_number, camera.recording.state.next_access_unit
    begin = house.recorder.now_utc_ms()
    house.record("gate", frames)
    end = house.recorder.now_utc_ms() - FRAME_MS
    ledger = house.vault.ledger
    opened, closed = RunOpened(begin, first), RunClosed(end, first + frames - 1, camera.gap_now())
    ledger.open_run(number, opened.start_utc_ms, opened.start_access_unit)
    ledger.close_run(number, closed.end_utc_ms, closed.end_access_unit, closed.reason)
    return begin, end


def end_segment(house: House) -> None:
    """Close the running segment and make it durable, with its entry in the table."""
    camera = house.recorder.cameras["gate"]
    batch = camera.recording.finish(house.clock.boot_ns(), house.recorder.now_utc_ms())
    volume = house.vault.volumes[0]
    if batch is not None:
        volume.commit(batch.writes, batch.changes)
    volume.flush()


async def test_what_was_recorded_is_dated_when_time_is_known(house: House) -> None:
    """Runs and slot table get the true time, the header keeps what the clock said, the plan says by how much."""
    source = Source()
    dating = Dating(house.recorder, source)
    await dating.begin_period()
    begin, end = record(house, 5)
    await dating.look()
    assert house.recorder.assembly.time_unknown
    house.clock.now_utc_ms += YEARS_MS
    step = house.recorder.anchor.observe(house.clock.utc_ms(), house.clock.boot_ns())
    assert step is not None
    end_segment(house)
    await dating.begin_period()
    source.synchronised = True
    for _ in range(2):  # the second time finds everything done
        await dating.look()
    assert not house.recorder.assembly.time_unknown
    assert "time" not in house.recorder.problems
    number = house.recorder.cameras["gate"].recording.camera_number
    (run,) = house.vault.ledger.runs(number, begin + YEARS_MS, end + YEARS_MS)
    assert (run.start_utc_ms, run.end_utc_ms) == (begin + YEARS_MS, end + YEARS_MS)
    (found,) = house.forgetting.segments(number, begin + YEARS_MS, end + YEARS_MS + 1)
    assert (found.dated_by_ms, found.start_utc_ms) == (YEARS_MS, begin + YEARS_MS)
    assert found.header.time_unknown
    assert found.header.start_utc_ms == begin
    events = house.vault.ledger.events(0, FOREVER_UTC_MS, kind=DATED_EVENT, camera_number=number)
    assert {event.fact("by_ms") for event in events} == {YEARS_MS, 0}


async def test_a_stop_between_ledger_and_slot_table_is_made_good(house: House) -> None:
    """The ledger is dated, the table is not: the next look does the rest, and shifts no run twice."""
    source = Source()
    dating = Dating(house.recorder, source)
    await dating.begin_period()
    begin, _ = record(house, 3)
    house.clock.now_utc_ms += YEARS_MS
    house.recorder.anchor.observe(house.clock.utc_ms(), house.clock.boot_ns())
    source.synchronised = True
    await dating.look()  # the segment is still open: only the ledger
    number = house.recorder.cameras["gate"].recording.camera_number
    assert house.forgetting.segments(number, begin, begin + 1)
    end_segment(house)
    await Dating(house.recorder, source).look()
    (found,) = house.forgetting.segments(number, begin + YEARS_MS, begin + YEARS_MS + 1)
    assert found.dated_by_ms == YEARS_MS
    (run,) = house.vault.ledger.runs(number, 0, FOREVER_UTC_MS)
    assert run.start_utc_ms == begin + YEARS_MS


async def test_why_a_camera_was_missing_is_dated_too(house: House) -> None:
    """What was noted by the wrong clock is shifted, per word of it; what an earlier, trusted time noted stays."""
    source, ledger = Source(), house.vault.ledger
    dating = Dating(house.recorder, source)
    number = house.recorder.cameras["gate"].recording.camera_number
    writer = LedgerWriter(ledger)
    house.recorder.tick = SimpleNamespace(writer=writer)  # type: ignore[assignment]

    def note(reason: GapReason) -> int:
        utc_ms = house.recorder.now_utc_ms()
        writer.offer([LedgerNews(number, (), ((utc_ms, reason, ""),))])
        assert writer.write() is None
        return utc_ms

    def noted() -> list[tuple[int, GapReason]]:
        return [(one.utc_ms, one.reason) for one in ledger.outages(number, -FOREVER_UTC_MS, FOREVER_UTC_MS)]

    early = house.recorder.now_utc_ms()
    ledger.note_outage(number, early + 500, GapReason.STREAM_DAMAGED)  # by a trusted clock, in those minutes long ago
    await dating.begin_period()
    first = note(GapReason.CAMERA_OFFLINE)
    house.clock.pass_ms(FRAME_MS)
    second = note(GapReason.CAMERA_REFUSED)
    house.clock.pass_ms(FRAME_MS)
    house.clock.now_utc_ms += YEARS_MS
    assert house.recorder.anchor.observe(house.clock.utc_ms(), house.clock.boot_ns()) is not None
    await dating.begin_period()
    third = note(GapReason.CAMERA_STALLED)
    source.synchronised = True
    for _ in range(2):
        await dating.look()
    house.clock.pass_ms(FRAME_MS)
    fourth = note(GapReason.CAMERA_OFFLINE)
    assert noted() == [
        (early + 500, GapReason.STREAM_DAMAGED),
        (first + YEARS_MS, GapReason.CAMERA_OFFLINE),
        (second + YEARS_MS, GapReason.CAMERA_REFUSED),
        (third, GapReason.CAMERA_STALLED),
        (fourth, GapReason.CAMERA_OFFLINE),
    ]


async def test_a_clock_that_was_right_all_along_moves_nothing(house: House) -> None:
    """Only nobody could know: nothing is shifted, and it is dated all the same."""
    source = Source()
    dating = Dating(house.recorder, source)
    await dating.begin_period()
    begin, _ = record(house, 2)
    source.synchronised = True
    await dating.look()
    number = house.recorder.cameras["gate"].recording.camera_number
    (run,) = house.vault.ledger.runs(number, 0, FOREVER_UTC_MS)
    assert run.start_utc_ms == begin


def test_periods_end_where_the_next_begins() -> None:
    """Two words of an untrusted clock, one camera: each picture belongs to one of them."""

    def event(event_id: int, unit: int, sequence: int, begin: int) -> TimelineEvent:
        facts = (("begin_utc_ms", begin), ("first_access_unit", unit), ("first_sequence", sequence))
        return TimelineEvent(event_id, 0, 0, "time_unknown", 7, facts)

    first, second = periods_of((event(2, 50, 4, 900), event(1, 1, 1, 100)), {7: (80, 6)})
    assert (first.first_access_unit, first.below_access_unit, first.begin_utc_ms) == (1, 50, 100)
    assert (second.first_sequence, second.below_sequence, second.begin_utc_ms) == (4, 6, 900)
