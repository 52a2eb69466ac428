"""The envelope of a backup: pieces under AES-256-GCM with a key from a passphrase (Argon2id). BACKUP.md has the bytes.

Each piece is sealed with a counter and a final flag in its nonce, and with the header's digest beside it: pieces that
are changed, left out, swapped or cut off are noticed. Pure: bytes in, bytes out. It must not know what is inside.
"""

import hashlib
import secrets
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kuramori.backup.fault import BackupLocked, BackupUnreadable
from kuramori_segments.canonical_json import canonical
from kuramori_segments.key_faults import KeyFileCostly, KeyFileWeak
from kuramori_segments.passphrase_key import (
    MAX_PASSPHRASE_BYTES,
    SALT_BYTES,
    USUAL_COST,
    Argon2Cost,
    check_cost,
    check_passphrase,
    material_of,
    stretch,
)
from kuramori_segments.strict_document import DocumentRefused, StrictDocument, to_base64

MAGIC = b"KRMBKP\x01\n"
KIND = "backup"
VERSION = 1
HEADER_LIMIT_BYTES = 4096
PIECE_BYTES = 1 << 20
TAG_BYTES = 16
_LENGTH = struct.Struct("<I")
_NONCE = struct.Struct(">7sIB")  # zeros, number of the piece, 1 for the last
_NO_PREFIX = bytes(7)
_NAMES = frozenset({"kuramori", "version", "kdf", "piece_bytes"})
_KDF_NAMES = frozenset({"name", "memory_kib", "iterations", "lanes", "salt"})

Read = Callable[[int], bytes]  # as of a file: at most so many bytes, fewer only at the end


@dataclass(frozen=True, slots=True)
class Envelope:
    """The header of a backup, in clear: how its key comes from the passphrase."""

    cost: Argon2Cost
    salt: bytes
    raw: bytes  # canonical JSON, as it stands in the file

    @classmethod
    def new(cls, cost: Argon2Cost) -> "Envelope":
        """Return a header with a salt of its own, so that no key is ever used twice."""
        salt = secrets.token_bytes(SALT_BYTES)
        kdf = {
            "name": "argon2id",
            "memory_kib": cost.memory_kib,
            "iterations": cost.iterations,
            "lanes": cost.lanes,
            "salt": to_base64(salt),
        }
        document = {"kuramori": KIND, "version": VERSION, "kdf": kdf, "piece_bytes": PIECE_BYTES}
        return cls(cost, salt, canonical(document))

    @classmethod
    def parse(cls, raw: bytes) -> "Envelope":
        """Read a header of any origin. Raises BackupUnreadable."""
        try:
            document = StrictDocument.parse(raw, _NAMES, limit_bytes=HEADER_LIMIT_BYTES)
            document.constant("kuramori", KIND)
            document.constant("version", VERSION)
            document.constant("piece_bytes", PIECE_BYTES)
            kdf = document.part("kdf", _KDF_NAMES)
            kdf.constant("name", "argon2id")
            cost = Argon2Cost(*(kdf.integer(name, 0, 1 << 52) for name in ("memory_kib", "iterations", "lanes")))
            check_cost(cost)
            return cls(cost, kdf.octets("salt", SALT_BYTES), raw)
        except DocumentRefused as refusal:
            raise BackupUnreadable(f"header: {refusal.field or 'document'}") from None
        except (KeyFileCostly, KeyFileWeak) as refusal:
            raise BackupUnreadable(f"header: {refusal.parameter} {refusal.value}") from None

    def cipher(self, passphrase: str) -> AESGCM:
        """Return the cipher of this backup. Slow by intention. Raises BackupLocked."""
        material = material_of(passphrase)
        if not 1 <= len(material) <= MAX_PASSPHRASE_BYTES:
            raise BackupLocked
        return AESGCM(stretch(material, self.salt, self.cost))

    @property
    def associated(self) -> bytes:
        """What every piece is bound to."""
        return hashlib.sha256(MAGIC + self.raw).digest()


def seal(content: Iterable[bytes], passphrase: str, cost: Argon2Cost = USUAL_COST) -> Iterator[bytes]:
    """Yield the bytes of a backup file around this content. Raises PassphraseWeak before anything is yielded."""
    check_passphrase(passphrase)
    envelope = Envelope.new(cost)
    cipher, associated = envelope.cipher(passphrase), envelope.associated
    yield MAGIC + _LENGTH.pack(len(envelope.raw)) + envelope.raw
    number, waiting = 0, bytearray()
    for part in content:
        waiting += part
        while len(waiting) > PIECE_BYTES:  # the last piece is known only at the end
            yield cipher.encrypt(_NONCE.pack(_NO_PREFIX, number, 0), bytes(waiting[:PIECE_BYTES]), associated)
            del waiting[:PIECE_BYTES]
            number += 1
    yield cipher.encrypt(_NONCE.pack(_NO_PREFIX, number, 1), bytes(waiting), associated)


def unseal(read: Read, passphrase: str) -> Iterator[bytes]:
    """Yield the content of a backup, each piece authenticated. Raises BackupUnreadable, BackupLocked.

    Only when the iteration has ended by itself is the whole known to be whole.
    """
    envelope = _envelope(read)
    cipher, associated = envelope.cipher(passphrase), envelope.associated
    number, piece = 0, read(PIECE_BYTES + TAG_BYTES)
    while True:
        following = read(PIECE_BYTES + TAG_BYTES) if len(piece) == PIECE_BYTES + TAG_BYTES else b""
        try:
            yield cipher.decrypt(_NONCE.pack(_NO_PREFIX, number, not following), piece, associated)
        except (InvalidTag, ValueError):
            if number == 0:
                raise BackupLocked from None
            raise BackupUnreadable(f"piece {number + 1}") from None
        if not following:
            return
        number, piece = number + 1, following


def _envelope(read: Read) -> Envelope:
    head = read(len(MAGIC) + _LENGTH.size)
    if len(head) != len(MAGIC) + _LENGTH.size or not head.startswith(MAGIC):
        raise BackupUnreadable("beginning")
    (length_bytes,) = _LENGTH.unpack(head[len(MAGIC) :])
    if length_bytes > HEADER_LIMIT_BYTES:
        raise BackupUnreadable("header")
    raw = read(length_bytes)
    if len(raw) != length_bytes:
        raise BackupUnreadable("header")
    return Envelope.parse(raw)
