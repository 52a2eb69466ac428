"""Every reason of a gap has its letter and its words in both languages."""

import pytest

from kuramori.gap_texts import GAP_TEXTS, UNKNOWN_REASON, gap_text
from kuramori_segments.gap_reason import GapReason


def test_no_reason_is_without_words() -> None:
    """A new reason must be explained before it can be shown."""
    assert set(GAP_TEXTS) == set(GapReason)
    for text in GAP_TEXTS.values():
        assert text.english.isascii()
        assert not text.japanese.isascii()


def test_letters_are_capital_and_unique() -> None:
    """The small one says that part of the time is there."""
    letters = [text.letter for text in GAP_TEXTS.values()]
    assert len(set(letters)) == len(letters)
    assert all(letter.isupper() and len(letter) == 1 for letter in letters)


def test_a_reason_is_found_by_its_name_on_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name from a newer recorder is shown as not known, never as nothing."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert gap_text("camera_offline").words == "カメラと通信できない"
    monkeypatch.setenv("LC_ALL", "C")
    assert gap_text("camera_offline").words == "camera not reachable"
    assert gap_text("eaten_by_mice") is UNKNOWN_REASON
