"""A reader of the vault format by somebody who has FORMAT.md and none of our code.

It imports nothing of ours; the section numbers are those of FORMAT.md. It is plain rather than fast.
"""

import hmac
import json
import struct
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from crc32c import crc32c
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.segments.stranger_records import (
    Refused,
    is_sound,
    leaves_of,
    number,
    records,
    sound_is_decided,
    tree_root,
)

BLOCK = 4096
HPKE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class NotThere(Exception):
    """The bytes are not what is looked for; the name is a kind of damage of section 8."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def need(condition: bool, kind: str) -> None:
    """Raise NotThere unless the condition holds."""
    if not condition:
        raise NotThere(kind)


def is_zero(data: bytes) -> bool:
    """Tell whether all bytes are zero."""
    return not any(data)


# ---- section 2: header


@dataclass
class Header:
    """What the header says."""

    block: bytes

    def __post_init__(self) -> None:
        """Check it all."""
        block = self.block
        need(len(block) == BLOCK and block[:8] == b"KRMSEG\x01\n", "header")
        need(number(block, "I", 4092) == crc32c(block[:4092]), "header")
        need(number(block, "H", 8) == 1, "header")
        zeros = (block[17:20], block[187:192], block[336:384], block[2176:4092])
        need(all(is_zero(part) for part in zeros), "header")
        need(number(block, "H", 10) in (1, 2) and block[12] in (1, 2) and block[13] in (1, 2), "header")
        need(block[14] < 4 and block[15] in (1, 2) and block[16] < 4, "header")
        self.k, self.n, length = block[184], block[185], block[186]
        need(2 <= self.k <= self.n <= 16 and 1 <= length <= 64, "header")
        need(is_zero(block[192 + length : 256]) and is_zero(block[384 + 112 * self.n : 2176]), "header")
        self.shares = [block[384 + 112 * i : 384 + 112 * (i + 1)] for i in range(self.n)]
        need(all(is_zero(share[97:]) for share in self.shares), "header")
        self.uid = block[40:56]
        self.digest = sha256(block).digest()

    def info(self, label: bytes, share_number: int) -> bytes:
        """Section 3: what a seal is bound to."""
        block = self.block
        facts = block[24:40] + block[20:24] + block[56:72] + block[72:80] + block[80:88] + block[168:184]
        return label + facts + bytes([self.k, self.n, share_number]) + self.uid


# ---- section 3: keys


def multiply(a: int, b: int) -> int:
    """Multiply in GF(256), 0x11B."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def invert(a: int) -> int:
    """Invert in GF(256)."""
    return next(b for b in range(1, 256) if multiply(a, b) == 1)


def combine(points: dict[int, bytes]) -> bytes:
    """Put k shares together."""
    secret = bytes(32)
    for x_i, y_i in points.items():
        weight = 1
        for x_j in points:
            if x_j != x_i:
                weight = multiply(weight, multiply(x_j, invert(x_j ^ x_i)))
        secret = bytes(s ^ multiply(weight, y) for s, y in zip(secret, y_i, strict=True))
    return secret


def hkdf(material: bytes, info: bytes) -> bytes:
    """Derive 32 bytes."""
    return HKDF(SHA256(), 32, None, info).derive(material)


def dek_from_custodians(header: Header, keys: dict[int, X25519PrivateKey]) -> bytes:
    """Open the shares of these custodians (by share number) and combine them."""
    points: dict[int, bytes] = {}
    for share_number, key in keys.items():
        sealed = header.shares[share_number - 1][16:97]
        try:
            share = HPKE.decrypt(sealed, key, header.info(b"kuramori/v1/share", share_number))
        except InvalidTag as fault:
            raise Refused("shares_refused") from fault
        points[share[0]] = share[1:]
    return combine(points)


def dek_from_recovery(header: Header, key: X25519PrivateKey) -> bytes:
    """Open the recovery seal."""
    try:
        return HPKE.decrypt(header.block[256:336], key, header.info(b"kuramori/v1/recovery", 0))
    except InvalidTag as fault:
        raise Refused("shares_refused") from fault


# ---- section 4: chunks


