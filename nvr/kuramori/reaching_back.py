"""Which segments a range needs: those that touch it, back to the key frame from which it can be decoded. Pure."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from kuramori_segments.codes import Provenance
from kuramori_segments.header import SegmentHeader

GOP_REACH_MS = 20_000  # how far before a range its key frame may lie


class WithHeader(Protocol):
    """A segment that was found somewhere."""

    @property
    def header(self) -> SegmentHeader: ...

    @property
    def start_utc_ms(self) -> int: ...


Found = TypeVar("Found", bound=WithHeader)


def reaching_back(found: Sequence[Found], from_utc_ms: int) -> list[Found]:
    """Leave out what lies before the key frame from which the range can be decoded; filled segments all stay.

    `found` is in the order of sequence, from GOP_REACH_MS before the range. The last segment that begins at or before
    the range holds the key frame, unless that one begins inside a GOP and so late that its first key frame may lie
    behind: then its predecessor is needed too.
    """
    live = [item for item in found if item.header.provenance is Provenance.LIVE]
    filled = list(found[len(live) :])
    first = 0
    for position, item in enumerate(live):
        if item.start_utc_ms <= from_utc_ms:
            first = position
    while first > 0 and live[first].header.continues and live[first].start_utc_ms > from_utc_ms - GOP_REACH_MS:
        first -= 1
    return live[first:] + filled
