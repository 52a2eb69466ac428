"""The certificates that cameras are known by: kept, compared, accepted only as they were shown."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuramori.certificate_book import CertificateBook, plain_fingerprint

URL = "https://127.0.0.1/onvif/device_service"
FIRST, OTHER = "11" * 32, "22" * 32


def _book(path: Path, *, writes: bool = True) -> CertificateBook:
    return CertificateBook(path / "certificates.json", lambda: 1_790_000_000_000, writes=writes)


def test_a_pin_outlives_the_process(tmp_path: Path) -> None:
    """What one book pinned, the next one knows; the file is private and holds nothing else."""
    _book(tmp_path).pin("gate", URL, FIRST)
    assert _book(tmp_path).pinned("gate", URL) == FIRST
    assert (tmp_path / "certificates.json").stat().st_mode & 0o077 == 0


def test_another_configured_address_is_another_camera(tmp_path: Path) -> None:
    """The pin is not carried over to where the configuration points now."""
    book = _book(tmp_path)
    book.pin("gate", URL, FIRST)
    assert book.pinned("gate", "https://127.0.0.2/onvif/device_service") == ""


def test_only_what_was_shown_and_refused_can_be_accepted(tmp_path: Path) -> None:
    """Nothing before one was refused, nothing else afterwards; what is accepted is known from then on."""
    book = _book(tmp_path)
    book.pin("gate", URL, FIRST)
    assert not book.accept("gate", URL, OTHER)
    assert not book.accept("gate", URL, "")
    book.refuse("gate", OTHER)
    assert book.refused("gate") == OTHER
    assert not book.accept("gate", URL, "33" * 32)
    assert book.accept("gate", URL, OTHER)
    assert (book.refused("gate"), _book(tmp_path).pinned("gate", URL)) == ("", OTHER)


def test_a_book_that_only_looks_writes_nothing(tmp_path: Path) -> None:
    """It knows what it pinned itself, for itself."""
    book = _book(tmp_path, writes=False)
    book.pin("gate", URL, FIRST)
    assert book.pinned("gate", URL) == FIRST
    assert not list(tmp_path.iterdir())


def test_a_pin_that_cannot_be_kept_holds_until_the_end(tmp_path: Path) -> None:
    """The folder is not there: the camera is known all the same, by this process."""
    book = _book(tmp_path / "nowhere")
    book.pin("gate", URL, FIRST)
    assert book.pinned("gate", URL) == FIRST


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_file_is_read_or_counts_as_empty(tmp_path: Path, content: bytes) -> None:
    """No file raises anything."""
    (tmp_path / "certificates.json").write_bytes(content)
    assert _book(tmp_path).pinned("gate", URL) == ""


@pytest.mark.parametrize("text", [f"sha256:{'ab' * 32}", "AB:" * 31 + "ab", f" {'aB' * 32}\n"])
def test_a_fingerprint_is_read_as_people_write_it(text: str) -> None:
    """With or without colons, in capitals, with the name of the hash."""
    assert plain_fingerprint(text) == "ab" * 32


@pytest.mark.parametrize("text", ["", "ab", "sha256:", "zz" * 32, "ab" * 33])
def test_what_is_no_fingerprint_is_none(text: str) -> None:
    """Too short, too long, not hexadecimal."""
    assert plain_fingerprint(text) == ""
