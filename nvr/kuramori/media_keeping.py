"""Which volumes are retired, and which may be away by permission; kept in `media.json`, so that a restart knows it.

A retired volume is known by its id where that could be read, so that another medium may take its path. A file that
cannot be read retires nothing and permits nothing, loudly. Writing blocks. This module must not know volumes' content,
who decides, or the loop.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from kuramori import log
from kuramori.durable_file import write_file
from kuramori.wire import WireInvalid, from_plain, to_plain
from kuramori_segments.disk import FileDisk
from kuramori_segments.storage_fault import StorageFault, VolumeInUse, VolumeRefused
from kuramori_segments.volume_head import read_superblocks

VERSION = 1
FILE_BYTES_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class RetiredMedium:
    """A volume that is never used again. `volume_id`: hexadecimal, "" where it could not be read."""

    volume: str
    volume_id: str
    size_bytes: int
    record: int  # of the disposal record
    epoch_ids: tuple[str, ...] = ()  # hexadecimal; hours that were on it


@dataclass(frozen=True, slots=True)
class MediumPermit:
    """A volume may be away until then."""

    volume: str
    permit: int
    until_utc_ms: int


@dataclass(frozen=True, slots=True)
class MediaFile:
    """The whole file."""

    version: int = VERSION
    retired: tuple[RetiredMedium, ...] = ()
    permits: tuple[MediumPermit, ...] = ()


class MediaKeeping:
    """What is kept. One writer at a time."""

    def __init__(self, path: Path) -> None:
        """Read the file. Blocks."""
        self._path = path
        self._file = _read(path)

    @property
    def retired(self) -> tuple[RetiredMedium, ...]:
        """Every retired volume, the oldest first."""
        return self._file.retired

    def of_record(self, record: int) -> RetiredMedium | None:
        """Return the volume of a disposal record."""
        return next((one for one in self._file.retired if one.record == record), None)

    def is_retired(self, path: Path) -> bool:
        """Tell whether what lies at a path now is a retired volume. Blocks: reads its head."""
        known = [one for one in self._file.retired if one.volume == str(path)]
        if not known:
            return False
        found = volume_id_at(path)
        return found is None or any(one.volume_id in ("", found) for one in known)

    def permit_in_force(self, volume: str, utc_ms: int) -> int:
        """Return the number of the permit by which a volume may be away now; 0: there is none."""
        fitting = [one for one in self._file.permits if one.volume == volume and utc_ms < one.until_utc_ms]
        return max((one.permit for one in fitting), default=0)

    def retire(self, medium: RetiredMedium) -> None:
        """Note a retired volume, or what is new of it. Blocks. Raises OSError."""
        others = tuple(one for one in self._file.retired if one.record != medium.record)
        self._write(replace(self._file, retired=(*others, medium)))

    def permit(self, permit: MediumPermit) -> None:
        """Note a permit. Blocks. Raises OSError."""
        others = tuple(one for one in self._file.permits if one.volume != permit.volume)
        self._write(replace(self._file, permits=(*others, permit)))

    def _write(self, file: MediaFile) -> None:
        write_file(self._path, json.dumps(to_plain(file), ensure_ascii=False, indent=1).encode() + b"\n")
        self._file = file


def volume_id_at(path: Path) -> str | None:
    """Return the id of the volume at a path, hexadecimal; None where none can be read. Blocks."""
    try:
        disk = FileDisk.open(path, writable=False)
    except (StorageFault, VolumeInUse):
        return None
    try:
        return read_superblocks(disk.read_at, str(path)).superblock.volume_id.hex()
    except (StorageFault, VolumeRefused):
        return None
    finally:
        disk.close()


def _read(path: Path) -> MediaFile:
    try:
        with path.open("rb") as stream:
            found = from_plain(MediaFile, json.loads(stream.read(FILE_BYTES_MOST)))
    except FileNotFoundError:
        return MediaFile()
    except (OSError, ValueError, RecursionError, WireInvalid) as fault:
        log.get().error("media_unreadable", path=str(path), detail=str(fault))
        return MediaFile()
    return found if found.version == VERSION else MediaFile()
