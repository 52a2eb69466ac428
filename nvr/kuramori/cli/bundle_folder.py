"""A bundle as it arrives: a stream of tar written into a new folder, whole or not at all.

The archive is not trusted: plain files of expected names only, none twice. Everything is written aside with mode
0600, synced, read back, and only then gets its name (K7). Must not know where the stream comes from.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kuramori.clips.job import BUNDLE_FILES_MOST, BUNDLE_NAME
from kuramori.texts import tr

PIECE_BYTES = 1024 * 1024
PARTIAL_SUFFIX = ".partial"
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


def write_bundle(pieces: Iterator[bytes], folder: Path, manifest_digest: bytes) -> tuple[WrittenFile, ...]:
    """Write the bundle into the new folder and return its files as read back.

    Raises BundleRefused, and whatever `pieces` raises; then nothing is left behind.
    """
    if folder.exists():
        raise _exists(folder)
    aside = folder.with_name(folder.name + PARTIAL_SUFFIX)
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700, parents=True)
        names = _unpack(pieces, aside)
        found = tuple(_read_back(aside, name) for name in names)
        _check_manifest(aside, found, manifest_digest)
        aside.rename(folder)
    except (OSError, tarfile.TarError, EOFError) as error:
        detail = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BundleRefused(
            tr(
                f"The bundle could not be written to {folder} ({detail}): nothing was left there.",
                f"{folder} に書き込めませんでした({detail})。書きかけのデータは削除しました。",
            )
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return found


def require_place(folder: Path) -> None:
    """See that the bundle can be written there, before anything is opened for it. Raises BundleRefused."""
    if folder.exists():
        raise _exists(folder)
    ancestor = next(parent for parent in folder.absolute().parents if parent.exists())
    try:
        Path(tempfile.mkdtemp(dir=ancestor)).rmdir()
    except OSError as error:
        raise BundleRefused(
            tr(
                f"No bundle can be written to {folder} ({error.strerror}): nothing was opened.",
                f"{folder} に書き込めません({error.strerror})。開封は行っていません。",
            )
        ) from error


def _exists(folder: Path) -> BundleRefused:
    return BundleRefused(
        tr(
            f"{folder} exists already: name a new folder.",
            f"{folder} は既に存在します。新しい場所を指定してください。",
        )
    )


def _unpack(pieces: Iterator[bytes], aside: Path) -> list[str]:
    names: list[str] = []
    with tarfile.open(fileobj=_Stream(pieces), mode="r|") as archive:  # type: ignore[call-overload]
        for member in archive:
            name = member.name
            if not member.isreg() or not BUNDLE_NAME.match(name) or name in names or len(names) == BUNDLE_FILES_MOST:
                raise BundleRefused(tr("The bundle is not one of this version.", "提供データの形式が不正です。"))
            content = archive.extractfile(member)
            if content is None:
                raise BundleRefused(tr("The bundle is not one of this version.", "提供データの形式が不正です。"))
            names.append(name)
            path = aside / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                shutil.copyfileobj(content, file, PIECE_BYTES)
                file.flush()
                os.fsync(file.fileno())
            if path.stat().st_size != member.size:
                raise EOFError("it broke off")
    for _ in pieces:  # the sender's own end has to come, or the archive is not whole
        continue
    return names


def _read_back(folder: Path, name: str) -> WrittenFile:
    digest = hashlib.sha256()
    size_bytes = 0
    with (folder / name).open("rb") as file:
        if hasattr(os, "posix_fadvise"):  # from the medium, not from memory, where the system can
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            size_bytes += len(piece)
    return WrittenFile(name, size_bytes, digest.digest())


def _check_manifest(folder: Path, found: tuple[WrittenFile, ...], manifest_digest: bytes) -> None:
    """The manifest is the one that stands in the register as released."""
    digest = hashlib.sha256()
    for name in sorted(one.name for one in found if Path(one.name).name == MANIFEST_NAME):
        digest.update((folder / name).read_bytes())
    if digest.digest() != manifest_digest:
        raise BundleRefused(
            tr(
                "The bundle's manifest is not the one that was released: nothing was kept.",
                "提供データの目録が登録されたものと一致しません。保存しませんでした。",
            )
        )
