"""Every block packs and unpacks to the same; what is damaged, reserved or out of range is refused by name."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.block_layout import seal_checksum
from kuramori_segments.chunk import ChunkHead
from kuramori_segments.codes import FooterKind, SlotState
from kuramori_segments.footer import ChunkTally, FooterGap, SegmentFooter, build_footer, build_recovered
from kuramori_segments.format_error import (
    BlockTruncated,
    ChecksumMismatch,
    FieldInvalid,
    FormatError,
    MagicMismatch,
    ReservedBytesUsed,
    VersionUnknown,
)
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.slot_entry import SlotEntry
from kuramori_segments.superblock import Superblock
from tests.fakes.segments import SIGNER, make_header, make_uid

HEADER = make_header()
TALLY = ChunkTally(bytes(range(32)), 3, 8 * 4096, 1000, 2000, 10, 20, 11, 4, True)
GAPS = (FooterGap(5, 6, GapReason.CAMERA_STALLED), FooterGap(7, 7, GapReason.STORAGE_FAULT))
FOOTER = build_footer(
    FooterKind.CLOSED,
    HEADER,
    header_digest(HEADER.pack()),
    TALLY,
    end_boot_ms=9,
    gaps=GAPS,
    nal_root=bytes(32),
    nal_leaves=2,
    key_frames=1,
).signed_by(SIGNER)
SUPERBLOCK = Superblock(1000, make_uid("volume"), make_uid("recorder"), 1_750_000_000_000, 3, 17)
ENTRY = SlotEntry(SlotState.CLOSED, 7, 8, make_uid("epoch"), 9, 10, 11, 12)
Block = SegmentHeader | SegmentFooter | Superblock | SlotEntry
BLOCKS: list[Block] = [HEADER, FOOTER, SUPERBLOCK, ENTRY]
FRAMED: list[Block] = [HEADER, FOOTER, SUPERBLOCK]


def name_of(block: Block) -> str:
    """Name a case."""
    return type(block).__name__


def altered(block: Block, offset: int, value: bytes) -> bytes:
    """Return a framed block with other bytes at an offset and its checksum corrected."""
    content = bytearray(block.pack())
    content[offset : offset + len(value)] = value
    return seal_checksum(content)


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
def test_blocks_survive_packing(block: Block) -> None:
    """What was packed unpacks to the same values, and packs to the same bytes again."""
    packed = block.pack()
    assert type(block).unpack(packed) == block
    assert type(block).unpack(packed).pack() == packed


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
@given(data=st.data())
def test_one_flipped_bit_is_noticed(block: Block, data: st.DataObject) -> None:
    """A block with any single bit flipped is refused."""
    packed = bytearray(block.pack())
    bit = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FormatError):
        type(block).unpack(packed)


@pytest.mark.parametrize("block", [*BLOCKS, ChunkHead], ids=lambda block: getattr(block, "__name__", ""))
@given(content=st.binary(max_size=5000))
def test_any_bytes_give_a_block_or_a_format_error(block: Any, content: bytes) -> None:
    """Whatever the bytes, unpacking gives a value or a FormatError."""
    unpack: Callable[[bytes], object] = block.unpack
    with suppress(FormatError):
        unpack(content)


@pytest.mark.parametrize("block", FRAMED, ids=name_of)
@given(data=st.data())
def test_any_content_with_a_right_checksum_gives_a_block_or_a_format_error(block: Block, data: st.DataObject) -> None:
    """Bytes that a forger put in and sealed with a right checksum are read or refused, never worse."""
    offset = data.draw(st.integers(0, 4000))
    content = altered(block, offset, data.draw(st.binary(min_size=1, max_size=90)))
    try:
        found = type(block).unpack(content)
    except FormatError:
        return
    assert found.pack() == content


@pytest.mark.parametrize("block", BLOCKS, ids=name_of)
def test_a_cut_block_is_told(block: Block) -> None:
    """A block with its last byte missing is BlockTruncated, with both lengths."""
    packed = block.pack()
    with pytest.raises(BlockTruncated) as caught:
        type(block).unpack(packed[:-1])
    assert (caught.value.length_bytes, caught.value.expected_bytes) == (len(packed) - 1, len(packed))


@pytest.mark.parametrize("block", FRAMED, ids=name_of)
def test_each_way_to_be_wrong_has_its_own_error(block: Block) -> None:
    """Wrong magic, damage, a later version and used reserved bytes are told apart."""
    reserved = {"SegmentHeader": 17, "SegmentFooter": 214, "Superblock": 10}[name_of(block)]
    unpack = type(block).unpack
    with pytest.raises(MagicMismatch):
        unpack(altered(block, 0, b"SOMETHNG"))
    with pytest.raises(VersionUnknown) as caught:
        unpack(altered(block, 8, b"\x02"))
    assert caught.value.version == 2
    with pytest.raises(ReservedBytesUsed) as used:
        unpack(altered(block, reserved, b"\x01"))
    assert used.value.offset_bytes == reserved
    damaged = bytearray(block.pack())
    damaged[100] ^= 1
    with pytest.raises(ChecksumMismatch):
        unpack(damaged)


@pytest.mark.parametrize(
    ("offset", "value", "field"),
    [
        (10, b"\x03", "suite"),
        (12, b"\x00", "track"),
        (13, b"\x03", "provenance"),
        (14, b"\x04", "flags"),
        (15, b"\x00", "codec"),
        (16, b"\x04", "audio"),
        (20, bytes(4), "camera_number"),
        (184, b"\x01", "k of n"),
        (185, b"\x11", "k of n"),
        (186, b"\x41", "camera_name_length"),
        (186, b"\x03", "camera_name"),
        (192, b"\xff", "camera_name"),
        (384 + 3 * 112, b"\x01", "sealed_shares"),
        (384, make_header().shares[1].custodian_id, "shares"),
    ],
)
def test_a_header_outside_its_limits_is_refused(offset: int, value: bytes, field: str) -> None:
    """A header with a value that the format does not allow names the field."""
    with pytest.raises(FieldInvalid) as caught:
        SegmentHeader.unpack(altered(HEADER, offset, value))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "change",
    [
        {"k": 1},
        {"n": 2},
        {"shares": ()},
        {"camera_name": ""},
        {"camera_name": "倉" * 22},
        {"recorder_id": b"short"},
        {"key_commitment": b"short"},
        {"recovery_seal": b""},
        {"sequence": -1},
    ],
    ids=str,
)
def test_a_wrong_header_is_never_written(change: dict[str, Any]) -> None:
    """Packing refuses what no reader would accept."""
    with pytest.raises(FieldInvalid):
        replace(HEADER, **change).pack()


def test_the_seals_are_bound_to_what_the_header_says() -> None:
    """The HPKE info changes with the share number and with each fact it binds."""
    infos = {HEADER.share_info(number) for number in range(1, 4)} | {HEADER.recovery_info()}
    for change in (
        {"recorder_id": bytes(16)},
        {"camera_number": 8},
        {"epoch_id": bytes(16)},
        {"sequence": 2},
        {"start_utc_ms": 1},
        {"custodian_set_id": bytes(16)},
        {"k": 3},
        {"n": 4},
        {"segment_uid": bytes(16)},
    ):
        facts: dict[str, Any] = change
        infos.add(replace(HEADER, **facts).share_info(1))
    assert len(infos) == 4 + 9


@pytest.mark.parametrize(
    ("offset", "value", "field"),
    [
        (10, b"\x03", "kind"),
        (10, b"\x02", "nal_root"),
        (11, b"\x02", "flags"),
        (168, (3000).to_bytes(8, "little"), "first_utc_ms"),
        (212, b"\x41", "gap_count"),
        (212, b"\x01", "gaps"),
        (240, (99).to_bytes(8, "little"), "from_utc_ms"),
        (240 + 16, b"\x00", "reason"),
    ],
)
def test_a_footer_outside_its_limits_is_refused(offset: int, value: bytes, field: str) -> None:
    """A footer with a value that the format does not allow names the field."""
    with pytest.raises(FieldInvalid) as caught:
        SegmentFooter.unpack(altered(FOOTER, offset, value))
    assert caught.value.field == field


def test_a_footer_without_signature_is_never_written() -> None:
    """An unsigned footer has bytes to sign, but no block."""
    unsigned = replace(FOOTER, signature=b"")
    assert unsigned.signed_bytes() == FOOTER.signed_bytes()
    with pytest.raises(FieldInvalid):
        unsigned.pack()


def test_more_gaps_than_fit_are_cut_and_said() -> None:
    """The footer lists the first 64 gaps and flags that there were more."""
    gaps = [FooterGap(number, number, GapReason.CAMERA_OFFLINE) for number in range(65)]
    footer = build_recovered(HEADER, bytes(32), TALLY, SIGNER, gaps=gaps)
    assert (len(footer.gaps), footer.gaps_overflowed) == (64, True)
    assert SegmentFooter.unpack(footer.pack()) == footer


def test_a_recovered_footer_claims_no_more_than_the_chunks_tell() -> None:
    """Kind, NAL root, key frames and end say that it was not the writer who closed."""
    footer = build_recovered(HEADER, bytes(32), TALLY, SIGNER)
    assert footer.kind is FooterKind.RECOVERED
    assert (footer.nal_root, footer.nal_leaves, footer.key_frames, footer.end_boot_ms) == (bytes(32), 0, 0, 0)
    assert (footer.chunks, footer.extent_blocks, footer.last_access_unit) == (3, 9, 20)


@pytest.mark.parametrize(
    ("offset", "value", "field"),
    [
        (12, b"\x00\x20", "block_bytes"),
        (16, b"\x00\x10\x00\x00", "slot_bytes"),
        (20, bytes(4), "slot_count"),
        (24, b"\x01", "data_offset"),
        (32, b"\x01", "table_a_offset"),
        (40, b"\x01", "table_b_offset"),
        (96, b"\xff\xff", "filled_slots"),
    ],
)
def test_a_superblock_outside_its_limits_is_refused(offset: int, value: bytes, field: str) -> None:
    """A superblock whose geometry does not add up names the field."""
    with pytest.raises(FieldInvalid) as caught:
        Superblock.unpack(altered(SUPERBLOCK, offset, value))
    assert caught.value.field == field


@given(st.integers(1, 1 << 24))
def test_tables_and_slots_never_overlap(slot_count: int) -> None:
    """Whatever the number of slots, table B lies behind A, and the slots behind both on a whole MiB."""
    block = replace(SUPERBLOCK, slot_count=slot_count)
    assert block.table_b_offset >= block.table_a_offset + slot_count * 64
    assert block.data_offset >= block.table_b_offset + slot_count * 64
    assert block.data_offset % (1 << 20) == 0
    assert block.slot_offset(slot_count) == block.volume_bytes


def test_a_slot_entry_of_zeros_is_not_an_empty_slot() -> None:
    """Zeros have no valid checksum: a fresh medium is not taken for a table."""
    with pytest.raises(ChecksumMismatch):
        SlotEntry.unpack(bytes(64))
