"""The changing parts of a recorder, copied at one moment into a folder: the desk's databases, ledger, numbering.

While the service runs, desk and recorder copy what each has open, the register first: a ledger that is younger has
every receipt that the register names. Otherwise the files are copied here, under the service's lock. The folder lies
in the state directory, is private, and goes when the backup is written. This module must not know passphrases.
"""

import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from kuramori.backup.archive import NUMBERING
from kuramori.backup.fault import BackupIncomplete
from kuramori.database_copy import copy_closed_database
from kuramori.durable_file import make_private_folder, write_file
from kuramori.numbering_floor import NumberingDamaged, NumberingFloor, Reached, read_floor
from kuramori.places import Places
from kuramori_segments.codes import Provenance
from kuramori_segments.disk import FileDisk
from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_fault import LedgerFault
from kuramori_segments.ledger_records import DurableEnd
from kuramori_segments.ledger_records import Provenance as RunProvenance
from kuramori_segments.storage_fault import StorageFault, VolumeInUse, VolumeRefused
from kuramori_segments.volume import Volume

LEDGER, MIRROR = "ledger.db", "ledger-mirror.db"
DESK_FILES = ("register.db", "requests.db", "custody.db", "accounts.db")


def begin_snapshot(folder: Path) -> None:
    """Make the folder, empty. Raises OSError."""
    end_snapshot(folder)
    make_private_folder(folder)


def end_snapshot(folder: Path) -> None:
    """Remove the folder with everything in it."""
    shutil.rmtree(folder, ignore_errors=True)


def copy_ledger(
    ledger: Ledger,
    volumes: Iterable[Volume],
    floor: NumberingFloor,
    durable: Mapping[int, DurableEnd],
    folder: Path,
) -> None:
    """Put the ledger and what the cameras have reached into the folder. Blocks. Raises LedgerFault, OSError."""
    numbering = numbering_of(ledger, tuple(volumes), floor, durable)
    ledger.copy_to_new(folder / LEDGER)
    write_file(folder / NUMBERING, numbering.to_bytes())


def numbering_of(
    ledger: Ledger, volumes: tuple[Volume, ...], floor: NumberingFloor, durable: Mapping[int, DurableEnd]
) -> NumberingFloor:
    """Return what comes next of each camera, as far as volumes and ledger say. A volume may be away: see the leap."""
    spaces = {}
    for entry in ledger.cameras():
        number = entry.camera_number
        for provenance in Provenance:
            reached = floor.of(number, provenance)
            latest = [volume.latest(number, provenance) for volume in volumes]
            sequences = [segment.sequence + 1 for segment in latest if segment is not None]
            unit = ledger.last_access_unit(number, RunProvenance(provenance))
            spaces[number, provenance] = Reached(
                max(reached.next_sequence, *sequences, 0),
                max(reached.next_access_unit, 0 if unit is None else unit + 1),
            )
    return NumberingFloor(spaces, durable)


def snapshot_stopped(places: Places, folder: Path) -> None:
    """Copy everything while nothing runs (the caller holds the service's lock). Blocks.

    Raises BackupIncomplete, LedgerFault, OSError.
    """
    begin_snapshot(folder)
    sources = (places.register, places.requests, places.custody, places.accounts)
    try:
        for source, name in zip(sources, DESK_FILES, strict=True):
            if source.exists():
                copy_closed_database(source, folder / name)
    except sqlite3.Error as error:
        raise BackupIncomplete(f"{places.register} ({error})") from error
    _snapshot_ledger(places, folder)


def _snapshot_ledger(places: Places, folder: Path) -> None:
    """Take ledger or mirror, whichever is better, by copies of both: what is there stays as it is."""
    work = folder / "ledger"
    make_private_folder(work)
    mirror = None
    try:
        if places.ledger.exists():
            copy_closed_database(places.ledger, work / LEDGER)
        if places.ledger_mirror is not None and places.ledger_mirror.exists():
            mirror = work / MIRROR
            copy_closed_database(places.ledger_mirror, mirror)
    except sqlite3.Error as error:
        raise BackupIncomplete(f"{places.ledger} ({error})") from error
    with ExitStack() as closing:
        try:
            ledger = closing.enter_context(Ledger.open(work / LEDGER, mirror))
            floor = read_floor(places.numbering)
        except (LedgerFault, NumberingDamaged) as fault:
            raise BackupIncomplete(f"{places.ledger} ({fault})") from fault
        copy_ledger(ledger, _volumes(places, closing), floor, {}, folder)
    shutil.rmtree(work)


def _volumes(places: Places, closing: ExitStack) -> list[Volume]:
    """Open what volumes there are, for reading."""
    found = []
    for path in places.volumes:
        try:
            disk = FileDisk.open(path, writable=False)
            closing.callback(disk.close)
            found.append(Volume.open(disk, str(path)))
        except (StorageFault, VolumeRefused, VolumeInUse):
            continue
    return found
