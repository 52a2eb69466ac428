"""Custodians vouch that it is later than a date: k different ones, in office, for this recorder, each by own clock."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.key_faults import TimeRefused, TimeRefusedReason
from kuramori_segments.time_statement import (
    TimeConfirmation,
    check_confirmations,
    confirm,
    new_statement,
    read_confirmation,
    read_statement,
)
from tests.fakes.key_holders import custodian, custodian_set

RECORDER_ID = bytes(range(16))
OFFICE = custodian_set(2, 3)
DATE_UTC_MS = 1_800_000_000_000
STATEMENT = new_statement(RECORDER_ID, OFFICE, DATE_UTC_MS)


def signed(number: int, statement: object = STATEMENT) -> TimeConfirmation:
    return confirm(statement, custodian(f"custodian {number}"), DATE_UTC_MS + 1)  # type: ignore[arg-type]


def reason_of(*given_in: TimeConfirmation, recorder_id: bytes = RECORDER_ID) -> TimeRefusedReason:
    with pytest.raises(TimeRefused) as caught:
        check_confirmations([one.to_bytes() for one in given_in], recorder_id, OFFICE)
    return caught.value.reason


def test_k_custodians_vouch_for_a_date() -> None:
    """Two of three: the statement and who signed it come back; files say the same when read again."""
    assert read_statement(STATEMENT.to_bytes()) == STATEMENT
    documents = [signed(1).to_bytes(), signed(3).to_bytes()]
    statement, cards = check_confirmations(documents, RECORDER_ID, OFFICE)
    assert statement == STATEMENT
    assert [card.name for card in cards] == ["custodian 1", "custodian 3"]


def test_too_few_and_the_same_one_twice_do_not_count() -> None:
    """One of two needed; one custodian signing twice; nobody at all."""
    assert reason_of(signed(1)) is TimeRefusedReason.TOO_FEW
    assert reason_of(signed(1), signed(1)) is TimeRefusedReason.TWICE
    assert reason_of() is TimeRefusedReason.TOO_FEW


def test_what_is_for_another_recorder_set_or_statement_does_not_count() -> None:
    """Each fact of the statement is bound by the signatures."""
    assert reason_of(signed(1), signed(2), recorder_id=bytes(16)) is TimeRefusedReason.OTHER_RECORDER
    other_set = new_statement(RECORDER_ID, custodian_set(2, 2), DATE_UTC_MS)
    assert reason_of(signed(1, other_set), signed(2, other_set)) is TimeRefusedReason.OTHER_CUSTODIANS
    again = new_statement(RECORDER_ID, OFFICE, DATE_UTC_MS)
    assert reason_of(signed(1), signed(2, again)) is TimeRefusedReason.DIFFERENT
    assert reason_of(signed(1), signed(9)) is TimeRefusedReason.STRANGER


def test_an_altered_date_or_a_strangers_signature_is_forged() -> None:
    """A later date under old signatures; a custodian's name over another's signature."""
    later = replace(STATEMENT, later_than_utc_ms=DATE_UTC_MS - 5)
    assert reason_of(replace(signed(1), statement=later)) is TimeRefusedReason.FORGED
    borrowed = replace(signed(1), custodian_id=custodian("custodian 2").custodian_id)
    assert reason_of(signed(1), borrowed) is TimeRefusedReason.FORGED


def test_nobody_signs_what_the_own_clock_does_not_show() -> None:
    """A mistyped year is stopped on the custodian's machine, and again where it is handed in."""
    with pytest.raises(TimeRefused) as caught:
        confirm(STATEMENT, custodian("custodian 1"), DATE_UTC_MS)
    assert caught.value.reason is TimeRefusedReason.NOT_YET
    key = custodian("custodian 1")
    early = TimeConfirmation(STATEMENT, key.custodian_id, DATE_UTC_MS, b"")
    early = replace(early, signature=key.sign(early.signed_message()))
    assert reason_of(early) is TimeRefusedReason.NOT_YET


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Files come from USB sticks."""
    for read in (read_statement, read_confirmation):
        with pytest.raises(TimeRefused):
            read(data)
