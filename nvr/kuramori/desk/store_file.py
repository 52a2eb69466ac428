"""One private SQLite file of the desk: opened durable and forgetful, written whole or not at all, copied while open.

Thread-safe; every method blocks for as long as the disk does. This module must not know what the tables mean; whoever
keeps something here says which of its faults a failing disk is.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from kuramori.database_copy import copy_open_database
from kuramori.durable_file import PRIVATE_MODE

BUSY_SECONDS = 5.0
# The last one: what is deleted leaves no bytes behind in its page.
_PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA secure_delete=ON")

Fault = Callable[[str], Exception]


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Make everything in the block durable together, or nothing of it. Raises sqlite3.Error."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


class StoreFile:
    """The open file. Every method raises what `fault` makes of a sentence when the file does not serve."""

    def __init__(self, path: Path, schema: Iterable[str], fault: Fault) -> None:
        """Open or create the file, readable by its owner only."""
        self._fault = fault
        self._lock = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_MODE))
            database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise fault(f"{path}: {error}") from error
        try:
            for statement in (*_PRAGMAS, *schema):
                database.execute(statement)
        except sqlite3.Error as error:
            database.close()
            raise fault(f"{path}: {error}") from error
        self._database = database

    def rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; what it writes is durable then."""
        try:
            with self._lock:
                return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._fault(str(error)) from error

    def together(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do the work as one transaction."""
        try:
            with self._lock, transaction(self._database) as database:
                work(database)
        except sqlite3.Error as error:
            raise self._fault(str(error)) from error

    def copy_to_new(self, path: Path) -> None:
        """Make a whole copy at a free path, as of now."""
        with self._lock:
            try:
                copy_open_database(self._database, path)
            except (OSError, sqlite3.Error) as error:
                raise self._fault(f"{path}: {error}") from error

    def close(self) -> None:
        """Close the file. May be called twice."""
        with self._lock:
            self._database.close()
