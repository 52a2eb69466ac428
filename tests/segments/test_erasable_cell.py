"""Cells and the directories they stand in: what is fit to hold a root, and what is refused."""

import os
import stat
from pathlib import Path

import pytest

from kuramori_segments.erasable_cell import CELL_BYTES, FileCell, open_file_cells
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import CellUnusable, KeystoreInUse, PlaceFault, PlaceRefused
from kuramori_segments.mounts import mount_of, parse_mountinfo
from kuramori_segments.store_files import DirectoryFiles
from kuramori_segments.tier import ErasureTier, TierReason
from tests.fakes.crashing_files import Machine
from tests.fakes.keystore_machine import SEPARATE

ROOT = bytes(range(32))


@pytest.fixture
def cell_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "cell"
    directory.mkdir(mode=0o700)
    return directory


def mountinfo(tmp_path: Path, file_system: str, options: str = "rw") -> Path:
    """A machine where everything is mounted as this kind of file system."""
    file = tmp_path / "mountinfo"
    file.write_text(f"22 1 8:1 / / rw,relatime shared:1 - {file_system} /dev/sda1 {options}\n")
    return file


def cells(directory: Path, tmp_path: Path, file_system: str = "ext4", options: str = "rw") -> tuple[FileCell, FileCell]:
    return open_file_cells(directory, [tmp_path], mountinfo=mountinfo(tmp_path, file_system, options))


# ---- one cell ----------------------------------------------------------------------------------------------


def test_a_cell_holds_a_root_until_it_is_destroyed(cell_directory: Path, tmp_path: Path) -> None:
    """Nothing, a root, nothing; the two cells do not know each other."""
    first, second = cells(cell_directory, tmp_path)
    assert (first.read(), second.read()) == (None, None)
    first.write(ROOT)
    assert (first.read(), second.read()) == (ROOT, None)
    first.destroy()
    first.destroy()
    assert first.read() is None
    assert list(cell_directory.iterdir()) == []


def test_a_new_root_replaces_the_old_one(cell_directory: Path, tmp_path: Path) -> None:
    """After destroying it."""
    cell, _ = cells(cell_directory, tmp_path)
    cell.write(ROOT)
    cell.write(ROOT[::-1])
    assert cell.read() == ROOT[::-1]


def test_destroying_overwrites_the_block_in_place(cell_directory: Path, tmp_path: Path) -> None:
    """Whoever held the file open sees random bytes where the root was, of the same length."""
    cell, _ = cells(cell_directory, tmp_path)
    cell.write(ROOT)
    with (cell_directory / "cell-a").open("rb") as held:
        assert ROOT in held.read()
        cell.destroy()
        held.seek(0)
        left = held.read()
    assert len(left) == CELL_BYTES
    assert ROOT not in left
    assert any(left[8:])


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-1], lambda b: b"", lambda b: b"X" + b[1:], lambda b: b[:9] + b"\0" + b[10:]]
)
def test_a_block_that_is_not_whole_holds_no_root(cell_directory: Path, tmp_path: Path, spoil: object) -> None:
    """Torn or damaged: none, rather than a wrong one."""
    cell, _ = cells(cell_directory, tmp_path)
    cell.write(ROOT)
    file = cell_directory / "cell-a"
    file.write_bytes(spoil(file.read_bytes()))  # type: ignore[operator]
    assert cell.read() is None
    cell.destroy()


def test_a_cell_file_is_private(cell_directory: Path, tmp_path: Path) -> None:
    """Mode 0600, whatever the umask."""
    before = os.umask(0)
    try:
        cell, _ = cells(cell_directory, tmp_path)
        cell.write(ROOT)
    finally:
        os.umask(before)
    assert stat.S_IMODE((cell_directory / "cell-a").stat().st_mode) == 0o600


def test_a_root_has_32_bytes(cell_directory: Path, tmp_path: Path) -> None:
    """Our own misuse fails at once."""
    cell, _ = cells(cell_directory, tmp_path)
    with pytest.raises(ValueError):
        cell.write(b"short")


@pytest.mark.parametrize(("kind", "operation"), [("read", "read"), ("write", "write"), ("unlink", "destroy")])
def test_a_failing_medium_is_named(kind: str, operation: str) -> None:
    """Which cell, which operation, which error."""
    machine = Machine()
    files = machine.files("cell")
    cell = FileCell(files, "cell-a", SEPARATE)
    if kind != "write":
        cell.write(ROOT)
    machine.fails = lambda _number, step: step.kind == kind
    with pytest.raises(CellUnusable) as caught:
        {"read": cell.read, "write": lambda: cell.write(ROOT), "destroy": cell.destroy}[operation]()
    assert (caught.value.cell, caught.value.operation, caught.value.errno) == ("cell/cell-a", operation, 5)


