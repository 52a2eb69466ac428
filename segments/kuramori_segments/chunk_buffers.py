"""The buffers in which chunks leave the writers: reused, shared by all cameras, handed over until written.

A writer takes a buffer per chunk; a commit carries them to the thread that writes; whoever waited for the write
gives them back by `Commit.release()`. Between two ticks only what is pending takes memory, not twice as much.
All calls come from one thread (the loop's). This module must not know what a buffer holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kuramori_segments.limits import MAX_CHUNK_BYTES, MEBIBYTE

DEFAULT_SPARE_BYTES = MEBIBYTE  # two seconds at 4 Mbit/s


class ChunkBuffers:
    """A pool of 64 KiB buffers. Keeps at most `spare_bytes` that nobody uses; the rest goes back to the system."""

    def __init__(self, spare_bytes: int = DEFAULT_SPARE_BYTES) -> None:
        self._spare_limit = max(1, spare_bytes // MAX_CHUNK_BYTES)
        self._spare: list[memoryview] = []
        self._handed_out: set[int] = set()

    @property
    def spare_bytes(self) -> int:
        """Return how much is kept for reuse."""
        return len(self._spare) * MAX_CHUNK_BYTES

    @property
    def handed_out_bytes(self) -> int:
        """Return how much is with writers and commits."""
        return len(self._handed_out) * MAX_CHUNK_BYTES

    def take(self) -> memoryview:
        """Hand out a buffer of 65536 bytes with any content."""
        buffer = self._spare.pop() if self._spare else memoryview(bytearray(MAX_CHUNK_BYTES))
        self._handed_out.add(id(buffer))
        return buffer

    def give_back(self, buffers: Iterable[memoryview]) -> None:
        """Take buffers back; one that is not out (given back twice) is ignored."""
        for buffer in buffers:
            if id(buffer) in self._handed_out:
                self._handed_out.remove(id(buffer))
                if len(self._spare) < self._spare_limit:
                    self._spare.append(buffer)


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit adds to a slot: whole blocks, to be written at `offset_bytes` of the slot, then synced.

    The buffers stay untouched until `release()`, which is called once they are durable (or given up), on the
    writers' thread; a second call does nothing.
    """

    offset_bytes: int
    buffers: tuple[bytes | memoryview, ...]
    length_bytes: int
    first_chunk: int  # index of its first chunk; every commit begins with a record
    last_access_unit: int | None  # durable with this commit; None: none yet in this segment
    last_utc_ms: int | None
    _taken: tuple[memoryview, ...] = field(repr=False, compare=False)
    _pool: ChunkBuffers = field(repr=False, compare=False)

    def release(self) -> None:
        """Give the buffers back for reuse."""
        self._pool.give_back(self._taken)
