"""Accounts that were refused are left alone over any restart, at most for the wait, and nothing secret is kept."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori.sign_in_book import LONGEST_WAIT_MS, NS_PER_MS, REMEMBERED_MS, SignInBook, mark_of

NOW = 1_790_000_000_000
BOOT_NS = 5 * 10**12
BOOT, NEXT_BOOT = bytes(16), bytes([1]) * 16
WAIT_SECONDS = 600
MARK = mark_of("192.0.2.7", 554, "viewer")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sign_ins.json"


def book_at(path: Path, boot: bytes = BOOT, utc_ms: int = NOW, boot_ns: int = BOOT_NS) -> SignInBook:
    """The book as a recorder that starts then reads it."""
    book = SignInBook(path, boot)
    book.read({"gate", "yard"}, utc_ms, boot_ns)
    return book


@pytest.fixture
def refused(path: Path) -> SignInBook:
    """A camera that refused the password twice."""
    book = book_at(path)
    book.refused("gate", MARK, 2, WAIT_SECONDS, NOW, BOOT_NS)
    book.save()
    return book


def later(seconds: float) -> int:
    return BOOT_NS + round(seconds * 1000) * NS_PER_MS


def test_what_is_left_of_a_wait_outlasts_a_restart(path: Path, refused: SignInBook) -> None:
    """Whatever the wall clock says meanwhile, and with the count of refusals."""
    for utc_ms in (0, NOW + 200_000, NOW + 10 * LONGEST_WAIT_MS):
        book = book_at(path, utc_ms=utc_ms, boot_ns=later(200))
        assert book.left_seconds("gate", MARK, later(200)) == WAIT_SECONDS - 200
        assert book.refusals("gate", MARK) == 2
    assert refused.left_seconds("gate", MARK, later(WAIT_SECONDS)) == 0
    assert refused.left_seconds("yard", MARK, BOOT_NS) == 0


def test_after_another_start_of_the_machine_the_wall_clock_says_what_is_left(path: Path, refused: SignInBook) -> None:
    """Never more than the whole wait: a wrong clock keeps no camera dark."""
    for utc_ms, left in ((NOW + 200_000, 400), (NOW + 600_000, 0), (0, WAIT_SECONDS)):
        assert book_at(path, NEXT_BOOT, utc_ms, 1).left_seconds("gate", MARK, 1) == left


def test_another_account_or_address_is_tried_at_once(refused: SignInBook) -> None:
    """It is not the one that was refused."""
    for other in (mark_of("192.0.2.8", 554, "viewer"), mark_of("192.0.2.7", 554, "admin"), ""):
        assert refused.left_seconds("gate", other, BOOT_NS) == 0
        assert refused.refusals("gate", other) == 0


def test_what_is_long_over_is_forgotten(path: Path, refused: SignInBook) -> None:
    """Half an hour behind its end the first wait is short again; so is that of a camera that signed in."""
    over = WAIT_SECONDS + REMEMBERED_MS / 1000
    assert book_at(path, boot_ns=later(over)).refusals("gate", MARK) == 2
    assert book_at(path, boot_ns=later(over + 1)).refusals("gate", MARK) == 0
    assert book_at(path, NEXT_BOOT, NOW + round(over * 1000) + 1, 1).refusals("gate", MARK) == 0
    assert refused.forget("gate")
    assert not refused.forget("gate")
    refused.save()
    assert book_at(path).left_seconds("gate", MARK, BOOT_NS) == 0


def test_nothing_of_the_account_can_be_read(path: Path, refused: SignInBook) -> None:
    """Neither the user's name nor the address, and nobody but the owner reads the file."""
    text = path.read_text()
    assert "viewer" not in text
    assert "192.0.2" not in text
    assert path.stat().st_mode & 0o077 == 0


def test_a_camera_that_was_removed_is_forgotten(path: Path, refused: SignInBook) -> None:
    """What the configuration does not name is not taken over."""
    book = SignInBook(path, BOOT)
    book.read({"yard"}, NOW, BOOT_NS)
    assert book.left_seconds("gate", MARK, BOOT_NS) == 0


def test_a_place_that_takes_nothing_costs_nothing(path: Path) -> None:
    """The wait holds as long as the recorder runs."""
    book = SignInBook(path.parent / "no folder" / "sign_ins.json", BOOT)
    book.refused("gate", MARK, 1, WAIT_SECONDS, NOW, BOOT_NS)
    book.save()
    assert book.left_seconds("gate", MARK, BOOT_NS) == WAIT_SECONDS


@settings(max_examples=60)
@given(content=st.binary(max_size=200) | st.from_regex(rb'\A\{"version": ?1, ?"refused": ?\[.{0,80}\]\}\Z'))
def test_any_file_can_be_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """What is no book keeps nobody waiting, and the next refusal is written in its place."""
    path = tmp_path_factory.mktemp("book") / "sign_ins.json"
    path.write_bytes(content)
    book = book_at(path)
    assert book.left_seconds("gate", MARK, BOOT_NS) == 0
    book.refused("gate", MARK, 1, WAIT_SECONDS, NOW, BOOT_NS)
    book.save()
    assert book_at(path).left_seconds("gate", MARK, BOOT_NS) == WAIT_SECONDS


@pytest.mark.parametrize("until_boot_ns", [-(10**20), 10**30])
def test_a_file_from_elsewhere_keeps_no_camera_dark(path: Path, refused: SignInBook, until_boot_ns: int) -> None:
    """Numbers that no recorder writes: half an hour is the most."""
    path.write_text(path.read_text().replace(str(later(WAIT_SECONDS)), str(until_boot_ns)))
    assert book_at(path).left_seconds("gate", MARK, BOOT_NS) <= LONGEST_WAIT_MS / 1000


def test_a_folder_in_its_place_is_no_book(path: Path) -> None:
    """Nor is a file that cannot be read at all."""
    path.mkdir()
    assert book_at(path).refusals("gate", MARK) == 0