# ---- the place ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_system", ["ext4", "ext3", "ext2", "xfs", "vfat", "exfat"])
def test_file_systems_that_overwrite_in_place_are_taken(cell_directory: Path, tmp_path: Path, file_system: str) -> None:
    """The old bytes are the ones that are overwritten."""
    assert cells(cell_directory, tmp_path, file_system)


@pytest.mark.parametrize(
    ("file_system", "reason"),
    [
        ("btrfs", PlaceFault.COPY_ON_WRITE),
        ("zfs", PlaceFault.COPY_ON_WRITE),
        ("bcachefs", PlaceFault.COPY_ON_WRITE),
        ("f2fs", PlaceFault.COPY_ON_WRITE),
        ("overlay", PlaceFault.COPY_ON_WRITE),
        ("nfs4", PlaceFault.NETWORK),
        ("cifs", PlaceFault.NETWORK),
        ("tmpfs", PlaceFault.VOLATILE),
        ("fuse.sshfs", PlaceFault.UNKNOWN_FILE_SYSTEM),
        ("something-new", PlaceFault.UNKNOWN_FILE_SYSTEM),
    ],
)
def test_other_file_systems_are_refused(
    cell_directory: Path, tmp_path: Path, file_system: str, reason: PlaceFault
) -> None:
    """Old bytes survive there, or the root does not; what is not known is refused too."""
    with pytest.raises(PlaceRefused) as caught:
        cells(cell_directory, tmp_path, file_system)
    assert (caught.value.reason, caught.value.detail) == (reason, file_system)


def test_journalled_data_is_refused(cell_directory: Path, tmp_path: Path) -> None:
    """ext4 with data=journal keeps a copy of the root in its journal."""
    with pytest.raises(PlaceRefused) as caught:
        cells(cell_directory, tmp_path, "ext4", "rw,data=journal")
    assert caught.value.reason is PlaceFault.DATA_JOURNAL


def test_an_unfit_place_can_serve_a_trial_and_claims_nothing(cell_directory: Path, tmp_path: Path) -> None:
    """In a container's overlay, say: tier E0, and the reason says why."""
    unfit = mountinfo(tmp_path, "overlay")
    cell, _ = open_file_cells(cell_directory, [tmp_path], for_trial=True, mountinfo=unfit)
    assert (cell.tier, cell.assessment.reason) == (ErasureTier.E0, TierReason.CELL_UNFIT)
    cell.write(ROOT)
    assert cell.read() == ROOT


def test_without_a_list_of_mounts_nothing_is_known(cell_directory: Path, tmp_path: Path) -> None:
    """Refused, not guessed."""
    with pytest.raises(PlaceRefused) as caught:
        open_file_cells(cell_directory, [tmp_path], mountinfo=tmp_path / "missing")
    assert caught.value.reason is PlaceFault.UNKNOWN_FILE_SYSTEM


# ---- the directory -----------------------------------------------------------------------------------------


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    """An unmounted cell medium is not silently replaced by a new directory."""
    with pytest.raises(PlaceRefused) as caught:
        DirectoryFiles(tmp_path / "missing")
    assert caught.value.reason is PlaceFault.MISSING


def test_a_symbolic_link_is_refused(tmp_path: Path, cell_directory: Path) -> None:
    """Neither as the directory nor as a file in it."""
    link = tmp_path / "link"
    link.symlink_to(cell_directory)
    with pytest.raises(PlaceRefused) as caught:
        DirectoryFiles(link)
    assert caught.value.reason is PlaceFault.NOT_A_DIRECTORY
    (tmp_path / "elsewhere").write_bytes(b"not ours")
    (cell_directory / "cell-a").symlink_to(tmp_path / "elsewhere")
    files = DirectoryFiles(cell_directory)
    for action in (lambda: files.read("cell-a", 10), lambda: files.write("cell-a", 0, b"x")):
        with pytest.raises(PlaceRefused) as caught:
            action()
        assert caught.value.reason is PlaceFault.NOT_A_FILE
    assert (tmp_path / "elsewhere").read_bytes() == b"not ours"


