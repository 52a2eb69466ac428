"""Four bundles opened at once while 32 cameras are recorded: does recording notice?

The recorder process as shipped records simulated cameras; four workers open ten minutes each beside it, again and
again, as many as the desk lets open at once. The archives are taken whole and go to no disk of the recorder, as it is
when they are handed over. The simulated cameras share the processors with both. Every commit of the stretch counts.
"""

import asyncio
import os
import shutil
import tempfile
import time
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from kuramori.clips.job import ExtractionJob
from kuramori.desk.opening import EXTRACTIONS_MOST
from kuramori_metrics.statistics import RecorderStatistics
from tests.bench import opening
from tests.bench.recording import SLOT_MIB, SLOTS_PER_CAMERA, cameras
from tests.end_to_end.installation import CameraAt, Installation

CAMERAS = 32
SECONDS = 110.0  # one commit a second: enough of them for a 99th percentile
SETTLE_SECONDS = 6.0
COMMIT_P99_SECONDS_MOST = 0.25


@dataclass(frozen=True, slots=True)
class Beside:
    """What recording did meanwhile."""

    bundles: int
    commits: int
    lost_packets: int
    breaks: int  # gaps that ended and connections made anew
    away: int  # cameras that did not record in the end
    commit_p99_within_seconds: float
    commit_slowest_within_seconds: float
    commit_mean_seconds: float
    loop_lag_seconds: float
    received_mb_per_second: float


async def measure(clip: Path, job: ExtractionJob) -> Beside:
    """Record and open."""
    folder = Path(tempfile.mkdtemp(prefix="kuramori-bench-", dir=os.environ.get("KURAMORI_BENCH_DIRECTORY")))
    try:
        with cameras(clip, CAMERAS) as url:
            return await _measure(url, folder / "run", job)
    finally:
        shutil.rmtree(folder)


async def _measure(url: str, folder: Path, job: ExtractionJob) -> Beside:
    size_mib = CAMERAS * SLOTS_PER_CAMERA * SLOT_MIB + 64
    recorded = [CameraAt(f"cam-{number}", url.format(number)) for number in range(CAMERAS)]
    tuning = '\n[recorder]\nzero_fill_per_second = "2 GiB"\n'
    installation = Installation(folder, recorded, volume_size=f"{size_mib} MiB", extra=tuning).make()
    installation.start()
    try:
        await installation.until_recording()
        await asyncio.sleep(SETTLE_SECONDS)
        first, began, bundles = await installation.recorder.statistics(), time.monotonic(), 0
        while time.monotonic() - began < SECONDS:
            await asyncio.gather(*(opening.open_once(job, Path(os.devnull)) for _ in range(EXTRACTIONS_MOST)))
            bundles += EXTRACTIONS_MOST
        took = time.monotonic() - began
        last = await installation.recorder.statistics()
        status = await installation.recorder.status()
        away = sum(camera.state != "recording" for camera in status.cameras)
    finally:
        installation.stop()
    return _between(first, last, bundles, took, away)


def _between(first: RecorderStatistics, last: RecorderStatistics, bundles: int, took: float, away: int) -> Beside:
    before, after = first.volumes[0].commit_latency, last.volumes[0].commit_latency
    counts = [late - early for early, late in zip(before.counts, after.counts, strict=True)]
    commits, bounds = sum(counts), (*after.upper_bounds_seconds, float("inf"))
    slowest = max(place for place, count in enumerate(counts) if count)
    p99 = bisect_left(list(accumulate(counts)), 0.99 * commits)
    received = sum(c.received_bytes for c in last.cameras) - sum(c.received_bytes for c in first.cameras)
    return Beside(
        bundles,
        commits,
        _lost(last) - _lost(first),
        _breaks(last) - _breaks(first),
        away,
        bounds[p99],
        bounds[slowest],
        (after.sum_seconds - before.sum_seconds) / commits,
        last.loop_lag_seconds,
        received / took / 1e6,
    )


def table(its: Beside) -> str:
    """Lay it out."""
    rows = [
        ("bundles opened meanwhile", f"{its.bundles}, {EXTRACTIONS_MOST} at once", ""),
        ("received from the cameras", f"{its.received_mb_per_second:.1f} MB/s", ""),
        ("lost packets", f"{its.lost_packets}", "0"),
        ("gaps and new connections", f"{its.breaks}", "0"),
        ("cameras that do not record in the end", f"{its.away}", "0"),
        ("commits", f"{its.commits}", ""),
        (
            "99 of 100 commits within",
            f"{its.commit_p99_within_seconds * 1000:.0f} ms",
            f"< {COMMIT_P99_SECONDS_MOST * 1000:.0f} ms",
        ),
        ("slowest commit within", f"{its.commit_slowest_within_seconds * 1000:.0f} ms", ""),
        ("commit on average", f"{its.commit_mean_seconds * 1000:.0f} ms", ""),
        ("longest delay of the loop", f"{its.loop_lag_seconds * 1000:.0f} ms", ""),
    ]
    lines = [f"| {name} | {value} | {asked} |" for name, value, asked in rows]
    return "\n".join([f"| {CAMERAS} cameras recorded beside it | | asked |", "|---|---|---|", *lines])


def _lost(statistics: RecorderStatistics) -> int:
    return sum(camera.lost_packets for camera in statistics.cameras)


def _breaks(statistics: RecorderStatistics) -> int:
    cameras = statistics.cameras
    return sum(one.count for camera in cameras for one in (*camera.gaps_by_reason, *camera.reconnects_by_reason))
