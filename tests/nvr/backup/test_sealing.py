"""The envelope of a backup: opens whole under its passphrase, and under nothing else, and never in parts."""

import io
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuramori.backup.fault import BackupFault, BackupLocked, BackupUnreadable
from kuramori.backup.sealing import MAGIC, PIECE_BYTES, TAG_BYTES, Envelope, seal, unseal
from kuramori_segments.key_faults import PassphraseWeak
from kuramori_segments.passphrase_key import LEAST_COST

PASSPHRASE = "correct horse battery staple"
CONTENT = bytes(range(256)) * (2 * PIECE_BYTES // 256) + b"and a rest"
SEALED = b"".join(seal([CONTENT], PASSPHRASE, LEAST_COST))
HEADER_BYTES = len(SEALED) - len(CONTENT) - 3 * TAG_BYTES


def opened(data: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return b"".join(unseal(io.BytesIO(data).read, passphrase))


def test_what_was_sealed_opens() -> None:
    """Three pieces, the last one short, come back as one content."""
    assert opened(SEALED) == CONTENT


@pytest.mark.parametrize("size_bytes", [0, 1, PIECE_BYTES, PIECE_BYTES + 1])
def test_every_length_comes_back(size_bytes: int) -> None:
    """Nothing, one byte, exactly a piece, a piece and a byte."""
    content = b"\x5a" * size_bytes
    assert opened(b"".join(seal([content], PASSPHRASE, LEAST_COST))) == content


def test_another_passphrase_opens_nothing() -> None:
    """A wrong passphrase is said to be wrong."""
    with pytest.raises(BackupLocked):
        opened(SEALED, "another horse battery staple")


def test_a_weak_passphrase_seals_nothing() -> None:
    """Too short a passphrase is refused before anything is written."""
    with pytest.raises(PassphraseWeak):
        next(seal([b"x"], "short", LEAST_COST))


def _swapped(data: bytes) -> bytes:
    piece = PIECE_BYTES + TAG_BYTES
    head, first, second = data[:HEADER_BYTES], data[HEADER_BYTES:][:piece], data[HEADER_BYTES + piece :][:piece]
    return head + second + first + data[HEADER_BYTES + 2 * piece :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: HEADER_BYTES + PIECE_BYTES + TAG_BYTES],
        lambda data: data[: HEADER_BYTES + 2 * (PIECE_BYTES + TAG_BYTES)],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:HEADER_BYTES] + data[HEADER_BYTES + PIECE_BYTES + TAG_BYTES :],
        _swapped,
    ],
    ids=["cut after one piece", "cut after two", "a byte short", "a byte more", "a piece left out", "pieces swapped"],
)
def test_what_is_not_whole_is_refused(damage: Callable[[bytes], bytes]) -> None:
    """Pieces that are cut off, left out, swapped or added are noticed, although each opens by itself."""
    with pytest.raises(BackupFault):
        opened(damage(SEALED))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(HEADER_BYTES, len(SEALED) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, change: int) -> None:
    """A byte changed anywhere behind the header ends in a refusal."""
    data = bytearray(SEALED)
    data[place] ^= change
    with pytest.raises(BackupFault):
        opened(bytes(data))


@given(st.binary(max_size=600))
def test_any_header_is_read_or_refused(data: bytes) -> None:
    """Any bytes as a header give an envelope or our fault, and no costly work begins."""
    try:
        Envelope.parse(data)
    except BackupUnreadable:
        return


@given(st.binary(max_size=64))
def test_any_beginning_is_refused(data: bytes) -> None:
    """Bytes that are no backup are refused before the passphrase is asked."""
    with pytest.raises(BackupUnreadable):
        list(unseal(io.BytesIO(data).read, PASSPHRASE))


def test_a_header_that_asks_for_too_much_is_refused() -> None:
    """100 GB of memory, or hardly any, is not what a backup of ours asks for."""
    good = Envelope.new(LEAST_COST).raw
    for wrong in (b'"memory_kib":104857600', b'"memory_kib":8'):
        with pytest.raises(BackupUnreadable, match="memory_kib"):
            Envelope.parse(good.replace(b'"memory_kib":65536', wrong))
    assert SEALED.startswith(MAGIC)