def test_a_file_with_a_second_name_is_refused(tmp_path: Path, cell_directory: Path) -> None:
    """A hard link would keep the content after the name is gone."""
    files = DirectoryFiles(cell_directory)
    files.create("cell-a", b"content")
    os.link(cell_directory / "cell-a", tmp_path / "second name")
    with pytest.raises(PlaceRefused) as caught:
        files.read("cell-a", 10)
    assert caught.value.reason is PlaceFault.NOT_A_FILE


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701])
def test_a_directory_open_to_others_is_refused(cell_directory: Path, mode: int) -> None:
    """The mode is named."""
    cell_directory.chmod(mode)
    with pytest.raises(PlaceRefused) as caught:
        DirectoryFiles(cell_directory)
    assert (caught.value.reason, caught.value.detail) == (PlaceFault.OPEN_TO_OTHERS, f"mode {mode:04o}")


def test_a_file_open_to_others_is_refused(cell_directory: Path) -> None:
    """Somebody changed its mode: somebody may have read it."""
    files = DirectoryFiles(cell_directory)
    files.create("cell-a", b"content")
    (cell_directory / "cell-a").chmod(0o640)
    with pytest.raises(PlaceRefused) as caught:
        files.read("cell-a", 10)
    assert caught.value.reason is PlaceFault.OPEN_TO_OTHERS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(cell_directory: Path) -> None:
    """The owner is named."""
    os.chown(cell_directory, 12345, 12345)
    with pytest.raises(PlaceRefused) as caught:
        DirectoryFiles(cell_directory)
    assert (caught.value.reason, caught.value.detail) == (PlaceFault.FOREIGN_OWNER, "user 12345")


def test_another_file_system_under_the_same_name_is_refused(cell_directory: Path) -> None:
    """The medium was unmounted while the recorder ran: the root must not land on what lies below."""
    files = DirectoryFiles(cell_directory)
    files._device = (files._device or 0) + 1
    with pytest.raises(PlaceRefused) as caught:
        files.create("cell-a", b"root")
    assert caught.value.reason is PlaceFault.CHANGED


# ---- files -------------------------------------------------------------------------------------------------


def test_files_are_made_written_and_removed(cell_directory: Path) -> None:
    """What StoreFiles promises, on a real file system."""
    files = DirectoryFiles(cell_directory)
    assert files.read("name", 10) is None
    files.create("name", b"0123456789")
    with pytest.raises(FileExistsError):
        files.create("name", b"")
    files.write("name", 8, bytearray(b"abcd"))
    assert files.read("name", 100) == b"01234567abcd"
    assert files.read("name", 3) == b"0123"
    files.remove("name")
    files.remove("name")
    assert files.read("name", 10) is None
    with pytest.raises(FileNotFoundError):
        files.write("name", 0, b"x")


def test_a_store_lives_in_a_real_directory(tmp_path: Path, cell_directory: Path) -> None:
    """Made, locked, rotated, opened again: with real files, modes and syncs."""
    files = DirectoryFiles.make(tmp_path / "keystore")
    store = Keystore.create(files, cells(cell_directory, tmp_path))
    dying, living = store.new_epoch(1, 0, 0), store.new_epoch(2, 0, 0)
    with pytest.raises(KeystoreInUse):
        Keystore.open(DirectoryFiles(tmp_path / "keystore"), cells(cell_directory, tmp_path))
    store.rotate({dying.epoch_id}, 1)
    store.close()
    again = Keystore.open(DirectoryFiles(tmp_path / "keystore"), cells(cell_directory, tmp_path))
    assert again.epochs() == (living,)
    names = {path.name for path in (*(tmp_path / "keystore").iterdir(), *cell_directory.iterdir())}
    assert names == {"snapshot-b", "journal-b", "cell-b"}
    again.close()


# ---- mounts ------------------------------------------------------------------------------------------------


def test_the_last_mount_over_the_longest_path_counts(tmp_path: Path) -> None:
    """Mounts can hide one another; blanks in names are written in octal."""
    file = tmp_path / "mountinfo"
    file.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "2 1 8:2 / /data rw - btrfs /dev/sda2 rw\n"
        "3 1 8:3 / /data\\040two rw - xfs /dev/sda3 rw,prjquota\n"
        "4 1 0:9 / /data rw - tmpfs tmpfs rw,size=1k\n"
        "not a line\n"
    )
    kinds = [
        mount.file_system for path in ("/data/x", "/data two", "/database") if (mount := mount_of(Path(path), file))
    ]
    assert kinds == ["tmpfs", "xfs", "ext4"]
    assert [mount.option("size") for mount in parse_mountinfo(file.read_text())] == [None, None, None, "1k"]


def test_the_machine_we_run_on_says_something() -> None:
    """The real list is read without surprise."""
    assert mount_of(Path("/proc")) is not None
