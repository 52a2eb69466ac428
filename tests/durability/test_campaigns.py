"""Short campaigns of the durability table: nothing corrupt, at most two seconds lost per camera and cut."""

from pathlib import Path

import pytest

from tests.durability import power_cuts
from tests.durability.simulated_crashes import crash
from tests.durability.tally import Tally, table
from tests.peers import require_root

LOST_LIMIT_SECONDS = 2.0


def require_sound(tally: Tally) -> None:
    """Nothing wrong, and no camera lost more than it may."""
    assert tally.wrong == []
    assert max(tally.lost_seconds) <= LOST_LIMIT_SECONDS


def test_simulated_crashes_lose_little_and_corrupt_nothing() -> None:
    """A hundred; `make check-durability` makes ten thousand."""
    tally = crash(first_seed=11, times=100)
    assert tally.tried == 100
    require_sound(tally)


def test_simulated_crashes_of_a_volume_that_grows_lose_little_and_corrupt_nothing() -> None:
    """Twenty; `make check-durability` makes two thousand."""
    tally = crash(first_seed=12, times=20, grown=True)
    assert tally.tried == 20
    require_sound(tally)


@pytest.mark.root
@pytest.mark.timeout(600)
async def test_power_cuts_while_a_volume_grows_lose_little_and_corrupt_nothing(tmp_path: Path) -> None:
    """A cut in the middle of growing, then three of the recorder on what came of it."""
    require_root()
    tally = await power_cuts.grown_campaign(tmp_path, cuts=3, seed=7)
    assert tally.tried == 3
    require_sound(tally)


@pytest.mark.root
@pytest.mark.timeout(600)
async def test_power_cuts_of_a_real_file_system_lose_little_and_corrupt_nothing(tmp_path: Path) -> None:
    """Eight, under the real recorder, which starts again unattended each time."""
    require_root()
    tally = await power_cuts.campaign(tmp_path, cuts=8, seed=7)
    assert tally.tried == 8
    require_sound(tally)


def test_the_table_says_what_was_wrong() -> None:
    """A corrupt finding stands in its row, in bold, with the first of them."""
    tally = Tally("a fault")
    tally.note([0.5, 1.5], ["slot 7: digest"])
    assert "| a fault | 1 | 1.00 | 1.50 | **1**: slot 7: digest |" in table([tally])
