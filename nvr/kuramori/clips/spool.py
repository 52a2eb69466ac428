"""A finished file that waits on disk without ever being readable there: sealed under a key that only memory holds.

The file has no name: it is gone when the worker is, whatever ends it. Written from front to back; the first
HEAD_BYTES stay in memory until `finish`, so that a muxer may still patch sizes there. AES-256-GCM, one nonce for
each piece. Must not know what it keeps.
"""

import errno
import io
import os
import struct
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEAD_BYTES = 64 << 10
PIECE_BYTES = 1 << 20
_TAG_BYTES = 16
_NONCE = struct.Struct(">IQ")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SpoolFull(Exception):
    """The spool's disk takes no more."""


class SpoolDamaged(Exception):
    """What comes back from the spool's disk is not what was written."""


class SpoolKey:
    """The key of one worker's spool files; it never leaves memory. Each file gets a number of its own."""

    def __init__(self) -> None:
        self.aead = AESGCM(AESGCM.generate_key(256))
        self._files = 0

    def next_file(self) -> int:
        """Return the number of the next file."""
        self._files += 1
        return self._files


class SpoolFile:
    """A file-like object for a muxer (write, seek, tell), then a source of its content.

    A thread seals and writes one piece while the next is filled, and reads one ahead: all of it is work outside the
    interpreter.
    """

    def __init__(self, directory: Path, key: SpoolKey) -> None:
        """Make the file. Raises SpoolFull, OSError."""
        self._descriptor = _nameless(directory)
        self._key = key
        self._number = key.next_file()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._under_way: Future[None] | None = None
        self._head = bytearray()
        self._plain, self._spare = bytearray(PIECE_BYTES), bytearray(PIECE_BYTES)
        self._filled = 0
        self._sealed = bytearray(PIECE_BYTES + _TAG_BYTES)
        self._pieces: list[int] = []  # plaintext length of each piece on disk
        self._end = 0
        self._position = 0

    @property
    def size_bytes(self) -> int:
        """Length of the content."""
        return self._end

    def seekable(self) -> bool:
        """Yes: into the head, and back to the end."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; see `write` for where it makes sense."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = base + offset
        return self._position

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append, or change bytes of the head. Raises SpoolFull, and OSError for any other place."""
        length = len(data)
        if self._position != self._end:
            if self._position + length > len(self._head):
                raise io.UnsupportedOperation("only the head of a spool file can be changed")
            self._head[self._position : self._position + length] = data
        else:
            view = memoryview(data)
            into_head = min(length, HEAD_BYTES - len(self._head))
            if into_head:
                self._head += view[:into_head]
                view = view[into_head:]
            if len(view):
                self._append(view)
            self._end += length
        self._position += length
        return length

    def _append(self, view: memoryview) -> None:
        while len(view):
            taken = min(len(view), PIECE_BYTES - self._filled)
            self._plain[self._filled : self._filled + taken] = view[:taken]
            self._filled += taken
            view = view[taken:]
            if self._filled == PIECE_BYTES:
                self._seal()

    def _seal(self) -> None:
        """Hand what is filled to the thread."""
        self._settle()
        index, length, self._filled = len(self._pieces), self._filled, 0
        self._pieces.append(length)
        self._under_way = self._thread.submit(self._seal_piece, index, memoryview(self._plain)[:length])
        self._plain, self._spare = self._spare, self._plain

    def _settle(self) -> None:
        """Wait for the piece that is being written. Raises SpoolFull, OSError."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def _seal_piece(self, index: int, plain: memoryview) -> None:
        sealed = memoryview(self._sealed)[: len(plain) + _TAG_BYTES]
        self._key.aead.encrypt_into(_NONCE.pack(self._number, index), plain, None, sealed)
        try:
            while sealed:
                sealed = sealed[os.write(self._descriptor, sealed) :]
        except OSError as error:
            if error.errno in _FULL:
                raise SpoolFull from error
            raise

    def finish(self) -> bytes:
        """Write what is left; return the SHA-256 of the content, read back from the disk."""
        if self._filled:
            self._seal()
        self._settle()
        digest = sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.digest()

    def pieces(self, start: int = 0) -> Iterator[bytes | memoryview]:
        """Yield the content of a finished file from a place on; a piece is valid until the next. Raises SpoolDamaged.

        May be called again; the iterator from before must not be used any more.
        """
        if start < len(self._head):
            yield bytes(self._head[start:])
            start = len(self._head)
        behind_head = start - len(self._head)
        first, skip = divmod(behind_head, PIECE_BYTES)  # only the last piece is shorter
        buffers = memoryview(self._plain), memoryview(self._spare)
        ahead = self._open_ahead(first, buffers)
        for index in range(first, len(self._pieces)):
            if ahead is not None:
                ahead.result()
            ahead = self._open_ahead(index + 1, buffers)
            yield buffers[index % 2][skip : self._pieces[index]]
            skip = 0

    def _open_ahead(self, index: int, buffers: tuple[memoryview, memoryview]) -> "Future[None] | None":
        if index >= len(self._pieces):
            return None
        return self._thread.submit(self._open_piece, index, buffers[index % 2])

    def _open_piece(self, index: int, plain: memoryview) -> None:
        length = self._pieces[index]
        sealed = os.pread(self._descriptor, length + _TAG_BYTES, index * (PIECE_BYTES + _TAG_BYTES))
        try:
            self._key.aead.decrypt_into(_NONCE.pack(self._number, index), sealed, None, plain[:length])
        except (InvalidTag, ValueError) as fault:
            raise SpoolDamaged from fault

    def close(self) -> None:
        """Let go of the file; it is gone."""
        self._thread.shutdown()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _nameless(directory: Path) -> int:
    try:
        return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in _FULL:
            raise SpoolFull from error
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
    descriptor, name = tempfile.mkstemp(dir=directory)  # a file system without nameless files
    os.unlink(name)
    return descriptor
