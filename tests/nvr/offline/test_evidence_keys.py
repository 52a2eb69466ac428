"""The keys of a dead recorder: opened without writing, judged by retention as of now, gone with the cell."""

import secrets
from pathlib import Path

import pytest

from kuramori.offline.evidence_keys import EvidenceFiles, EvidenceKeys
from kuramori.offline.fault import CellGone, EvidenceUnusable
from kuramori_segments.erasable_cell import open_file_cells
from kuramori_segments.key_records import KeepRequest
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import EpochKeyGone
from kuramori_segments.store_files import DirectoryFiles

BEGAN = 1_790_000_000_000
RETENTION_MS = 3_600_000
HOLD, HELD, OTHER = b"h" * 16, b"u" * 16, b"o" * 16


@pytest.fixture
def dead(tmp_path: Path) -> tuple[Path, Path, bytes, bytes]:
    """A keystore and its cell, the one epoch in it, and what the running store derived for a held segment."""
    keystore, cell = tmp_path / "keystore", tmp_path / "cell"
    for folder in (keystore, cell):
        folder.mkdir(mode=0o700)
    store = Keystore.create(DirectoryFiles(keystore), open_file_cells(cell, (), for_trial=True))
    epoch = store.new_epoch(1, BEGAN, 1000)
    store.keep_segment_keys([KeepRequest(epoch.epoch_id, HELD, BEGAN + 10 * RETENTION_MS, HOLD)])
    key = store.segment_key(epoch.epoch_id, HELD)
    store.close()
    return keystore, cell, epoch.epoch_id, key


def contents(*folders: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for folder in folders for path in folder.iterdir()}


def test_what_is_past_its_retention_stays_closed_though_its_key_is_there(dead: tuple[Path, Path, bytes, bytes]) -> None:
    """One millisecond before the end it opens; at the end only what a hold keeps does, and until that ends."""
    keystore, cell, epoch_id, key = dead
    before = contents(keystore, cell)
    now = [BEGAN + RETENTION_MS - 1]
    keys = EvidenceKeys(keystore, cell, lambda _camera: RETENTION_MS, lambda: now[0])
    assert keys.alive(epoch_id, OTHER)
    assert keys.segment_key(epoch_id, HELD) == key
    now[0] += 1
    assert not keys.alive(epoch_id, OTHER)
    with pytest.raises(EpochKeyGone):
        keys.segment_key(epoch_id, OTHER)
    assert keys.segment_key(epoch_id, HELD) == key
    now[0] = BEGAN + 10 * RETENTION_MS
    with pytest.raises(EpochKeyGone):
        keys.segment_key(epoch_id, HELD)
    keys.close()
    assert contents(keystore, cell) == before


def test_without_its_root_nobody_opens_it(dead: tuple[Path, Path, bytes, bytes], tmp_path: Path) -> None:
    """An empty cell, a missing one, another recorder's root: each is said for what it is."""
    keystore, cell, _, _ = dead
    for path in cell.iterdir():
        path.write_bytes(secrets.token_bytes(path.stat().st_size))
    for place in (cell, tmp_path / "nowhere"):
        with pytest.raises(CellGone, match="by design"):
            EvidenceKeys(keystore, place, lambda _camera: RETENTION_MS, lambda: BEGAN)
    with pytest.raises(EvidenceUnusable):
        EvidenceKeys(tmp_path / "nowhere", cell, lambda _camera: RETENTION_MS, lambda: BEGAN)


def test_nothing_is_ever_written_to_evidence(tmp_path: Path) -> None:
    """Every way of changing a file refuses."""
    files = EvidenceFiles(tmp_path)
    (tmp_path / "x").write_bytes(b"1")
    for change in (
        lambda: files.create("y", b""),
        lambda: files.write("x", 0, b"2"),
        lambda: files.remove("x"),
    ):
        with pytest.raises(OSError, match="Read-only"):
            change()
    assert files.read("x", 10) == b"1"
    assert files.read("y", 10) is None
