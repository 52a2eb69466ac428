"""From a fault to the office's mail, with the real programs, the shipped rules, examples and texts (O1, O2)."""

from pathlib import Path

import pytest

from tests.end_to_end.alarm_trial import PATIENCE_SECONDS, measure_all, table
from tests.peers import require_program, require_root


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.timeout(1200)
async def test_each_fault_is_mailed_and_its_end_too(tmp_path: Path) -> None:
    """The right alert with its label, in both languages; when it is mended, so is told; the delays are printed."""
    require_root()
    for program in ("prometheus", "prometheus-alertmanager", "mkfs.ext4"):
        require_program(program)
    rows = await measure_all(tmp_path)
    print(f"\n{table(rows)}")
    assert len(rows) == 6
    assert all(max(row.told_seconds, row.over_seconds) <= PATIENCE_SECONDS for row in rows)
