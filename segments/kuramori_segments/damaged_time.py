"""Which times of a segment its damage takes away: from the clear heads of the chunks that are whole, without a key.

Where a chunk is missing, what is lost lies between the last picture that begins before it and the first that begins
behind it. Pictures behind it are there, but up to the next key frame they may show nothing. The first chunk says how
the others are to be read: without it nothing of the segment opens. This module must not know how damage was found,
nor what is done about it.
"""

from collections.abc import Collection, Iterator

from kuramori_segments.block_window import BlockWindow, ReadAt
from kuramori_segments.chunk_search import ChunkPlace, ChunkSearch
from kuramori_segments.finding import FindingKind
from kuramori_segments.forgiving_read import forgiving
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.slot_entry import SlotEntry
from kuramori_segments.storage_fault import StorageFault

TimeRange = tuple[int, int]  # from and to in UTC milliseconds, half open

MAX_RANGES = 16  # of one segment; what is beyond joins the last

IN_CHUNKS = frozenset(
    {
        FindingKind.CHUNK_HEAD,
        FindingKind.CHUNK_FOREIGN,
        FindingKind.CHUNK_ORDER,
        FindingKind.CHUNK_CUT,
        FindingKind.CHUNK_CHECKSUM,
        FindingKind.PADDING,
        FindingKind.SLOT_UNREADABLE,
    }
)  # all other findings concern a segment as a whole: who it is, where it ends, what proves it


def damaged_times(
    read_at: ReadAt, slot_bytes: int, entry: SlotEntry, kinds: Collection[FindingKind]
) -> tuple[TimeRange, ...]:
    """Return the times of a finished segment that `kinds` of findings concern; at least one. Raises nothing.

    `read_at` reads from the slot's start.
    """
    whole = (entry.start_utc_ms, max(entry.end_utc_ms, entry.start_utc_ms) + 1)
    if not kinds or any(kind not in IN_CHUNKS for kind in kinds):
        return (whole,)
    window = BlockWindow(forgiving(read_at), min(entry.extent_blocks * BLOCK_BYTES, slot_bytes))
    try:
        header = SegmentHeader.unpack(window.look(0, BLOCK_BYTES))
        return _joined(_holes(window, header, whole)) or (whole,)
    except (FormatError, StorageFault):
        return (whole,)


def _holes(window: BlockWindow, header: SegmentHeader, whole: TimeRange) -> Iterator[TimeRange]:
    """Walk the chunks; yield the time of each hole between them, and of each with bytes behind it that are not zero."""
    end_bytes = window.limit_bytes - BLOCK_BYTES
    search = ChunkSearch(window, header.segment_uid, end_bytes)
    offset, index, reached = BLOCK_BYTES, 0, whole[0]
    while offset < end_bytes:
        found = search.expect(offset, index, with_checksum=True)
        if not isinstance(found, ChunkPlace):
            behind = _next_whole(search, offset + BLOCK_BYTES, end_bytes, index) if index else None
            yield reached, (whole[1] if behind is None else behind.head.first_utc_ms)
            if behind is None:
                return
            found = behind
        if not search.padding_is_zero(found):
            yield found.head.first_utc_ms, found.head.last_utc_ms + 1
        offset, index, reached = found.end_bytes, found.head.index + 1, found.head.last_utc_ms


def _next_whole(search: ChunkSearch, offset_bytes: int, end_bytes: int, index: int) -> ChunkPlace | None:
    for offset in range(offset_bytes, end_bytes, BLOCK_BYTES):
        place = search.whole_chunk_at(offset, index)
        if place is not None:
            return place
    return None


def _joined(ranges: Iterator[TimeRange]) -> tuple[TimeRange, ...]:
    joined: list[TimeRange] = []
    for begin, end in ranges:
        end = max(end, begin + 1)
        if joined and (begin <= joined[-1][1] or len(joined) == MAX_RANGES):
            first, last = joined[-1]
            joined[-1] = (min(first, begin), max(last, end))
        else:
            joined.append((begin, end))
    return tuple(joined)
