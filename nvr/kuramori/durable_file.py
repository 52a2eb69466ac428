"""Small files that are whole or not there: written aside, synced, renamed, and the folder synced.

A rename without a sync of its folder can be lost in a power cut. This module must not know what is written; it
blocks, so call it from a worker thread where a loop runs.
"""

import os
from contextlib import suppress
from pathlib import Path

PRIVATE_MODE = 0o600
PRIVATE_FOLDER_MODE = 0o700
ASIDE_SUFFIX = ".new"


def write_file(path: Path, content: bytes, mode: int = PRIVATE_MODE, owner: tuple[int, int] | None = None) -> None:
    """Put `content` at `path`, replacing what is there. Raises OSError; then the old file is as it was.

    `owner`: user and group that it shall have, where they are not this process's own.
    """
    aside = path.with_name(path.name + ASIDE_SUFFIX)
    with suppress(FileNotFoundError):
        aside.unlink()
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as stream:
        if owner is not None and owner != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)
    aside.replace(path)
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file durably; one that is not there is no fault. Raises OSError."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync_folder(path.parent)


def make_private_folder(path: Path) -> None:
    """Make a folder that only its owner enters, and its parents; tighten one that is there. Raises OSError."""
    path.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(PRIVATE_FOLDER_MODE)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
