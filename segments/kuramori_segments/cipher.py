"""The keys of a segment and the sealing of its chunks (FORMAT.md, "Keys" and "Chunks").

Two locks: the DEK (custodians) and the segment key (the epoch key, destroyed on time). Both are needed for the
data key. This module must not know where keys are kept, nor what stands in a chunk.
"""

import hmac
import struct
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kuramori_segments.codes import Suite
from kuramori_segments.limits import TAG_BYTES
from kuramori_segments.segment_error import ChunkForged, KeyCommitmentMismatch

KEY_BYTES = 32
SEGMENT_KEY_LABEL = b"kuramori/v1/segment"
COMMITMENT_LABEL = b"kuramori/v1/commitment"
DATA_KEY_LABEL = b"kuramori/v1/data"
_NONCE = struct.Struct(">7xI?")

BytesLike = bytes | bytearray | memoryview


def segment_key(epoch_key: bytes, segment_uid: bytes) -> bytes:
    """Return K_seg, the erasure lock of one segment, from its epoch's key (32 bytes each)."""
    return _derive(epoch_key, SEGMENT_KEY_LABEL + segment_uid)


def key_commitment(dek: bytes, k_seg: bytes, segment_uid: bytes) -> bytes:
    """Return what the header says of the keys, so that wrong ones are refused before any chunk."""
    return _derive(_both_locks(dek, k_seg), COMMITMENT_LABEL + segment_uid)


def data_key(dek: bytes, k_seg: bytes, header_digest: bytes) -> bytes:
    """Return the key of the chunks: both locks and the whole header go into it."""
    return _derive(_both_locks(dek, k_seg), DATA_KEY_LABEL + header_digest)


def check_commitment(commitment: bytes, dek: bytes, k_seg: bytes, segment_uid: bytes) -> None:
    """Raise KeyCommitmentMismatch unless these are the keys the header was written with."""
    if not hmac.compare_digest(commitment, key_commitment(dek, k_seg, segment_uid)):
        raise KeyCommitmentMismatch


def _both_locks(dek: bytes, k_seg: bytes) -> bytes:
    for key in (dek, k_seg):
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key of {len(key)} bytes where {KEY_BYTES} belong")
    return dek + k_seg


def _derive(material: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(material)


class _Aead(Protocol):
    def encrypt_into(self, nonce: bytes, data: BytesLike, aad: BytesLike | None, buf: BytesLike, /) -> int: ...

    def decrypt_into(self, nonce: bytes, data: BytesLike, aad: BytesLike | None, buf: BytesLike, /) -> int: ...


class ChunkCipher:
    """Seals and opens the chunks of one segment. The nonce is the chunk's index and its final flag."""

    def __init__(self, suite: Suite, key: bytes) -> None:
        self._aead: _Aead = AESGCM(key) if suite is Suite.AES_256_GCM else ChaCha20Poly1305(key)

    def seal_into(
        self, index: int, final: bool, plaintext: BytesLike, associated: BytesLike, output: memoryview
    ) -> None:
        """Encrypt into `output`, which takes the plaintext's length and 16 bytes of tag exactly."""
        self._aead.encrypt_into(_NONCE.pack(index, final), plaintext, associated, output)

    def open_into(self, index: int, final: bool, body: BytesLike, associated: BytesLike, output: memoryview) -> None:
        """Decrypt into `output`, 16 bytes shorter than the body. Raises ChunkForged."""
        try:
            self._aead.decrypt_into(_NONCE.pack(index, final), body, associated, output)
        except InvalidTag as fault:
            raise ChunkForged(index) from fault

    def open(self, index: int, final: bool, body: BytesLike, associated: BytesLike) -> bytearray:
        """Decrypt a body (ciphertext and tag). Raises ChunkForged."""
        output = bytearray(max(0, len(body) - TAG_BYTES))
        self.open_into(index, final, body, associated, memoryview(output))
        return output
