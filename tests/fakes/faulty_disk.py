"""A disk in memory that behaves as badly as a disk may: it loses and tears what was not synced, and it errs.

Between a write and the next sync every 512-byte sector of it may or may not survive a power cut, whatever the order
of writing; the block that was being written may even turn into garbage. After a failed sync the writes it covered are
lost although reads (the page cache) still show them, and the next sync says that all is well: both as seen on Linux.
"""

import errno
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from kuramori_segments.block_layout import BytesLike
from kuramori_segments.storage_fault import BeyondEnd, storage_fault

SECTOR_BYTES = 512
BLOCK_BYTES = 4096


class PowerCut(Exception):
    """The machine lost power during this operation. Only `survivor` is left."""


class Tear(Enum):
    """What a power cut leaves of the writes that were not synced."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    IN_ORDER = "in order"  # a prefix of the writes, the last of them torn at any byte
    ANY_SECTORS = "any sectors"  # each sector on its own
    GARBAGE = "garbage"  # as any sectors, and one block that was being written is random now


@dataclass
class FaultyDisk:
    """See the module. `place` is what faults call it; `log` holds the kind of each operation that was begun."""

    size_bytes: int
    place: str = "faulty"
    log: list[str] = field(default_factory=list)
    cut_at_operation: int | None = None  # index in `log` at which power is lost
    faults: dict[int, int] = field(default_factory=dict)  # index in `log` -> errno
    bad_sectors: set[int] = field(default_factory=set)  # reading or syncing one of them is EIO

    def __post_init__(self) -> None:
        self._durable = bytearray(self.size_bytes)
        self._visible = bytearray(self.size_bytes)
        self._pending: list[tuple[int, bytes]] = []
        self._lost: list[tuple[int, int]] = []  # written, failed to sync, still visible

    def _begin(self, kind: str, extents: tuple[tuple[int, int], ...]) -> None:
        number = len(self.log)
        self.log.append(kind)
        if number == self.cut_at_operation:
            raise PowerCut(f"at operation {number}, a {kind}")
        if number in self.faults:
            raise storage_fault(OSError(self.faults[number], "injected"), kind, extents)

    def _touches_bad(self, offset_bytes: int, length_bytes: int) -> bool:
        if not self.bad_sectors:
            return False
        sectors = range(offset_bytes // SECTOR_BYTES, (offset_bytes + length_bytes - 1) // SECTOR_BYTES + 1)
        return any(sector in self.bad_sectors for sector in sectors)

    def read_at(self, offset_bytes: int, length_bytes: int) -> bytes:
        if offset_bytes < 0 or offset_bytes + length_bytes > self.size_bytes:
            raise BeyondEnd(errno.ENXIO, "read", ((offset_bytes, length_bytes),))
        if self._touches_bad(offset_bytes, length_bytes):
            raise storage_fault(OSError(errno.EIO, "bad sector"), "read", ((offset_bytes, length_bytes),))
        return bytes(self._visible[offset_bytes : offset_bytes + length_bytes])

    def write_at(self, offset_bytes: int, buffers: Sequence[BytesLike]) -> int:
        data = b"".join(buffers)
        if offset_bytes < 0 or offset_bytes + len(data) > self.size_bytes:
            raise BeyondEnd(errno.ENXIO, "write", ((offset_bytes, len(data)),))
        try:
            self._begin("write", ((offset_bytes, len(data)),))
        except PowerCut:
            self._pending.append((offset_bytes, data))  # it had begun: any part of it may be there
            raise
        self._pending.append((offset_bytes, data))
        self._visible[offset_bytes : offset_bytes + len(data)] = data
        return len(data)

    def sync(self) -> None:
        pending = self._pending
        try:
            self._begin("sync", ((0, self.size_bytes),))
            if any(self._touches_bad(offset, len(data)) for offset, data in pending):
                raise storage_fault(OSError(errno.EIO, "bad sector"), "sync", ((0, self.size_bytes),))
        except PowerCut:
            raise
        except Exception:
            self._lost += [(offset, len(data)) for offset, data in pending]
            self._pending = []
            raise
        for offset, data in pending:
            self._durable[offset : offset + len(data)] = data
        self._pending = []

    def extend(self, size_bytes: int) -> None:
        """Make it longer, durably; a power cut meanwhile leaves either length."""
        more = max(0, size_bytes - self.size_bytes)
        try:
            self._begin("extend", ((self.size_bytes, more),))
        except PowerCut:
            if len(self.log) % 2:
                self._lengthen(more)
            raise
        self._lengthen(more)

    def _lengthen(self, more_bytes: int) -> None:
        self._durable += bytes(more_bytes)
        self._visible += bytes(more_bytes)
        self.size_bytes += more_bytes

    def forget_cached(self, offset_bytes: int, length_bytes: int) -> None:
        """Show again what the medium holds, where a sync had failed."""
        for offset, length in self._lost:
            start, end = max(offset, offset_bytes), min(offset + length, offset_bytes + length_bytes)
            if start < end:
                self._visible[start:end] = self._durable[start:end]
        for offset, data in self._pending:
            self._visible[offset : offset + len(data)] = data

    def close(self) -> None:
        """Nothing is held."""

    def corrupt(self, offset_bytes: int, data: bytes) -> None:
        """Change bytes as decay or an adversary would, past every cache."""
        for image in (self._durable, self._visible):
            image[offset_bytes : offset_bytes + len(data)] = data

    def snapshot(self) -> bytes:
        """Return what reads see now."""
        return bytes(self._visible)

    def survivor(self, tear: Tear, rng: random.Random) -> "FaultyDisk":
        """Return the disk as the next start finds it after a power cut."""
        image = bytearray(self._durable)
        if tear is Tear.EVERYTHING:
            _apply_all(image, self._pending)
        elif tear is Tear.IN_ORDER:
            _apply_prefix(image, self._pending, rng)
        elif tear in (Tear.ANY_SECTORS, Tear.GARBAGE):
            _apply_sectors(image, self._pending, rng)
            if tear is Tear.GARBAGE and self._pending:
                offset, data = rng.choice(self._pending)
                block = rng.randrange(offset // BLOCK_BYTES, -(-(offset + len(data)) // BLOCK_BYTES))
                image[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES] = rng.randbytes(BLOCK_BYTES)
        disk = FaultyDisk(self.size_bytes, self.place)
        disk._durable = image
        disk._visible = bytearray(image)
        return disk


def _apply_all(image: bytearray, pending: list[tuple[int, bytes]]) -> None:
    for offset, data in pending:
        image[offset : offset + len(data)] = data


def _apply_prefix(image: bytearray, pending: list[tuple[int, bytes]], rng: random.Random) -> None:
    kept = rng.randint(0, len(pending))
    _apply_all(image, pending[:kept])
    if kept < len(pending):
        offset, data = pending[kept]
        torn = data[: rng.randint(0, len(data))]
        image[offset : offset + len(torn)] = torn


def _apply_sectors(image: bytearray, pending: list[tuple[int, bytes]], rng: random.Random) -> None:
    chance = rng.choice((0.1, 0.5, 0.9))
    for offset, data in pending:
        for start in range(0, len(data), SECTOR_BYTES):
            if rng.random() < chance:
                piece = data[start : start + SECTOR_BYTES]
                image[offset + start : offset + start + len(piece)] = piece
