"""What is known of damage: kept in the ledger, read again, forgotten when it is over."""

from pathlib import Path

from kuramori.scrubbing.damage_book import DAMAGED_EVENT, WHOLE_EVENT, DamageBook, DamagedSegment
from kuramori.scrubbing.damage_texts import damage_sentence
from kuramori.scrubbing.scrub_file import ScrubFile
from kuramori_segments.ledger import Ledger

NOW = 1_790_000_000_000
GATE = DamagedSegment(1, 7, ((NOW, NOW + 900), (NOW + 5000, NOW + 5100)), "chunk_checksum")
YARD = DamagedSegment(2, 9, ((NOW, NOW + 30_000),), "header")


def test_damage_outlives_the_process_until_it_is_over(tmp_path: Path) -> None:
    """Written as events, read at the next start; what was whole again later is not damaged."""
    with Ledger.create(tmp_path / "ledger.db", None, NOW) as ledger:
        ledger.camera_number("gate", NOW)
        ledger.camera_number("yard", NOW)
        for segment in (GATE, YARD):
            ledger.record_event(DAMAGED_EVENT, utc_ms=NOW, camera_number=segment.camera_number, **segment.facts)
        ledger.record_event(WHOLE_EVENT, utc_ms=NOW - 5000, camera_number=2, sequence=9)  # by a clock put back
        book = DamageBook()
        book.read(ledger)
    assert list(book) == [GATE]
    assert book.get((1, 7)) == GATE
    assert book.get((2, 9)) is None


def test_a_reader_in_another_thread_sees_one_state_or_the_next() -> None:
    """Going through the book while it changes is no fault."""
    book = DamageBook()
    book.note(GATE)
    seen = []
    for segment in book:
        book.note(YARD)
        book.forget(GATE.name)
        seen.append(segment)
    assert seen == [GATE]
    assert list(book) == [YARD]


def test_the_operator_reads_camera_and_times_of_the_site() -> None:
    """How many, which one last, from when to when in local time, and what to do."""
    text = damage_sentence(3, "gate", GATE, "Asia/Tokyo")
    assert "3 recorded segments" in text
    assert "camera gate, 2026-09-21 23:13:20 to 2026-09-21 23:13:25" in text


def test_the_record_is_written_in_place_and_read_again(tmp_path: Path) -> None:
    """And a place that takes nothing stops nothing."""
    file = ScrubFile(tmp_path / "scrub", b"v" * 16)
    record = file.read()
    record.note_pass(1, 0)
    record.note(3, 9, 77)
    file.write(record)
    record.note(900, 1, 78)
    file.write(record)
    again = ScrubFile(tmp_path / "scrub", b"v" * 16).read()
    assert (again.minute_of(3, 9), again.minute_of(900, 1), again.pass_began_minute) == (77, 78, 1)
    (tmp_path / "file").touch()
    ScrubFile(tmp_path / "file", b"v" * 16).write(record)
