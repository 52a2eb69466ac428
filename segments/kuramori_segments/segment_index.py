"""The index in the making: where key frames and parameter sets stand, for the INDEX record at a segment's end.

It stays within one chunk: key frames beyond the limit are thinned evenly. This module must not know how records
are sealed.
"""

from kuramori_segments.limits import MAX_INDEX_ENTRIES, MAX_INDEXED_PARAMETER_SETS
from kuramori_segments.records import encode_index, index_record_bytes


class SegmentIndex:
    """Collects the places of one segment."""

    def __init__(self) -> None:
        self.key_frames = 0
        self._stride = 1
        self._entries: list[tuple[int, int, int, int]] = []
        self._parameter_sets: list[tuple[int, int]] = []
        self._too_many_parameter_sets = False

    @property
    def largest_record_bytes(self) -> int:
        """Return the length of the INDEX record after one more key frame and parameter set."""
        return index_record_bytes(len(self._entries) + 1, len(self._parameter_sets) + 1)

    def note_key_frame(self, number: int, utc_us: int, chunk_index: int, record_offset: int) -> None:
        """Enter a key frame whose record begins there."""
        if self.key_frames % self._stride == 0:
            if len(self._entries) == MAX_INDEX_ENTRIES:
                del self._entries[1::2]
                self._stride *= 2
            self._entries.append((number, utc_us, chunk_index, record_offset))
        self.key_frames += 1

    def note_parameter_sets(self, chunk_index: int, record_offset: int) -> None:
        """Enter a PARAMETER_SETS record; with too many of them their places are not told at all."""
        if len(self._parameter_sets) < MAX_INDEXED_PARAMETER_SETS:
            self._parameter_sets.append((chunk_index, record_offset))
        else:
            self._too_many_parameter_sets = True

    def encode(self) -> bytes:
        """Return the INDEX record."""
        return encode_index(self._entries, None if self._too_many_parameter_sets else self._parameter_sets)
