"""clip.leaves: the leaf hash of each proven NAL unit of a clip, in decode order, with the time of its picture.

With it a piece of the clip can be recognised when the clip itself is elsewhere. Entries of 40 bytes: UTC
microseconds (i64, little-endian), then the hash. Pure; must not know files.
"""

import struct

ENTRY = struct.Struct("<q32s")


def encode_leaves(utc_us: int, leaves: tuple[bytes, ...]) -> bytes:
    """Return the entries of one access unit."""
    return b"".join(ENTRY.pack(utc_us, leaf) for leaf in leaves)


def decode_leaves(content: bytes) -> tuple[list[int], list[bytes]]:
    """Return times and hashes; bytes left over at the end are ignored (their digest will not fit)."""
    whole = content[: len(content) // ENTRY.size * ENTRY.size]
    times, hashes = [], []
    for utc_us, leaf in ENTRY.iter_unpack(whole):
        times.append(utc_us)
        hashes.append(leaf)
    return times, hashes
