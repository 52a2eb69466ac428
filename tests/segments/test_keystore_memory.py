"""Dead keys in memory: another process looks through all of a keystore's process before and after a rotation."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kuramori_segments.erasable_cell import FileCell, open_file_cells
from kuramori_segments.keystore import Keystore
from kuramori_segments.store_files import DirectoryFiles

EPOCHS = 24
DYING = 12
CHUNK_BYTES = 1 << 24

PROGRAM = """
import sys
from pathlib import Path
from tests.segments.test_keystore_memory import cells_in, DYING, EPOCHS
from kuramori_segments.keystore import Keystore
from kuramori_segments.store_files import DirectoryFiles

folder = Path(sys.argv[1])
store = Keystore.create(DirectoryFiles.make(folder / "keystore"), cells_in(folder))
epochs = [store.new_epoch(1, number, 0) for number in range(EPOCHS)]
for epoch in epochs:
    store.segment_key(epoch.epoch_id, bytes(16))
store.rotate((), 0)
print("before", flush=True)
sys.stdin.readline()
store.rotate({epoch.epoch_id for epoch in epochs[:DYING]}, 0)
print("after", flush=True)
sys.stdin.readline()
"""


def cells_in(folder: Path) -> tuple[FileCell, FileCell]:
    (folder / "cell").mkdir(mode=0o700, exist_ok=True)
    return open_file_cells(folder / "cell", [folder], for_trial=True)


def keys_of(folder: Path) -> list[bytes]:
    """Return the epoch keys of a copied store, oldest first."""
    with closing(Keystore.open(DirectoryFiles(folder / "keystore"), cells_in(folder))) as store:
        rows = [bytes(row) for row in store._table._epochs.values()]
    return [row[-32:] for row in sorted(rows, key=lambda row: int.from_bytes(row[20:28], "little"))]


def writable_memory(process_id: int) -> Iterator[bytes]:
    """Return all of a process's writable memory, in overlapping pieces."""
    maps = Path(f"/proc/{process_id}/maps").read_text()
    with Path(f"/proc/{process_id}/mem").open("rb", 0) as memory:
        for line in maps.splitlines():
            fields = line.split()
            if not fields[1].startswith("rw") or fields[-1] in ("[vvar]", "[vsyscall]"):
                continue
            start, end = (int(part, 16) for part in fields[0].split("-"))
            for place in range(start, end, CHUNK_BYTES):
                memory.seek(place)
                try:
                    yield memory.read(min(CHUNK_BYTES + 64, end - place))
                except (OSError, ValueError):
                    continue


def copies(process_id: int, keys: list[bytes]) -> list[int]:
    """Return how often each key, or its first half, stands in a process's memory."""
    counts = [0] * len(keys)
    for piece in writable_memory(process_id):
        for number, key in enumerate(keys):
            counts[number] += piece.count(key[:16])
    return counts


def test_dead_keys_are_nowhere_in_the_process(tmp_path: Path) -> None:
    """Each key stands in memory while it lives, and not at all when it is dead: one copy is made, and overwritten."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "real")]
    (tmp_path / "real").mkdir()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "before\n"
        shutil.copytree(tmp_path / "real", tmp_path / "copy")
        keys = keys_of(tmp_path / "copy")
        try:
            before = copies(process.pid, keys)
        except PermissionError:
            process.kill()
            pytest.skip("this system lets nobody look into another process")
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "after\n"
        after = copies(process.pid, keys)
        process.stdin.write("\n")
    assert len(keys) == EPOCHS
    assert all(before)
    assert after[:DYING] == [0] * DYING
    assert all(after[DYING:])
