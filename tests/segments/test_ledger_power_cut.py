"""What a power cut leaves of ledger and mirror: everything that returned, on a real file system that loses the rest."""

from pathlib import Path

import pytest

from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_fault import LedgerUnwritable
from kuramori_segments.ledger_store import OpeningRepair
from tests.fakes.power_cut import power_cut_disk
from tests.peers import require_root

pytestmark = pytest.mark.root


@pytest.mark.parametrize("batches", [1, 7, 300])
def test_everything_that_returned_survives_the_cut(tmp_path: Path, batches: int) -> None:
    """Both files on the medium that loses power, in the midst of a log and after it was folded in."""
    require_root()
    with power_cut_disk(tmp_path) as disk:
        path, mirror = disk.directory / "ledger.db", disk.directory / "mirror.db"
        ledger = Ledger.create(path, mirror, 0)
        for number in range(batches):
            ledger.camera_number(f"c{number}", 0)
        disk.cut()
        with pytest.raises(LedgerUnwritable):
            ledger.camera_number("too-late", 0)
        ledger.close()
        disk.reboot()
        with Ledger.open(path, mirror) as ledger:
            assert [entry.name for entry in ledger.cameras()] == [f"c{number}" for number in range(batches)]


def test_a_cut_of_the_ledgers_medium_loses_nothing_that_the_mirror_has(tmp_path: Path) -> None:
    """The ledger lies on a medium that lost power and is then replaced by an empty one; the mirror lies elsewhere."""
    require_root()
    mirror = tmp_path / "mirror.db"
    with power_cut_disk(tmp_path) as disk:
        path = disk.directory / "ledger.db"
        ledger = Ledger.create(path, mirror, 0)
        for number in range(5):
            ledger.camera_number(f"c{number}", 0)
        disk.cut()
        with pytest.raises(LedgerUnwritable):
            ledger.camera_number("too-late", 0)
        ledger.close()
        disk.reboot()
        path.unlink()
        with Ledger.open(path, mirror) as ledger:
            assert ledger.opening_repair is OpeningRepair.LEDGER_RESTORED
            assert len(ledger.cameras()) == 5


def test_a_mirror_that_loses_power_costs_the_ledger_nothing(tmp_path: Path) -> None:
    """The ledger goes on, and makes the mirror anew at the next opening."""
    require_root()
    path = tmp_path / "ledger.db"
    with power_cut_disk(tmp_path) as disk:
        mirror = disk.directory / "mirror.db"
        ledger = Ledger.create(path, mirror, 0)
        ledger.camera_number("c0", 0)
        disk.cut()
        ledger.camera_number("c1", 0)
        assert not ledger.statistics().mirror_sound
        ledger.close()
        disk.reboot()
        with Ledger.open(path, mirror) as ledger:
            assert ledger.opening_repair is OpeningRepair.MIRROR_REBUILT
            assert [entry.name for entry in ledger.cameras()] == ["c0", "c1"]
