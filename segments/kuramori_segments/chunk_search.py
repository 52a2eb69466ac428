"""Finding a segment's chunks on a medium without a key: is the expected one here, and if not, where is a later one.

Never takes another segment's chunks (an earlier lap's) for this one's: the segment's uid, the index and the
checksum must all fit. This module must not know what an end or a hole means.
"""

from dataclasses import dataclass

from kuramori_segments.block_window import BlockWindow
from kuramori_segments.chunk import MAGIC, UID_PREFIX_BYTES, ChunkHead, check_body
from kuramori_segments.damage import DamageKind
from kuramori_segments.format_error import ChecksumMismatch, FormatError
from kuramori_segments.limits import CHUNK_HEAD_BYTES


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """A chunk and where it stands in the slot."""

    offset_bytes: int
    head: ChunkHead

    @property
    def end_bytes(self) -> int:
        """Return where the next chunk or the footer begins."""
        return self.offset_bytes + self.head.extent_bytes


@dataclass(frozen=True, slots=True)
class NoChunk:
    """Why the expected chunk is not here."""

    kind: DamageKind
    detail: str


class ChunkSearch:
    """Looks for the chunks of one segment in one slot; none may reach beyond `end_bytes`."""

    def __init__(self, window: BlockWindow, segment_uid: bytes, end_bytes: int) -> None:
        self._window = window
        self._end_bytes = end_bytes
        self._prefix = segment_uid[:UID_PREFIX_BYTES]

    def expect(self, offset_bytes: int, index: int, *, with_checksum: bool) -> ChunkPlace | NoChunk:
        """Return the chunk of that index at that offset, or why there is none.

        Without checksum only the head is looked at; the caller decrypts, which proves more.
        """
        found = self._head_at(offset_bytes)
        if isinstance(found, NoChunk):
            return found
        if found.head.index != index:
            return NoChunk(DamageKind.CHUNK_ORDER, f"chunk {found.head.index} stands where {index} belongs")
        return self._checked(found) if with_checksum else found

    def whole_chunk_at(self, offset_bytes: int, lowest_index: int) -> ChunkPlace | None:
        """Return the chunk that stands there, if it is whole, of this segment and of at least that index."""
        if self._window.look(offset_bytes, len(MAGIC)) != MAGIC:
            return None
        found = self._head_at(offset_bytes)
        if isinstance(found, ChunkPlace) and found.head.index >= lowest_index:
            found = self._checked(found)
            return found if isinstance(found, ChunkPlace) else None
        return None

    def chunk_bytes(self, place: ChunkPlace) -> memoryview:
        """Return head and body of a chunk."""
        return self._window.look(place.offset_bytes, place.head.length_bytes)

    def padding_is_zero(self, place: ChunkPlace) -> bool:
        """Tell whether all bytes between the chunk and the next block are zero."""
        length = place.head.length_bytes
        padding = self._window.look(place.offset_bytes, place.head.extent_bytes)[length:]
        return not bytes(padding).strip(b"\0")

    def _head_at(self, offset_bytes: int) -> ChunkPlace | NoChunk:
        data = self._window.look(offset_bytes, CHUNK_HEAD_BYTES)
        try:
            place = ChunkPlace(offset_bytes, ChunkHead.unpack(data))
        except FormatError as fault:
            return NoChunk(DamageKind.CHUNK_HEAD, str(fault))
        if place.head.segment_uid_prefix != self._prefix:
            return NoChunk(DamageKind.CHUNK_FOREIGN, "a chunk of another segment stands here")
        if place.end_bytes > self._end_bytes:
            return NoChunk(DamageKind.CHUNK_HEAD, "the chunk would leave no room for the footer")
        return place

    def _checked(self, place: ChunkPlace) -> ChunkPlace | NoChunk:
        if len(self._window.look(place.offset_bytes, place.head.extent_bytes)) < place.head.extent_bytes:
            return NoChunk(DamageKind.CHUNK_CUT, "the data ends inside the chunk")
        try:
            check_body(place.head, self.chunk_bytes(place))
        except ChecksumMismatch as fault:
            return NoChunk(DamageKind.CHUNK_CHECKSUM, str(fault))
        return place
