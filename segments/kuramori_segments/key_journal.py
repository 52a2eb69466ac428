"""What changed since the snapshot: blocks of 4096 bytes, each sealed, numbered and bound to its place.

A block is written once and never touched again, so a torn write can only hurt the last one, which nobody was told
of. It is sealed with AES-256-GCM; the nonce is its sequence number. The key comes from the root and from a random
salt of the session (one opening of the store) that stands in the block: so a block that was torn and is written
again after a restart never meets the same key and nonce twice.

Told apart when it is read: the last block incomplete or with a wrong checksum (torn: tolerated, it was never
acknowledged), a bad block before good ones (damage: refused), a whole block that does not open at its place
(forged: refused). Whole blocks cut off at the end are not noticed; what that costs stands in KEYS.md. Pure.
"""

import secrets
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from crc32c import crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kuramori_segments.key_snapshot import SnapshotHead, derive_key
from kuramori_segments.key_table import EPOCH_ROW, KEPT_ROW
from kuramori_segments.store_files import BytesLike

MAGIC = b"KRMJNL\x01\n"
VERSION = 1
BLOCK_BYTES = 4096
HEAD = struct.Struct("<8sHHIQQ16s16s")  # magic, version, payload bytes, zero, generation, sequence, store, salt
TAG_BYTES = 16
MAX_PAYLOAD_BYTES = BLOCK_BYTES - 4 - HEAD.size - TAG_BYTES
MAX_JOURNAL_BYTES = 128 << 20  # 32768 blocks: weeks without a rotation

_LABEL = b"kuramori/v1/keystore/journal"
_SESSION_LABEL = b"kuramori/v1/keystore/session"
_NONCE = struct.Struct(">4xQ")


class Operation(IntEnum):
    """What a journal entry does; each is one byte, then a body of fixed length."""

    ADD_EPOCH = 1  # an epoch row
    KEEP = 2  # a kept key's row
    DROP_HOLD = 3  # a hold id
    VOID = 4  # a generation (u64) that must never count: its rotation failed half-way


BODY_BYTES = {
    Operation.ADD_EPOCH: EPOCH_ROW.size,
    Operation.KEEP: KEPT_ROW.size,
    Operation.DROP_HOLD: 16,
    Operation.VOID: 8,
}


class JournalBroken(Exception):
    """A bad block before good ones. `sequence`: its place."""

    def __init__(self, sequence: int) -> None:
        super().__init__(f"journal block {sequence} is damaged")
        self.sequence = sequence


class JournalBlockForged(Exception):
    """A whole block that was not written at this place of this journal. `sequence`: its place."""

    def __init__(self, sequence: int) -> None:
        super().__init__(f"journal block {sequence} is forged")
        self.sequence = sequence


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation with its body (may be secret)."""

    operation: Operation
    body: bytes | bytearray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a journal says: its entries in order, how many whole blocks, and whether a torn one follows them."""

    entries: tuple[Entry, ...] = field(repr=False)
    blocks: int
    torn: bool


class Journal:
    """One session's journal: seals blocks one after the other. `master` is secret; `forget` wipes what it can."""

    def __init__(self, master: bytes, head: SnapshotHead, blocks: int) -> None:
        """Go on behind `blocks` whole blocks of the journal that belongs to a snapshot."""
        self._head = head
        self._salt = secrets.token_bytes(16)
        self._cipher: AESGCM | None = AESGCM(_session_key(master, self._salt))
        self.blocks = blocks

    @property
    def length_bytes(self) -> int:
        """Return where the next block goes."""
        return self.blocks * BLOCK_BYTES

    def seal(self, payload: BytesLike) -> bytes:
        """Return the next block. Each call takes a new number: what was sealed is written, or the journal is left."""
        if self._cipher is None or len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError("the journal is closed, or the payload is longer than a block takes")
        block = bytearray(BLOCK_BYTES)
        head = _head(self._head, self._salt, self.blocks, len(payload))
        block[: HEAD.size] = head
        end = HEAD.size + len(payload) + TAG_BYTES
        self._cipher.encrypt_into(_NONCE.pack(self.blocks), payload, head, memoryview(block)[HEAD.size : end])
        struct.pack_into("<I", block, BLOCK_BYTES - 4, crc32c(memoryview(block)[:-4]))
        self.blocks += 1
        return bytes(block)

    def forget(self) -> None:
        """Let go of the key."""
        self._cipher = None


