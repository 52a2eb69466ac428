"""The drill proves both halves of a custodian's key, once for each challenge, and nothing of a recording."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.drill import answer, check_answer, new_challenge, read_answer, read_challenge
from kuramori_segments.key_faults import DrillRefused, SealNotOurs
from tests.fakes.key_holders import custodian

RECORDER = bytes(range(16))
ONE, OTHER = custodian("custodian 1"), custodian("custodian 2")


def test_an_answer_proves_the_key() -> None:
    """Challenge and answer travel as files; the digest kept beside tells the right answer."""
    challenge, digest = new_challenge(RECORDER, ONE.card, 5)
    given_back = read_answer(answer(read_challenge(challenge.to_bytes()), ONE).to_bytes())
    check_answer(given_back, digest, ONE.card)
    assert given_back.drill_id == challenge.drill_id


def test_only_the_custodian_asked_can_answer() -> None:
    """Another key, another challenge's answer, another's signature: refused."""
    challenge, digest = new_challenge(RECORDER, ONE.card, 5)
    with pytest.raises(DrillRefused):
        answer(challenge, OTHER)
    with pytest.raises(SealNotOurs):
        answer(replace(challenge, custodian_id=OTHER.custodian_id), OTHER)
    with pytest.raises(SealNotOurs):
        answer(replace(challenge, drill_id=bytes(16)), ONE)
    good = answer(challenge, ONE)
    _, another = new_challenge(RECORDER, ONE.card, 6)
    with pytest.raises(DrillRefused):
        check_answer(good, another, ONE.card)
    with pytest.raises(DrillRefused):
        check_answer(good, digest, OTHER.card)
    with pytest.raises(DrillRefused):
        check_answer(replace(good, recorder_id=bytes(16)), digest, ONE.card)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    """Readers of strangers' files raise their own fault only."""
    for reader in (read_answer, read_challenge):
        with pytest.raises(DrillRefused):
            reader(data)
