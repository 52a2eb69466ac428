"""Whose segment a slot holds and where it ends, from two short reads: its header, and its footer near the slot's end.

For slots whose table entry is lost in both copies, of which there may be tens of thousands: to scan each would take
hours. A footer counts only when it names this header's digest and its own place, so an earlier lap's is never taken;
what stands before it is left to the scrub. A segment that fills less of its slot is not found here. This module must
not know volumes or tables.
"""

from kuramori_segments.block_window import ReadAt
from kuramori_segments.footer import MAGIC, SegmentFooter
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.limits import BLOCK_BYTES

REACHES = (64 << 10, 512 << 10)  # what a full slot leaves free is less than one access unit, mostly much less


def find_finished(read_at: ReadAt, slot_bytes: int) -> tuple[SegmentHeader, SegmentFooter] | None:
    """Return header and footer of the segment in a slot; None: a scan has to tell. Raises what `read_at` raises."""
    block = read_at(0, BLOCK_BYTES)
    try:
        header = SegmentHeader.unpack(block)
    except FormatError:
        return None
    digest = header_digest(block)
    searched = slot_bytes
    for reach in REACHES:
        begin = max(BLOCK_BYTES, slot_bytes - reach)
        tail = memoryview(read_at(begin, searched - begin)) if begin < searched else memoryview(b"")
        for offset in range(len(tail) - BLOCK_BYTES, -1, -BLOCK_BYTES):
            if tail[offset : offset + len(MAGIC)] == MAGIC:
                footer = _own(tail[offset : offset + BLOCK_BYTES], header, digest, begin + offset)
                if footer is not None:
                    return header, footer
        searched = begin
    return None


def _own(block: memoryview, header: SegmentHeader, digest: bytes, offset_bytes: int) -> SegmentFooter | None:
    try:
        footer = SegmentFooter.unpack(block)
    except FormatError:
        return None
    own = (footer.segment_uid, footer.header_digest, footer.camera_number, footer.sequence)
    named = (header.segment_uid, digest, header.camera_number, header.sequence)
    return footer if own == named and footer.extent_blocks * BLOCK_BYTES == offset_bytes + BLOCK_BYTES else None
