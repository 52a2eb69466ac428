"""A bundle as it arrives: a stream of tar, member by member.

The archive is not trusted: plain files of expected names only, none twice, whole or not at all. Must not know where it
comes from or where it is written.
"""

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from kuramori.clips.job import BUNDLE_FILES_MOST, BUNDLE_NAME
from kuramori.texts import tr

PIECE_BYTES = 1024 * 1024
MANIFEST_NAME = "manifest.json"


class BundleRefused(Exception):
    """The bundle was not written; the text is one sentence for the person."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of the bundle, relative to its folder, as read back."""

    name: str
    size_bytes: int
    sha256: bytes


class _Stream:
    """Pieces as a readable file, for tarfile's streaming mode."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, less only at the end."""
        parts = [self._rest]
        have = len(self._rest)
        while have < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            parts.append(piece)
            have += len(piece)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


class Member:
    """One file of the archive. Iterate `pieces` once, before the next member."""

    def __init__(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        content = archive.extractfile(member)
        if content is None:
            raise strange()
        self._content = content
        self._digest = hashlib.sha256()
        self.name = member.name
        self.size_bytes = member.size

    def pieces(self) -> Iterator[bytes]:
        """Yield its content. Raises EOFError where the archive breaks off inside it."""
        missing = self.size_bytes
        while piece := self._content.read(PIECE_BYTES):
            self._digest.update(piece)
            missing -= len(piece)
            yield piece
        if missing:
            raise EOFError("it broke off")

    @property
    def arrived(self) -> WrittenFile:
        """What came, once `pieces` is exhausted."""
        return WrittenFile(self.name, self.size_bytes, self._digest.digest())


def members(pieces: Iterator[bytes]) -> Iterator[Member]:
    """Yield the archive's files. Raises BundleRefused, tarfile.TarError, EOFError, and whatever `pieces` raises."""
    names: set[str] = set()
    with tarfile.open(fileobj=_Stream(pieces), mode="r|") as archive:  # type: ignore[call-overload]
        for member in archive:
            name = member.name
            if not member.isreg() or not BUNDLE_NAME.match(name) or name in names or len(names) == BUNDLE_FILES_MOST:
                raise strange()
            names.add(name)
            yield Member(archive, member)
    for _ in pieces:  # the sender's own end has to come, or the archive is not whole
        continue


def strange() -> BundleRefused:
    """Return the refusal of an archive that no desk of this version sends."""
    return BundleRefused(tr("The bundle is not one of this version.", "提供データの形式が不正です。"))
