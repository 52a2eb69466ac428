"""Short campaigns of volumes that fail: an alarm within five seconds, nothing lost, nothing corrupt, back by itself."""

from pathlib import Path

import pytest

from tests.durability import storage_faults
from tests.durability.storage_faults import KINDS, Kind
from tests.durability.test_campaigns import require_sound
from tests.peers import require_fuse, require_root


@pytest.mark.root
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_failing_volume_costs_nothing(tmp_path: Path, kind: Kind) -> None:
    """Once, under the real recorder with a second volume; `make check-durability` does it again and again."""
    require_root()
    require_fuse()
    tally = await storage_faults.campaign(kind, tmp_path, times=1, seed=3)
    assert tally.tried == 1
    require_sound(tally)
