"""Handing on: another set of custodians gets the same key, nobody sees it on the way, and liars and mix-ups show."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori_segments import shamir
from kuramori_segments.cipher import key_commitment
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import ShareBinding, combine, open_share, seal_dek
from kuramori_segments.hand_on import (
    PIECE_BYTES,
    Contribution,
    HandOnBinding,
    check_contribution,
    hand_on,
    recover_handed_on,
    take_over,
)
from kuramori_segments.key_faults import HandOnForged, KeyFault, SealNotOurs, SharesTooFew
from kuramori_segments.recovery_key import restore
from kuramori_segments.shamir import Share
from tests.fakes.key_holders import binding_for, custodian, custodian_set, keys_of, recovery

DEK = bytes(range(32))


@cache
def new_set(k: int, n: int) -> CustodianSet:
    """Return a set of other people than `custodian_set`."""
    return CustodianSet.of(k, [custodian(f"successor {number}").card for number in range(1, n + 1)], recovery().card)


def old_shares(custodians: CustodianSet, source: ShareBinding) -> list[Share]:
    """Seal the key to a set and open every share of it."""
    sealed = seal_dek(DEK, custodians, source)
    return [open_share(sealed.shares, key.custodian_id, key.opening_private, source) for key in keys_of(custodians)]


def contributions(
    old: CustodianSet, new: CustodianSet, source: ShareBinding, numbers: Sequence[int]
) -> list[Contribution]:
    """Let the named old custodians hand on."""
    shares, keys = old_shares(old, source), keys_of(old)
    return [hand_on(shares[number - 1], new, source, keys[number - 1]) for number in numbers]


def taken_over(
    given_on: Sequence[Contribution], new: CustodianSet, source: ShareBinding, numbers: Sequence[int]
) -> list[Share]:
    """Let the named new custodians add up what is theirs."""
    binding, keys = HandOnBinding.to(new, source), keys_of(new)
    return [
        take_over(
            {one.number: one.piece(number) for one in given_on}, binding, number, keys[number - 1].opening_private
        )
        for number in numbers
    ]


@st.composite
def hand_overs(draw: st.DrawFn) -> tuple[int, int, list[int], int, int, list[int]]:
    """Draw k of n, any k old custodians, k' of n', any k' new ones."""
    n, new_n = draw(st.integers(2, 5)), draw(st.integers(2, 5))
    k, new_k = draw(st.integers(2, n)), draw(st.integers(2, new_n))
    old = draw(st.permutations(range(1, n + 1)))[:k]
    new = draw(st.permutations(range(1, new_n + 1)))[:new_k]
    return k, n, old, new_k, new_n, new


@settings(max_examples=25, deadline=None)
@given(hand_overs())
def test_any_k_old_custodians_hand_on_to_any_k_new_ones(drawn: tuple[int, int, list[int], int, int, list[int]]) -> None:
    """Whatever k, n, k', n' and whoever acts: the new shares are shares of the same key."""
    k, n, old_numbers, new_k, new_n, new_numbers = drawn
    old, new = custodian_set(k, n), new_set(new_k, new_n)
    source = binding_for(old)
    given_on = contributions(old, new, source, old_numbers)
    assert combine(taken_over(given_on, new, source, new_numbers), new_k) == DEK


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_sums_alone_give_the_key_back_for_every_k_and_n(data: st.DataObject) -> None:
    """The arithmetic without the seals, up to the limits of sixteen custodians."""
    n, new_n = data.draw(st.integers(2, 16)), data.draw(st.integers(2, 16))
    k, new_k = data.draw(st.integers(2, n)), data.draw(st.integers(2, new_n))
    secret = data.draw(st.binary(min_size=32, max_size=32))
    old = data.draw(st.permutations(shamir.split(secret, k, n)))[:k]
    parts = {share.x: shamir.split(share.y, new_k, new_n) for share in old}
    chosen = data.draw(st.permutations(range(new_n)))[:new_k]
    new = [Share(place + 1, combine([Share(x, part[place].y) for x, part in parts.items()], k)) for place in chosen]
    assert combine(new, new_k) == secret


def test_fewer_than_k_new_shares_say_nothing() -> None:
    """For k'-1 new shares each key whatever is equally possible: some k'-th share gives it."""
    old, new = custodian_set(2, 3), new_set(3, 4)
    source = binding_for(old)
    first, second = taken_over(contributions(old, new, source, [1, 3]), new, source, [1, 2])
    for other in (DEK, bytes(32), b"\xff" * 32, bytes(reversed(DEK))):
        through = combine([Share(3, other), first, second], 3)  # some polynomial of the right degree
        third = Share(3, other)
        assert combine([first, second, third], 3) == through
    reached = {combine([first, second, Share(3, bytes([y]) + bytes(31))], 3)[0] for y in range(256)}
    assert len(reached) == 256


def test_two_hand_overs_of_one_key_have_nothing_in_common() -> None:
    """Shares of the hand-over before do not mix with those of the next: they lie on other polynomials."""
    old, new = custodian_set(2, 3), new_set(2, 3)
    source = binding_for(old)
    one = taken_over(contributions(old, new, source, [1, 2]), new, source, [1, 2])
    other = taken_over(contributions(old, new, source, [1, 2]), new, source, [1, 2])
    assert combine([one[0], other[1]], 2) != DEK


