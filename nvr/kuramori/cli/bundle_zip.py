"""A bundle as one zip that only a password opens: WinZip AE-2, AES-256. Written aside, read back, proven, named.

Its names and sizes can be read without the password; its contents cannot, and an altered byte is found. The format
stretches the password a thousand times only, so that the password itself has to be strong (`bundle_password`). Must not
know where the stream comes from.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pyzipper

from kuramori.cli import medium_fault
from kuramori.cli.bundle_folder import forget_pages, not_written, partial, rename_aside
from kuramori.cli.bundle_proof import is_manifest, require_same
from kuramori.cli.bundle_stream import PIECE_BYTES, Member, WrittenFile, members

KEY_BITS = 256
AE_2 = 2
ZIP64_FROM_BYTES = 1 << 30  # well below where a length needs it


def write_zip(pieces: Iterator[bytes], place: Path, manifest_digest: bytes, password: bytes) -> tuple[WrittenFile, ...]:
    """Write the bundle into a new zip and return its files as read back with the password.

    Raises BundleRefused, and whatever `pieces` raises; then nothing is left behind.
    """
    if os.path.lexists(place):
        raise medium_fault.exists(place)
    aside = partial(place)
    try:
        aside.unlink(missing_ok=True)
        aside.parent.mkdir(parents=True, exist_ok=True)
        device, arrived = _write(pieces, aside, password)
        found, manifests = _read_back(aside, password)
        require_same(arrived, found, manifests, manifest_digest)
        rename_aside(aside, place, device)
    except (OSError, tarfile.TarError, EOFError, pyzipper.BadZipFile) as error:
        raise not_written(error, place) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
    return found


def _write(pieces: Iterator[bytes], aside: Path, password: bytes) -> tuple[int, tuple[WrittenFile, ...]]:
    """Write the zip; return the device that it lies on, and what came."""
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        archive = pyzipper.AESZipFile(
            file,
            "w",
            compression=pyzipper.ZIP_STORED,  # pictures are compressed already
            encryption=pyzipper.WZ_AES,
            encryption_kwargs={"nbits": KEY_BITS, "force_wz_aes_version": AE_2},
        )
        archive.setpassword(password)
        now = datetime.now().astimezone().timetuple()[:6]  # a zip has local times
        try:
            arrived = tuple(_add(archive, member, now) for member in members(pieces))
            archive.close()
        except BaseException:
            archive.fp = None  # what failed is left as it is: no directory, no second try
            raise
        file.flush()
        os.fsync(file.fileno())
        forget_pages(file.fileno())
        return os.fstat(file.fileno()).st_dev, arrived


def _add(archive: Any, member: Member, now: tuple[int, ...]) -> WrittenFile:
    entry = archive.zipinfo_cls(member.name, date_time=now)
    entry.external_attr = 0o600 << 16
    with archive.open(entry, "w", force_zip64=member.size_bytes >= ZIP64_FROM_BYTES) as target:
        for piece in member.pieces():
            target.write(piece)
    return member.arrived


def _read_back(aside: Path, password: bytes) -> tuple[tuple[WrittenFile, ...], dict[str, bytes]]:
    """Return its files, and its manifests' contents, as the password opens them."""
    found = []
    manifests: dict[str, bytes] = {}
    with aside.open("rb") as file:
        forget_pages(file.fileno())
        with pyzipper.AESZipFile(file) as archive:
            archive.setpassword(password)
            for entry in archive.infolist():
                digest = hashlib.sha256()
                size_bytes = 0
                with archive.open(entry) as content:
                    while piece := content.read(PIECE_BYTES):
                        digest.update(piece)
                        size_bytes += len(piece)
                        if is_manifest(entry.filename):
                            manifests[entry.filename] = manifests.get(entry.filename, b"") + piece
                found.append(WrittenFile(entry.filename, size_bytes, digest.digest()))
    return tuple(found), manifests
