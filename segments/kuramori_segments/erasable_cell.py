"""Cells: places for 32 bytes that can be destroyed for certain. A keystore has two, and everything hangs on them.

`FileCell` is a file on a file system that overwrites in place. Destroying it means: overwrite the block with random
bytes, sync, remove the name, sync the directory. What this reaches: every later reading of the medium through its
interface. What it does not: flash pages that the medium itself keeps back (wear levelling), snapshots and backups
that somebody else made of the cell's medium. Never back up a cell. This module must not know what a root opens.
"""

import secrets
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from crc32c import crc32c

from kuramori_segments.keystore_faults import CellUnusable, PlaceFault, PlaceRefused
from kuramori_segments.mounts import MOUNTINFO, mount_of
from kuramori_segments.physical_disk import DiskFinder
from kuramori_segments.store_files import BytesLike, DirectoryFiles, StoreFiles
from kuramori_segments.tier import ErasureTier, TierAssessment, TierReason, assess_tier

ROOT_BYTES = 32
CELL_BYTES = 4096  # one block of the medium: nothing else shares it
CELL_NAMES = ("cell-a", "cell-b")
IN_PLACE = frozenset({"ext2", "ext3", "ext4", "xfs", "vfat", "exfat"})

_MAGIC = b"KRMCEL\x01\n"
_CELL = struct.Struct("<8s32s")
_FAULTS = {
    **dict.fromkeys(("btrfs", "zfs", "bcachefs", "nilfs2", "f2fs", "overlay", "aufs"), PlaceFault.COPY_ON_WRITE),
    **dict.fromkeys(("ubifs", "jffs2"), PlaceFault.COPY_ON_WRITE),
    **dict.fromkeys(("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs", "afs"), PlaceFault.NETWORK),
    **dict.fromkeys(("tmpfs", "ramfs"), PlaceFault.VOLATILE),
}


class Cell(Protocol):
    """A place for one root. All methods raise CellUnusable or PlaceRefused when the medium fails."""

    @property
    def assessment(self) -> TierAssessment:
        """How strong destroying it is, and why."""

    @property
    def tier(self) -> ErasureTier:
        """How strong destroying it is."""

    @property
    def description(self) -> str:
        """Where it is, for the operator. No secret."""

    def read(self) -> bytes | None:
        """Return the root; None where there is none, or what is there is not whole."""

    def write(self, root: BytesLike) -> None:
        """Hold this root, durably, after destroying what was there."""

    def destroy(self) -> None:
        """Make the root unreadable for good. May be called when there is none, and again after a failure."""


class FileCell:
    """A cell in a file of its own."""

    def __init__(self, files: StoreFiles, name: str, assessment: TierAssessment) -> None:
        """Use `open_file_cells`, which looks at the place first."""
        self._files = files
        self._name = name
        self._assessment = assessment

    @property
    def assessment(self) -> TierAssessment:
        """See Cell."""
        return self._assessment

    @property
    def tier(self) -> ErasureTier:
        """See Cell."""
        return self._assessment.tier

    @property
    def description(self) -> str:
        """See Cell."""
        return f"{self._files.place}/{self._name}"

    def read(self) -> bytes | None:
        """See Cell."""
        try:
            block = self._files.read(self._name, CELL_BYTES)
        except OSError as error:
            raise CellUnusable(self.description, "read", error.errno or 0) from error
        if block is None or len(block) != CELL_BYTES or not block.startswith(_MAGIC):
            return None
        if any(block[_CELL.size : -4]) or struct.unpack_from("<I", block, CELL_BYTES - 4)[0] != crc32c(block[:-4]):
            return None
        return block[len(_MAGIC) : _CELL.size]

    def write(self, root: BytesLike) -> None:
        """See Cell."""
        if len(root) != ROOT_BYTES:
            raise ValueError(f"a root has {ROOT_BYTES} bytes")
        self.destroy()
        block = bytearray(CELL_BYTES)
        _CELL.pack_into(block, 0, _MAGIC, bytes(root))
        struct.pack_into("<I", block, CELL_BYTES - 4, crc32c(memoryview(block)[:-4]))
        try:
            self._files.create(self._name, block)
        except OSError as error:
            raise CellUnusable(self.description, "write", error.errno or 0) from error
        finally:
            block[:] = bytes(CELL_BYTES)

    def destroy(self) -> None:
        """See Cell."""
        try:
            if self._files.read(self._name, 0) is not None:
                self._files.write(self._name, 0, secrets.token_bytes(CELL_BYTES))
            self._files.remove(self._name)
        except OSError as error:
            raise CellUnusable(self.description, "destroy", error.errno or 0) from error


def open_file_cells(
    directory: Path,
    recordings: Iterable[Path],
    *,
    for_trial: bool = False,
    mountinfo: Path = MOUNTINFO,
    finder: DiskFinder | None = None,
) -> tuple[FileCell, FileCell]:
    """Return the two cells in an existing directory of the running account, with their tier.

    `recordings` are the volumes. A file system that copies on write, snapshots, lies in memory or on a network is
    refused (PlaceRefused), unless `for_trial`: then the tier is E0 whatever the disks are.
    """
    files = DirectoryFiles(directory)
    refusal = _refusal(directory, mountinfo) or _snapshot_below(directory, finder or DiskFinder())
    if refusal is not None and not for_trial:
        raise refusal
    assessment = assess_tier(directory, recordings, finder)
    if refusal is not None:
        disks = assessment.cell_disks, assessment.recording_disks
        assessment = TierAssessment(ErasureTier.E0, TierReason.CELL_UNFIT, *disks)
    return FileCell(files, CELL_NAMES[0], assessment), FileCell(files, CELL_NAMES[1], assessment)


def _refusal(directory: Path, mountinfo: Path) -> PlaceRefused | None:
    """Return why overwriting there may not reach the old bytes; None for a fit place."""
    mount = mount_of(directory, mountinfo)
    if mount is None:
        return PlaceRefused(str(directory), PlaceFault.UNKNOWN_FILE_SYSTEM)
    kind = mount.file_system
    if kind in IN_PLACE:
        if mount.option("data") == "journal":
            return PlaceRefused(str(directory), PlaceFault.DATA_JOURNAL, kind)
        return None
    return PlaceRefused(str(directory), _FAULTS.get(kind, PlaceFault.UNKNOWN_FILE_SYSTEM), kind)


def _snapshot_below(directory: Path, finder: DiskFinder) -> PlaceRefused | None:
    """Return that the device below keeps old blocks, as far as that can be seen."""
    device = finder.old_blocks_under(directory)
    return None if device is None else PlaceRefused(str(directory), PlaceFault.SNAPSHOT, device)
