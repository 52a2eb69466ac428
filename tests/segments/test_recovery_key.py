"""The recovery key on paper: sheets of words give it back, and wrong ones are named without repeating a word."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shamir_mnemonic.wordlist import WORDLIST

from kuramori_segments.key_faults import (
    CardForged,
    CardRefused,
    CardUnreadable,
    ThresholdRefused,
    WordsMisspelt,
    WordsOfAnotherKey,
    WordsRefused,
    WordsStrange,
    WordsTooFew,
    WordsTwice,
)
from kuramori_segments.opening_key import public_half
from kuramori_segments.recovery_key import (
    WORDS_PER_SHEET,
    new_recovery_key,
    read_recovery_card,
    restore,
    same_words,
)
from tests.fakes.key_holders import CREATED_UTC_MS, recovery

SHEETS = recovery()


@pytest.mark.parametrize("some", [(0, 1), (0, 2), (2, 1), (0, 1, 2)])
def test_any_two_of_three_sheets_give_the_key(some: tuple[int, ...]) -> None:
    """In any order, and one more does no harm."""
    private = restore(SHEETS.card, [SHEETS.words[number] for number in some])
    assert public_half(private) == SHEETS.card.opening_key


def test_a_sheet_has_33_words_of_the_list() -> None:
    """SLIP-39 for 256 bits, without passphrase."""
    for words in SHEETS.words:
        assert len(words.split()) == WORDS_PER_SHEET
        assert set(words.split()) <= set(WORDLIST)


def test_capitals_and_line_breaks_do_not_matter() -> None:
    """As people type."""
    typed = [words.upper().replace(" ", "\n  ", 5) for words in SHEETS.words]
    assert public_half(restore(SHEETS.card, typed[:2])) == SHEETS.card.opening_key
    assert same_words(typed[0], SHEETS.words[0])
    assert not same_words(typed[0], SHEETS.words[1])


def test_one_sheet_is_too_few() -> None:
    """Named with both numbers."""
    with pytest.raises(WordsTooFew) as caught:
        restore(SHEETS.card, SHEETS.words[:1])
    assert (caught.value.given, caught.value.needed) == (1, 2)


def test_no_sheet_is_too_few() -> None:
    """Nothing typed at all."""
    with pytest.raises(WordsTooFew):
        restore(SHEETS.card, [])


def test_the_same_sheet_twice_is_named() -> None:
    """The second of the two."""
    with pytest.raises(WordsTwice) as caught:
        restore(SHEETS.card, [SHEETS.words[0], SHEETS.words[0]])
    assert caught.value.sheet == 2


@pytest.mark.parametrize(
    "spoil", [lambda w: [*w[:-1], "zzzz"], lambda w: w[:-1], lambda w: [*w, w[0]], lambda w: [w[1], w[0], *w[2:]]]
)
def test_a_slip_in_a_sheet_is_found(spoil: object) -> None:
    """A strange word, a missing one, one too many, two exchanged: the number of the sheet is named, no word."""
    words = spoil(SHEETS.words[1].split())  # type: ignore[operator]
    with pytest.raises(WordsMisspelt) as caught:
        restore(SHEETS.card, [SHEETS.words[0], " ".join(words)])
    assert caught.value.sheet == 2
    assert not set(str(caught.value).split()) & set(SHEETS.words[1].split()[4:])


def test_sheets_of_two_keys_do_not_go_together() -> None:
    """One from each safe, but of different years."""
    other = new_recovery_key(2, 3, CREATED_UTC_MS)
    with pytest.raises(WordsStrange):
        restore(SHEETS.card, [SHEETS.words[0], other.words[1]])


def test_sheets_of_another_key_are_named_as_such() -> None:
    """Whole, but not the card's: also with another threshold."""
    for other in (new_recovery_key(2, 3, CREATED_UTC_MS), new_recovery_key(3, 3, CREATED_UTC_MS)):
        with pytest.raises(WordsOfAnotherKey):
            restore(SHEETS.card, other.words)


@given(st.lists(st.text(max_size=400), max_size=4))
def test_any_typing_gives_our_error(typed: list[str]) -> None:
    """Nothing else comes out."""
    with pytest.raises(WordsRefused):
        restore(SHEETS.card, typed)


@given(st.lists(st.sampled_from(WORDLIST), min_size=33, max_size=33))
def test_any_words_of_the_list_give_our_error(words: list[str]) -> None:
    """The check words catch them (one in a thousand million would pass, and be refused later)."""
    with pytest.raises(WordsRefused):
        restore(SHEETS.card, [" ".join(words), SHEETS.words[0]])


@pytest.mark.parametrize(("threshold", "sheets"), [(1, 1), (1, 3), (4, 3), (2, 17), (0, 0)])
def test_sharings_outside_the_limits_are_refused(threshold: int, sheets: int) -> None:
    """H4 holds for paper too: at least two sheets."""
    with pytest.raises(ThresholdRefused):
        new_recovery_key(threshold, sheets, CREATED_UTC_MS)


def test_the_card_reads_back_and_every_field_is_proven() -> None:
    """As on a custodian's card."""
    assert read_recovery_card(SHEETS.card.to_bytes()) == SHEETS.card
    other = new_recovery_key(2, 3, CREATED_UTC_MS).card
    for forged in (
        replace(SHEETS.card, opening_key=other.opening_key),
        replace(SHEETS.card, created_utc_ms=1),
        replace(SHEETS.card, sheets=4),
        replace(SHEETS.card, possession=other.possession),
    ):
        with pytest.raises(CardForged):
            read_recovery_card(forged.to_bytes())


def test_a_custodians_card_is_no_recovery_card() -> None:
    """Kinds are not mixed up."""
    document = SHEETS.card.document() | {"kuramori": "custodian card"}
    with pytest.raises(CardUnreadable) as caught:
        read_recovery_card(json.dumps(document).encode())
    assert caught.value.field == "kuramori"


@given(st.binary(max_size=300))
def test_any_bytes_are_no_card(data: bytes) -> None:
    """A value or our error."""
    with pytest.raises(CardRefused):
        read_recovery_card(data)


def test_words_do_not_show_in_logs() -> None:
    """The representation holds the card only."""
    assert SHEETS.words[0].split()[10] not in repr(SHEETS)
