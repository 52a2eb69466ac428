"""What an unfinished set-up left behind, and how it is discarded without touching anything else.

The note `setup-unfinished.json` is written before the first part is made. It names the recorder id that the parts bear
and the places that were blank when it was written. Only with that note, and never with an identity beside it, are parts
removed; a volume only if it bears that id.
This module must not know how parts are made.
"""

import json
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kuramori.durable_file import ASIDE_SUFFIX, remove_file
from kuramori.places import Places
from kuramori.setup_faults import SetUpRefused
from kuramori_segments.disk import PARTIAL_SUFFIX, FileDisk
from kuramori_segments.erasable_cell import CELL_NAMES, Cell, open_file_cells
from kuramori_segments.ledger_database import family
from kuramori_segments.storage_fault import StorageFault, VolumeInUse, VolumeRefused
from kuramori_segments.volume_head import SUPERBLOCK_OFFSETS, read_superblocks

MAX_NOTE_BYTES = 65536
_BLOCK = bytes(4096)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The note: which recorder was being set up, and where outside the state directory."""

    recorder_id: bytes
    volumes: tuple[Path, ...]
    ledger_mirror: Path | None
    cell: Path | None
    restored: tuple[Path, ...] = ()  # what a restore puts beside the parts of a set-up

    @classmethod
    def of(cls, recorder_id: bytes, places: Places, restored: tuple[Path, ...] = ()) -> "Unfinished":
        """Return the note for a set-up, or a restore, that begins now."""
        return cls(recorder_id, places.volumes, places.ledger_mirror, places.cell, restored)

    def to_bytes(self) -> bytes:
        """Return the note's content."""
        document = {
            "recorder_id": self.recorder_id.hex(),
            "volumes": [str(path) for path in self.volumes],
            "ledger_mirror": None if self.ledger_mirror is None else str(self.ledger_mirror),
            "cell": None if self.cell is None else str(self.cell),
            "restored": [str(path) for path in self.restored],
        }
        return json.dumps(document, ensure_ascii=False).encode("utf-8") + b"\n"


def read_unfinished(places: Places) -> Unfinished | None:
    """Return the note of an unfinished set-up, or None. A note that cannot be read counts as none."""
    try:
        document = json.loads(places.unfinished.read_bytes()[:MAX_NOTE_BYTES])
        mirror, cell = document["ledger_mirror"], document["cell"]
        return Unfinished(
            recorder_id=bytes.fromhex(document["recorder_id"]),
            volumes=tuple(Path(path) for path in document["volumes"]),
            ledger_mirror=None if mirror is None else Path(mirror),
            cell=None if cell is None else Path(cell),
            restored=tuple(Path(path) for path in document.get("restored", ())),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remains_of(places: Places) -> tuple[Path, ...]:
    """Return the parts of a recorder that are there: in the state directory, in the cell, the ledger's mirror."""
    parts = [places.device_key, places.device_certificate, places.custodians, places.ledger, places.keystore]
    parts += [places.fallback_keystore, places.tpm_password]
    for cell in (places.cell, places.fallback_cell):
        parts += [] if cell is None else [cell / name for name in CELL_NAMES]
    if places.ledger_mirror is not None:
        parts.append(places.ledger_mirror)
    return tuple(part for part in parts if part.exists())


def discard(places: Places, unfinished: Unfinished, tpm_cells: Callable[[], Iterable[Cell]]) -> None:
    """Remove what an unfinished set-up made, its note last. `tpm_cells` is asked where the set-up used a TPM.

    Raises SetUpRefused where there is an identity; OSError, KeystoreFault.
    """
    if places.identity.exists():
        raise SetUpRefused(str(places.identity))
    for path in unfinished.volumes:
        _discard_volume(path, unfinished.recorder_id)
    for path in family(places.ledger):
        remove_file(path)
    if unfinished.ledger_mirror is not None and unfinished.ledger_mirror.parent.exists():
        for path in family(unfinished.ledger_mirror):
            remove_file(path)
    if unfinished.cell is not None and unfinished.cell.exists():
        for cell in open_file_cells(unfinished.cell, (), for_trial=True):
            cell.destroy()
    if unfinished.cell is None and places.tpm_password.exists():
        for tpm_cell in tpm_cells():
            tpm_cell.destroy()
    remove_file(places.tpm_password)
    if places.keystore.exists():
        shutil.rmtree(places.keystore)
    shutil.rmtree(places.restoring, ignore_errors=True)
    restored = [part for path in unfinished.restored for part in family(path)]
    for path in (*restored, places.custodians, places.device_certificate, places.device_key, places.identity):
        remove_file(path.with_name(path.name + ASIDE_SUFFIX))
        remove_file(path)
    remove_file(places.unfinished)


def _discard_volume(path: Path, recorder_id: bytes) -> None:
    """Remove a volume that bears this id; on a block device its superblocks are overwritten."""
    with suppress(FileNotFoundError):
        path.with_name(path.name + PARTIAL_SUFFIX).unlink()
    if not path.exists():
        return
    try:
        disk = FileDisk.open(path, writable=True)
    except (StorageFault, VolumeInUse):
        return
    try:
        superblock = read_superblocks(disk.read_at, str(path)).superblock
        if superblock.recorder_id != recorder_id:
            return
        if path.is_block_device():
            for offset in SUPERBLOCK_OFFSETS:
                disk.write_at(offset, [_BLOCK])
            disk.sync()
        else:
            path.unlink()
    except VolumeRefused:
        return
    finally:
        disk.close()
