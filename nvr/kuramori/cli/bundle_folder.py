"""A bundle written into a new folder, whole or not at all.

Everything is written aside with mode 0600, synced, read back past the page cache, compared, and only then gets its
name (K7). Must not know where the stream comes from.
"""

import errno
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kuramori.cli import medium_fault
from kuramori.cli.bundle_proof import is_manifest, require_same
from kuramori.cli.bundle_stream import PIECE_BYTES, Member, members
from kuramori.cli.bundle_stream import BundleRefused as BundleRefused
from kuramori.cli.bundle_stream import WrittenFile as WrittenFile
from kuramori.texts import tr

PARTIAL_SUFFIX = ".partial"
_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})  # some file systems sync no folders


def write_bundle(pieces: Iterator[bytes], folder: Path, manifest_digest: bytes) -> tuple[WrittenFile, ...]:
    """Write the bundle into the new folder and return its files as read back.

    Raises BundleRefused, and whatever `pieces` raises; then nothing is left behind.
    """
    if os.path.lexists(folder):
        raise medium_fault.exists(folder)
    aside = partial(folder)
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700, parents=True)
        device = aside.stat().st_dev
        arrived = tuple(_write(member, aside) for member in members(pieces))
        for place in {(aside / one.name).parent for one in arrived} | {aside}:
            sync_folder(place)
        found = tuple(_read_back(aside, one.name) for one in arrived)
        manifests = {one.name: (aside / one.name).read_bytes() for one in found if is_manifest(one.name)}
        require_same(arrived, found, manifests, manifest_digest)
        rename_aside(aside, folder, device)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise not_written(error, folder) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return found


def require_place(folder: Path) -> None:
    """See that the bundle can be written there, before anything is opened for it. Raises BundleRefused."""
    if os.path.lexists(folder):
        raise medium_fault.exists(folder)
    medium_fault.require_name(folder)
    try:
        Path(tempfile.mkdtemp(dir=medium_fault.standing(folder))).rmdir()
    except OSError as error:
        usual = None if error.errno == errno.ENOENT else medium_fault.known(error, folder)  # nothing was begun there
        raise usual or BundleRefused(
            tr(
                f"No bundle can be written to {folder} ({error.strerror}): nothing was opened.",
                f"{folder} に書き込めません({error.strerror})。開封は行っていません。",
            )
        ) from error


def partial(place: Path) -> Path:
    """Return where a bundle stands until it is proven."""
    return place.with_name(place.name + PARTIAL_SUFFIX)


def rename_aside(aside: Path, place: Path, device: int) -> None:
    """Give what is proven its name, durably. `device` is the one it was begun on. Raises BundleRefused, OSError."""
    if aside.parent.stat().st_dev != device:  # unmounted meanwhile: the name would lead to another disk
        raise medium_fault.gone(place)
    if os.path.lexists(place):
        raise medium_fault.exists(place)
    aside.rename(place)
    sync_folder(place.parent)


def not_written(error: Exception, place: Path) -> BundleRefused:
    """Return the sentence of a failure while writing."""
    usual = medium_fault.known(error, place) if isinstance(error, OSError) else None
    if usual is not None:
        return usual
    detail = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return BundleRefused(
        tr(
            f"The bundle could not be written to {place} ({detail}): nothing was left there.",
            f"{place} に書き込めませんでした({detail})。書きかけのデータは削除しました。",
        )
    )


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise
    finally:
        os.close(descriptor)


def forget_pages(descriptor: int) -> None:
    """Have what was synced read from the medium, not from memory, where the system can."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _write(member: Member, aside: Path) -> WrittenFile:
    path = aside / member.name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for piece in member.pieces():
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
        with suppress(OSError):
            forget_pages(file.fileno())
    return member.arrived


def _read_back(folder: Path, name: str) -> WrittenFile:
    digest = hashlib.sha256()
    size_bytes = 0
    with (folder / name).open("rb") as file:
        forget_pages(file.fileno())
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            size_bytes += len(piece)
    return WrittenFile(name, size_bytes, digest.digest())
