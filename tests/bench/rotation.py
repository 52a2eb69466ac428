"""Rotation of the keystore with 64 cameras x 30 days of epochs: how long, and what it costs who is recorded meanwhile.

Alone: keys are rotated in this process, an hour of all cameras dying each time. Live: 32 cameras are recorded by a
recorder whose hour lasts three seconds, so that it rotates again and again.
`python -m tests.bench --only rotation`.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from kuramori.keystores import open_keystores
from kuramori_config.load import load_configuration
from kuramori_metrics.statistics import RecorderStatistics
from kuramori_segments.boot_identity import read_boot_id
from tests.bench import media
from tests.bench.big_ring import CAMERAS, camera_name
from tests.bench.recording import cameras
from tests.bench.rotating_recorder import EVENT
from tests.bench.start import HOURS, fill_keystore
from tests.end_to_end.installation import CameraAt, Installation

COUNT = 32
ROTATIONS = 10
SETTLE_SECONDS = 5.0
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Live:
    """What a row of rotations cost a recorder that records."""

    seconds: list[float]  # of each rotation, until the receipt is in the ledger
    lost_packets: int
    dropped_units: int
    gaps: int
    late_ticks: int
    lag_seconds: float


def installation_at(folder: Path, url: str) -> Installation:
    """Set a recorder up whose keystore is full, with cameras that are to be kept for a month."""
    at = [CameraAt(camera_name(n), url.format(n), mbit_per_second=0.02) for n in range(COUNT)]
    tuning = '\n[recorder]\nzero_fill_per_second = "2 GiB"\n'
    installation = Installation(folder, at, volume_size=f"{COUNT * 160} MiB", extra=tuning).make()
    text = installation.config_path.read_text()
    installation.config_path.write_text(text.replace('"3 hours"', '"30 days"'))
    fill_keystore(installation, int(time.time() * 1000))
    return installation


def rotate_alone(installation: Installation) -> list[float]:
    """Rotate in this process; return the seconds of each."""
    now = int(time.time() * 1000)
    store = open_keystores(load_configuration(installation.config_path), installation.places, read_boot_id(), now)
    try:
        epochs, found = store.epochs(), []
        for hour in range(ROTATIONS):
            dying = {epoch.epoch_id for epoch in epochs[hour * CAMERAS : (hour + 1) * CAMERAS]}
            began = time.monotonic()
            store.rotate(dying, now)
            found.append(time.monotonic() - began)
        return found
    finally:
        store.close()


async def rotate_live(installation: Installation) -> Live:
    """Record with a recorder that rotates every three seconds."""
    command = [sys.executable, "-m", "tests.bench.rotating_recorder", "--config", str(installation.config_path)]
    with installation.log_path.open("ab") as log:
        installation.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        await installation.until_recording()
        await asyncio.sleep(SETTLE_SECONDS)
        before, rotated = await installation.recorder.statistics(), len(installation.events(EVENT))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(installation.events(EVENT)) < rotated + ROTATIONS:
                installation.require_alive()
                await asyncio.sleep(0.5)
        after = await installation.recorder.statistics()
        seconds = [float(str(event["seconds"])) for event in installation.events(EVENT)[rotated:]]
        return _between(before, after, seconds)
    finally:
        installation.stop()


def _between(before: RecorderStatistics, after: RecorderStatistics, seconds: list[float]) -> Live:
    def total(figures: RecorderStatistics, name: str) -> int:
        return sum(getattr(camera, name) for camera in figures.cameras)

    def gaps(figures: RecorderStatistics) -> int:
        return sum(gap.count for camera in figures.cameras for gap in camera.gaps_by_reason)

    return Live(
        seconds,
        total(after, "lost_packets") - total(before, "lost_packets"),
        total(after, "dropped_access_units") - total(before, "dropped_access_units"),
        gaps(after) - gaps(before),
        after.late_ticks - before.late_ticks,
        after.loop_lag_seconds,
    )


def measure(output: Path) -> str:
    """Return the tables."""
    clip = media.make(output / "1080p30-4mbit.h264")
    with tempfile.TemporaryDirectory(prefix="kuramori-bench-") as folder, cameras(clip, COUNT) as url:
        installation = installation_at(Path(folder) / "run", url)
        alone = rotate_alone(installation)
        live = asyncio.run(rotate_live(installation))
    costs = (live.lost_packets, live.dropped_units, live.gaps, live.late_ticks)
    return "\n".join(
        (
            f"{CAMERAS * (HOURS - 1)} epoch keys, {ROTATIONS} rotations each.",
            "",
            "| rotation | median, ms | most, ms |",
            "|---|---|---|",
            f"| the keystore alone, {CAMERAS} keys dying | {_ms(alone)} |",
            f"| by a recorder of {COUNT} cameras, until its receipt is in the ledger | {_ms(live.seconds)} |",
            "",
            "| while rotating | lost packets | dropped pictures | gaps | late ticks | longest delay of the loop, ms |",
            "|---|---|---|---|---|---|",
            f"| {COUNT} cameras | {' | '.join(map(str, costs))} | {live.lag_seconds * 1000:.0f} |",
        )
    )


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} | {max(seconds) * 1000:.0f}"
