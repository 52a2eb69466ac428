"""How long a fault takes to reach the office as a mail, through a real Prometheus and Alertmanager.

The shipped rules and examples, their times divided by sixty. Needs root (a disk that turns read-only), prometheus and
prometheus-alertmanager.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.end_to_end.alarm_trial import measure_all, table
from tests.fakes.alarm_chain import FACTOR, SCRAPE_SECONDS


def measure() -> str:
    """Return the table. Ends the program where it is not root: it comes last, all else is measured by then."""
    if os.geteuid() != 0:
        sys.exit("The delays of alarms are not measured: a disk that turns read-only needs root.")
    with tempfile.TemporaryDirectory(prefix="kuramori-bench-") as folder:
        rows = asyncio.run(measure_all(Path(folder)))
    return f"Times divided by {FACTOR:g}, scraped every {SCRAPE_SECONDS:g} s.\n\n{table(rows)}"
