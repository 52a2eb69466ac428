"""Makes the test vectors of the vault format, the same bytes every time.

Run: .venv/bin/python -m tests.segments.make_vectors  (writes segments/vectors/)
"""

import struct
from dataclasses import replace
from hashlib import sha256

from kuramori_segments.chunk import FLAG_COMMIT_END, FLAG_FINAL
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.chunk_sealer import ChunkSealer
from kuramori_segments.cipher import ChunkCipher
from kuramori_segments.codes import FooterKind, Suite, VideoCodec
from kuramori_segments.footer import ChunkTally, FooterGap, SegmentFooter, build_footer, build_recovered
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.header import header_digest
from kuramori_segments.records import (
    FLAG_KEY_FRAME,
    CameraEventRecord,
    RecordType,
    encode_camera_event,
    encode_config,
)
from tests.fakes.segments import SlotInMemory, make_nal
from tests.segments.vector_drafts import (
    BLOCK,
    SIGNER,
    SLOT_BYTES,
    SOUND,
    START_UTC_MS,
    VECTORS,
    Draft,
    FixedSigner,
    VectorSet,
    chain_of,
    index_digest,
    known,
    tally_of,
    with_checksum,
    with_chunk_checksum,
)


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
    """Segments with records that are rare or wrong."""
    event = encode_camera_event(
        CameraEventRecord("motion", START_UTC_MS, True, START_UTC_MS - 2000, "tns1:RuleEngine/Cell", "領域1", dropped=7)
    )[8:]
    for name, record_type, payload, opens, what in (
        ("record-reserved", RecordType.AUDIO, b"hello", "record_refused", "sound in a segment that names no decision"),
        ("record-unknown", 99, b"hello", "record_refused", "a record of an unknown type"),
        ("camera-event", RecordType.CAMERA_EVENT, event, "yes", "the camera reported motion"),
        (
            "camera-event-shapeless",
            RecordType.CAMERA_EVENT,
            b'{"kind":"motion"}',
            "record_refused",
            "an event of the camera without its time",
        ),
    ):
        draft = Draft(name)
        digest = header_digest(draft.header.pack())
        sealer = ChunkSealer(draft.header, digest, ChunkCipher(draft.suite, draft.key), ChunkBuffers())
        strange = struct.pack("<BBHI", record_type, 0, 0, len(payload)) + payload
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


def add_sound(vectors: VectorSet) -> None:
    """Sound by written decision."""
    heard = Draft("audio", track=SOUND)
    writer = heard.writer()
    heard.unit(writer, make_nal(0x65, 900, 40), flags=FLAG_KEY_FRAME)
    heard.sound(writer, known("frame of sound", 20), 0)
    heard.unit(writer, make_nal(0x41, 300, 41))
    heard.sound(writer, known("another"), 3, lost=2)
    heard.commit(writer)
    heard.sound(writer, known("the last", 1), 4)
    heard.close(writer)
    heard.records.append(index_digest(writer))
    content = bytes(heard.slot.content)
    tally = tally_of(writer, content)
    what = "frames of sound between the pictures, by written decision"
    vectors.add("audio", what, content, state="closed", tally=tally, records=heard.records)


def make_vectors() -> VectorSet:
    """Make them all."""
    vectors = VectorSet()
    plain = add_whole(vectors)
    add_torn(vectors)
    add_altered_chunks(vectors, plain)
    add_altered_ends(vectors, plain)
    add_record_types(vectors)
    add_sound(vectors)
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
