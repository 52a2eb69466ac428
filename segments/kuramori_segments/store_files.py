"""A directory of small files for keys: each change is durable when its call returns. The only place that syncs them.

Directory and files belong to the account that runs the program and to nobody else; symbolic links, foreign owners
and open modes are refused at every use, and so is a directory under which another file system appeared (a cell's
medium that was unmounted). Nothing is ever tried twice: after a failed sync the state is unknown, and only the
caller can say what to do. This module must not know what the files hold.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from kuramori_segments.keystore_faults import KeystoreInUse, PlaceFault, PlaceRefused

BytesLike = bytes | bytearray | memoryview

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
_OTHERS = 0o077


class StoreFiles(Protocol):
    """Named files in one place. Changes raise OSError when the medium fails; then their state is unknown."""

    @property
    def place(self) -> str:
        """Where it is, for messages."""

    def lock(self) -> None:
        """Take the place for this process until `close`. Raises KeystoreInUse."""

    def read(self, name: str, limit_bytes: int) -> bytes | None:
        """Return a file, from the medium where the system can; None where there is none.

        A file longer than the limit comes cut to limit_bytes + 1.
        """

    def create(self, name: str, data: BytesLike) -> None:
        """Make a file that is not there yet, with its name and content durable. Raises FileExistsError."""

    def write(self, name: str, offset_bytes: int, data: BytesLike) -> None:
        """Overwrite in place, or append, durably."""

    def remove(self, name: str) -> None:
        """Remove a file durably; one that is not there is fine."""

    def close(self) -> None:
        """Let go of the lock. May be called twice."""


class DirectoryFiles:
    """A directory of the running account."""

    def __init__(self, directory: Path) -> None:
        """Use an existing directory. Raises PlaceRefused."""
        self._directory = directory
        self._device: int | None = None
        self._lock = -1
        with self._opened() as descriptor:
            self._device = os.fstat(descriptor).st_dev

    @classmethod
    def make(cls, directory: Path) -> "DirectoryFiles":
        """Use a directory, made with mode 0700 where it is missing. Raises PlaceRefused, OSError."""
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        return cls(directory)

    @property
    def place(self) -> str:
        """See StoreFiles."""
        return str(self._directory)

    @property
    def directory(self) -> Path:
        """Return the directory."""
        return self._directory

    def lock(self) -> None:
        """See StoreFiles. The lock is advisory and ends with the process."""
        with self._opened() as directory:
            descriptor = os.dup(directory)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise KeystoreInUse(self.place) from None
        self._lock = descriptor

    def close(self) -> None:
        """See StoreFiles."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def read(self, name: str, limit_bytes: int) -> bytes | None:
        """See StoreFiles."""
        with self._opened() as directory:
            try:
                descriptor = self._file(directory, name, os.O_RDONLY)
            except FileNotFoundError:
                return None
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                return _read_up_to(descriptor, limit_bytes + 1)
            finally:
                os.close(descriptor)

    def create(self, name: str, data: BytesLike) -> None:
        """See StoreFiles."""
        with self._opened() as directory:
            descriptor = self._file(directory, name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                _write_all(descriptor, 0, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.fsync(directory)

    def write(self, name: str, offset_bytes: int, data: BytesLike) -> None:
        """See StoreFiles."""
        with self._opened() as directory:
            descriptor = self._file(directory, name, os.O_WRONLY)
            try:
                _write_all(descriptor, offset_bytes, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def remove(self, name: str) -> None:
        """See StoreFiles."""
        with self._opened() as directory:
            with suppress(FileNotFoundError):  # perhaps removed before a power cut: the sync makes it durable
                os.unlink(name, dir_fd=directory)
            os.fsync(directory)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise PlaceRefused(self.place, PlaceFault.MISSING) from None
        except NotADirectoryError:
            raise PlaceRefused(self.place, PlaceFault.NOT_A_DIRECTORY) from None
        try:
            status = os.fstat(descriptor)
            self._require_private(self.place, status)
            if self._device is not None and status.st_dev != self._device:
                raise PlaceRefused(self.place, PlaceFault.CHANGED)
            yield descriptor
        finally:
            os.close(descriptor)

    def _file(self, directory: int, name: str, flags: int) -> int:
        path = str(self._directory / name)
        try:
            descriptor = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, FILE_MODE, dir_fd=directory)
        except FileNotFoundError:
            raise
        except OSError as error:
            if _is_link(directory, name):
                raise PlaceRefused(path, PlaceFault.NOT_A_FILE) from None
            raise error
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise PlaceRefused(path, PlaceFault.NOT_A_FILE)
            self._require_private(path, status)
        except PlaceRefused:
            os.close(descriptor)
            raise
        return descriptor

    @staticmethod
    def _require_private(path: str, status: os.stat_result) -> None:
        if status.st_uid != os.geteuid():
            raise PlaceRefused(path, PlaceFault.FOREIGN_OWNER, f"user {status.st_uid}")
        mode = stat.S_IMODE(status.st_mode)
        if mode & _OTHERS:
            raise PlaceRefused(path, PlaceFault.OPEN_TO_OTHERS, f"mode {mode:04o}")


def _is_link(directory: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _read_up_to(descriptor: int, length_bytes: int) -> bytes:
    parts: list[bytes] = []
    while length_bytes > 0 and (part := os.read(descriptor, min(length_bytes, 1 << 24))):
        parts.append(part)
        length_bytes -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _write_all(descriptor: int, offset_bytes: int, data: BytesLike) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset_bytes)
        offset_bytes += written
        view = view[written:]
