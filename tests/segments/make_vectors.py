"""Makes the test vectors of the vault format, the same bytes every time.

Run: .venv/bin/python -m tests.segments.make_vectors  (writes segments/vectors/)
What a vector is expected to give is told by what was put in, not by our reader.
"""

import json
import struct
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from crc32c import crc32c
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kuramori_segments import shamir
from kuramori_segments.chunk import FLAG_COMMIT_END, FLAG_FINAL
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.chunk_sealer import ChunkSealer
from kuramori_segments.cipher import ChunkCipher, data_key, key_commitment, segment_key
from kuramori_segments.codes import AudioState, FooterKind, Suite, VideoCodec
from kuramori_segments.device_key import device_key_id
from kuramori_segments.footer import ChunkTally, FooterGap, SegmentFooter, build_footer, build_recovered
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.header import SealedShare, SegmentHeader, header_digest
from kuramori_segments.records import (
    FLAG_DAMAGED,
    FLAG_DISCONTINUITY,
    FLAG_KEY_FRAME,
    CodecConfig,
    ParameterSetsRecord,
    RecordType,
    SenderReportRecord,
    TimelineRecord,
    encode_config,
    encode_parameter_sets,
    encode_record,
    encode_sender_report,
    encode_timeline,
)
from kuramori_segments.segment_writer import SegmentWriter
from tests.fakes import fixed_hpke
from tests.fakes.segments import SlotInMemory, length_prefixed, make_nal

VECTORS = Path(__file__).parents[2] / "segments" / "vectors"
BLOCK = 4096
SLOT_BYTES = 256 * 1024
START_UTC_MS = 1_772_000_000_000


def known(name: str, length: int = 32) -> bytes:
    """Return bytes that follow from a name."""
    return sha256(b"kuramori test vector " + name.encode()).digest()[:length]


