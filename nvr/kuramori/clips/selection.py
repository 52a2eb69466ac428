"""Which access units belong to a named range: those inside it, and what is needed to decode them.

Units arrive in decode order. Those since the last key frame wait here until one of them lies inside the range; then
they are taken together, because a picture cannot be decoded without those before it back to its key frame. Pure;
must not know segments, keys or files.
"""

from dataclasses import dataclass

from kuramori_segments.numbering import FIRST_FILLED_NUMBER
from kuramori_segments.records import AccessUnitRecord

WAITING_BYTES_MOST = 256 << 20  # a group of pictures longer than this cannot be reached back into


@dataclass(frozen=True, slots=True)
class SourceUnit:
    """One verified access unit, with the segment it came from and the parameter sets in force."""

    record: AccessUnitRecord
    segment: int  # position in the list of segments
    parameter_sets: tuple[bytes, ...]


class Selection:
    """Units in, chosen units out. The range is half open, in UTC milliseconds."""

    def __init__(self, from_utc_ms: int, to_utc_ms: int) -> None:
        self._from_utc_us = from_utc_ms * 1000
        self._to_utc_us = to_utc_ms * 1000
        self._waiting: list[SourceUnit] = []
        self._waiting_bytes = 0
        self._key_seen = False
        self._next_number: int | None = None
        self._live_end = 0  # behind the last live picture that was taken
        self.undecodable_units = 0  # inside the range, but without a key frame before them

    @property
    def segments(self) -> frozenset[int]:
        """Positions of the segments of which units wait."""
        return frozenset(unit.segment for unit in self._waiting)

    def take(self, unit: SourceUnit) -> list[SourceUnit]:
        """Return the units that are chosen now, in decode order."""
        record = unit.record
        if self._live_end <= record.number < FIRST_FILLED_NUMBER:
            self._live_end = record.number + 1
        elif record.number < self._live_end:
            return []  # it stands twice: a stop came before a commit that hung was taken back
        missing = self._next_number not in (None, record.number)  # a segment between is erased, or was never granted
        self._next_number = record.number + 1
        if record.is_key or missing:
            self._forget()
            self._key_seen = record.is_key
        inside = self._from_utc_us <= record.utc_us < self._to_utc_us
        if not self._key_seen:
            self.undecodable_units += inside
            return []
        if inside:
            chosen = [*self._waiting, unit]
            self._forget()
            return chosen
        self._waiting.append(unit)
        self._waiting_bytes += len(record.payload)
        if self._waiting_bytes > WAITING_BYTES_MOST:
            self._forget()
            self._key_seen = False
        return []

    def _forget(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0
