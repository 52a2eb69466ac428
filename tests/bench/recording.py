"""Recording N cameras: Kuramori, one ffmpeg per camera, and the C floor, in turn, against the same cameras.

Figures are CPU-seconds (user and system, whole process tree) per camera-minute, and proportional memory per camera.
Ratios are what counts: absolute figures change with the machine's mood, so the three take turns.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kuramori_metrics.statistics import RecorderStatistics
from tests.bench import floor
from tests.bench.accounting import Cost, cost
from tests.end_to_end.installation import CameraAt, Installation

LOW_WATER_BYTES = 256 << 10  # of the floor, which has no tick: it wakes up when it has a block to seal
FFMPEG_COPY = ("ffmpeg", "-v", "error", "-nostdin", "-y", "-rtsp_transport", "tcp")
SEGMENTS_OF_A_MINUTE = ("-an", "-c", "copy", "-f", "segment", "-segment_time", "60")
SETTLE_SECONDS = 6.0
SLOTS_PER_CAMERA = 10
SLOT_MIB = 16


@dataclass(frozen=True, slots=True)
class TickSample:
    """How punctual the recorder was during one measurement."""

    loop_lag_seconds: float  # the longest
    commit_mean_seconds: float
    commit_bound_seconds: float  # every commit took less; infinite beyond the histogram


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one recorder."""

    cpu_seconds_per_camera_minute: float
    pss_bytes: int
    lost_packets: int | None = None
    written_per_received: float | None = None
    syncs_per_second: float | None = None
    tick: TickSample | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of one recorder at one number of cameras."""

    recorder: str
    cameras: int
    samples: tuple[Sample, ...]

    def median(self, name: str) -> float | None:
        values = [getattr(sample, name) for sample in self.samples]
        return None if any(value is None for value in values) else statistics.median(values)

    @property
    def cpu(self) -> float:
        return statistics.median(sample.cpu_seconds_per_camera_minute for sample in self.samples)


@contextlib.contextmanager
def cameras(clip: Path, count: int) -> Iterator[str]:
    """Serve `count` cameras from a process of their own; yield the URL with a place for the number."""
    command = [sys.executable, "-m", "tests.bench.cameras", str(clip), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("no pipes")
        yield json.loads(process.stdout.readline())["url"]
        process.stdin.close()


def _per_camera_minute(before: Cost, after: Cost, seconds: float, count: int) -> float:
    return (after.cpu_seconds - before.cpu_seconds) / seconds * 60 / count


async def measure_kuramori(url: str, count: int, seconds: float, folder: Path) -> Sample:
    """Record with the recorder process as shipped: sealing, hashing, signing and the one-tick commit on."""
    size_mib = max(1100, count * SLOTS_PER_CAMERA * SLOT_MIB + 64)
    cameras_at = [CameraAt(f"cam-{n}", url.format(n), mbit_per_second=0.02) for n in range(count)]
    tuning = '\n[recorder]\nzero_fill_per_second = "2 GiB"\n'
    installation = Installation(folder, cameras_at, volume_size=f"{size_mib} MiB", extra=tuning).make()
    installation.start()
    try:
        await installation.until_recording()
        await _until_filled(installation)
        await asyncio.sleep(SETTLE_SECONDS)
        pid = installation.process.pid if installation.process else 0
        before, first, began = cost(pid), await installation.recorder.statistics(), time.monotonic()
        await asyncio.sleep(seconds)
        after, last, took = cost(pid), await installation.recorder.statistics(), time.monotonic() - began
    finally:
        installation.stop()
    received = sum(c.received_bytes for c in last.cameras) - sum(c.received_bytes for c in first.cameras)
    return Sample(
        _per_camera_minute(before, after, took, count),
        after.pss_bytes,
        sum(c.lost_packets for c in last.cameras),
        (after.written_bytes - before.written_bytes) / received,
        (last.volumes[0].syncs - first.volumes[0].syncs) / took,
        _tick_between(first, last),
    )


def _tick_between(first: RecorderStatistics, last: RecorderStatistics) -> TickSample:
    before, after = first.volumes[0].commit_latency, last.volumes[0].commit_latency
    counts = [late - early for early, late in zip(before.counts, after.counts, strict=True)]
    slowest = max((position for position, count in enumerate(counts) if count), default=0)
    bounds = (*after.upper_bounds_seconds, float("inf"))
    mean = (after.sum_seconds - before.sum_seconds) / max(1, sum(counts))
    return TickSample(last.loop_lag_seconds, mean, bounds[slowest])


async def _until_filled(installation: Installation) -> None:
    async with asyncio.timeout(300):
        while True:
            volume = (await installation.recorder.statistics()).volumes[0]
            if volume.zero_filled_slots >= volume.slot_count:
                return
            await asyncio.sleep(0.5)


async def measure_ffmpeg(url: str, count: int, seconds: float, folder: Path) -> Sample:
    """Record with `ffmpeg -c copy -f segment`, a process per camera, unencrypted."""
    folder.mkdir(parents=True)
    processes = [
        subprocess.Popen(
            [*FFMPEG_COPY, "-i", url.format(n), *SEGMENTS_OF_A_MINUTE, str(folder / f"cam{n}-%03d.mp4")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for n in range(count)
    ]
    try:
        await asyncio.sleep(SETTLE_SECONDS + count * 0.1)
        pids = [process.pid for process in processes]
        before, began = cost(*pids), time.monotonic()
        await asyncio.sleep(seconds)
        after, took = cost(*pids), time.monotonic() - began
        if after.processes != count:
            raise RuntimeError(f"only {after.processes} of {count} ffmpeg processes live")
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()
    return Sample(_per_camera_minute(before, after, took, count), after.pss_bytes)


async def measure_floor(url: str, count: int, seconds: float, folder: Path) -> Sample:
    """Record with the C floor: read, walk, AES-GCM, pwrite."""
    folder.mkdir(parents=True)
    library = floor.build(folder.parent / "floor.so")
    command = [sys.executable, "-m", "tests.bench.floor", str(library), str(folder / "ring"), str(count), str(seconds)]
    run = await asyncio.to_thread(
        subprocess.run, [*command, str(LOW_WATER_BYTES), url], capture_output=True, check=True, timeout=seconds + 120
    )
    totals = json.loads(run.stdout)
    if totals["result"]:
        raise RuntimeError("the floor failed")
    cpu = totals["cpu_ns"] / totals["wall_ns"] * 60 / count
    return Sample(cpu, 0, totals["lost"], totals["written"] / totals["bytes"], 0.0)


COLUMNS = (
    "cameras",
    "recorder",
    "CPU s per camera-minute",
    "ratio to ffmpeg",
    "ratio to floor",
    "PSS MB",
    "PSS MB per camera",
    "lost packets",
    "written / received",
    "syncs/s",
)
MEASURES = {"kuramori": measure_kuramori, "ffmpeg": measure_ffmpeg, "floor": measure_floor}


async def compare(clip: Path, counts: tuple[int, ...], rounds: int, seconds: float) -> list[Row]:
    """Measure all recorders in turn at every number of cameras."""
    rows = []
    for count in counts:
        samples: dict[str, list[Sample]] = {name: [] for name in MEASURES}
        for round_number in range(rounds):
            for name, measure in MEASURES.items():
                folder = Path(
                    tempfile.mkdtemp(prefix="kuramori-bench-", dir=os.environ.get("KURAMORI_BENCH_DIRECTORY"))
                )
                try:
                    with cameras(clip, count) as url:
                        sample = await measure(url, count, seconds, folder / "run")
                finally:
                    shutil.rmtree(folder)
                samples[name].append(sample)
                print(f"{count:4d} cameras, round {round_number + 1}: {name:9s} {sample}", flush=True)
        rows += [Row(name, count, tuple(found)) for name, found in samples.items()]
    return rows


def table(rows: list[Row]) -> str:
    """Return the table of BENCHMARKS.md."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for row in rows:
        peers = {peer.recorder: peer.cpu for peer in rows if peer.cameras == row.cameras}
        pss = row.median("pss_bytes")
        cells = [
            str(row.cameras),
            row.recorder,
            f"{row.cpu:.4f}",
            f"{row.cpu / peers['ffmpeg']:.2f}",
            f"{row.cpu / peers['floor']:.2f}",
            f"{pss / 1e6:.0f}" if pss else "–",
            f"{pss / row.cameras / 1e6:.1f}" if pss else "–",
            _text(row.median("lost_packets"), "{:.0f}"),
            _text(row.median("written_per_received"), "{:.3f}"),
            _text(row.median("syncs_per_second"), "{:.2f}"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _text(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
