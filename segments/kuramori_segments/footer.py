"""The segment footer: what the whole segment contained, signed by the device key. One block, the last of the extent.

A closed segment's footer is written by the writer; a torn one gets a recovered footer from what its chunk heads
tell without a key. This module must not know how chunks are found, nor any private key: it asks a signer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kuramori_segments.block_layout import (
    FORMAT_VERSION,
    BlockLayout,
    BytesLike,
    Field,
    check_frame,
    known_code,
    require,
    seal_checksum,
)
from kuramori_segments.codes import FooterKind
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES, MAX_FOOTER_GAPS

MAGIC = b"KRMFOT\x01\n"
FLAG_GAPS_OVERFLOWED = 1  # more gaps than fit: the first 64 stand here, the ledger has all
SIGNED_BYTES = 4028

FOOTER = BlockLayout(
    "segment footer",
    BLOCK_BYTES,
    (
        Field(0, "8s", "magic"),
        Field(8, "H", "version"),
        Field(10, "B", "kind"),
        Field(11, "B", "flags"),
        Field(12, "I", "camera_number"),
        Field(16, "16s", "recorder_id"),
        Field(32, "16s", "segment_uid"),
        Field(48, "Q", "sequence"),
        Field(56, "32s", "header_digest"),
        Field(88, "32s", "chain_digest"),
        Field(120, "32s", "nal_root"),
        Field(152, "Q", "nal_leaves"),
        Field(160, "I", "chunks"),
        Field(164, "I", "extent_blocks"),
        Field(168, "q", "first_utc_ms"),
        Field(176, "q", "last_utc_ms"),
        Field(184, "Q", "first_access_unit"),
        Field(192, "Q", "last_access_unit"),
        Field(200, "I", "access_units"),
        Field(204, "I", "key_frames"),
        Field(208, "I", "lost_packets"),
        Field(212, "H", "gap_count"),
        Field(216, "Q", "end_boot_ms"),
        Field(224, "16s", "device_key_id"),
        Field(240, "1536s", "gaps"),
        Field(4028, "64s", "signature"),
        Field(4092, "I", "crc32c"),
    ),
)
FOOTER_GAP = BlockLayout(
    "footer gap",
    24,
    (
        Field(0, "q", "from_utc_ms"),
        Field(8, "q", "to_utc_ms"),
        Field(16, "B", "reason"),
    ),
)


class Signer(Protocol):
    """Whoever holds the device key."""

    @property
    def key_id(self) -> bytes:
        """Return the first 16 bytes of the SHA-256 of the public key (SPKI DER)."""

    def sign(self, message: bytes) -> bytes:
        """Return the ES256 signature of the message: 64 bytes, r then s."""


@dataclass(frozen=True, slots=True)
class FooterGap:
    """A stretch without recording inside the segment."""

    from_utc_ms: int
    to_utc_ms: int
    reason: GapReason

    def pack(self) -> bytes:
        """Return the 24 bytes. Raises FieldInvalid."""
        order = self.from_utc_ms <= self.to_utc_ms
        require(order, FOOTER_GAP.name, "from_utc_ms", self.from_utc_ms, "not after to_utc_ms")
        return bytes(FOOTER_GAP.pack(self.from_utc_ms, self.to_utc_ms, self.reason))

    @classmethod
    def unpack(cls, data: BytesLike) -> "FooterGap":
        """Read the 24 bytes. Raises FormatError."""
        start, end, reason = FOOTER_GAP.unpack(data)
        require(start <= end, FOOTER_GAP.name, "from_utc_ms", start, "not after to_utc_ms")
        return cls(start, end, known_code(GapReason, FOOTER_GAP.name, "reason", reason))


@dataclass(frozen=True, slots=True)
class ChunkTally:
    """What the chunk heads of a segment's unbroken run add up to, without a key."""

    chain_digest: bytes  # 32 bytes, after the last chunk
    chunks: int = 0
    end_bytes: int = BLOCK_BYTES  # where the next chunk or the footer belongs, from the slot's start
    first_utc_ms: int = 0
    last_utc_ms: int = 0
    first_access_unit: int = 0
    last_access_unit: int = 0  # the last whose record starts in the run; its end may be missing
    access_units: int = 0  # records that start in the run
    lost_packets: int = 0
    final_seen: bool = False


