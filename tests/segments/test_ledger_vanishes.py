"""The ledger's file goes away while it is open: it is made anew with everything in it, or its mirror takes over."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_store import Mend, OpeningRepair

NOW = 1_790_000_000_000


@pytest.fixture(params=[True, False], ids=["mirrored", "alone"])
def ledger(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """A ledger with one camera and one open run."""
    (tmp_path / "state").mkdir()
    (tmp_path / "mirror").mkdir()
    mirror = tmp_path / "mirror" / "ledger.db" if request.param else None
    with Ledger.create(tmp_path / "state" / "ledger.db", mirror, NOW) as ledger:
        ledger.open_run(ledger.camera_number("gate", NOW), NOW, 1)
        yield ledger


def remove(folder: Path) -> None:
    """As somebody who tidies up."""
    for path in (folder / "state").glob("ledger.db*"):
        path.unlink()


def require_whole(ledger: Ledger) -> None:
    """What was there is there, and more can be written."""
    assert [run.start_access_unit for run in ledger.open_runs()] == [1]
    ledger.close_run(1, NOW + 5000, 9, GapReason.CAMERA_OFFLINE)
    ledger.open_run(1, NOW + 9000, 10)


def test_a_ledger_that_is_in_place_is_left_alone(ledger: Ledger) -> None:
    """The usual case."""
    assert ledger.mend() is Mend.IN_PLACE


def test_a_removed_ledger_is_made_anew(ledger: Ledger, tmp_path: Path) -> None:
    """With everything in it, durable at its place."""
    remove(tmp_path)
    assert ledger.mend() is Mend.MADE_ANEW
    require_whole(ledger)
    assert ledger.mend() is Mend.IN_PLACE
    ledger.close()
    with Ledger.open(tmp_path / "state" / "ledger.db", None) as again:
        assert [run.start_access_unit for run in again.open_runs()] == [10]


def test_a_replaced_ledger_is_set_aside(ledger: Ledger, tmp_path: Path) -> None:
    """Another file in its place is not taken for it, and not destroyed."""
    remove(tmp_path)
    (tmp_path / "state" / "ledger.db").write_bytes(b"something else")
    assert ledger.mend() is Mend.MADE_ANEW
    require_whole(ledger)
    assert (tmp_path / "state" / "ledger.db.set-aside").read_bytes() == b"something else"


@pytest.mark.parametrize("ledger", [True], indirect=True, ids=["mirrored"])
def test_where_it_cannot_be_made_anew_the_mirror_takes_over(ledger: Ledger, tmp_path: Path) -> None:
    """The whole folder is gone; the mirror is the ledger, and at the next start the ledger is restored from it."""
    shutil.rmtree(tmp_path / "state")
    assert ledger.mend() is Mend.ON_MIRROR
    require_whole(ledger)
    assert not ledger.statistics().mirror_sound
    assert not ledger.repair_mirror()
    ledger.close()
    (tmp_path / "state").mkdir()
    with Ledger.open(tmp_path / "state" / "ledger.db", tmp_path / "mirror" / "ledger.db") as again:
        assert again.opening_repair is OpeningRepair.LEDGER_RESTORED
        assert [run.start_access_unit for run in again.open_runs()] == [10]


@pytest.mark.parametrize("ledger", [False], indirect=True, ids=["alone"])
def test_without_a_mirror_it_is_said_to_be_lost(ledger: Ledger, tmp_path: Path) -> None:
    """Nothing raises: recording goes on."""
    shutil.rmtree(tmp_path / "state")
    assert ledger.mend() is Mend.LOST
