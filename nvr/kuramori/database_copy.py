"""Consistent copies of SQLite files: of one that is open here, or of one that nobody has open.

The copy is one whole file (no log beside it), private, and durable. This module must not know what the tables mean.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from kuramori.durable_file import PRIVATE_MODE, sync_folder

_SIBLINGS = ("-wal", "-journal")  # not -shm: it is made anew, and says nothing that counts


def copy_open_database(database: sqlite3.Connection, path: Path) -> None:
    """Copy a database through its own connection (SQLite's backup interface). Raises sqlite3.Error, OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_MODE))
    with closing(sqlite3.connect(path, isolation_level=None)) as target:
        database.backup(target)
    make_whole(path)


def copy_closed_database(source: Path, path: Path) -> None:
    """Copy a database that nobody has open, with what its log holds. Raises sqlite3.Error, OSError."""
    for suffix in ("", *_SIBLINGS):
        sibling = source.with_name(source.name + suffix)
        if not suffix or sibling.exists():
            copy = path.with_name(path.name + suffix)
            shutil.copyfile(sibling, copy, follow_symlinks=True)
            copy.chmod(PRIVATE_MODE)
    make_whole(path)


def make_whole(path: Path) -> None:
    """Fold the log of a database into its file, durably. Raises sqlite3.Error, OSError."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)
