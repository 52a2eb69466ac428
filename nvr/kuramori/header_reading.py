"""Reads headers of segments without waiting long for a medium: a thread for each volume, and a patience.

A medium that does not answer is left alone until it does: whoever asks is told at once what could not be read. May be
used from several threads. This module must not know keys, or what the headers are wanted for.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from threading import Event, Lock
from weakref import WeakKeyDictionary

from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume

READ_PATIENCE_SECONDS = 2.0  # longer than that nobody waits for one header


class Unread(Enum):
    """Stands for a header that the medium did not give."""

    UNREAD = "unread"


UNREAD = Unread.UNREAD
Answer = SegmentHeader | Unread | None  # None: there is no header; the slot is not written yet, or is damaged


@dataclass(slots=True)
class _Reader:
    executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "headers"))
    hanging: "Future[None] | None" = None

    @property
    def hangs(self) -> bool:
        return self.hanging is not None and not self.hanging.done()


class HeaderReading:
    """The reading of all volumes."""

    def __init__(self, patience_seconds: float = READ_PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._readers: WeakKeyDictionary[Volume, _Reader] = WeakKeyDictionary()
        self._lock = Lock()

    @property
    def hangs(self) -> bool:
        """Tell whether a read is under way that does not end."""
        return any(reader.hangs for reader in list(self._readers.values()))

    def headers(self, volume: Volume, slots: Sequence[int]) -> list[Answer]:
        """Blocking, but never for long: return the header of each slot, or UNREAD where the medium gave nothing."""
        with self._lock:
            reader = self._readers.setdefault(volume, _Reader())
        if not slots or reader.hangs:
            return [UNREAD] * len(slots)
        found: list[Answer] = []
        enough = Event()
        job = reader.executor.submit(_read_all, volume, slots, found, enough)
        seen = -1
        while seen < len(found):  # so long as headers come, they are waited for
            seen = len(found)
            try:
                job.result(self._patience_seconds)
                return found
            except TimeoutError:
                pass
        enough.set()
        reader.hanging = job
        return [*found[:seen], *[UNREAD] * (len(slots) - seen)]

    def close(self) -> None:
        """End the threads that do not hang."""
        for reader in list(self._readers.values()):
            reader.executor.shutdown(wait=not reader.hangs)


def _read_all(volume: Volume, slots: Sequence[int], found: list[Answer], enough: Event) -> None:
    for slot in slots:
        if enough.is_set():
            return
        try:
            found.append(SegmentHeader.unpack(volume.reader(slot)(0, BLOCK_BYTES)))
        except FormatError:
            found.append(None)
        except StorageFault:
            found.append(UNREAD)
