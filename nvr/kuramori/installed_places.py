"""Prints, one a line, the files and folders in which a configuration has recordings and cells lie.

For the package's removal script, which has to know them when the program is already gone. Prints nothing of what is a
device: a device is retired, not deleted. Must not open or change any of them.
"""

import argparse
import sys
from pathlib import Path

from kuramori.places import Places
from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import load_configuration


def own_places(places: Places) -> list[Path]:
    """Return volumes that are files, the ledger's mirror with its companions, and the cells' folders."""
    found = [volume for volume in places.volumes if volume.is_file()]
    if places.ledger_mirror is not None:
        found += sorted(places.ledger_mirror.parent.glob(f"{places.ledger_mirror.name}*"))
    found += [cell for cell in (places.cell, places.fallback_cell) if cell is not None and cell.is_dir()]
    return found


def main() -> int:
    """Print them."""
    parser = argparse.ArgumentParser(description="Where a recorder's recordings lie.")
    parser.add_argument("--config", type=Path, required=True)
    try:
        configuration = load_configuration(parser.parse_args().config)
    except ConfigurationFault as fault:
        print(fault, file=sys.stderr)
        return 1
    for path in own_places(Places.of(configuration)):
        print(path.absolute())
    return 0


if __name__ == "__main__":
    sys.exit(main())
