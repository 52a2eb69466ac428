"""Sharing a secret of 32 bytes: any k give it back, fewer say nothing, and wrong sets of shares are named."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments import shamir
from kuramori_segments.key_faults import ShareMalformed, SharesDisagree, SharesTooFew, ShareTwice
from kuramori_segments.shamir import Share, combine, split

SECRET = bytes(range(32))


def multiply(a: int, b: int) -> int:
    """The field, bit by bit, as in a textbook: the reference for the arithmetic on 32 bytes at a time."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11B
        b >>= 1
    return product


def test_every_product_of_two_bytes_is_the_textbooks() -> None:
    """All 65536 products agree, in every one of the 32 lanes."""
    for factor in range(256):
        for start in range(0, 256, 32):
            vector = bytes(range(start, start + 32))
            expected = bytes(multiply(byte, factor) for byte in vector)
            assert shamir._scale(int.from_bytes(vector, "big"), factor).to_bytes(32, "big") == expected


def test_every_quotient_of_two_bytes_multiplies_back() -> None:
    """a / b * b is a, for all a and all b but zero."""
    for a, b in itertools.product(range(256), range(1, 256)):
        assert multiply(shamir._divide(a, b), b) == a


@pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 2), (2, 3), (3, 5), (5, 5)])
def test_any_k_shares_in_any_order_give_the_secret(k: int, n: int) -> None:
    """Whoever comes, in whatever order: k are enough."""
    shares = split(SECRET, k, n)
    for some in itertools.permutations(shares, k):
        assert combine(some, k) == SECRET


@given(secret=st.binary(min_size=32, max_size=32), n=st.integers(1, 16), data=st.data(), seed=st.integers(0, 1 << 32))
def test_any_secret_any_sharing(secret: bytes, n: int, data: st.DataObject, seed: int) -> None:
    """Every secret comes back from every choice of at least k shares."""
    k = data.draw(st.integers(1, n))
    shares = split(secret, k, n, random.Random(seed).randbytes)
    some = data.draw(st.permutations(shares)) if n > 1 else list(shares)
    assert combine(some[: data.draw(st.integers(k, n))], k) == secret


def test_one_share_of_two_says_nothing() -> None:
    """For each byte, every value of the secret is explained by exactly one polynomial: the share rules none out."""
    share_byte, x = 0x5A, 3
    slopes_by_secret = {
        secret: [slope for slope in range(256) if secret ^ multiply(slope, x) == share_byte] for secret in range(256)
    }
    assert all(len(slopes) == 1 for slopes in slopes_by_secret.values())
    assert len({slopes[0] for slopes in slopes_by_secret.values()}) == 256


def test_shares_follow_the_polynomial_that_was_drawn() -> None:
    """y = secret + a·x with the drawn coefficient a, byte by byte: the scheme is the written one."""
    drawn = bytes(range(100, 132))
    for share in split(SECRET, 2, 3, lambda length: drawn[:length]):
        expected = bytes(s ^ multiply(a, share.x) for s, a in zip(SECRET, drawn, strict=True))
        assert share.y == expected


def test_too_few_shares_are_refused() -> None:
    """Two of three needed: named with both numbers."""
    with pytest.raises(SharesTooFew) as caught:
        combine(split(SECRET, 3, 5)[:2], 3)
    assert (caught.value.given, caught.value.needed) == (2, 3)


def test_the_same_share_twice_is_refused() -> None:
    """One holder cannot stand in for two."""
    first = split(SECRET, 2, 3)[0]
    with pytest.raises(ShareTwice) as caught:
        combine([first, first], 2)
    assert caught.value.x == 1


def test_a_wrong_share_among_more_than_k_is_noticed() -> None:
    """With one to spare, a wrong share is found out; the numbers say who was there."""
    shares = list(split(SECRET, 2, 3))
    shares[1] = Share(2, bytes(32))
    with pytest.raises(SharesDisagree) as caught:
        combine(shares, 2)
    assert caught.value.numbers == (1, 2, 3)


def test_a_wrong_share_among_exactly_k_gives_a_wrong_secret() -> None:
    """Shamir's scheme cannot notice it; the key commitment in the header does."""
    shares = split(SECRET, 2, 3)
    assert combine([shares[0], Share(2, bytes(32))], 2) != SECRET


@pytest.mark.parametrize(("x", "length"), [(0, 32), (256, 32), (1, 31), (1, 33)])
def test_malformed_shares_are_refused(x: int, length: int) -> None:
    """x = 0 would be the secret itself; other lengths are no shares."""
    with pytest.raises(ShareMalformed):
        Share(x, bytes(length))


@pytest.mark.parametrize(("secret", "k", "n"), [(bytes(31), 2, 3), (SECRET, 0, 3), (SECRET, 4, 3), (SECRET, 2, 256)])
def test_impossible_sharings_are_refused(secret: bytes, k: int, n: int) -> None:
    """Our own misuse fails before anything is shared."""
    with pytest.raises(ValueError):
        split(secret, k, n)


def test_a_share_does_not_show_its_secret() -> None:
    """A share in a log or a traceback says its number only."""
    assert repr(Share(1, b"\xab" * 32)) == "Share(x=1)"
