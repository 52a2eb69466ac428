"""The outage of an orderly restart: the whole service is told to stop and started again at once, as systemd does it.

Measured from what the recorder itself says is missing (coverage), per camera: from the last picture before the stop to
the first one after it, a key frame. `python -m tests.bench --only restart`. It must not know how the service starts.
"""

import asyncio
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from kuramori.messages import SpanKind
from tests.bench import media
from tests.bench.recording import cameras
from tests.bench.start import compile_programs, prepared
from tests.end_to_end.installation import Installation

CAMERAS = 8
ROUNDS = 3
BEFORE_SECONDS = 8.0  # that much is recorded before a restart
REACH_MS = 4_000  # the coverage is asked for from so long before the restart
GOP_SECONDS = 2.0  # of the clip: a camera that is connected is waited for that long at the most
TARGET_SECONDS = 3.0 + GOP_SECONDS


@dataclass(frozen=True, slots=True)
class Restart:
    """One restart, in seconds."""

    stopping: float  # until the processes had ended
    outages: tuple[float, ...]  # of each camera


async def measure_restarts(count: int, clip: Path, folder: Path) -> list[Restart]:
    """Return the restarts of a service with that many cameras and the big ring."""
    with cameras(clip, count) as url:
        installation = prepared(url, count, folder)
        installation.start(whole_service=True)
        try:
            await installation.until_recording()
            return [await _restart(installation) for _ in range(ROUNDS)]
        finally:
            installation.stop()


async def _restart(installation: Installation) -> Restart:
    await asyncio.sleep(BEFORE_SECONDS)
    began_ms = int(time.time() * 1000)
    stopping = installation.stop()
    again_ms = int(time.time() * 1000)
    installation.start(whole_service=True)
    await installation.until_recording()
    outages = []
    for camera in installation.cameras:
        found = await installation.recorder.coverage(camera.name, began_ms - REACH_MS, int(time.time() * 1000))
        gaps = [span for span in found.spans if span.kind is SpanKind.GAP and span.from_utc_ms < again_ms]
        outages.append(sum(span.to_utc_ms - span.from_utc_ms for span in gaps) / 1000)
    return Restart(stopping, tuple(outages))


def measure() -> str:
    """Return the table."""
    clip = media.make(Path("bench-out") / "1080p30-4mbit.h264")
    load = os.getloadavg()[1]
    compile_programs()
    with tempfile.TemporaryDirectory(prefix="kuramori-bench-") as folder:
        found = asyncio.run(measure_restarts(CAMERAS, clip, Path(folder) / "restart"))
    outages = [outage for restart in found for outage in restart.outages]
    stops = [restart.stopping for restart in found]
    return "\n".join(
        (
            f"{CAMERAS} cameras, {ROUNDS} restarts; load average of the machine before: {load:.1f}.",
            "",
            "| what | median, s | most, s | target, s |",
            "|---|---|---|---|",
            f"| outage of a camera | {statistics.median(outages):.2f} | {max(outages):.2f} | {TARGET_SECONDS:.0f} |",
            f"| of it: until the service had ended | {statistics.median(stops):.2f} | {max(stops):.2f} | |",
        )
    )
