"""Reading a slot in large steps while looking at it in small ones.

Holds one stretch of bytes and reads the next where a look leaves it. This module must not know what the bytes
mean.
"""

from collections.abc import Callable
from typing import TypeAlias

from kuramori_segments.limits import MEBIBYTE

ReadAt: TypeAlias = Callable[[int, int], bytes]  # (offset_bytes, length_bytes): that many bytes, fewer at the end

WINDOW_BYTES = MEBIBYTE


class BlockWindow:
    """A view of the first `limit_bytes` of a slot."""

    def __init__(self, read_at: ReadAt, limit_bytes: int) -> None:
        self._read_at = read_at
        self.limit_bytes = limit_bytes
        self._start = 0
        self._bytes = memoryview(b"")

    def look(self, offset_bytes: int, length_bytes: int) -> memoryview:
        """Return the bytes there; fewer where the limit or the end of the data comes first."""
        end = min(offset_bytes + length_bytes, self.limit_bytes)
        if end <= offset_bytes:
            return memoryview(b"")
        if offset_bytes < self._start or end > self._start + len(self._bytes):
            wanted = min(max(length_bytes, WINDOW_BYTES), self.limit_bytes - offset_bytes)
            self._start = offset_bytes
            self._bytes = memoryview(self._read_at(offset_bytes, wanted))
        return self._bytes[offset_bytes - self._start : end - self._start]
