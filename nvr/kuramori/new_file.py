"""Writes a file that must not be there yet, on any operating system: for keys and cards on people's own machines.

Nothing is ever overwritten: a key file that is gone is a share of every recording gone. This module must not know
what is written.
"""

import os
from contextlib import suppress
from pathlib import Path

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644


def write_new_file(path: Path, content: bytes, mode: int = PRIVATE_MODE) -> None:
    """Write a file, durably where the system can; a half-written one is removed. Raises FileExistsError, OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