@dataclass(frozen=True, slots=True)
class SegmentFooter:
    """A segment footer. `signature` is empty until signed."""

    kind: FooterKind
    camera_number: int
    recorder_id: bytes
    segment_uid: bytes
    sequence: int
    header_digest: bytes
    chain_digest: bytes
    nal_root: bytes  # zeros when recovered
    nal_leaves: int
    chunks: int
    extent_blocks: int  # from the slot's start through this footer
    first_utc_ms: int
    last_utc_ms: int
    first_access_unit: int
    last_access_unit: int
    access_units: int
    key_frames: int  # 0 when recovered: heads do not tell
    lost_packets: int
    end_boot_ms: int
    device_key_id: bytes  # 16 bytes
    gaps: tuple[FooterGap, ...] = ()
    gaps_overflowed: bool = False
    signature: bytes = b""  # 64 bytes, ES256 r then s over the first 4028 bytes

    def signed_bytes(self) -> bytes:
        """Return the 4028 bytes that the signature covers. Raises FieldInvalid."""
        return self._block(bytes(64))[:SIGNED_BYTES]

    def signed_by(self, signer: Signer) -> "SegmentFooter":
        """Return this footer with the signer's signature."""
        named = replace(self, device_key_id=signer.key_id)
        return replace(named, signature=signer.sign(named.signed_bytes()))

    def pack(self) -> bytes:
        """Return the block. Raises FieldInvalid, also for a footer without signature."""
        require(len(self.signature) == 64, FOOTER.name, "signature", len(self.signature), "64 bytes")
        return self._block(self.signature)

    def _block(self, signature: bytes) -> bytes:
        for field, length in _LENGTHS:
            value = getattr(self, field)
            require(len(value) == length, FOOTER.name, field, value.hex(), f"{length} bytes")
        require(len(self.gaps) <= MAX_FOOTER_GAPS, FOOTER.name, "gaps", len(self.gaps), "at most 64")
        block = FOOTER.pack(
            MAGIC,
            FORMAT_VERSION,
            self.kind,
            FLAG_GAPS_OVERFLOWED * self.gaps_overflowed,
            self.camera_number,
            self.recorder_id,
            self.segment_uid,
            self.sequence,
            self.header_digest,
            self.chain_digest,
            self.nal_root,
            self.nal_leaves,
            self.chunks,
            self.extent_blocks,
            self.first_utc_ms,
            self.last_utc_ms,
            self.first_access_unit,
            self.last_access_unit,
            self.access_units,
            self.key_frames,
            self.lost_packets,
            len(self.gaps),
            self.end_boot_ms,
            self.device_key_id,
            b"".join(gap.pack() for gap in self.gaps),
            signature,
            0,
        )
        return seal_checksum(block)

    @classmethod
    def unpack(cls, data: BytesLike) -> "SegmentFooter":
        """Read a footer block (4096 bytes). The signature is checked elsewhere. Raises FormatError."""
        names = (field.name for field in FOOTER.fields)
        values: dict[str, Any] = dict(zip(names, FOOTER.unpack(check_frame(FOOTER, data, MAGIC)), strict=True))
        flags = values.pop("flags")
        require(flags <= FLAG_GAPS_OVERFLOWED, FOOTER.name, "flags", flags, "known bits only")
        kind = known_code(FooterKind, FOOTER.name, "kind", values.pop("kind"))
        gaps = _gaps(values.pop("gaps"), values.pop("gap_count"))
        for field in ("magic", "version", "crc32c"):
            del values[field]
        footer = cls(kind=kind, gaps=gaps, gaps_overflowed=bool(flags), **values)
        order = footer.first_utc_ms <= footer.last_utc_ms
        require(order, FOOTER.name, "first_utc_ms", footer.first_utc_ms, "not after last_utc_ms")
        if kind is FooterKind.RECOVERED:
            unproven = not footer.nal_leaves and not footer.nal_root.strip(b"\0")
            require(unproven, FOOTER.name, "nal_root", footer.nal_root.hex(), "zeros in a recovered footer")
        return footer


_LENGTHS = (
    ("recorder_id", 16),
    ("segment_uid", 16),
    ("header_digest", 32),
    ("chain_digest", 32),
    ("nal_root", 32),
    ("device_key_id", 16),
)


def _gaps(area: bytes, count: int) -> tuple[FooterGap, ...]:
    require(count <= MAX_FOOTER_GAPS, FOOTER.name, "gap_count", count, "at most 64")
    size = FOOTER_GAP.length_bytes
    rest = area[count * size :]
    require(not rest.strip(b"\0"), FOOTER.name, "gaps", f"more than {count}", "zeros behind the last gap")
    return tuple(FooterGap.unpack(area[number * size : (number + 1) * size]) for number in range(count))


def build_footer(
    kind: FooterKind,
    header: SegmentHeader,
    header_digest: bytes,
    tally: ChunkTally,
    *,
    end_boot_ms: int,
    gaps: Sequence[FooterGap],
    nal_root: bytes = bytes(32),
    nal_leaves: int = 0,
    key_frames: int = 0,
) -> SegmentFooter:
    """Make an unsigned footer for a run of chunks that ends at `tally.end_bytes`, where the footer will stand."""
    empty = tally.access_units == 0
    return SegmentFooter(
        kind=kind,
        camera_number=header.camera_number,
        recorder_id=header.recorder_id,
        segment_uid=header.segment_uid,
        sequence=header.sequence,
        header_digest=header_digest,
        chain_digest=tally.chain_digest,
        nal_root=nal_root,
        nal_leaves=nal_leaves,
        chunks=tally.chunks,
        extent_blocks=tally.end_bytes // BLOCK_BYTES + 1,
        first_utc_ms=header.start_utc_ms if empty else tally.first_utc_ms,
        last_utc_ms=header.start_utc_ms if empty else tally.last_utc_ms,
        first_access_unit=header.first_access_unit if empty else tally.first_access_unit,
        last_access_unit=header.first_access_unit if empty else tally.last_access_unit,
        access_units=tally.access_units,
        key_frames=key_frames,
        lost_packets=tally.lost_packets,
        end_boot_ms=end_boot_ms,
        device_key_id=bytes(16),
        gaps=tuple(gaps[:MAX_FOOTER_GAPS]),
        gaps_overflowed=len(gaps) > MAX_FOOTER_GAPS,
    )


def build_recovered(
    header: SegmentHeader,
    header_digest: bytes,
    tally: ChunkTally,
    signer: Signer,
    *,
    gaps: Sequence[FooterGap] = (),
) -> SegmentFooter:
    """Return the signed footer for a torn segment, to be written at `tally.end_bytes` (one block).

    The tally comes from a keyless scan. Its NAL root stays empty: what it proves is marked *recovered*; the end
    in boot time is unknown and stays 0.
    """
    footer = build_footer(FooterKind.RECOVERED, header, header_digest, tally, end_boot_ms=0, gaps=gaps)
    return footer.signed_by(signer)