@dataclass
class Chunk:
    """A chunk head at its place, with its body."""

    data: bytes  # the whole slot
    offset: int
    uid: bytes

    def __post_init__(self) -> None:
        """Check the head."""
        head = self.data[self.offset : self.offset + 64]
        need(len(head) == 64 and head[:4] == b"KCHK" and is_zero(head[14:16]), "chunk_head")
        self.head = head
        self.index, self.body_bytes, flags = struct.unpack_from("<IIH", head, 4)
        self.final, self.commit_end = bool(flags & 1), bool(flags & 2)
        need(flags in (0, 2, 3), "chunk_head")
        need(17 <= self.body_bytes <= 65472 and (self.commit_end or self.body_bytes == 65472), "chunk_head")
        self.first_utc, self.last_utc, self.first_unit = struct.unpack_from("<qqQ", head, 24)
        self.units, self.lost, self.first_record = struct.unpack_from("<III", head, 48)
        need(self.first_utc <= self.last_utc, "chunk_head")
        need(self.first_record == 0xFFFFFFFF or self.first_record < self.body_bytes - 16, "chunk_head")
        need(head[16:24] == self.uid[:8], "chunk_foreign")
        self.end = self.offset + 64 + self.body_bytes
        self.next = -(-self.end // BLOCK) * BLOCK
        self.body = self.data[self.offset + 64 : self.end]

    def check(self, slot_bytes: int) -> None:
        """Steps 3: it fits, is there, and its checksum fits."""
        need(self.next + BLOCK <= slot_bytes, "chunk_head")
        need(self.next <= len(self.data), "chunk_cut")
        need(number(self.head, "I", 60) == crc32c(self.head[:60] + self.body), "chunk_checksum")

    def open(self, header: Header, key: bytes) -> bytes:
        """Decrypt."""
        suite = AESGCM if number(header.block, "H", 10) == 1 else ChaCha20Poly1305
        nonce = bytes(7) + struct.pack(">I", self.index) + bytes([self.final])
        try:
            return suite(key).decrypt(nonce, self.body, self.head[:60])
        except InvalidTag as fault:
            raise Refused("chunk_forged") from fault


# ---- section 7: footer


@dataclass
class Footer:
    """What the footer says."""

    block: bytes

    def __post_init__(self) -> None:
        """Check it all."""
        block = self.block
        need(len(block) == BLOCK and block[:8] == b"KRMFOT\x01\n", "footer")
        need(number(block, "I", 4092) == crc32c(block[:4092]) and number(block, "H", 8) == 1, "footer")
        self.kind, self.gaps = block[10], number(block, "H", 212)
        need(self.kind in (1, 2) and block[11] < 2 and self.gaps <= 64, "footer")
        need(is_zero(block[214:216]) and is_zero(block[240 + 24 * self.gaps : 4028]), "footer")
        self.extent = number(block, "I", 164) * BLOCK

    def belongs(self, header: Header, offset: int) -> bool:
        """Step 6."""
        own = self.block[32:48] == header.uid and self.block[56:88] == header.digest
        return own and self.extent == offset + BLOCK

    def signature_fits(self, public_key_der: bytes) -> bool:
        """Check ES256 and the key's id."""
        key = load_der_public_key(public_key_der)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        r, s = (int.from_bytes(self.block[at : at + 32], "big") for at in (4028, 4060))
        if sha256(public_key_der).digest()[:16] != self.block[224:240]:
            return False
        try:
            key.verify(encode_dss_signature(r, s), self.block[:4028], ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


# ---- section 8: keyless scan


@dataclass
class Run:
    """What the chunks add up to."""

    chain: bytes
    first_utc: int
    last_utc: int
    first_unit: int
    last_unit: int
    end: int = BLOCK
    chunks: int = 0
    units: int = 0
    lost: int = 0
    final: bool = False

    def add(self, chunk: Chunk) -> "Run":
        """Return the run with one more chunk."""
        run = Run(**vars(self))
        run.chain = sha256(self.chain + chunk.head[:60] + chunk.body[-16:]).digest()
        run.end, run.chunks, run.final = chunk.next, self.chunks + 1, chunk.final
        run.lost = min(self.lost + chunk.lost, 0xFFFFFFFF)
        if chunk.units:
            run.first_utc = min(self.first_utc, chunk.first_utc) if self.units else chunk.first_utc
            run.last_utc = max(self.last_utc, chunk.last_utc) if self.units else chunk.last_utc
            run.first_unit = self.first_unit if self.units else chunk.first_unit
            run.last_unit = chunk.first_unit + chunk.units - 1
            run.units = self.units + chunk.units
        return run


class Scan:
    """The keyless scan of one slot; state, damage, run, header and footer are its result."""

    def __init__(self, data: bytes, slot_bytes: int) -> None:
        self.data = data
        self.slot_bytes = slot_bytes
        self.damage: list[str] = []
        self.header: Header | None = None
        self.footer: Footer | None = None
        self.run = self.committed = Run(b"", 0, 0, 0, 0)
        self.broken = self.behind_hole = False
        self.state = self._state()

    def _state(self) -> str:
        block = self.data[:BLOCK]
        if is_zero(block):  # step 1
            return "empty"
        try:
            self.header = Header(block)
        except NotThere as fault:
            self.damage.append(fault.kind)
            return "unreadable"
        self._walk(self.header)
        if self.footer is None:
            if self.committed.chunks != self.run.chunks:
                self.damage.append("unfinished_commit")
            if self.behind_hole:
                self.damage.append("chunks_behind_end")
            self.run = self.committed
            return "torn"
        if not self.broken:
            self._compare(self.footer, self.header, self.run)  # step 8
        return "closed" if self.footer.kind == 1 else "recovered"

    def _walk(self, header: Header) -> None:
        start, first = number(header.block, "q", 80), number(header.block, "Q", 96)
        self.run = self.committed = Run(header.digest, start, start, first, first)  # step 2
        offset, index = BLOCK, 0
        while True:
            found = self._expected(offset, index, header)
            if not isinstance(found, Chunk):
                self.footer = found
                return
            self._take(found)
            offset, index = found.next, found.index + 1  # step 5
            if found.final:
                self.footer = self._own_footer(offset, header)
                if self.footer is None and self.data[offset : offset + 8] == b"KRMFOT\x01\n":
                    self.damage.append("footer")
                return

    def _expected(self, offset: int, index: int, header: Header) -> "Chunk | Footer | None":
        try:
            chunk = self._chunk(offset, header)  # step 3
            need(chunk.index == index, "chunk_order")
            chunk.check(self.slot_bytes)
        except NotThere as fault:
            footer = self._own_footer(offset, header)  # step 6
            if footer is not None:
                return footer
            found = self._behind(offset, index, header)  # step 7
            if found is not None or fault.kind in ("chunk_order", "chunk_cut", "chunk_checksum"):
                self.damage.append(fault.kind)
            self.broken = self.broken or found is not None
            return found
        return chunk

    def _take(self, chunk: Chunk) -> None:
        zero = is_zero(self.data[chunk.end : chunk.next])  # step 4
        if not zero:
            self.damage.append("padding")
        if self.broken:
            self.behind_hole = True
            return
        self.run = self.run.add(chunk)
        if chunk.commit_end and zero:
            self.committed = self.run

    def _chunk(self, offset: int, header: Header) -> Chunk:
        return Chunk(self.data, offset, header.uid)

    def _own_footer(self, offset: int, header: Header) -> Footer | None:
        try:
            footer = Footer(self.data[offset : offset + BLOCK])
        except NotThere:
            return None
        return footer if footer.belongs(header, offset) else None

    def _behind(self, offset: int, index: int, header: Header) -> Chunk | Footer | None:
        for place in range(offset, len(self.data), BLOCK):
            footer = self._own_footer(place, header)
            if footer is not None:
                return footer
            try:
                chunk = self._chunk(place, header)
                need(chunk.index >= index, "chunk_order")
                chunk.check(self.slot_bytes)
            except NotThere:
                continue
            return chunk
        return None

    def _compare(self, footer: Footer, header: Header, run: Run) -> None:
        block = footer.block
        same = (
            block[12:16] == header.block[20:24],
            block[16:32] == header.block[24:40],
            block[48:56] == header.block[72:80],
            block[88:120] == run.chain,
            number(block, "I", 160) == run.chunks,
            footer.extent == run.end + BLOCK,
            number(block, "q", 168) == run.first_utc,
            number(block, "q", 176) == run.last_utc,
            number(block, "Q", 184) == run.first_unit,
            number(block, "Q", 192) == run.last_unit,
            number(block, "I", 200) == run.units,
            number(block, "I", 208) == run.lost,
        )
        self.damage += ["footer_mismatch"] * same.count(False)
        if footer.kind == 1 and not run.final:
            self.damage.append("final_missing")


# ---- section 9: opening


def open_segment(
    data: bytes, slot_bytes: int, dek_of: Any, epoch_key: bytes, device_public_key: bytes
) -> list[tuple[int, bytes]]:
    """Return all records of a segment, everything checked. Raises Refused.

    `dek_of(header)` returns the DEK, by custodians or by the recovery key.
    """
    scan = Scan(data, slot_bytes)
    if scan.header is None:
        raise Refused("header_refused")
    header = scan.header
    dek = dek_of(header)
    k_seg = hkdf(epoch_key, b"kuramori/v1/segment" + header.uid)
    commitment = hkdf(dek + k_seg, b"kuramori/v1/commitment" + header.uid)
    if not hmac.compare_digest(commitment, header.block[136:168]):
        raise Refused("wrong_keys")
    key = hkdf(dek + k_seg, b"kuramori/v1/data" + header.digest)
    end = scan.footer.extent - BLOCK if scan.footer is not None else scan.run.end

    def plaintexts() -> Iterator[bytes]:
        offset, index = BLOCK, 0
        while offset < end:
            try:
                chunk = Chunk(data, offset, header.uid)
                need(chunk.index == index, "chunk_order")
            except NotThere as fault:
                raise Refused("segment_damaged") from fault
            yield chunk.open(header, key)
            offset, index = chunk.next, index + 1

    found = list(records(plaintexts()))
    if not found or found[0][0] != 1:
        raise Refused("record_refused")
    decided = sound_is_decided(found[0][1])
    if decided != (header.block[16] == 3):
        raise Refused("record_refused")
    if not all(decided and is_sound(payload) for kind, payload in found if kind == 7):
        raise Refused("record_refused")
    if scan.footer is not None:
        if not scan.footer.signature_fits(device_public_key):
            raise Refused("signature_invalid")
        if {"footer_mismatch", "final_missing"} & set(scan.damage):
            raise Refused("footer_mismatch")
        salt = b64decode(json.loads(found[0][1])["nal_salt"])
        leaves = [leaf for kind, payload in found if kind == 2 for leaf in leaves_of(payload, header.block[15], salt)]
        told = (number(scan.footer.block, "Q", 152), scan.footer.block[120:152])
        if scan.footer.kind == 1 and told != (len(leaves), tree_root(leaves)):
            raise Refused("footer_mismatch")
    return found
