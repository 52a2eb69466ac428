"""Who can open a segment: k custodians of the set it was sealed for, or the recovery key, and nobody else."""

import itertools
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments import custody
from kuramori_segments.codes import Suite, VideoCodec
from kuramori_segments.custodian_set import CustodianSet, read_set
from kuramori_segments.custody import ExtractionBinding, SealedDek, ShareBinding
from kuramori_segments.header import SealedShare, SegmentHeader
from kuramori_segments.key_faults import (
    BindingMismatch,
    CardRefused,
    CustodiansExpired,
    CustodianTwice,
    KeyFault,
    NotACustodian,
    SealNotOurs,
    SetRefused,
    SharesTooFew,
    ThresholdRefused,
)
from kuramori_segments.opening_key import public_half
from kuramori_segments.recovery_key import restore
from kuramori_segments.shamir import Share
from tests.fakes import key_holders

DEK = bytes(range(32, 64))
REQUEST = ExtractionBinding(request_digest=b"\x77" * 32, segment_uid=b"\x22" * 16)


def sealed(k: int = 2, n: int = 3) -> tuple[CustodianSet, ShareBinding, SealedDek]:
    custodians = key_holders.custodian_set(k, n)
    binding = key_holders.binding_for(custodians)
    return custodians, binding, custody.seal_dek(DEK, custodians, binding)


def opened(custodians: CustodianSet, binding: ShareBinding, dek: SealedDek) -> list[Share]:
    return [
        custody.open_share(dek.shares, key.custodian_id, key.opening_private, binding)
        for key in key_holders.keys_of(custodians)
    ]


# ---- sealing and opening -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(2, 2), (2, 3), (3, 5)])
def test_any_k_custodians_open_a_segment(k: int, n: int) -> None:
    """Whichever k come together, they have its DEK."""
    shares = opened(*sealed(k, n))
    for some in itertools.combinations(shares, k):
        assert custody.combine(some, k) == DEK


def test_one_custodian_alone_opens_nothing() -> None:
    """H4: nobody can open recordings alone."""
    with pytest.raises(SharesTooFew):
        custody.combine(opened(*sealed())[:1], 2)


def test_the_recovery_key_opens_a_segment_alone() -> None:
    """Break-glass: two sheets of paper of three give the key that opens the recovery seal."""
    _, binding, dek = sealed()
    sheets = key_holders.recovery()
    private = restore(sheets.card, sheets.words[1:])
    assert custody.open_recovery_seal(dek.recovery_seal, private, binding) == DEK


def test_sealed_sizes_are_those_of_the_header() -> None:
    """32 + 49 bytes for each share and 80 for recovery: they stand in the segment header as they are."""
    _, _, dek = sealed()
    assert {(len(s.encapsulated_key), len(s.ciphertext)) for s in dek.shares} == {(32, 49)}
    assert len(dek.recovery_seal) == 80


def test_the_binding_is_what_the_header_says() -> None:
    """Header and custody spell the bound facts the same way, byte for byte."""
    custodians, _, dek = sealed()
    header = SegmentHeader(
        suite=Suite.AES_256_GCM,
        codec=VideoCodec.H264,
        camera_number=9,
        camera_name="gate",
        recorder_id=os.urandom(16),
        segment_uid=os.urandom(16),
        epoch_id=os.urandom(16),
        sequence=1 << 40,
        start_utc_ms=-5,
        start_boot_ms=1,
        first_access_unit=0,
        custodian_set_id=custodians.set_id,
        k=2,
        n=3,
        recovery_seal=dek.recovery_seal,
        shares=dek.shares,
    )
    binding = ShareBinding.of(SegmentHeader.unpack(header.pack()))
    assert [binding.share_info(number) for number in (1, 2, 3)] == [header.share_info(number) for number in (1, 2, 3)]
    assert binding.recovery_info() == header.recovery_info()


@pytest.mark.parametrize(
    "change",
    [
        {"recorder_id": b"\x01" * 16},
        {"camera_number": 4},
        {"epoch_id": b"\x12" * 16},
        {"sequence": 8},
        {"start_utc_ms": 0},
        {"custodian_set_id": b"\x09" * 16},
        {"k": 3},
        {"n": 4},
        {"segment_uid": b"\x23" * 16},
    ],
)
def test_a_share_opens_for_its_own_segment_only(change: dict[str, object]) -> None:
    """Each bound fact counts: with any of them changed, neither share nor recovery seal opens."""
    custodians, binding, dek = sealed()
    other = replace(binding, **change)  # type: ignore[arg-type]
    key = key_holders.keys_of(custodians)[0]
    sheets = key_holders.recovery()
    with pytest.raises(SealNotOurs):
        custody.open_share(dek.shares, key.custodian_id, key.opening_private, other)
    with pytest.raises(SealNotOurs):
        custody.open_recovery_seal(dek.recovery_seal, restore(sheets.card, sheets.words), other)


