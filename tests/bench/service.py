"""The service around the recording: what its processes hold while there is no camera, and how punctual the tick is.

Idle memory is the proportional memory (PSS) of supervisor, recorder, door and desk after a start without cameras. The
tick's figures come with the measurements of `recording`. Knows nothing of other recorders.
"""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

from kuramori.recorder_client import RecorderFault
from tests.bench.accounting import own_pss_bytes, tree
from tests.bench.recording import Row
from tests.end_to_end.installation import Installation

START_SECONDS = 60
SETTLE_SECONDS = 10.0  # what is only needed for starting is given back by then
PROCESSES = ("supervisor", "recorder", "door", "desk")
_NAME = re.compile(r"kuramori\.(\w+)_process")


async def measure_idle(folder: Path) -> dict[str, int]:
    """Start the whole service without cameras; return the PSS of each process in bytes."""
    tuning = '\n[recorder]\nzero_fill_per_second = "2 GiB"\n'
    installation = Installation(folder, (), volume_size="1100 MiB", extra=tuning).make()
    installation.start(whole_service=True)
    try:
        await _until_answering(installation)
        await asyncio.sleep(SETTLE_SECONDS)
        pids = tree(installation.process.pid) if installation.process else []
        held = dict.fromkeys(PROCESSES, 0)
        for pid in pids:
            found = _NAME.search(Path(f"/proc/{pid}/cmdline").read_text())
            name = found[1] if found else "supervisor"
            held[name] += own_pss_bytes(pid)
        return held
    finally:
        installation.stop()


async def _until_answering(installation: Installation) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                await installation.recorder.status()
            except RecorderFault:
                await asyncio.sleep(0.2)
            else:
                return


def idle_table(held: dict[str, int]) -> str:
    """Return the table of idle memory."""
    cells = [f"{held[name] / 1e6:.0f}" for name in PROCESSES]
    return "\n".join(
        (
            f"| PSS MB without cameras | {' | '.join(PROCESSES)} | together |",
            f"|---|{'---|' * len(PROCESSES)}---|",
            f"| | {' | '.join(cells)} | {sum(held.values()) / 1e6:.0f} |",
        )
    )


def tick_table(rows: Sequence[Row]) -> str:
    """Return the table of the tick's punctuality: the worst of all rounds."""
    lines = [
        "| cameras | longest delay of the loop, ms | commit on average, ms | slowest commit within, ms |",
        "|---|---|---|---|",
    ]
    for row in rows:
        ticks = [sample.tick for sample in row.samples if sample.tick is not None]
        if ticks:
            lag = max(tick.loop_lag_seconds for tick in ticks)
            mean = max(tick.commit_mean_seconds for tick in ticks)
            bound = max(tick.commit_bound_seconds for tick in ticks)
            lines.append(f"| {row.cameras} | {lag * 1000:.0f} | {mean * 1000:.0f} | {bound * 1000:.0f} |")
    return "\n".join(lines)
