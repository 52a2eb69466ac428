"""The bundle as a tar archive (POSIX ustar), its length known before the first byte leaves.

Must not know what the files mean.
"""

import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kuramori.clips.job import BUNDLE_FILES_MOST, BUNDLE_NAME

_BLOCK = tarfile.BLOCKSIZE
_END = bytes(2 * _BLOCK)
_USTAR_BYTES_MOST = 1 << 33  # eleven octal digits


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file: `pieces` gives its content from a place on, when its turn comes."""

    name: str
    size_bytes: int
    pieces: Callable[[int], Iterable[bytes | memoryview]]


class ArchiveInvalid(ValueError):
    """These files cannot be archived: a name, or too many of them."""


def file_of(name: str, content: bytes) -> ArchiveFile:
    """Return a small file."""
    return ArchiveFile(name, len(content), lambda start: (content[start:],))


class Archive:
    """Files in order."""

    def __init__(self, files: tuple[ArchiveFile, ...], utc_seconds: int) -> None:
        """Raises ArchiveInvalid."""
        if len(files) > BUNDLE_FILES_MOST or len({file.name for file in files}) != len(files):
            raise ArchiveInvalid(f"{len(files)} files")
        for file in files:
            if not BUNDLE_NAME.match(file.name):
                raise ArchiveInvalid(file.name)
        self._files = files
        self._utc_seconds = utc_seconds

    @property
    def size_bytes(self) -> int:
        """Length of the whole archive."""
        return len(_END) + sum(_BLOCK + file.size_bytes + -file.size_bytes % _BLOCK for file in self._files)

    def pieces(self, start: int = 0) -> Iterator[bytes | memoryview]:
        """Yield the archive from a place on; a piece is valid until the next. May be called again."""
        at = 0
        for file in self._files:
            padding = -file.size_bytes % _BLOCK
            content_at, end = at + _BLOCK, at + _BLOCK + file.size_bytes + padding
            if start < content_at:
                yield self._head(file)[max(0, start - at) :]
            if start < content_at + file.size_bytes:
                yield from file.pieces(max(0, start - content_at))
            if padding and start < end:
                yield bytes(min(padding, end - start))
            at = end
        yield _END[max(0, start - at) :]

    def _head(self, file: ArchiveFile) -> bytes:
        member = tarfile.TarInfo(file.name)
        member.size, member.mode, member.mtime = file.size_bytes, 0o600, self._utc_seconds
        large = file.size_bytes >= _USTAR_BYTES_MOST
        return member.tobuf(tarfile.GNU_FORMAT if large else tarfile.USTAR_FORMAT)
