"""Opening a ten-minute clip: 300 MB sealed in 16 MiB segments by the real writer, opened by the real worker.

Measured from starting the worker: until the first verified picture is in the muxer, until everything is verified and
packed, until the last byte of the archive is here; and the worker's peak memory. The pages are in memory: this
measures the program, not the disk. `python -m tests.bench.opening` prints the table.
"""

import asyncio
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import cast

from kuramori.capture.source import Codec
from kuramori.clips.extraction import WorkerStream, run_worker
from kuramori.clips.job import ExtractionJob
from kuramori.clips.verify import Verdict, verify_bundle
from kuramori.simulator.nal_units import access_units, is_key_picture, is_parameter_set, split_annexb
from kuramori_segments.limits import SLOT_BYTES
from tests.bench import media
from tests.fakes.sealed_recording import START_UTC_MS, Picture, SealedRecording, make_job

SECONDS = 600
FRAMES_PER_SECOND = 30
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """One opening."""

    size_bytes: int
    first_picture_seconds: float
    ready_seconds: float
    taken_seconds: float
    cpu_seconds: float  # of the worker, its start included
    peak_bytes: int


def endless(stream: bytes, codec: Codec = Codec.H264) -> Iterator[Picture]:
    """Yield the pictures of an elementary stream again and again, later and a little different in each lap.

    No camera sends the same bytes twice. The last bytes of a slice are changed, which only a decoder would notice.
    """
    units = [tuple(unit) for unit in access_units(codec, split_annexb(stream))]
    number = 0
    for lap in count():
        for unit in units:
            nals = (*unit[:-1], unit[-1][:-4] + (0x01010101 + lap).to_bytes(4, "big")) if lap else unit
            key = any(is_key_picture(codec, nal) for nal in nals if not is_parameter_set(codec, nal))
            utc_us = START_UTC_MS * 1000 + number * 1_000_000 // FRAMES_PER_SECOND
            yield Picture(nals, utc_us, number * 3000, key)
            number += 1


def seal(folder: Path, clip: Path) -> SealedRecording:
    """Seal ten minutes."""
    recording = SealedRecording(folder, slot_bytes=SLOT_BYTES)
    missing = SECONDS * FRAMES_PER_SECOND
    source = list(islice(endless(clip.read_bytes()), missing))
    at = 0
    while at < missing:
        at += recording.add(Codec.H264, source[at:])
    return recording


async def open_once(job: ExtractionJob, target: Path) -> Sample:
    """Open it as the desk does and write the archive to a file."""
    began = time.perf_counter()
    stream = cast("WorkerStream", await run_worker(job))
    ready = time.perf_counter() - began
    with target.open("wb") as file:
        async for piece in stream:
            file.write(piece)
    taken = time.perf_counter() - began
    fields = Path(f"/proc/{stream.worker_pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{stream.worker_pid}/status").read_text())
    await stream.close()
    size = target.stat().st_size
    return Sample(size, stream.first_picture_seconds, ready, taken, cpu, int(peak[1]) * 1024 if peak else 0)


def measure() -> str:
    """Return a Markdown table."""
    output = Path("bench-out")
    output.mkdir(exist_ok=True)
    clip = media.make(output / "1080p30-4mbit.h264")
    with tempfile.TemporaryDirectory(dir=output) as place:
        recording = seal(Path(place), clip)
        job = make_job(recording, START_UTC_MS, START_UTC_MS + SECONDS * 1000)
        archive = Path(place) / "bundle.tar"
        samples = [asyncio.run(open_once(job, archive)) for _ in range(ROUNDS)]
        began = time.perf_counter()
        verdict = verify_bundle(archive).verdict
        verifying = time.perf_counter() - began
    if verdict is not Verdict.UNCHANGED:
        raise RuntimeError(f"the bundle does not verify: {verdict}")
    return table(samples, len(recording.segments), verifying)


def table(samples: list[Sample], segments: int, verifying_seconds: float) -> str:
    """Lay the medians out."""
    megabytes = samples[0].size_bytes / 1e6

    def median(name: str) -> float:
        return statistics.median(getattr(sample, name) for sample in samples)

    ready, taken, cpu = median("ready_seconds"), median("taken_seconds"), median("cpu_seconds")
    rows = [
        ("clip", f"{megabytes:.0f} MB, {SECONDS // 60} minutes, {segments} segments"),
        ("first verified picture in the muxer", f"{median('first_picture_seconds'):.2f} s"),
        ("verified, packed and signed", f"{ready:.2f} s ({megabytes / ready:.0f} MB/s)"),
        ("archive taken whole", f"{taken:.2f} s ({megabytes / taken:.0f} MB/s)"),
        ("processor time of the worker", f"{cpu:.2f} s ({megabytes / cpu:.0f} MB per second)"),
        ("peak memory of the worker", f"{median('peak_bytes') / 1e6:.0f} MB"),
        ("`kuramori verify` of the archive", f"{verifying_seconds:.2f} s ({megabytes / verifying_seconds:.0f} MB/s)"),
    ]
    return "\n".join(["| opening | median |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


if __name__ == "__main__":
    print(measure())
