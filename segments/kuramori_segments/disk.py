"""The medium under a volume: the only module that opens, reads, writes and syncs ring files.

It moves bytes and names failures. It must not know what the bytes mean, and it never tries anything twice: a
failed write or sync leaves the state of what it touched unknown, and only the caller can say what to do.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from kuramori_segments.block_layout import BytesLike
from kuramori_segments.storage_fault import (
    BeyondEnd,
    NoSpace,
    StorageFault,
    VolumeExists,
    VolumeInUse,
    storage_fault,
)

MAX_BUFFERS_PER_CALL = 512  # half of what Linux takes in one pwritev (IOV_MAX)
MAX_BYTES_PER_CALL = 64 << 20  # far below what Linux takes in one call
PARTIAL_SUFFIX = ".partial"  # a volume being made; it gets its name when it is complete
FILE_MODE = 0o600


class Disk(Protocol):
    """Numbered bytes that survive a power cut once a sync returned after they were written.

    Until then any part of what was written may or may not be there after a power cut, in any order.
    Reads see what was written. All methods raise StorageFault; none tries again.
    """

    @property
    def size_bytes(self) -> int:
        """Length of the medium; does not change."""

    def read_at(self, offset_bytes: int, length_bytes: int) -> bytes:
        """Return exactly that many bytes; raises BeyondEnd where the medium ends before."""

    def write_at(self, offset_bytes: int, buffers: Sequence[BytesLike]) -> int:
        """Write the buffers one behind the other and return how many bytes that were. Not durable yet."""

    def sync(self) -> None:
        """Make everything written so far durable. A failure is reported once; a later success proves nothing."""

    def forget_cached(self, offset_bytes: int, length_bytes: int) -> None:
        """Let the next read come from the medium where the system can. After a failed sync memory may differ."""

    def close(self) -> None:
        """Let go of the medium without a sync. May be called twice."""


def total_bytes(buffers: Sequence[BytesLike]) -> int:
    """Return how many bytes the buffers hold together."""
    return sum(map(len, buffers))


class FileDisk:
    """A regular file or a block device. At most one process has it open for writing (an advisory lock)."""

    def __init__(self, descriptor: int, place: str) -> None:
        """Take over an open descriptor; use `create` or `open`."""
        self.place = place
        self._descriptor = descriptor
        self._size_bytes = os.lseek(descriptor, 0, os.SEEK_END)

    @classmethod
    def create(cls, path: Path, size_bytes: int) -> "FileDisk":
        """Make the file under a preliminary name, preallocated and locked; `publish` gives it its name.

        Raises VolumeExists, VolumeInUse, NoSpace, StorageFault. A preliminary file left by a crash is replaced.
        """
        if path.exists():
            raise VolumeExists(str(path))
        partial = path.with_name(path.name + PARTIAL_SUFFIX)
        try:
            descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
        except OSError as error:
            raise storage_fault(error, "create", ((0, size_bytes),)) from error
        try:
            _lock(descriptor, str(path))
        except VolumeInUse:
            os.close(descriptor)
            raise
        try:
            os.ftruncate(descriptor, 0)
            _require_space(path, size_bytes)
            os.posix_fallocate(descriptor, 0, size_bytes)
        except NoSpace:
            _discard(descriptor, partial)
            raise
        except OSError as error:
            _discard(descriptor, partial)
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise NoSpace(str(path), size_bytes, _free_bytes(path)) from error
            raise storage_fault(error, "preallocate", ((0, size_bytes),)) from error
        return cls(descriptor, str(path))

    def publish(self) -> None:
        """Give a created file its name, durably: only a complete volume ever bears it. Raises VolumeExists."""
        path = Path(self.place)
        partial = path.with_name(path.name + PARTIAL_SUFFIX)
        try:
            os.fsync(self._descriptor)
            if path.exists():
                raise VolumeExists(self.place)
            os.rename(partial, path)
            directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise storage_fault(error, "publish", ()) from error

    def discard(self) -> None:
        """Remove a created file that was not published."""
        path = Path(self.place)
        _discard(self._descriptor, path.with_name(path.name + PARTIAL_SUFFIX))
        self._descriptor = -1

    @classmethod
    def open(cls, path: Path, *, writable: bool) -> "FileDisk":
        """Open an existing file or block device; a writer locks it. Raises VolumeInUse, StorageFault."""
        flags = os.O_NONBLOCK | (os.O_RDWR if writable else os.O_RDONLY)  # a pipe must not make us wait
        try:
            descriptor = os.open(path, flags)
        except OSError as error:
            raise storage_fault(error, "open", ()) from error
        try:
            mode = os.fstat(descriptor).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
                raise storage_fault(OSError(errno.ENODEV, "not a file or block device"), "open", ())
            if writable:
                _lock(descriptor, str(path))
            return cls(descriptor, str(path))
        except (StorageFault, VolumeInUse):
            os.close(descriptor)
            raise

    @property
    def size_bytes(self) -> int:
        """Length when it was opened."""
        return self._size_bytes

    def read_at(self, offset_bytes: int, length_bytes: int) -> bytes:
        """See Disk."""
        extent = (offset_bytes, length_bytes)
        try:
            data = os.pread(self._descriptor, length_bytes, offset_bytes)
            if len(data) == length_bytes:
                return data
            parts = [data]
            missing = length_bytes - len(data)
            while missing:
                data = os.pread(self._descriptor, missing, offset_bytes + length_bytes - missing)
                if not data:
                    raise BeyondEnd(errno.ENXIO, "read", (extent,))
                parts.append(data)
                missing -= len(data)
            return b"".join(parts)
        except OSError as error:
            raise storage_fault(error, "read", (extent,)) from error

    def write_at(self, offset_bytes: int, buffers: Sequence[BytesLike]) -> int:
        """See Disk. A short write is carried on with: the system takes less, or then says why."""
        length_bytes = total_bytes(buffers)
        extent = (offset_bytes, length_bytes)
        if offset_bytes < 0 or offset_bytes + length_bytes > self._size_bytes:
            raise BeyondEnd(errno.ENXIO, "write", (extent,))
        try:
            self._write_all(offset_bytes, [memoryview(b).cast("B") for b in buffers if len(b)])
        except OSError as error:
            raise storage_fault(error, "write", (extent,)) from error
        return length_bytes

    def _write_all(self, offset_bytes: int, views: list[memoryview]) -> None:
        first = 0
        while first < len(views):
            part: list[memoryview] = []
            size = 0
            for view in views[first : first + MAX_BUFFERS_PER_CALL]:
                if part and size + len(view) > MAX_BYTES_PER_CALL:
                    break
                part.append(view)
                size += len(view)
            written = os.pwritev(self._descriptor, part, offset_bytes)
            if written == 0 and size:
                raise OSError(errno.EIO, "the system wrote nothing")
            offset_bytes += written
            while first < len(views) and written >= len(views[first]):
                written -= len(views[first])
                first += 1
            if written:
                views[first] = views[first][written:]

    def sync(self) -> None:
        """See Disk."""
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise storage_fault(error, "sync", ((0, self._size_bytes),)) from error

    def extend(self, size_bytes: int) -> None:
        """See growth.GrowingDisk. A block device has its length; a file is preallocated further, and synced."""
        if size_bytes <= self._size_bytes:
            return
        path = Path(self.place)
        more_bytes = size_bytes - self._size_bytes
        try:
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise NoSpace(self.place, size_bytes, self._size_bytes)
            _require_space(path, more_bytes)
            os.posix_fallocate(self._descriptor, self._size_bytes, more_bytes)
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                with suppress(OSError):  # what was allocated of it belongs to nobody
                    os.ftruncate(self._descriptor, self._size_bytes)
                raise NoSpace(self.place, more_bytes, _free_bytes(path)) from error
            raise storage_fault(error, "extend", ((self._size_bytes, more_bytes),)) from error
        self._size_bytes = size_bytes

    def forget_cached(self, offset_bytes: int, length_bytes: int) -> None:
        """See Disk. Pages not yet written stay; pages whose write failed count as clean and are dropped."""
        with suppress(OSError):  # a hint only: some media have no cache to drop
            os.posix_fadvise(self._descriptor, offset_bytes, length_bytes, os.POSIX_FADV_DONTNEED)

    def is_at(self, path: Path) -> bool:
        """Tell whether the open file is the one that lies at `path` now."""
        if self._descriptor < 0:
            return False
        try:
            here, there = os.fstat(self._descriptor), os.stat(path)
        except OSError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)

    def close(self) -> None:
        """See Disk."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _lock(descriptor: int, place: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise VolumeInUse(place) from None


def _free_bytes(path: Path) -> int:
    try:
        status = os.statvfs(path.parent)
    except OSError as error:
        raise storage_fault(error, "statvfs", ()) from error
    return status.f_bavail * status.f_frsize


def _require_space(path: Path, size_bytes: int) -> None:
    free_bytes = _free_bytes(path)
    if free_bytes < size_bytes:
        raise NoSpace(str(path), size_bytes, free_bytes)


def _discard(descriptor: int, partial: Path) -> None:
    os.close(descriptor)
    with suppress(FileNotFoundError):
        os.unlink(partial)