def test_handed_on_twice_it_is_still_the_same_key() -> None:
    """The second set hands on to a third; the first is not needed for it."""
    first, second, third = custodian_set(2, 3), new_set(3, 5), custodian_set(2, 2)
    source = binding_for(first)
    given_on = contributions(first, second, source, [2, 3])
    middle = taken_over(given_on, second, source, [1, 4, 5])
    again = replace(source, custodian_set_id=second.set_id, k=second.k, n=second.n)
    keys = keys_of(second)
    onward = [hand_on(share, third, again, keys[share.x - 1]) for share in middle]
    assert combine(taken_over(onward, third, again, [1, 2]), 2) == DEK


def test_a_liars_share_shows_in_the_key_commitment() -> None:
    """A contribution made of another share is well signed; the key that comes out is not the one committed to."""
    old, new = custodian_set(2, 3), new_set(2, 3)
    source = binding_for(old)
    shares, keys = old_shares(old, source), keys_of(old)
    liar = hand_on(Share(2, b"\x5a" * 32), new, source, keys[1])
    check_contribution(liar, HandOnBinding.to(new, source), keys[1].card)
    given_on = [hand_on(shares[0], new, source, keys[0]), liar]
    dek = combine(taken_over(given_on, new, source, [1, 2]), 2)
    k_seg, uid = b"\x07" * 32, source.segment_uid
    assert dek != DEK
    assert key_commitment(dek, k_seg, uid) != key_commitment(DEK, k_seg, uid)


def test_exactly_k_contributions_count() -> None:
    """With fewer there is no share; with more it would be another one than the others have."""
    old, new = custodian_set(2, 3), new_set(2, 2)
    source = binding_for(old)
    given_on = contributions(old, new, source, [1, 2, 3])
    for some in (given_on[:1], given_on):
        with pytest.raises(SharesTooFew):
            taken_over(some, new, source, [1])


def test_the_recovery_key_of_the_new_set_opens_what_was_handed_on() -> None:
    """The old shares go whole to the new recovery key, which alone can add them up."""
    old = custodian_set(2, 3)
    other = recovery(3, 5)
    new = CustodianSet.of(2, [custodian("successor 1").card, custodian("successor 2").card], other.card)
    source = binding_for(old)
    binding = HandOnBinding.to(new, source)
    pieces = {one.number: one.piece(0) for one in contributions(old, new, source, [1, 3])}
    assert recover_handed_on(pieces, binding, restore(other.card, other.words[:3])) == DEK
    with pytest.raises(SealNotOurs):
        recover_handed_on(pieces, binding, restore(recovery().card, recovery().words[:2]))
    with pytest.raises(SharesTooFew):
        recover_handed_on({1: pieces[1]}, binding, restore(other.card, other.words[:3]))


def test_pieces_cannot_be_passed_off_as_others() -> None:
    """Of another segment, another giver, another receiver, another set: none opens."""
    old, new = custodian_set(2, 3), new_set(2, 3)
    source, elsewhere = binding_for(old), binding_for(old, sequence=8)
    binding, keys = HandOnBinding.to(new, source), keys_of(new)
    one, two = contributions(old, new, source, [1, 2])
    other, _ = contributions(old, new, elsewhere, [1, 2])
    private = keys[0].opening_private
    wrong = (
        {1: other.piece(1), 2: two.piece(1)},
        {1: two.piece(1), 2: one.piece(1)},
        {1: one.piece(2), 2: two.piece(1)},
        {1: one.piece(0), 2: two.piece(1)},
        {1: one.piece(1)[:-1], 2: two.piece(1)},
        {1: b"", 2: two.piece(1)},
    )
    for pieces in wrong:
        with pytest.raises(SealNotOurs):
            take_over(pieces, binding, 1, private)
    pieces = {1: one.piece(1), 2: two.piece(1)}
    with pytest.raises(SealNotOurs):
        take_over(pieces, HandOnBinding.to(new_set(2, 2), source), 1, private)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4 * PIECE_BYTES + 63), st.integers(1, 255))
def test_any_altered_byte_of_a_contribution_is_noticed(place: int, by: int) -> None:
    """Pieces and signature; and so is another's card, another number, another segment, a cut."""
    old, new = custodian_set(2, 3), new_set(2, 3)
    source = binding_for(old)
    binding, card = HandOnBinding.to(new, source), keys_of(old)[0].card
    one = first_contribution()
    check_contribution(one, binding, card)
    whole = bytearray(one.pieces + one.signature)
    whole[place] ^= by
    altered = Contribution(1, bytes(whole[: len(one.pieces)]), bytes(whole[len(one.pieces) :]))
    with pytest.raises(HandOnForged):
        check_contribution(altered, binding, card)


@cache
def first_contribution() -> Contribution:
    """Return what the first old custodian hands on."""
    old = custodian_set(2, 3)
    return contributions(old, new_set(2, 3), binding_for(old), [1])[0]


def test_a_contribution_counts_for_its_giver_and_segment_only() -> None:
    """Swapped names, numbers, segments and sets are refused."""
    old, new = custodian_set(2, 3), new_set(2, 3)
    source, one = binding_for(old), first_contribution()
    cards = [key.card for key in keys_of(old)]
    wrong = (
        (one, HandOnBinding.to(new, source), cards[1]),
        (replace(one, number=2), HandOnBinding.to(new, source), cards[0]),
        (replace(one, number=0), HandOnBinding.to(new, source), cards[0]),
        (replace(one, pieces=one.pieces[:-PIECE_BYTES]), HandOnBinding.to(new, source), cards[0]),
        (one, HandOnBinding.to(new, binding_for(old, sequence=8)), cards[0]),
        (one, HandOnBinding.to(new_set(2, 4), source), cards[0]),
    )
    for contribution, binding, card in wrong:
        with pytest.raises(KeyFault):
            check_contribution(contribution, binding, card)
