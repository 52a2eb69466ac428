"""What somebody gets out of a copied recording medium who even has two custodians' keys on hand.

The try is made in earnest: segments are looked for in the copied volume, the custodians' half of each key is put
together from their shares, and the other half is asked from a keystore. It works on copies only, so that neither the
recorder's keystore nor its cell is touched. It must not know the story.
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kuramori_segments.custodian_key import CustodianKey, open_key_file
from kuramori_segments.custody import ShareBinding, combine, open_share
from kuramori_segments.erasable_cell import open_file_cells
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import EpochKeyGone, KeystoreFault
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.segment_reader import ReadAt, SegmentReader, read_header, scan
from kuramori_segments.store_files import DirectoryFiles
from kuramori_segments.volume import Volume


class Obstacle(StrEnum):
    """What stood in the way."""

    NONE = "none"
    ROOT_GONE = "root gone"  # the cell no longer holds what the keystore is sealed under
    EPOCH_KEY_GONE = "epoch key gone"  # the keystore opens, and this key is not in it


@dataclass(frozen=True, slots=True)
class Loot:
    """What the try gave, for one camera."""

    segments: int  # found, with readable headers
    custody_halves: int  # data encryption keys put together from the custodians' shares
    pictures: int  # decrypted and verified
    obstacle: Obstacle
    detail: str  # in the words of what stood in the way


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder that is in use: what vanishes meanwhile is left out. Raises OSError."""
    shutil.copytree(source, target, copy_function=_copy_if_there)


def _copy_if_there(source: str, target: str) -> str:
    with contextlib.suppress(FileNotFoundError):
        shutil.copy(source, target)  # modes too: a keystore open to others is refused
    return target


def custodian_keys(files: Sequence[tuple[Path, str]]) -> tuple[CustodianKey, ...]:
    """Open key files with their passphrases."""
    return tuple(open_key_file(file.read_bytes(), passphrase) for file, passphrase in files)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: a camera's recordings that touch [from, to), UTC milliseconds."""

    camera: str
    from_utc_ms: int
    to_utc_ms: int


def try_to_open(
    volume: Path, keystore: Path, cell: Path, keys: Sequence[CustodianKey], wanted: Wanted, workshop: Path
) -> Loot:
    """Try to read pictures from a volume with a keystore, a cell and custodians' keys.

    Keystore and cell are copied into `workshop`, which is emptied afterwards: opening a keystore tidies it up.
    """
    workshop.mkdir(mode=0o700)
    try:
        copy_folder(keystore, workshop / "keystore")
        copy_folder(cell, workshop / "cell")
        opened = Volume.open_file(volume)
        try:
            found = list(_segments(opened, wanted))
            deks = [_custody_half(header, keys) for header, _, _ in found]
            pictures, obstacle, detail = _pictures(found, deks, workshop)
        finally:
            opened.close()
    finally:
        shutil.rmtree(workshop)
    return Loot(len(found), len(deks), pictures, obstacle, detail)


def _segments(volume: Volume, wanted: Wanted) -> Iterator[tuple[SegmentHeader, ReadAt, int]]:
    """Yield header, reader and extent of each segment that is looked for."""
    for number in volume.cameras():
        for segment in volume.overlapping(number, wanted.from_utc_ms, wanted.to_utc_ms):
            read_at = volume.reader(segment.slot)
            try:
                header = read_header(read_at(0, BLOCK_BYTES))
            except FormatError:
                continue
            if header.camera_name == wanted.camera:
                yield header, read_at, scan(read_at, volume.superblock.slot_bytes).extent_bytes


def _custody_half(header: SegmentHeader, keys: Sequence[CustodianKey]) -> bytes:
    binding = ShareBinding.of(header)
    shares = [open_share(header.shares, key.custodian_id, key.opening_private, binding) for key in keys]
    return combine(shares, header.k)


def _pictures(
    found: Sequence[tuple[SegmentHeader, ReadAt, int]], deks: Sequence[bytes], workshop: Path
) -> tuple[int, Obstacle, str]:
    """Return how many pictures could be read, and what stood in the way."""
    try:
        cells = open_file_cells(workshop / "cell", (), for_trial=True)
        keystore = Keystore.open(DirectoryFiles(workshop / "keystore"), cells)
    except KeystoreFault as fault:
        return 0, Obstacle.ROOT_GONE, str(fault).replace(f"{workshop}/", "")
    pictures = 0
    try:
        for (header, read_at, extent_bytes), dek in zip(found, deks, strict=True):
            k_seg = keystore.segment_key(header.epoch_id, header.segment_uid)
            reader = SegmentReader.open(read_at, dek, k_seg, extent_bytes=extent_bytes)
            pictures += sum(1 for _ in reader.access_units())
    except EpochKeyGone as gone:
        return pictures, Obstacle.EPOCH_KEY_GONE, str(gone)
    finally:
        keystore.close()
    return pictures, Obstacle.NONE, ""
