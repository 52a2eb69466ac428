"""One snapshot of all keys: a clear head of 64 bytes, then AES-256-GCM under a key from the root of its cell.

Every snapshot has a fresh root, and that root seals nothing else, so the nonce is zero. The head is associated
data: slot, generation and store are proven with the content. Layout in KEYS.md. Pure: bytes in, bytes out; this
module must not know files, cells or what the keys are for.
"""

import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kuramori_segments.store_files import BytesLike

MAGIC = b"KRMKEY\x01\n"
VERSION = 1
HEAD = struct.Struct("<8sHB5xQ16s24x")  # magic, version, slot, generation, store id
TAG_BYTES = 16
MAX_SNAPSHOT_BYTES = 128 << 20

_LABEL = b"kuramori/v1/keystore/snapshot"
_NONCE = bytes(12)


class SnapshotUnreadable(Exception):
    """The bytes are not a snapshot under this root: cut, damaged, of another slot, or sealed under another root."""


@dataclass(frozen=True, slots=True)
class SnapshotHead:
    """Where a snapshot belongs: slot 0 or 1, generation (counts rotations), store (16 bytes)."""

    slot: int
    generation: int
    store_id: bytes

    def pack(self) -> bytes:
        """Return the 64 bytes."""
        return HEAD.pack(MAGIC, VERSION, self.slot, self.generation, self.store_id)

    @classmethod
    def unpack(cls, data: BytesLike) -> "SnapshotHead":
        """Read the 64 bytes. Nothing in them is proven yet. Raises SnapshotUnreadable."""
        if len(data) < HEAD.size:
            raise SnapshotUnreadable("cut short")
        magic, version, slot, generation, store_id = HEAD.unpack_from(data)
        if magic != MAGIC or version != VERSION:
            raise SnapshotUnreadable("not a snapshot of this version")
        head = cls(slot, generation, store_id)
        if head.pack() != bytes(data[: HEAD.size]):
            raise SnapshotUnreadable("reserved bytes used")
        return head


@dataclass(frozen=True, slots=True)
class OpenedSnapshot:
    """A snapshot whose every byte is proven; `table` (secret) is to be wiped by the caller."""

    head: SnapshotHead
    table: bytearray = field(repr=False)


def seal_snapshot(root: BytesLike, head: SnapshotHead, table: bytearray) -> bytearray:
    """Return the snapshot's bytes. A root seals one snapshot, once."""
    packed = head.pack()
    sealed = bytearray(len(packed) + len(table) + TAG_BYTES)
    sealed[: len(packed)] = packed
    _cipher(root, head).encrypt_into(_NONCE, table, packed, memoryview(sealed)[len(packed) :])
    return sealed


def open_snapshot(root: BytesLike, slot: int, data: BytesLike) -> OpenedSnapshot:
    """Open a snapshot that was found in a slot. Raises SnapshotUnreadable."""
    head = SnapshotHead.unpack(data)
    body = memoryview(data)[HEAD.size :]
    if head.slot != slot or len(body) < TAG_BYTES:
        raise SnapshotUnreadable("of another slot, or cut short")
    table = bytearray(len(body) - TAG_BYTES)
    try:
        _cipher(root, head).decrypt_into(_NONCE, body, head.pack(), table)
    except InvalidTag:
        raise SnapshotUnreadable("damaged, or under another root") from None
    return OpenedSnapshot(head, table)


def derive_key(root: BytesLike, label: bytes) -> bytes:
    """Return a key of 32 bytes from a root or a key below it (HKDF-SHA256, no salt)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=label).derive(root)


def _cipher(root: BytesLike, head: SnapshotHead) -> AESGCM:
    return AESGCM(derive_key(root, _LABEL + head.store_id + struct.pack("<Q", head.generation)))