class FixedSigner:
    """Signs without a random number (RFC 6979)."""

    def __init__(self, name: str) -> None:
        self.private_key = ec.derive_private_key(int.from_bytes(known(name)[:31], "big"), ec.SECP256R1())

    @property
    def key_id(self) -> bytes:
        """Return the key's id."""
        return device_key_id(self.private_key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Return r then s."""
        der = self.private_key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))
        return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))


SIGNER = FixedSigner("device key")
CUSTODIANS = [X25519PrivateKey.from_private_bytes(known(f"custodian {number}")) for number in (1, 2, 3)]
RECOVERY = X25519PrivateKey.from_private_bytes(known("recovery key"))
EPOCH_KEY = known("epoch key")


@dataclass
class Draft:
    """A segment in the making, with what it is expected to hold."""

    name: str
    codec: VideoCodec = VideoCodec.H264
    suite: Suite = Suite.AES_256_GCM
    first_access_unit: int = 1000
    records: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make header and keys."""
        self.dek = known(f"DEK {self.name}")
        self.header = self._header()
        k_seg = segment_key(EPOCH_KEY, self.header.segment_uid)
        self.key = data_key(self.dek, k_seg, header_digest(self.header.pack()))
        self.config = CodecConfig(
            self.codec, 90_000, (known("SPS"), known("PPS", 8)), known(f"salt {self.name}"), audio="none offered"
        )
        self.next_number = self.first_access_unit
        self.slot = SlotInMemory(SLOT_BYTES)
        self.expect(encode_config(self.config))

    def _header(self) -> SegmentHeader:
        draft = SegmentHeader(
            suite=self.suite,
            codec=self.codec,
            camera_number=3,
            camera_name="蔵通り-west",
            recorder_id=known("recorder", 16),
            segment_uid=known(f"segment {self.name}", 16),
            epoch_id=known("epoch", 16),
            sequence=42,
            start_utc_ms=START_UTC_MS,
            start_boot_ms=777_000,
            first_access_unit=self.first_access_unit,
            custodian_set_id=known("set", 16),
            k=2,
            n=3,
            previous_digest=known("previous segment"),
            audio=AudioState.NONE_OFFERED,
        )
        k_seg = segment_key(EPOCH_KEY, draft.segment_uid)
        split = shamir.split(self.dek, 2, 3, lambda length: known(f"polynomial {self.name}", length))
        shares = []
        for custodian, share in zip(CUSTODIANS, split, strict=True):
            ephemeral = X25519PrivateKey.from_private_bytes(known(f"ephemeral {self.name} {share.x}"))
            point = bytes([share.x]) + share.y
            info = draft.share_info(share.x)
            sealed = fixed_hpke.seal(point, custodian.public_key(), info, ephemeral)
            shares.append(SealedShare.from_sealed(known(f"custodian id {share.x}", 16), sealed))
        ephemeral = X25519PrivateKey.from_private_bytes(known(f"ephemeral {self.name} recovery"))
        return replace(
            draft,
            key_commitment=key_commitment(self.dek, k_seg, draft.segment_uid),
            shares=tuple(shares),
            recovery_seal=fixed_hpke.seal(self.dek, RECOVERY.public_key(), draft.recovery_info(), ephemeral),
        )

    def expect(self, record: bytes) -> None:
        """Note a record that a reader must give."""
        self.records.append([record[0], sha256(record[8:]).hexdigest()])

    def writer(self) -> SegmentWriter:
        """Return a writer of this segment."""
        return SegmentWriter(self.header, self.key, codec_config=self.config, signer=SIGNER, slot_bytes=SLOT_BYTES)

    def unit(self, writer: SegmentWriter, *nal_units: bytes, flags: int = 0, lost: int = 0) -> None:
        """Append one access unit."""
        number = self.next_number
        elapsed = number - self.first_access_unit
        utc_us = START_UTC_MS * 1000 + elapsed * 40_000
        payload = length_prefixed(*nal_units)
        arguments = (number, utc_us, (1 << 33) + elapsed * 3600, 777_000_000 + elapsed * 40_000)
        writer.append_access_unit(*arguments, flags, lost, payload, len(nal_units))
        head = struct.pack("<QqQQIHH", *arguments, lost, len(nal_units), 0)
        self.expect(encode_record(RecordType.ACCESS_UNIT, head + payload))
        self.next_number += 1

    def commit(self, writer: SegmentWriter) -> None:
        """Write what is pending into the slot."""
        commit = writer.take_commit()
        if commit is not None:
            self.slot.write(commit)

    def close(self, writer: SegmentWriter, gaps: tuple[FooterGap, ...] = ()) -> None:
        """Write the end; the index is the last record."""
        commit = writer.close(999_000, gaps)
        self.slot.write(commit)

    def two_commits(self) -> SegmentWriter:
        """Append what most vectors hold."""
        writer = self.writer()
        key, delta, sei, sets = (0x65, 0x41, 0x06, 0x67) if self.codec is VideoCodec.H264 else (0x26, 0x02, 0x4E, 0x42)
        tail = known("slice") + b"\0\0\0"
        self.unit(writer, make_nal(sets, 30, 1), make_nal(sei, 40, 2), make_nal(key, 900, 3), flags=FLAG_KEY_FRAME)
        self.unit(writer, bytes([delta]) + tail)
        writer.append_sender_report(0x1234_5678_9ABC_DEF0, 1 << 33, 777_000_001)
        self.expect(encode_sender_report(SenderReportRecord(0x1234_5678_9ABC_DEF0, 1 << 33, 777_000_001)))
        self.commit(writer)
        facts = (("reason", "lost connection"), ("tries", 2))
        writer.append_timeline("reconnected", START_UTC_MS + 80, facts)
        self.expect(encode_timeline(TimelineRecord("reconnected", START_UTC_MS + 80, facts)))
        writer.append_parameter_sets((known("new SPS"),))
        self.expect(encode_parameter_sets(ParameterSetsRecord(self.codec, (known("new SPS"),))))
        flags = FLAG_KEY_FRAME | FLAG_DAMAGED | FLAG_DISCONTINUITY
        self.unit(writer, make_nal(key, 500, 4), flags=flags, lost=5)
        self.unit(writer, make_nal(delta, 300, 5), make_nal(delta, 200, 6))
        self.commit(writer)
        return writer


class VectorSet:
    """All vectors, as files and as the list of what each must give."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.vectors: list[dict[str, Any]] = []

    def add(
        self,
        name: str,
        what: str,
        content: bytes,
        *,
        state: str,
        damage: tuple[str, ...] = (),
        tally: ChunkTally | None = None,
        opens: str = "yes",
        records: list[list[Any]] | None = None,
        epoch_key: bytes = EPOCH_KEY,
    ) -> None:
        """Add one. A file ends with its last byte that is not zero, rounded up to a block."""
        used = len(content.rstrip(b"\0"))
        self.files[f"{name}.seg"] = content[: max(BLOCK, -(-used // BLOCK) * BLOCK)]
        vector: dict[str, Any] = {
            "file": f"{name}.seg",
            "what": what,
            "slot_bytes": SLOT_BYTES,
            "state": state,
            "damage": list(damage),
            "opens": opens,
            "epoch_key": epoch_key.hex(),
        }
        if tally is not None:
            vector |= {
                "chunks": tally.chunks,
                "access_units": tally.access_units,
                "end_bytes": tally.end_bytes,
                "chain_digest": tally.chain_digest.hex(),
            }
        if records is not None:
            vector["records"] = records
        self.vectors.append(vector)

    def index_file(self) -> bytes:
        """Return vectors.json."""
        public = SIGNER.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        keys = {
            "custodians": [key.private_bytes_raw().hex() for key in CUSTODIANS],
            "recovery": RECOVERY.private_bytes_raw().hex(),
            "device_public_key": public.hex(),
        }
        content = {"format_version": 1, "keys": keys, "vectors": self.vectors}
        return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def tally_of(writer: SegmentWriter, content: bytes) -> ChunkTally:
    """Return what the writer's chunks add up to; the chain is computed here, from the bytes."""
    tally = writer._sealer.tally()
    return replace(tally, chain_digest=chain_of(content, tally.chunks))


def chain_of(content: bytes, chunks: int) -> bytes:
    """Follow the digest chain through a slot's bytes."""
    digest = sha256(content[:BLOCK]).digest()
    offset = BLOCK
    for _ in range(chunks):
        (body,) = struct.unpack_from("<I", content, offset + 8)
        end = offset + 64 + body
        digest = sha256(digest + content[offset : offset + 60] + content[end - 16 : end]).digest()
        offset = -(-end // BLOCK) * BLOCK
    return digest


def with_checksum(block: bytearray, start: int, length: int) -> None:
    """Correct a block's checksum after a change."""
    struct.pack_into("<I", block, start + length - 4, crc32c(bytes(block[start : start + length - 4])))


def with_chunk_checksum(content: bytearray, offset: int) -> None:
    """Correct a chunk's checksum after a change."""
    (body,) = struct.unpack_from("<I", content, offset + 8)
    checksum = crc32c(bytes(content[offset + 64 : offset + 64 + body]), crc32c(bytes(content[offset : offset + 60])))
    struct.pack_into("<I", content, offset + 60, checksum)


def index_digest(writer: SegmentWriter) -> list[Any]:
    """Return what the INDEX record must be."""
    record = writer._index.encode()
    return [record[0], sha256(record[8:]).hexdigest()]


def add_whole(vectors: VectorSet) -> Draft:
    """Segments that open."""
    plain = Draft("closed-h264")
    writer = plain.two_commits()
    plain.close(writer)
    plain.records.append(index_digest(writer))
    content = bytes(plain.slot.content)
    tally = tally_of(writer, content)
    vectors.add("closed-h264", "two commits, closed", content, state="closed", tally=tally, records=plain.records)

    other = Draft("closed-h265-chacha", VideoCodec.H265, Suite.CHACHA20_POLY1305)
    writer = other.two_commits()
    other.close(writer)
    other.records.append(index_digest(writer))
    content = bytes(other.slot.content)
    tally = tally_of(writer, content)
    what = "H.265 under ChaCha20-Poly1305"
    vectors.add("closed-h265-chacha", what, content, state="closed", tally=tally, records=other.records)

    bare = Draft("closed-without-units")
    writer = bare.writer()
    gaps = tuple(FooterGap(START_UTC_MS + n, START_UTC_MS + n + 1, GapReason(n % 13 + 1)) for n in range(70))
    bare.close(writer, gaps)
    bare.records.append(index_digest(writer))
    content = bytes(bare.slot.content)
    tally = tally_of(writer, content)
    what = "no access unit; more gaps than the footer lists"
    vectors.add("closed-without-units", what, content, state="closed", tally=tally, records=bare.records)

    wide = Draft("record-across-chunks")
    writer = wide.writer()
    wide.unit(writer, make_nal(0x65, 70_000, 7), flags=FLAG_KEY_FRAME)
    wide.unit(writer, make_nal(0x41, 50, 8))
    wide.close(writer)
    wide.records.append(index_digest(writer))
    content = bytes(wide.slot.content)
    tally = tally_of(writer, content)
    what = "an access unit that lies across two chunks"
    vectors.add("record-across-chunks", what, content, state="closed", tally=tally, records=wide.records)
    return plain


def add_torn(vectors: VectorSet) -> None:
    """Segments without footer, and the bytes of an earlier lap behind them."""
    lap = Draft("earlier-lap")
    lap_writer = lap.writer()
    for number in range(4):
        lap.unit(lap_writer, make_nal(0x65, 4000, 20 + number), flags=FLAG_KEY_FRAME)
        lap.commit(lap_writer)
    lap.close(lap_writer)

    torn = Draft("torn")
    torn.slot = SlotInMemory(SLOT_BYTES, bytes(lap.slot.content))
    writer = torn.two_commits()
    content = bytes(torn.slot.content)
    tally = tally_of(writer, content)
    what = "two commits, then an earlier lap's bytes"
    vectors.add("torn", what, content, state="torn", tally=tally, records=torn.records)

    recovered = bytearray(content)
    digest = header_digest(content)
    gap = FooterGap(tally.last_utc_ms, tally.last_utc_ms + 3000, GapReason.RECORDER_CRASHED)
    footer = build_recovered(torn.header, digest, replace(tally, final_seen=False), SIGNER, gaps=[gap])
    recovered[tally.end_bytes : tally.end_bytes + BLOCK] = footer.pack()
    what = "the same, with a recovery footer"
    vectors.add("recovered", what, bytes(recovered), state="recovered", tally=tally, records=torn.records)

    cut = Draft("torn-inside-a-commit")
    writer = cut.writer()
    cut.unit(writer, make_nal(0x65, 100, 9), flags=FLAG_KEY_FRAME)
    cut.commit(writer)
    expected = list(cut.records)
    committed = tally_of(writer, bytes(cut.slot.content))
    cut.unit(writer, make_nal(0x41, 70_000, 10))
    cut.commit(writer)
    content = bytes(cut.slot.content)[: committed.end_bytes + 65536 + 2048]
    what = "the second commit's first chunk is whole, its last is not: the first commit is the end"
    damage = ("chunk_cut", "unfinished_commit")
    vectors.add("torn-inside-a-commit", what, content, state="torn", damage=damage, tally=committed, records=expected)
    what = "an empty slot"
    vectors.add("empty", what, bytes(2 * BLOCK), state="empty", opens="header_refused")


def add_altered_chunks(vectors: VectorSet, plain: Draft) -> None:
    """Closed segments whose chunks were changed afterwards."""
    whole = bytes(plain.slot.content)
    writer_tally = ChunkTally(chain_of(whole, 0))
    second = BLOCK + -(-(64 + struct.unpack_from("<I", whole, BLOCK + 8)[0]) // BLOCK) * BLOCK

    content = bytearray(whole)
    content[second + 100] ^= 1
    first_only = replace(writer_tally, chain_digest=chain_of(whole, 1), chunks=1, access_units=2, end_bytes=second)
    what = "one bit of the second chunk's ciphertext is flipped"
    forged = {"state": "closed", "opens": "chunk_forged"}
    vectors.add("flipped", what, bytes(content), damage=("chunk_checksum",), tally=first_only, **forged)

    with_chunk_checksum(content, second)
    what = "the same with its checksum corrected: only the key shows it"
    tally = replace(
        writer_tally, chain_digest=chain_of(whole, 3), chunks=3, access_units=4, end_bytes=second + 2 * BLOCK
    )
    vectors.add("flipped-checksum-corrected", what, bytes(content), tally=tally, **forged)

    content = bytearray(whole)
    struct.pack_into("<q", content, second + 32, START_UTC_MS + 3_600_000)
    with_chunk_checksum(content, second)
    what = "the second chunk claims a later time"
    damage = ("footer_mismatch", "footer_mismatch")
    tally = replace(tally, chain_digest=chain_of(bytes(content), 3))
    vectors.add("moved-in-time", what, bytes(content), damage=damage, tally=tally, **forged)

    content = bytearray(whole)
    content[second : second + 2 * BLOCK] = whole[second + BLOCK : second + 2 * BLOCK] + whole[second : second + BLOCK]
    what = "the second and the final chunk are swapped"
    damage = ("chunk_order", "chunks_behind_end")
    vectors.add(
        "swapped",
        what,
        bytes(content),
        state="torn",
        damage=damage,
        tally=first_only,
        records=plain.records[:4],
    )

    content = bytearray(whole)
    content[second : second + BLOCK] = bytes(BLOCK)
    what = "the second chunk is gone"
    vectors.add(
        "hole", what, bytes(content), state="closed", damage=("chunk_head",), tally=first_only, opens="segment_damaged"
    )

    content = bytearray(whole)
    content[second - 1] = 1
    what = "a byte behind the first chunk is not zero"
    tally = replace(tally, chain_digest=chain_of(whole, 3))
    vectors.add(
        "padding", what, bytes(content), state="closed", damage=("padding",), tally=tally, records=plain.records
    )


def add_altered_ends(vectors: VectorSet, plain: Draft) -> None:
    """Closed segments whose header, footer or keys are not right."""
    whole = bytes(plain.slot.content)
    chain = chain_of(whole, 3)
    footer_at = (len(whole.rstrip(b"\0")) - 1) // BLOCK * BLOCK
    tally = ChunkTally(chain, 3, footer_at, access_units=4)
    refused = {"state": "unreadable", "damage": ("header",), "opens": "header_refused"}

    content = bytearray(whole)
    content[20] ^= 1
    vectors.add("header-damaged", "one bit of the header is flipped", bytes(content), **refused)
    with_checksum(content, 0, BLOCK)
    what = "the header names another camera, with its checksum corrected: shares and footer are not its own"
    moved = replace(tally, chain_digest=chain_of(bytes(content), 3))
    vectors.add(
        "other-camera", what, bytes(content), state="torn", damage=("footer",), tally=moved, opens="shares_refused"
    )

    content = bytearray(whole)
    struct.pack_into("<H", content, 8, 2)
    with_checksum(content, 0, BLOCK)
    vectors.add("version-2", "a header of a later format", bytes(content), **refused)

    content = bytearray(whole)
    content[340] = 1
    with_checksum(content, 0, BLOCK)
    vectors.add("reserved-used", "a reserved byte of the header is not zero", bytes(content), **refused)

    what = "the right segment with another epoch's key"
    other = known("another epoch key")
    vectors.add("wrong-epoch-key", what, whole, state="closed", tally=tally, opens="wrong_keys", epoch_key=other)

    footer = SegmentFooter.unpack(whole[footer_at:])
    content = bytearray(whole)
    content[footer_at : footer_at + BLOCK] = footer.signed_by(FixedSigner("another device key")).pack()
    what = "the footer is signed by another device"
    vectors.add("signed-by-another", what, bytes(content), state="closed", tally=tally, opens="signature_invalid")

    fewer = replace(footer, lost_packets=0)
    content[footer_at : footer_at + BLOCK] = fewer.signed_by(SIGNER).pack()
    what = "the footer hides lost packets"
    damage = ("footer_mismatch",)
    vectors.add(
        "loss-hidden", what, bytes(content), state="closed", damage=damage, tally=tally, opens="footer_mismatch"
    )

    other_root = replace(footer, nal_root=known("another root"))
    content[footer_at : footer_at + BLOCK] = other_root.signed_by(SIGNER).pack()
    what = "the footer's NAL root is another: only the key shows it"
    vectors.add("other-nal-root", what, bytes(content), state="closed", tally=tally, opens="footer_mismatch")

    end = footer_at - BLOCK
    cut = ChunkTally(chain_of(whole, 2), 2, end, access_units=4)
    shorter = replace(footer, chunks=2, chain_digest=cut.chain_digest, extent_blocks=end // BLOCK + 1)
    content = bytearray(whole[:end] + shorter.signed_by(SIGNER).pack())
    what = "the final chunk was cut off and a closed footer put in its place"
    damage = ("final_missing",)
    vectors.add(
        "final-missing", what, bytes(content), state="closed", damage=damage, tally=cut, opens="footer_mismatch"
    )


def add_record_types(vectors: VectorSet) -> None:
    """Segments whose authenticated records are of types that our writer never writes."""
    for name, record_type, opens, what in (
        ("record-reserved", RecordType.CAMERA_EVENT, "yes", "a reserved record: readers step over it"),
        ("record-unknown", 99, "record_refused", "a record of an unknown type"),
    ):
        draft = Draft(name)
        digest = header_digest(draft.header.pack())
        sealer = ChunkSealer(draft.header, digest, ChunkCipher(draft.suite, draft.key), ChunkBuffers())
        strange = struct.pack("<BBHI", record_type, 0, 0, 5) + b"hello"
        index = struct.pack("<BBHIII", RecordType.INDEX, 0, 0, 8, 0, 0)
        for record in (encode_config(draft.config), strange):
            sealer.begin_record()
            sealer.stage(record)
        sealer.seal(FLAG_COMMIT_END)
        sealer.begin_record()
        sealer.stage(index)
        sealer.seal(FLAG_FINAL | FLAG_COMMIT_END)
        chunks, _ = sealer.take_sealed()
        content = draft.header.pack() + b"".join(bytes(chunk) for chunk in chunks)
        tally = replace(sealer.tally(), chain_digest=chain_of(content, 2))
        root = sha256(b"").digest()
        footer = build_footer(FooterKind.CLOSED, draft.header, digest, tally, end_boot_ms=1, gaps=(), nal_root=root)
        draft.expect(strange)
        draft.expect(index)
        records = draft.records if opens == "yes" else None
        content += footer.signed_by(SIGNER).pack()
        vectors.add(name, what, content, state="closed", tally=tally, opens=opens, records=records)


def make_vectors() -> VectorSet:
    """Make them all."""
    vectors = VectorSet()
    plain = add_whole(vectors)
    add_torn(vectors)
    add_altered_chunks(vectors, plain)
    add_altered_ends(vectors, plain)
    add_record_types(vectors)
    return vectors


def main() -> None:
    """Write the files."""
    vectors = make_vectors()
    VECTORS.mkdir(exist_ok=True)
    for name, content in vectors.files.items():
        (VECTORS / name).write_bytes(content)
    (VECTORS / "vectors.json").write_bytes(vectors.index_file())


if __name__ == "__main__":
    main()
