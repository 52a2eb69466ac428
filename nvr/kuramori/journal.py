"""Writes log events into systemd's journal; where there is none, or it fails, one line of JSON on standard error.

A journal that is full of waiting entries gets no more for the moment: they are counted and told with the next one.
Logging must never hold a frame up. This module must not know what is logged.
"""

import os
import socket
import sys
from collections.abc import Mapping
from typing import TextIO

from kuramori.journal_entry import encode, entry_of
from kuramori.lean_structlog import structlog

JOURNAL_SOCKET = "/run/systemd/journal/socket"
STREAM = "JOURNAL_STREAM"  # set by systemd: device and inode of the stream that standard error is


def stderr_is_journal(environment: Mapping[str, str]) -> bool:
    """Tell whether standard error goes to the journal (systemd.exec(5), $JOURNAL_STREAM)."""
    told = environment.get(STREAM, "")
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return told == f"{status.st_dev}:{status.st_ino}"


class JournalWriter:
    """The last processor of structlog's chain: sends the event, and hands on what is to be printed, if anything."""

    def __init__(self, address: str = JOURNAL_SOCKET) -> None:
        self._address = address
        self._lost = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def __call__(self, _logger: object, _method: str, event: structlog.typing.EventDict) -> str:
        """Return "" when the journal has it or is busy, else the line for standard error."""
        fields = entry_of(event)
        if self._lost:
            fields["KURAMORI_LOST_ENTRIES"] = str(self._lost)
        try:
            self._socket.sendto(encode(fields), self._address)
        except BlockingIOError:
            self._lost += 1
            return ""
        except OSError:
            return str(structlog.processors.JSONRenderer(ensure_ascii=False, default=str)(None, "", event))
        self._lost = 0
        return ""

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


class QuietWhenEmpty:
    """Prints lines; an empty one is none."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stderr

    def msg(self, line: str) -> None:
        """Print a line."""
        if line:
            self._file.write(line + "\n")
            self._file.flush()

    log = debug = info = warn = warning = err = error = critical = exception = fatal = failure = msg


def printer(*_facts: object) -> QuietWhenEmpty:
    """Make one, as structlog asks for it."""
    return QuietWhenEmpty()
