"""The file beside the ledger that says when each segment of a volume was verified: opened, changed in place, synced.

It may be lost or torn at any time: then more is read back than needed. So no failure of it stops anything. This module
must not know what the blocks say.
"""

import os
from pathlib import Path

from kuramori import log
from kuramori.durable_file import make_private_folder
from kuramori_segments.scrub_record import ScrubRecord

MAX_FILE_BYTES = 64 << 20  # eight million slots; what is larger is not ours
FILE_MODE = 0o600


class ScrubFile:
    """The file of one volume."""

    def __init__(self, folder: Path, volume_id: bytes) -> None:
        self._path = folder / f"{volume_id.hex()}.scrub"
        self._volume_id = volume_id

    def read(self) -> ScrubRecord:
        """Return what it says; an empty record where there is none, or none that can be read."""
        try:
            with self._path.open("rb") as file:
                return ScrubRecord.load(file.read(MAX_FILE_BYTES), self._volume_id)
        except FileNotFoundError:
            pass
        except OSError as fault:
            log.get().warning("scrub_record_unread", path=str(self._path), detail=str(fault))
        return ScrubRecord(self._volume_id)

    def write(self, record: ScrubRecord) -> None:
        """Write what changed since the last time, and sync it."""
        blocks = list(record.take_due())
        if not blocks:
            return
        try:
            make_private_folder(self._path.parent)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
            try:
                for offset, block in blocks:
                    os.pwrite(descriptor, block, offset)
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as fault:
            log.get().warning("scrub_record_unwritten", path=str(self._path), detail=str(fault))