def test_a_share_in_anothers_place_does_not_open() -> None:
    """The share number is bound: shares cannot change places in the header."""
    custodians, binding, dek = sealed()
    first, second = dek.shares[:2]
    swapped = (SealedShare(first.custodian_id, second.encapsulated_key, second.ciphertext), *dek.shares[1:])
    key = key_holders.keys_of(custodians)[0]
    with pytest.raises(SealNotOurs):
        custody.open_share(swapped, key.custodian_id, key.opening_private, binding)


def test_another_custodians_key_does_not_open() -> None:
    """The right place, the wrong key."""
    custodians, binding, dek = sealed()
    first, second = key_holders.keys_of(custodians)[:2]
    with pytest.raises(SealNotOurs):
        custody.open_share(dek.shares, first.custodian_id, second.opening_private, binding)


def test_a_stranger_has_no_share() -> None:
    """Named, with the id that was looked for."""
    _, binding, dek = sealed()
    stranger = key_holders.custodian("a stranger")
    with pytest.raises(NotACustodian) as caught:
        custody.open_share(dek.shares, stranger.custodian_id, stranger.opening_private, binding)
    assert caught.value.custodian_id == stranger.custodian_id


@given(st.integers(0, 80), st.integers(1, 255))
def test_any_altered_byte_is_noticed(place: int, change: int) -> None:
    """Flip anything in a sealed share: it does not open."""
    custodians, binding, dek = sealed()
    key = key_holders.keys_of(custodians)[0]
    data = bytearray(dek.shares[0].sealed)
    data[place] ^= change
    altered = SealedShare.from_sealed(key.custodian_id, bytes(data))
    with pytest.raises(SealNotOurs):
        custody.open_share((altered, *dek.shares[1:]), key.custodian_id, key.opening_private, binding)


def test_sealing_for_a_segment_of_another_set_is_refused() -> None:
    """A header that names another set, or another k of n, is never filled with this set's shares."""
    custodians = key_holders.custodian_set()
    binding = key_holders.binding_for(custodians)
    for wrong in (replace(binding, custodian_set_id=bytes(16)), replace(binding, k=3), replace(binding, n=4)):
        with pytest.raises(BindingMismatch):
            custody.seal_dek(DEK, custodians, wrong)


# ---- handing over to an extraction -------------------------------------------------------------------------


def extraction_key() -> tuple[bytes, bytes]:
    private = os.urandom(32)
    return private, public_half(private)


def test_a_share_travels_to_the_extraction_key() -> None:
    """Opened on the custodian's machine, sealed to the request's key, opened by the handler: the same share."""
    private, public = extraction_key()
    custodians, binding, dek = sealed()
    for key, share in zip(key_holders.keys_of(custodians), opened(custodians, binding, dek), strict=True):
        travelling = custody.reseal_share(share, public, REQUEST, key.custodian_id)
        assert len(travelling) == custody.RESEALED_SHARE_BYTES
        assert custody.open_resealed(travelling, private, REQUEST, key.custodian_id) == share


@pytest.mark.parametrize(
    ("binding", "custodian_id"),
    [
        (replace(REQUEST, request_digest=b"\x78" * 32), b"\x01" * 16),
        (replace(REQUEST, segment_uid=b"\x23" * 16), b"\x01" * 16),
        (REQUEST, b"\x02" * 16),
    ],
)
def test_a_resealed_share_serves_one_request_one_segment_one_custodian(
    binding: ExtractionBinding, custodian_id: bytes
) -> None:
    """It cannot be replayed for another request, another segment, or as another custodian's."""
    private, public = extraction_key()
    travelling = custody.reseal_share(Share(1, DEK), public, REQUEST, b"\x01" * 16)
    with pytest.raises(SealNotOurs):
        custody.open_resealed(travelling, private, binding, custodian_id)


def test_a_recovered_dek_travels_to_the_extraction_key() -> None:
    """The paper's way ends at the same extraction key, under a label of its own."""
    private, public = extraction_key()
    travelling = custody.reseal_dek(DEK, public, REQUEST)
    assert len(travelling) == custody.RESEALED_DEK_BYTES
    assert custody.open_resealed_dek(travelling, private, REQUEST) == DEK
    with pytest.raises(SealNotOurs):
        custody.open_resealed(travelling, private, REQUEST, b"\x01" * 16)


@given(st.binary(max_size=100))
def test_any_bytes_for_a_resealed_share_are_refused_by_name(data: bytes) -> None:
    """Whatever comes over the network gives a share or our error."""
    private, _ = extraction_key()
    with pytest.raises(SealNotOurs):
        custody.open_resealed(data, private, REQUEST, b"\x01" * 16)


def test_nothing_is_sealed_to_a_key_everybody_can_open() -> None:
    """A public key of small order is refused: everybody could compute its secret."""
    for weak in (bytes(32), b"\x01" + bytes(31)):
        with pytest.raises(SealNotOurs):
            custody.reseal_share(Share(1, DEK), weak, REQUEST, b"\x01" * 16)


