"""Opens the keystore, and where its cell cannot be reached the fallback, so that recording goes on (design, section 4).

Without a configured fallback a cell that is away is a refusal: nothing may be recorded under a key that no cell keeps.
A fallback that holds keys stays open beside the keystore until the last of them is dead. This module must not know
volumes, cameras or when keys die.
"""

from collections.abc import Callable

from kuramori import log
from kuramori.cells import Cells, open_cells, open_fallback_cells
from kuramori.durable_file import make_private_folder
from kuramori.places import Places
from kuramori_config.schema import Configuration
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import (
    CellUnusable,
    KeystoreFault,
    KeystoreMissing,
    PlaceRefused,
    RootGone,
)
from kuramori_segments.keystore_pair import KeystorePair
from kuramori_segments.keystore_slots import is_half_made
from kuramori_segments.store_files import DirectoryFiles

AWAY = (CellUnusable, PlaceRefused, RootGone)  # the cell cannot be reached, or holds nothing


def open_keystores(configuration: Configuration, places: Places, boot_id: bytes, now_utc_ms: int) -> KeystorePair:
    """Open what there is. Blocks. Raises KeystoreFault where nothing can be recorded."""

    def open_main() -> Keystore:
        return Keystore.open(DirectoryFiles(places.keystore), open_cells(configuration, places), boot_id=boot_id)

    def fallback_cells() -> Cells:
        return open_fallback_cells(configuration, places)

    try:
        main = open_main()
    except AWAY as fault:
        if places.fallback_cell is None:
            raise
        log.get().error("cell_away", detail=str(fault))
        store = _open_fallback(places, fallback_cells, boot_id) or _make_fallback(
            places, fallback_cells, boot_id, now_utc_ms
        )
        return KeystorePair(None, store, open_main=open_main, main_fault=str(fault))
    return KeystorePair(main, _beside(places, fallback_cells, boot_id), open_main=open_main)


def _open_fallback(places: Places, cells: Callable[[], Cells], boot_id: bytes) -> Keystore | None:
    """Open the fallback; None where there is none."""
    if not places.fallback_keystore.exists():
        return None
    files = DirectoryFiles(places.fallback_keystore)
    try:
        return Keystore.open(files, cells(), boot_id=boot_id)
    except KeystoreMissing:
        return None
    except RootGone:
        if is_half_made(files):
            return None  # its end, or its making, was interrupted: nothing is lost
        raise


def _make_fallback(places: Places, cells: Callable[[], Cells], boot_id: bytes, now_utc_ms: int) -> Keystore:
    make_private_folder(places.fallback_keystore)
    files = DirectoryFiles(places.fallback_keystore)
    return Keystore.create(files, cells(), boot_id=boot_id, first_generation=max(1, now_utc_ms))


def _beside(places: Places, cells: Callable[[], Cells], boot_id: bytes) -> Keystore | None:
    """Open the fallback beside the keystore; one that cannot be opened costs no frame, and is told."""
    try:
        return _open_fallback(places, cells, boot_id)
    except KeystoreFault as fault:
        log.get().error("fallback_keystore_unusable", detail=str(fault))
        return None
