"""`make check-durability`: makes every fault of the table again and writes what was lost into segments/DURABILITY.md.

Environment: KURAMORI_CRASHES (10000 simulated ones), KURAMORI_POWER_CUTS (200 of a real file system),
KURAMORI_STORAGE_FAULTS (5 of each kind); these need root, the last also /dev/fuse.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.bench.__main__ import machine
from tests.durability import power_cuts, simulated_crashes, storage_faults
from tests.durability.tally import Tally, table

DOCUMENT = Path(__file__).parents[2] / "segments" / "DURABILITY.md"
OWN_MOUNTS = "KURAMORI_OWN_MOUNTS"
GROWN_SHARE = 5  # one of so many cuts is made on a volume that grows
BEGIN, END = "<!-- begin table -->", "<!-- end table -->"


def run() -> list[Tally]:
    """Make all faults."""
    crashes = int(os.environ.get("KURAMORI_CRASHES", "10000"))
    cuts = int(os.environ.get("KURAMORI_POWER_CUTS", "200"))
    faults = int(os.environ.get("KURAMORI_STORAGE_FAULTS", "5"))
    tallies = [
        simulated_crashes.campaign(crashes),
        simulated_crashes.campaign(crashes // GROWN_SHARE, grown=True),
    ]
    if os.geteuid() == 0:
        with tempfile.TemporaryDirectory(prefix="kuramori-durability-") as folder:
            tallies.append(asyncio.run(power_cuts.campaign(Path(folder), cuts, seed=1)))
        with tempfile.TemporaryDirectory(prefix="kuramori-durability-") as folder:
            tallies.append(asyncio.run(power_cuts.grown_campaign(Path(folder), cuts // GROWN_SHARE, seed=2)))
        for kind in storage_faults.KINDS:
            with tempfile.TemporaryDirectory(prefix="kuramori-durability-") as folder:
                tallies.append(asyncio.run(storage_faults.campaign(kind, Path(folder), faults, seed=1)))
    else:
        print("power cuts of a real file system need root: left out", file=sys.stderr)
    return tallies


def enter_own_mounts() -> None:
    """Go on in a mount namespace of its own: else another program's copy of a mount would keep a cut disk in use."""
    if os.geteuid() == 0 and OWN_MOUNTS not in os.environ:
        os.environ[OWN_MOUNTS] = "1"
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "tests.durability"]
        os.execvp(command[0], [*command, *sys.argv[1:]])


def main() -> None:
    """Run, print, write; exit 1 when anything was corrupt."""
    enter_own_mounts()
    tallies = run()
    text = f"{machine()}.\n\n{table(tallies)}"
    print(text)
    if "--no-report" not in sys.argv:
        document = DOCUMENT.read_text(encoding="utf-8")
        before, _, rest = document.partition(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    sys.exit(any(tally.wrong for tally in tallies))


if __name__ == "__main__":
    main()
