"""Pauses end by themselves, whatever the wall clock does and however often the machine is started."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori.camera_messages import PauseCameraRequest
from kuramori.pause_book import LONGEST_PAUSE_MS, NS_PER_MS, PauseBook

HOUR_MS = 3_600_000
NOW = 1_790_000_000_000
BOOT_NS = 5 * 10**12
BOOT, NEXT_BOOT = bytes(16), bytes([1]) * 16


def asked(until_utc_ms: int = NOW + HOUR_MS, reason: str = "new lens") -> PauseCameraRequest:
    return PauseCameraRequest("gate", until_utc_ms, "Sato Hanako", reason)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pauses.json"


def book_at(path: Path, boot: bytes = BOOT, utc_ms: int = NOW, boot_ns: int = BOOT_NS) -> PauseBook:
    """The book as a recorder that starts then reads it."""
    book = PauseBook(path, boot)
    book.read(utc_ms, boot_ns)
    return book


def length_ms(book: PauseBook, boot_ns: int = BOOT_NS) -> int:
    """How long the pause still lasts."""
    pause = book.in_force("gate", 0, boot_ns)
    return 0 if pause is None else pause.until_utc_ms


def test_a_pause_ends_when_its_time_is_over(path: Path) -> None:
    """Not before, and with who paused it and why."""
    book = book_at(path)
    book.begin(asked(), NOW, BOOT_NS)
    assert book.due(BOOT_NS + HOUR_MS * NS_PER_MS - 1) == ()
    assert book.due(BOOT_NS + HOUR_MS * NS_PER_MS) == ("gate",)
    pause = book.in_force("gate", NOW, BOOT_NS)
    assert pause is not None
    assert (pause.from_utc_ms, pause.until_utc_ms, pause.person, pause.reason) == (
        NOW,
        NOW + HOUR_MS,
        "Sato Hanako",
        "new lens",
    )
    book.end("gate")
    book.end("gate")
    assert not book.is_paused("gate")


def test_a_clock_that_is_set_neither_shortens_nor_lengthens_a_pause(path: Path) -> None:
    """The end is counted in boot time; what is shown is where it lies on the clock as it stands now."""
    book = book_at(path)
    book.begin(asked(), NOW, BOOT_NS)
    for step_ms in (-5 * HOUR_MS, 5 * HOUR_MS):
        shown = book.in_force("gate", NOW + step_ms, BOOT_NS)
        assert shown is not None
        assert shown.until_utc_ms == NOW + step_ms + HOUR_MS
        assert book.due(BOOT_NS + HOUR_MS * NS_PER_MS - 1) == ()


def test_asked_again_it_ends_at_the_new_time_and_began_when_it_began(path: Path) -> None:
    """An operator may lengthen or shorten it."""
    book = book_at(path)
    book.begin(asked(), NOW, BOOT_NS)
    later = book.begin(asked(NOW + 3 * HOUR_MS, "still there"), NOW + 1000, BOOT_NS + 1000 * NS_PER_MS)
    assert (later.from_utc_ms, later.reason) == (NOW, "still there")
    assert length_ms(book) == 3 * HOUR_MS


def test_a_restart_of_the_recorder_goes_on_counting(path: Path) -> None:
    """The same boot: to the nanosecond, though the wall clock was set meanwhile."""
    before = book_at(path)
    before.begin(asked(), NOW, BOOT_NS)
    before.save()
    book = book_at(path, utc_ms=NOW - 9 * HOUR_MS, boot_ns=BOOT_NS + 10**9)
    assert book.due(BOOT_NS + HOUR_MS * NS_PER_MS) == ("gate",)
    assert length_ms(book, BOOT_NS + 10**9) == HOUR_MS - 1000


@pytest.mark.parametrize(
    ("at_utc_ms", "left_ms"),
    [
        (NOW + HOUR_MS // 4, HOUR_MS * 3 // 4),
        (NOW + 2 * HOUR_MS, 0),
        (0, HOUR_MS),  # the clock has lost its time
        (NOW - 20 * 365 * 24 * HOUR_MS, HOUR_MS),
    ],
)
def test_after_another_start_of_the_machine_no_pause_lasts_longer_than_it_was_asked_for(
    path: Path, at_utc_ms: int, left_ms: int
) -> None:
    """What is left by the wall clock; with a clock that is wrong, the whole length once more and no longer."""
    before = book_at(path)
    before.begin(asked(), NOW, BOOT_NS)
    before.save()
    assert length_ms(book_at(path, NEXT_BOOT, at_utc_ms, 10**9), 10**9) == left_ms


def test_what_could_not_be_written_is_taken_back(path: Path) -> None:
    """Nothing takes effect that a restart would not know."""
    book = book_at(path)
    snapshot = book.snapshot()
    book.begin(asked(), NOW, BOOT_NS)
    book.restore(snapshot)
    assert not book.is_paused("gate")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"\xff", b'{"version":1,"pauses":[{"camera":1}]}', b"[" * 9999]
)
def test_a_file_that_cannot_be_read_pauses_nobody(path: Path, content: bytes) -> None:
    """Recording comes first."""
    path.write_bytes(content)
    assert book_at(path).snapshot().pauses == ()


@settings(max_examples=50)
@given(
    until=st.integers(0, 1 << 60),
    since=st.integers(0, 1 << 60),
    end=st.integers(-(1 << 80), 1 << 80),
    same=st.booleans(),
)
def test_whatever_stands_in_the_file_no_camera_stays_dark(
    tmp_path_factory: pytest.TempPathFactory, until: int, since: int, end: int, same: bool
) -> None:
    """A pause is over after a month at the latest."""
    path = tmp_path_factory.mktemp("book") / "pauses.json"
    boot = (BOOT if same else NEXT_BOOT).hex()
    path.write_text(
        f'{{"version":1,"pauses":[{{"pause":{{"camera":"gate","from_utc_ms":{since},"until_utc_ms":{until},'
        f'"person":"","reason":""}},"boot_id":"{boot}","end_boot_ns":{end}}}]}}'
    )
    assert length_ms(book_at(path)) <= LONGEST_PAUSE_MS
