"""The files of a bundle that a stranger brought: a folder or a tar archive. Nothing is ever unpacked.

Only plain files with the names of a bundle are looked at, at most as many as one has. Every other thing, every link
and every path is ignored. Must not know what the files mean.
"""

import os
import stat
import tarfile
from pathlib import Path
from typing import BinaryIO, Protocol

from kuramori.clips.job import BUNDLE_FILES_MOST, BUNDLE_NAME
from kuramori.clips.verdict_words import PARTICULARS
from kuramori.texts import tr

_MEMBERS_MOST = 4 * BUNDLE_FILES_MOST


class BundleUnreadable(Exception):
    """There is no bundle there, or it is cut off. `detail` says what, in the reader's language."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BundleFiles(Protocol):
    """Files by name."""

    @property
    def names(self) -> frozenset[str]:
        """Those that are there."""

    def size_bytes(self, name: str) -> int:
        """Length of one. Raises BundleUnreadable."""

    def open(self, name: str) -> BinaryIO:
        """Open one for reading and seeking. Raises BundleUnreadable."""

    def close(self) -> None:
        """Let go."""


def open_bundle(path: Path) -> BundleFiles:
    """Open a folder or an archive. Raises BundleUnreadable."""
    return _Folder(path) if path.is_dir() else _Tar(path)


def read_file(files: BundleFiles, name: str, limit_bytes: int) -> bytes:
    """Return a small file. Raises BundleUnreadable, also for one that is too long."""
    if files.size_bytes(name) > limit_bytes:
        raise BundleUnreadable(PARTICULARS["too_long"].say(name=name))
    with files.open(name) as file:
        return file.read(limit_bytes)


class _Folder:
    """A bundle that was unpacked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found: set[str] = set()
        try:
            self._look(path, "", found)
        except OSError as fault:
            raise BundleUnreadable(os.strerror(fault.errno or 0)) from fault
        self.names = frozenset(found)

    def _look(self, path: Path, prefix: str, found: set[str]) -> None:
        with os.scandir(path) as entries:
            for entry in entries:
                name = prefix + entry.name
                if len(found) >= BUNDLE_FILES_MOST:
                    return
                if entry.is_dir(follow_symlinks=False) and not prefix:
                    self._look(Path(entry.path), f"{name}/", found)
                elif BUNDLE_NAME.match(name) and entry.is_file(follow_symlinks=False):
                    found.add(name)

    def size_bytes(self, name: str) -> int:
        """See BundleFiles."""
        with self.open(name) as file:
            return os.fstat(file.fileno()).st_size

    def open(self, name: str) -> BinaryIO:
        """See BundleFiles."""
        if name not in self.names:
            raise BundleUnreadable(PARTICULARS["missing"].say(name=name))
        try:
            descriptor = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as fault:
            raise BundleUnreadable(f"{name}: {os.strerror(fault.errno or 0)}") from fault
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise BundleUnreadable(PARTICULARS["no_file"].say(name=name))
        return os.fdopen(descriptor, "rb")

    def close(self) -> None:
        """See BundleFiles."""


class _Tar:
    """A bundle as it was handed over."""

    def __init__(self, path: Path) -> None:
        self._members: dict[str, tarfile.TarInfo] = {}
        try:
            self._archive = tarfile.open(path, "r:")  # noqa: SIM115 - closed in close()
        except (tarfile.TarError, OSError, ValueError) as fault:
            detail = tr("it is neither a folder nor an archive", "フォルダーでもアーカイブでもありません")
            raise BundleUnreadable(detail) from fault
        try:
            self._read_members()
        except (tarfile.TarError, OSError, ValueError) as fault:
            self.close()
            detail = tr("the archive is cut off or damaged", "アーカイブが途中で切れているか破損しています")
            raise BundleUnreadable(detail) from fault
        except BundleUnreadable:
            self.close()
            raise
        self.names = frozenset(self._members)

    def _read_members(self) -> None:
        for count, member in enumerate(self._archive):
            if count >= _MEMBERS_MOST:
                detail = tr("the archive holds too many files", "アーカイブ内のファイルが多すぎます")
                raise BundleUnreadable(detail)
            plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
            if plain and BUNDLE_NAME.match(member.name):
                if member.name in self._members:
                    twice = f"{member.name} stands twice in the archive", f"{member.name} がアーカイブ内に二つあります"
                    raise BundleUnreadable(tr(*twice))
                self._members[member.name] = member

    def size_bytes(self, name: str) -> int:
        """See BundleFiles."""
        if name not in self._members:
            raise BundleUnreadable(PARTICULARS["missing"].say(name=name))
        return self._members[name].size

    def open(self, name: str) -> BinaryIO:
        """See BundleFiles."""
        self.size_bytes(name)
        file = self._archive.extractfile(self._members[name])
        if file is None:
            raise BundleUnreadable(PARTICULARS["no_file"].say(name=name))
        return file  # type: ignore[return-value]

    def close(self) -> None:
        """See BundleFiles."""
        self._archive.close()