@pytest.mark.parametrize(("digest", "uid"), [(31, 16), (32, 15), (0, 0)])
def test_a_binding_of_other_lengths_is_refused(digest: int, uid: int) -> None:
    """Lengths are fixed, so that no two bindings are spelled alike."""
    with pytest.raises(ValueError):
        ExtractionBinding(bytes(digest), bytes(uid))


# ---- the set -----------------------------------------------------------------------------------------------


def test_the_same_people_give_the_same_set() -> None:
    """In whatever order the cards are handed in: the same id, the same share numbers."""
    custodians = key_holders.custodian_set()
    again = CustodianSet.of(2, reversed(custodians.custodians), custodians.recovery)
    assert again == custodians
    assert [again.share_number(card.custodian_id) for card in again.custodians] == [1, 2, 3]
    assert again.share_number(bytes(16)) is None


def test_any_change_gives_another_set() -> None:
    """Threshold, people and recovery key are all part of its identity."""
    three = key_holders.custodian_set(2, 3)
    ids = {
        three.set_id,
        key_holders.custodian_set(3, 3).set_id,
        key_holders.custodian_set(2, 4).set_id,
        CustodianSet.of(2, three.custodians, key_holders.recovery(3, 3).card).set_id,
    }
    assert len(ids) == 4


def test_a_set_reads_back_from_its_file() -> None:
    """custodians.json gives the same set, every proof checked."""
    custodians = key_holders.custodian_set()
    assert read_set(custodians.to_bytes()) == custodians


def test_one_custodian_twice_is_refused_by_name() -> None:
    """H4: one person would open alone."""
    card = key_holders.custodian("custodian 1").card
    for doubled in ([card, card], [card, key_holders.custodian("custodian 2").card, card]):
        with pytest.raises(CustodianTwice) as caught:
            CustodianSet.of(2, doubled, key_holders.recovery().card)
        assert caught.value.name == "custodian 1"


def test_a_person_with_two_cards_is_refused_too() -> None:
    """The same name and title with other keys is still one person with two shares."""
    card = key_holders.custodian("custodian 1").card
    second = key_holders.new_custodian_key(card.name, card.title, card.created_utc_ms, card.expires_utc_ms).card
    with pytest.raises(CustodianTwice):
        CustodianSet.of(2, [card, second], key_holders.recovery().card)


@pytest.mark.parametrize(("k", "n"), [(1, 3), (0, 2), (4, 3), (2, 1), (2, 17)])
def test_thresholds_outside_the_limits_are_refused(k: int, n: int) -> None:
    """At least two together, at most sixteen in all."""
    cards = [key_holders.custodian(f"custodian {number}").card for number in range(1, n + 1)]
    with pytest.raises(ThresholdRefused) as caught:
        CustodianSet.of(k, cards, key_holders.recovery().card)
    assert (caught.value.k, caught.value.n) == (k, n)


def test_expired_cards_stop_new_sealing_when_too_few_are_left() -> None:
    """With two of three needed, one expired card is bearable, two are not."""
    lasting = [key_holders.custodian(f"custodian {number}").card for number in (1, 2, 3)]
    day_ms = 24 * 3600 * 1000
    start = key_holders.CREATED_UTC_MS
    brief = [key_holders.new_custodian_key(f"brief {number}", "課", start, start + day_ms).card for number in (1, 2)]
    recovery = key_holders.recovery().card
    CustodianSet.of(2, [*lasting[:2], brief[0]], recovery).require_valid(start + 2 * day_ms)
    two_expired = CustodianSet.of(2, [lasting[0], *brief], recovery)
    two_expired.require_valid(start)
    with pytest.raises(CustodiansExpired) as caught:
        two_expired.require_valid(start + 2 * day_ms)
    assert (caught.value.valid, caught.value.needed) == (1, 2)


@given(st.data())
def test_a_damaged_set_is_refused_by_name(data: st.DataObject) -> None:
    """Any byte of custodians.json changed, or the file cut anywhere: our error, never a different set."""
    whole = key_holders.custodian_set().to_bytes()
    place = data.draw(st.integers(0, len(whole) - 2))
    if data.draw(st.booleans()):
        damaged = whole[:place]
    else:
        damaged = whole[:place] + bytes((whole[place] ^ data.draw(st.integers(1, 255)),)) + whole[place + 1 :]
    try:
        found = read_set(damaged)
    except (CardRefused, SetRefused):
        return
    assert found.k != key_holders.custodian_set().k  # only the threshold has no proof of its own: the id differs
    assert found.set_id != key_holders.custodian_set().set_id


def test_all_faults_are_one_family() -> None:
    """A caller that shows a sentence for KeyFault misses none."""
    for fault in (CardRefused, SetRefused, SealNotOurs, NotACustodian, BindingMismatch, CustodiansExpired):
        assert issubclass(fault, KeyFault)
