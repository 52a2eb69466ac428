"""Changes of custodians: each set is signed by k of the one before, and nothing else gets into the chain."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.key_faults import (
    ChangeOfAnotherSet,
    ChangeRefused,
    SignatureNotACustodians,
    SignaturesTooFew,
)
from kuramori_segments.set_change import SetChain, SetChange, read_chain, read_change, with_signatures
from tests.fakes.key_holders import custodian, custodian_set, keys_of, recovery

FIRST = custodian_set(2, 3)
SECOND = CustodianSet.of(3, [custodian(f"custodian {number}").card for number in (2, 3, 4, 5, 6)], recovery().card)
THIRD = CustodianSet.of(2, [custodian("custodian 5").card, custodian("custodian 6").card], recovery().card)


def change(chain: SetChain, custodians: CustodianSet, signers: int) -> SetChange:
    """Return a change that follows the chain, signed by so many of its custodians."""
    unsigned = SetChange(
        bytes(16), len(chain.changes) + 1, chain.current.set_id, custodians, (), "Sato Hanako", "April", 5
    )
    return with_signatures(chain, unsigned, [unsigned.sign(key) for key in keys_of(chain.current)[:signers]])


def test_a_chain_of_signed_changes_is_read_back_and_checked() -> None:
    """Two changes: the sets in order, the last one current; the bytes say the same again."""
    chain = SetChain(FIRST)
    chain = chain.followed_by(change(chain, SECOND, 2))
    chain = chain.followed_by(change(chain, THIRD, 3))
    assert read_chain(chain.to_bytes()) == chain
    assert chain.sets == (FIRST, SECOND, THIRD)
    assert chain.current is THIRD
    assert read_change(chain.changes[1].to_bytes()) == chain.changes[1]


def test_fewer_than_k_signatures_change_nothing() -> None:
    """One of two, two of three; and the same custodian twice is one."""
    chain = SetChain(FIRST)
    one = change(chain, SECOND, 1)
    with pytest.raises(SignaturesTooFew):
        chain.followed_by(one)
    again = with_signatures(chain, one, [one.sign(keys_of(FIRST)[0])])
    assert len(again.signatures) == 1


def test_only_custodians_in_office_sign() -> None:
    """A newcomer's or a stranger's signature does not count, nor one under another's name, nor an altered change."""
    chain = SetChain(FIRST)
    unsigned = change(chain, SECOND, 0)
    newcomer = unsigned.sign(custodian("custodian 4"))
    first, second, _ = keys_of(FIRST)
    misnamed = replace(unsigned.sign(first), custodian_id=second.custodian_id)
    for signature in (newcomer, misnamed):
        with pytest.raises(SignatureNotACustodians):
            with_signatures(chain, unsigned, [signature])
    signed = change(chain, SECOND, 2)
    for altered in (
        replace(signed, custodians=THIRD),
        replace(signed, reason="May"),
        replace(signed, person="Somebody"),
        replace(signed, lost=(first.custodian_id,)),
    ):
        with pytest.raises(SignatureNotACustodians):
            chain.followed_by(altered)


def test_a_change_follows_the_set_in_use_once() -> None:
    """Replayed, of another number, of another set before, or back to a set that was left: refused."""
    chain = SetChain(FIRST)
    signed = change(chain, SECOND, 2)
    after = chain.followed_by(signed)
    for wrong in (signed, change(after, FIRST, 3), replace(signed, number=3)):
        with pytest.raises(ChangeOfAnotherSet):
            after.followed_by(wrong)
    with pytest.raises(ChangeOfAnotherSet):
        after.followed_by(replace(change(after, THIRD, 3), recorder_id=b"\1" * 16))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_change_or_refused(data: bytes) -> None:
    """Readers of strangers' files raise their own fault only."""
    for reader in (read_change, read_chain):
        with pytest.raises(ChangeRefused):
            reader(data)


@given(st.data())
def test_any_altered_byte_of_a_chain_is_noticed(data: st.DataObject) -> None:
    """One character anywhere in the file: refused, unless it only pads it."""
    chain = SetChain(FIRST)
    whole = chain.followed_by(change(chain, THIRD, 2)).to_bytes().rstrip()
    place = data.draw(st.integers(0, len(whole) - 1))
    letter = data.draw(st.sampled_from(b'{}"aA09,:[]\x00\xff'))
    altered = whole[:place] + bytes([letter]) + whole[place + 1 :]
    if altered != whole:
        with pytest.raises(ChangeRefused):
            read_chain(altered)
