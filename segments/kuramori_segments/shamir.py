"""Shamir's sharing of 32 bytes among n holders, k of whom can put them together (GF(256), polynomial 0x11B).

Each share is a point (x, y) of 32 polynomials of degree k-1, one for each byte; x is 1..255 and public. Secrets
are only ever shifted, masked and XORed, 32 bytes at a time in one integer; every branch and every loop depends on
x coordinates alone, so there is no secret-dependent branch or table. What remains is Python's own integer
arithmetic, whose time depends on the number of 30-bit digits: leading zero bits of a value (1 chance in 2^8 for
one byte) could be timed by somebody who runs on the same processor.

A wrong share gives a wrong secret, not an error: the caller compares a commitment. This module must not know what
is shared, with whom, or how shares travel.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kuramori_segments.key_faults import ShareMalformed, SharesDisagree, SharesTooFew, ShareTwice

SECRET_BYTES = 32
MAX_SHARES = 255

_LOW_BITS = int.from_bytes(b"\x01" * SECRET_BYTES, "big")
_HIGH_BITS = _LOW_BITS << 7
_REDUCTION = 0x1B  # 0x11B without its top bit


@dataclass(frozen=True, slots=True)
class Share:
    """One holder's point: x from 1 to 255, y of 32 bytes (secret)."""

    x: int
    y: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Raises ShareMalformed."""
        if not 1 <= self.x <= MAX_SHARES or len(self.y) != SECRET_BYTES:
            raise ShareMalformed(self.x, len(self.y))


def split(
    secret: bytes, k: int, n: int, random_bytes: Callable[[int], bytes] = secrets.token_bytes
) -> tuple[Share, ...]:
    """Return n shares (x = 1..n) of a 32-byte secret; any k of them give it back, fewer say nothing about it.

    `random_bytes(length)` must be a cryptographic source; tests hand in a known one. Raises ValueError for a
    secret of another length or unless 1 <= k <= n <= 255.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret of {len(secret)} bytes; {SECRET_BYTES} are shared")
    if not 1 <= k <= n <= MAX_SHARES:
        raise ValueError(f"{k} of {n} is no sharing")
    coefficients = [int.from_bytes(secret, "big")]
    coefficients += [int.from_bytes(random_bytes(SECRET_BYTES), "big") for _ in range(k - 1)]
    return tuple(Share(x, _evaluate(coefficients, x).to_bytes(SECRET_BYTES, "big")) for x in range(1, n + 1))


def combine(shares: Sequence[Share], k: int) -> bytes:
    """Return the secret from at least k shares; further ones must lie on the same polynomials.

    Raises SharesTooFew, ShareTwice, SharesDisagree.
    """
    if len(shares) < k:
        raise SharesTooFew(len(shares), k)
    seen: set[int] = set()
    for share in shares:
        if share.x in seen:
            raise ShareTwice(share.x)
        seen.add(share.x)
    base = shares[:k]
    for share in shares[k:]:
        if not secrets.compare_digest(_interpolate(base, share.x), share.y):
            raise SharesDisagree(tuple(item.x for item in shares))
    return _interpolate(base, 0)


def _evaluate(coefficients: Sequence[int], x: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = _scale(value, x) ^ coefficient
    return value


def _interpolate(shares: Sequence[Share], at: int) -> bytes:
    """Return the polynomials' values at a public x (Lagrange)."""
    value = 0
    for share in shares:
        weight = 1
        for other in shares:
            if other.x != share.x:
                weight = _multiply(weight, _divide(at ^ other.x, share.x ^ other.x))
        value ^= _scale(int.from_bytes(share.y, "big"), weight)
    return value.to_bytes(SECRET_BYTES, "big")


def _scale(vector: int, factor: int) -> int:
    """Multiply each of 32 secret bytes by one public byte."""
    result = 0
    for bit in range(8):
        if factor >> bit & 1:
            result ^= vector
        high = vector & _HIGH_BITS
        vector = ((vector ^ high) << 1) ^ ((high >> 7) * _REDUCTION)
    return result


def _multiply(a: int, b: int) -> int:
    """Multiply two public bytes."""
    return _scale(a, b)


def _divide(a: int, b: int) -> int:
    """Divide public bytes: b to the power 254 is its inverse."""
    inverse = b
    for _ in range(6):
        inverse = _multiply(_multiply(inverse, inverse), b)
    return _multiply(a, _multiply(inverse, inverse))
