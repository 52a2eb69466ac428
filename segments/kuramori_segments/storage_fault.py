"""What can go wrong with the medium under a volume, and with the way a volume is asked for.

    StorageFault            a system call on the medium failed (errno, operation, offsets): never tried again
      MediumFault           EIO and whatever has no better name: this place, or the whole medium, is failing
      MediumFull            ENOSPC, EDQUOT: the file system gave no room, although the volume is preallocated
      MediumReadOnly        EROFS, EPERM, EACCES: the file system stopped taking writes
      BeyondEnd             the medium is shorter than what was asked of it
    VolumeRefused           a volume cannot be made or opened; nothing was changed
      VolumeTooSmall        fewer bytes than the smallest volume of that geometry
      NoSpace               the file system lacks the room; says how many bytes are needed and free
      VolumeExists          something is there already
      VolumeInUse           another process writes it
      NotAVolume            no valid superblock
      VolumeCut             the file is shorter than its superblock says
      VolumeNotGrown        it has that size already, or more
    SlotMisuse              our own fault: a slot was asked for what its state forbids

The recorder chooses by type. This file must not know files or formats.
"""

import errno as errno_names
from typing import ClassVar

Extent = tuple[int, int]  # offset and length, in bytes
EXTENTS_TOLD = 4  # in a sentence


class StorageFault(Exception):
    """A call on the medium failed. The state of what it touched is unknown: write it anew elsewhere.

    Attributes: `errno`, `operation` ("read", "write", "sync", "open", ...), `extents` (offset and length in
    bytes of everything whose state is unknown now), `slots` (those it stands in; filled in by the volume).
    """

    advice: ClassVar[str] = "Check the medium (cable, wear, system log) and replace it when this comes again."

    def __init__(self, errno: int, operation: str, extents: tuple[Extent, ...]) -> None:
        name = errno_names.errorcode.get(errno, str(errno))
        place = ", ".join(f"{offset}+{length}" for offset, length in extents[:EXTENTS_TOLD])
        more = f" and {len(extents) - EXTENTS_TOLD} more" if len(extents) > EXTENTS_TOLD else ""
        super().__init__(f"{operation} failed with {name} at {place or 'no extent'}{more}. {self.advice}")
        self.errno = errno
        self.operation = operation
        self.extents = extents
        self.slots: tuple[int, ...] = ()


class MediumFault(StorageFault):
    """EIO, or an error number with no better name."""


class MediumFull(StorageFault):
    """ENOSPC or EDQUOT: cannot come from a preallocated file on a file system that overwrites in place."""

    advice = "Free space on the file system; do not keep a volume on a copy-on-write or thin medium."


class MediumReadOnly(StorageFault):
    """EROFS, EPERM or EACCES: the file system was made read-only, often after an error of the medium."""

    advice = "Look for the reason in the system log, then check the file system and mount it writable again."


class BeyondEnd(StorageFault):
    """A read or write reached behind the end of the medium."""

    advice = "The volume has been cut short, or the medium is not the one it was made on."


_BY_ERRNO: dict[int, type[StorageFault]] = {
    errno_names.ENOSPC: MediumFull,
    errno_names.EDQUOT: MediumFull,
    errno_names.EROFS: MediumReadOnly,
    errno_names.EPERM: MediumReadOnly,
    errno_names.EACCES: MediumReadOnly,
}


def storage_fault(error: OSError, operation: str, extents: tuple[Extent, ...]) -> StorageFault:
    """Return the fault that names this system error."""
    number = error.errno or errno_names.EIO
    return _BY_ERRNO.get(number, MediumFault)(number, operation, extents)


class VolumeRefused(Exception):
    """A volume cannot be made or opened as asked. Nothing was changed."""


class VolumeTooSmall(VolumeRefused):
    """The size asked for (or found) holds less than the smallest volume of this geometry."""

    def __init__(self, place: str, size_bytes: int, needed_bytes: int) -> None:
        super().__init__(f"{place}: {size_bytes} bytes are too few for a volume; {needed_bytes} is the least.")
        self.place = place
        self.size_bytes = size_bytes
        self.needed_bytes = needed_bytes


class NoSpace(VolumeRefused):
    """The file system has not enough room for the volume."""

    def __init__(self, place: str, needed_bytes: int, free_bytes: int) -> None:
        super().__init__(
            f"{place}: the volume needs {needed_bytes} bytes, but only {free_bytes} are free. "
            f"Free {max(0, needed_bytes - free_bytes)} bytes or ask for a smaller volume."
        )
        self.place = place
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes


class VolumeExists(VolumeRefused):
    """There is already something where the volume was to be made."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} exists already. Name another place, or remove it if it may be lost.")
        self.place = place


class VolumeInUse(VolumeRefused):
    """Another process holds the volume for writing."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} is in use by another process. Stop the recorder that writes it first.")
        self.place = place


class NotAVolume(VolumeRefused):
    """Neither superblock copy is valid."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(f"{place} is not a volume, or the start of it is destroyed ({detail}).")
        self.place = place
        self.detail = detail


class VolumeCut(VolumeRefused):
    """The file or device is shorter than the superblock says."""

    def __init__(self, place: str, size_bytes: int, said_bytes: int) -> None:
        super().__init__(f"{place} has {size_bytes} bytes, but its superblock says {said_bytes}: it was cut.")
        self.place = place
        self.size_bytes = size_bytes
        self.said_bytes = said_bytes


class VolumeNotGrown(VolumeRefused):
    """The size asked for gives the volume no slot more than it has, or too few to grow by."""

    def __init__(self, place: str, size_bytes: int, least_bytes: int) -> None:
        super().__init__(
            f"{place} has {size_bytes} bytes already; to grow, it needs {least_bytes} at least. A volume never shrinks."
        )
        self.place = place
        self.size_bytes = size_bytes
        self.least_bytes = least_bytes


class SlotMisuse(Exception):
    """Our own fault: what was asked of a slot contradicts its state. Nothing was written."""

    def __init__(self, slot: int, detail: str) -> None:
        super().__init__(f"slot {slot}: {detail}")
        self.slot = slot
        self.detail = detail
