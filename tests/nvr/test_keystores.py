"""A cell that is away at the start: recording goes on under the fallback, or is refused; both stores forget."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori.cells import make_cell_password, open_cells
from kuramori.keystores import open_keystores
from kuramori.places import Places
from kuramori_config.load import load_configuration
from kuramori_config.schema import Configuration
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import CellUnusable, EpochKeyGone
from kuramori_segments.store_files import DirectoryFiles
from kuramori_segments.tier import ErasureTier
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.software_tpm import SoftwareTpm, software_tpm

BOOT = b"\x0b" * 16
UID = b"\x02" * 16
NOW = 1_790_000_000_000


@pytest.fixture
def tpm(tmp_path: Path) -> Iterator[SoftwareTpm]:
    with software_tpm(tmp_path) as running:
        yield running


def site(tmp_path: Path, tpm: SoftwareTpm, *, fallback: bool) -> tuple[Configuration, Places]:
    """A set-up recorder whose cell is moved into a TPM."""
    installation = Installation(tmp_path / "site", [CameraAt("gate", "rtsp://127.0.0.1:1/x")]).make()
    text = installation.config_path.read_text()
    wanted = f'cell = "tpm"\ntpm = "{tpm.tcti}"'
    wanted += '\nfallback_cell_directory = "fallback"' if fallback else ""
    installation.config_path.write_text(text.replace('cell_directory = "cell"', wanted))
    configuration = load_configuration(installation.config_path)
    places = Places.of(configuration)
    for file in places.keystore.iterdir():
        file.unlink()
    if places.fallback_cell is not None:
        places.fallback_cell.mkdir(mode=0o700)
    make_cell_password(configuration, places)
    Keystore.create(DirectoryFiles(places.keystore), open_cells(configuration, places), boot_id=BOOT).close()
    return configuration, places


def test_without_a_fallback_a_start_without_the_tpm_is_refused(tmp_path: Path, tpm: SoftwareTpm) -> None:
    """With the reason; nothing is made."""
    configuration, places = site(tmp_path, tpm, fallback=False)
    tpm.kill()
    with pytest.raises(CellUnusable, match="cannot be reached"):
        open_keystores(configuration, places, BOOT, NOW)
    assert not places.fallback_keystore.exists()


def test_with_a_fallback_recording_goes_on_and_all_keys_are_forgotten_in_their_own_store(
    tmp_path: Path, tpm: SoftwareTpm
) -> None:
    """TPM there, away at a start, back at the next: each key lives and dies where it was made; the fallback ends."""
    configuration, places = site(tmp_path, tpm, fallback=True)
    pair = open_keystores(configuration, places, BOOT, NOW)
    first = pair.new_epoch(1, NOW, 1)
    key = pair.segment_key(first.epoch_id, UID)
    pair.close()
    tpm.kill()

    pair = open_keystores(configuration, places, BOOT, NOW + 1)
    assert pair.on_fallback
    assert pair.erasure_pending
    assert "cannot be reached" in pair.main_fault
    assert pair.tier is ErasureTier.E0
    second = pair.new_epoch(1, NOW + 1, 2)
    with pytest.raises(EpochKeyGone):
        pair.segment_key(first.epoch_id, UID)
    assert not pair.find_main()
    tpm.start()
    assert pair.find_main()
    assert not pair.on_fallback
    assert pair.segment_key(first.epoch_id, UID) == key
    third = pair.new_epoch(1, NOW + 2, 3)
    assert not pair.end_fallback(), "it holds a key still"
    pair.close()

    pair = open_keystores(configuration, places, BOOT, NOW + 3)
    assert {epoch.epoch_id for epoch in pair.epochs()} == {first.epoch_id, second.epoch_id, third.epoch_id}
    receipts = pair.rotate({first.epoch_id, second.epoch_id}, NOW + 4)
    assert [[epoch.epoch_id for epoch in receipt.epochs] for receipt in receipts] == [
        [first.epoch_id],
        [second.epoch_id],
    ]
    assert len({receipt.generation for receipt in pair.erasures}) == 2
    assert pair.end_fallback()
    assert list(places.fallback_keystore.iterdir()) == []
    assert places.fallback_cell is not None
    assert list(places.fallback_cell.iterdir()) == []
    assert pair.epochs() == (third,)
    pair.close()
    tpm.kill()
    pair = open_keystores(configuration, places, BOOT, NOW + 5)
    assert pair.on_fallback, "a second time works like the first"
    pair.close()


def test_a_tpm_that_dies_while_running_costs_no_recording(tmp_path: Path, tpm: SoftwareTpm) -> None:
    """New keys are made, nothing is erased and that is said; it is made good when the TPM is back."""
    configuration, places = site(tmp_path, tpm, fallback=True)
    pair = open_keystores(configuration, places, BOOT, NOW)
    dying = pair.new_epoch(1, NOW, 1)
    tpm.kill()
    with pytest.raises(Exception, match="step 1"):
        pair.rotate({dying.epoch_id}, NOW + 1)
    later = pair.new_epoch(1, NOW + 2, 2)
    assert pair.epochs() == (dying, later)
    assert not pair.on_fallback
    tpm.start()
    pair.rotate({dying.epoch_id}, NOW + 3)
    assert pair.epochs() == (later,)
    pair.close()