def journal_master(root: BytesLike, head: SnapshotHead) -> bytes:
    """Return the key from which the sessions' keys of one generation's journal come."""
    return derive_key(root, _LABEL + head.store_id + struct.pack("<Q", head.generation))


def pack_entries(entries: Sequence[Entry]) -> Iterator[bytearray]:
    """Return the payloads of as few blocks as hold these entries."""
    payload = bytearray()
    for entry in entries:
        if len(payload) + 1 + len(entry.body) > MAX_PAYLOAD_BYTES:
            yield payload
            payload = bytearray()
        payload.append(entry.operation)
        payload += entry.body
    if payload:
        yield payload


def replay(master: bytes, head: SnapshotHead, data: BytesLike) -> Replay:
    """Read a journal. Raises JournalBroken, JournalBlockForged."""
    view = memoryview(data)
    entries: list[Entry] = []
    whole = len(view) // BLOCK_BYTES
    for sequence in range(whole):
        block = view[sequence * BLOCK_BYTES : (sequence + 1) * BLOCK_BYTES]
        if not _intact(block):
            later = range(sequence + 1, whole)
            if any(_intact(view[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]) for number in later):
                raise JournalBroken(sequence)
            return Replay(tuple(entries), sequence, torn=True)
        entries.extend(_open_block(master, head, block, sequence))
    return Replay(tuple(entries), whole, torn=len(view) > whole * BLOCK_BYTES)


def _intact(block: memoryview) -> bool:
    (stored,) = struct.unpack_from("<I", block, BLOCK_BYTES - 4)
    return block[: len(MAGIC)] == MAGIC and stored == crc32c(block[:-4])


def _open_block(master: bytes, head: SnapshotHead, block: memoryview, sequence: int) -> Iterator[Entry]:
    _, version, payload_bytes, _, _, _, _, salt = HEAD.unpack_from(block)
    end = HEAD.size + payload_bytes + TAG_BYTES
    expected = _head(head, salt, sequence, payload_bytes)
    if version != VERSION or payload_bytes > MAX_PAYLOAD_BYTES or block[: HEAD.size] != expected:
        raise JournalBlockForged(sequence)
    if any(block[end:-4]):
        raise JournalBlockForged(sequence)
    payload = bytearray(payload_bytes)
    try:
        AESGCM(_session_key(master, salt)).decrypt_into(
            _NONCE.pack(sequence), block[HEAD.size : end], expected, payload
        )
    except InvalidTag:
        raise JournalBlockForged(sequence) from None
    return _entries(payload, sequence)


def _entries(payload: bytearray, sequence: int) -> Iterator[Entry]:
    place = 0
    while place < len(payload):
        try:
            operation = Operation(payload[place])
        except ValueError:
            raise JournalBroken(sequence) from None
        end = place + 1 + BODY_BYTES[operation]
        if end > len(payload):
            raise JournalBroken(sequence)
        yield Entry(operation, payload[place + 1 : end])
        place = end
    payload[:] = bytes(len(payload))


def _head(head: SnapshotHead, salt: bytes, sequence: int, payload_bytes: int) -> bytes:
    return HEAD.pack(MAGIC, VERSION, payload_bytes, 0, head.generation, sequence, head.store_id, salt)


def _session_key(master: bytes, salt: bytes) -> bytes:
    return derive_key(master, _SESSION_LABEL + salt)
