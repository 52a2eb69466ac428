"""How long the keystore's calls take at its design size: 64 cameras, 720 hours each. Prints figures, judges nothing."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kuramori_segments.erasable_cell import open_file_cells
from kuramori_segments.key_records import Moment
from kuramori_segments.keystore import Keystore
from kuramori_segments.retention import RetentionRules, oldest_decryptable, plan_rotation
from kuramori_segments.store_files import DirectoryFiles

CAMERAS = 64
HOURS = 720
HOUR_MS = 3_600_000
BOOT = b"\x01" * 16


def milliseconds(action: Callable[[], object], times: int) -> str:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append((time.perf_counter() - began) * 1000)
    return f"median {statistics.median(taken):7.2f} ms, most {max(taken):7.2f} ms"


@pytest.mark.bench
def test_the_keystore_at_its_design_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A month of 64 cameras on the file system of the test directory."""
    store = full_store(tmp_path)
    rules = RetentionRules({}, HOURS * HOUR_MS)
    epochs = store.epochs()
    now = Moment(HOURS * HOUR_MS, HOURS * HOUR_MS, BOOT)
    dying = iter([epochs[hour * CAMERAS : (hour + 1) * CAMERAS] for hour in range(20)])
    figures = {
        "new_epoch": milliseconds(lambda: store.new_epoch(1, 0, 0), 200),
        "rotate, 64 of 46080 epochs dying": milliseconds(
            lambda: store.rotate({epoch.epoch_id for epoch in next(dying)}, 0), 20
        ),
        "segment_key": milliseconds(lambda: store.segment_key(epochs[-1].epoch_id, BOOT), 1000),
        "epochs + plan_rotation": milliseconds(lambda: plan_rotation(store.epochs(), rules, now), 5),
        "oldest_decryptable": milliseconds(lambda: oldest_decryptable(store.decryptable()), 5),
    }
    store.close()
    figures["open"] = milliseconds(lambda: open_store(tmp_path).close(), 5)
    with capsys.disabled():
        print(f"\nkeystore with {CAMERAS * HOURS} epochs:")
        for name, figure in figures.items():
            print(f"  {name:36} {figure}")


def full_store(tmp_path: Path) -> Keystore:
    files = DirectoryFiles.make(tmp_path / "keystore")
    store = Keystore.create(files, cells(tmp_path), boot_id=BOOT)
    for hour in range(HOURS):
        for camera in range(1, CAMERAS + 1):
            store.new_epoch(camera, hour * HOUR_MS, hour * HOUR_MS)
        if hour % 100 == 99:
            store.rotate((), hour * HOUR_MS)
    return store


def open_store(tmp_path: Path) -> Keystore:
    return Keystore.open(DirectoryFiles(tmp_path / "keystore"), cells(tmp_path), boot_id=BOOT)


def cells(tmp_path: Path):  # type: ignore[no-untyped-def]
    directory = tmp_path / "cell"
    directory.mkdir(mode=0o700, exist_ok=True)
    return open_file_cells(directory, [tmp_path], for_trial=True)
