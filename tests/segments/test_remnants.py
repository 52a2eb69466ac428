"""Whoever kept every byte ever written to the state directory opens nothing that was erased.

A thief with a perfect memory: each write to the keystore's directory is recorded as it goes by, in the life of a real
keystore with its cell in a real TPM and in a file elsewhere. Afterwards everything is tried: each window of 32 recorded
bytes as a key of the erased segment and as a root of each snapshot, and the roots that exist now on everything.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori_segments.cipher import key_commitment, segment_key
from kuramori_segments.erasable_cell import Cell, FileCell
from kuramori_segments.key_records import Epoch
from kuramori_segments.key_snapshot import SnapshotUnreadable, open_snapshot
from kuramori_segments.key_table import KeyTable, epochs_of
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import KeystoreFault
from kuramori_segments.store_files import BytesLike, DirectoryFiles
from kuramori_segments.tpm_cell import TpmCell
from tests.fakes.keystore_machine import HOLD, OTHER_UID, SEPARATE, UID
from tests.fakes.simulated_tpm import CHIP
from tests.fakes.software_tpm import INDEX, PASSWORD, software_tpm

DEK = b"\x0d" * 32
KEY_BYTES = 32
BOOT = b"\x0b" * 16


class RecordingFiles(DirectoryFiles):
    """A directory whose every write is kept, whatever becomes of it later."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.written: list[tuple[str, bytes]] = []

    def create(self, name: str, data: BytesLike) -> None:
        self.written.append((name, bytes(data)))
        super().create(name, data)

    def write(self, name: str, offset_bytes: int, data: BytesLike) -> None:
        self.written.append((name, bytes(data)))
        super().write(name, offset_bytes, data)


@pytest.fixture(params=["tpm", "file"])
def cells(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Cell, Cell]]:
    """The two cells: in a TPM, or on a medium of their own, which the thief does not have."""
    if request.param == "file":
        elsewhere = DirectoryFiles.make(tmp_path / "elsewhere")
        yield FileCell(elsewhere, "cell-a", SEPARATE), FileCell(elsewhere, "cell-b", SEPARATE)
        return
    with software_tpm(tmp_path) as tpm:
        yield TpmCell(tpm.tools(), INDEX, PASSWORD, CHIP), TpmCell(tpm.tools(), INDEX + 1, PASSWORD, CHIP)


def life(files: RecordingFiles, cells: tuple[Cell, Cell]) -> tuple[Epoch, Epoch, bytes, bytes]:
    """Epochs made, held and erased, over restarts; return the erased and a living epoch, and commitments to both."""
    store = Keystore.create(files, cells, boot_id=BOOT)
    dying, living = store.new_epoch(1, 1, 1), store.new_epoch(1, 2, 2)
    secret = key_commitment(DEK, store.segment_key(dying.epoch_id, UID), UID)
    known = key_commitment(DEK, store.segment_key(living.epoch_id, UID), UID)
    store.rotate((), 3)
    store.keep_segment_key(dying.epoch_id, OTHER_UID, 10, HOLD)  # another segment of it, for a while
    store.close()
    store = Keystore.open(files, cells, boot_id=BOOT)
    store.new_epoch(2, 4, 4)
    store.rotate({dying.epoch_id}, 5)
    store.rotate((), 20)  # the held one ends
    store.close()
    return dying, living, secret, known


def opened_with(root: bytes, written: list[tuple[str, bytes]]) -> set[bytes]:
    """Return the epochs of all snapshots that this root opens."""
    found: set[bytes] = set()
    for name, data in written:
        if name.startswith("snapshot"):
            try:
                table = KeyTable.decode(memoryview(open_snapshot(root, int(name.endswith("b")), data).table))
            except SnapshotUnreadable:
                continue
            found |= {epoch.epoch_id for epoch in epochs_of(table.epoch_facts())}
    return found


def windows(written: list[tuple[str, bytes]]) -> set[bytes]:
    """Return everything of 32 bytes that was ever written, but for runs of zeros."""
    return {
        data[at : at + KEY_BYTES]
        for _, data in written
        for at in range(len(data) - KEY_BYTES + 1)
        if any(data[at : at + KEY_BYTES])
    }


def test_nothing_ever_written_opens_what_was_erased(tmp_path: Path, cells: tuple[Cell, Cell]) -> None:
    """With all recorded bytes and the roots of today: the living segment opens, the erased one does not."""
    files = RecordingFiles(DirectoryFiles.make(tmp_path / "keystore").directory)
    dying, living, secret, known = life(files, cells)
    roots = [root for cell in cells if (root := cell.read()) is not None]
    assert len(roots) == 1
    assert len([name for name, _ in files.written if name.startswith("snapshot")]) == 4
    openable = opened_with(roots[0], files.written)
    assert living.epoch_id in openable, "the thief's tools work"
    assert dying.epoch_id not in openable
    candidates = windows(files.written)
    assert len(candidates) > 1_500
    for candidate in candidates:
        assert key_commitment(DEK, candidate, UID) not in (secret, known)
        assert key_commitment(DEK, segment_key(candidate, UID), UID) != secret
    snapshots = [(name, data) for name, data in files.written if name.startswith("snapshot")]
    assert not any(opened_with(candidate, snapshots) for candidate in candidates)


def test_every_earlier_state_of_the_directory_with_todays_cells_opens_nothing_erased(
    tmp_path: Path, cells: tuple[Cell, Cell]
) -> None:
    """The directory put back as it was before the erasure: the store does not open with what the cells hold now."""
    files = RecordingFiles(DirectoryFiles.make(tmp_path / "keystore").directory)
    dying, *_ = life(files, cells)
    for number in range(len(files.written)):
        folder = DirectoryFiles.make(tmp_path / f"copy-{number}")
        last: dict[str, bytes] = {}
        for name, data in files.written[: number + 1]:
            last[name] = last.get(name, b"") + data if name.startswith("journal") else data
        for name, data in last.items():
            folder.create(name, data)
        try:
            store = Keystore.open(folder, (Frozen(cells[0]), Frozen(cells[1])), boot_id=BOOT)
        except KeystoreFault:
            continue
        assert dying.epoch_id not in {epoch.epoch_id for epoch in store.epochs()}
        store.close()


class Frozen:
    """A cell that a try does not change."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self.assessment = cell.assessment
        self.tier = cell.tier
        self.description = cell.description

    def read(self) -> bytes | None:
        return self._cell.read()

    def write(self, root: BytesLike) -> None:
        raise AssertionError("opening writes no root")

    def destroy(self) -> None:
        """Nothing: the next try wants the same cells."""


def test_a_file_cell_overwrites_each_old_root_where_it_lay(tmp_path: Path) -> None:
    """Whoever held the cells' files open all the time reads none of the roots that were there."""
    elsewhere = DirectoryFiles.make(tmp_path / "elsewhere")
    cells = FileCell(elsewhere, "cell-a", SEPARATE), FileCell(elsewhere, "cell-b", SEPARATE)
    store = Keystore.create(DirectoryFiles.make(tmp_path / "keystore"), cells, boot_id=BOOT)
    held, roots = [], []
    for lap in range(4):
        name = ("cell-a", "cell-b")[lap % 2]
        held.append((elsewhere.directory / name).open("rb"))
        roots.append(cells[lap % 2].read() or b"")
        store.rotate((), lap)
    left = b"".join(file.read() for file in held)
    assert len(left) == 4 * 4096
    assert not any(root in left for root in roots)
    for file in held:
        file.close()
    store.close()
