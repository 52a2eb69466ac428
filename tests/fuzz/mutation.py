"""Damages bytes the way a hostile or broken sender does. Pure: the same seed gives the same damage.

Beside blind damage it knows what parsers stumble over: lengths that lie, counts that overflow, parts that repeat,
two inputs grafted together. This module must not know what the bytes mean.
"""

import random

MOST_STEPS = 6
MOST_BYTES = 256 * 1024  # what a step may make of an input
INTERESTING = (
    b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0", b"\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0",
    b"\x80\0\0\0", b"-1", b"0", b"99999999999999999999", b"1e309", b"NaN", b"\r\n", b"\r\n\r\n", b"<", b"]]>", b"&x;",
    b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"{}", b"[]", b"null", b'"', b"%00", b"%n", b"../", b"\0\0\1",
)  # fmt: skip


def mutated(rng: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """Return one of the seeds after one to MOST_STEPS steps of damage, or now and then bytes of no origin at all."""
    if rng.random() < 0.02:
        return rng.randbytes(rng.randrange(0, 600))
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, MOST_STEPS)):
        data = _step(rng, data, seeds)
    return bytes(data[:MOST_BYTES])


def _step(rng: random.Random, data: bytearray, seeds: tuple[bytes, ...]) -> bytearray:
    if not data:
        return bytearray(rng.choice(INTERESTING))
    at = rng.randrange(len(data))
    match rng.randrange(9):
        case 0:
            data[at] ^= 1 << rng.randrange(8)
        case 1:
            data[at] = rng.randrange(256)
        case 2:
            word = rng.choice(INTERESTING)
            data[at : at + len(word)] = word
        case 3:
            word = rng.choice(INTERESTING)
            data[at:at] = word
        case 4:
            del data[at : at + rng.randint(1, 64)]
        case 5:
            del data[at:]
        case 6:
            piece = data[at : at + rng.randint(1, 200)]
            data[at:at] = piece * rng.choice((1, 2, 3, 40))
        case 7:
            width = rng.choice((1, 2, 4, 8))
            order = rng.choice(("big", "little"))
            number = int.from_bytes(data[at : at + width], order) + rng.choice((-1, 1, 2, -4, 256, 65536))
            data[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, order)
        case _:
            other = rng.choice(seeds)
            cut = rng.randrange(len(other) + 1)
            data = data[:at] + bytearray(other[cut:])
    return data
