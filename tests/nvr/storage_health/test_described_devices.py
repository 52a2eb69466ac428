"""The shipped reading against devices that umockdev describes, below the real paths of sysfs and /dev."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import require_program

DEVICES = Path(__file__).parent / "devices"
SCRIPT = """
import json, sys
from pathlib import Path
from kuramori.storage_health.judgement import Seen, judge
from kuramori.storage_health.sysfs_medium import Sources, look
from kuramori.wire import to_plain
facts = look(Path(sys.argv[1]), Sources(Path("/nowhere")), 1.79e9)
print(json.dumps(to_plain(judge(Seen(sys.argv[1], facts), 1_790_000_000_000))))
"""


@pytest.mark.parametrize(
    ("description", "node", "kind", "light", "worn", "identity"),
    [
        ("emmc_healthy", "mmcblk0", "emmc", "green", 30.0, "cid:45010044473430313601f5b5e5d4b800"),
        ("emmc_worn", "mmcblk0p2", "emmc", "red", 110.0, "cid:150100424a4e4234520a1b2c3d4e5f00"),
        ("sd", "mmcblk1p1", "sd", "unknown", None, "cid:03534453443634478012345678014a00"),
        ("sd_protected", "mmcblk1", "sd", "red", None, "cid:03534453443634478012345678014a00"),
    ],
)
def test_a_described_device_is_read(
    description: str, node: str, kind: str, light: str, worn: float | None, identity: str
) -> None:
    """From its block device, or that of a partition, to its registers and its light."""
    command = [require_program("umockdev-run"), "--device", str(DEVICES / f"{description}.umockdev"), "--"]
    command += [sys.executable, "-c", SCRIPT, f"/dev/{node}"]
    answer = subprocess.run(command, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert (found["kind"], found["light"], found["worn_percent"], found["identity"]) == (kind, light, worn, identity)
    assert found["device"] == node.partition("p")[0]
