"""Opening a ten-minute clip: 300 MB sealed in 16 MiB segments by the real writer, opened by the real worker.

Measured from starting the worker: until the first verified picture is in the muxer, until everything is verified and
packed, until the last byte of the archive is here; and the worker's peak memory. The pages are in memory: this
measures the program, not the disk. In the same rounds ffmpeg packs the same pictures, unencrypted, for comparison. The
way through the desk is `opening_desk`, beside recording `opening_beside`.
"""

import asyncio
import os
import re
import shutil
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import cast

from kuramori.capture.source import Codec
from kuramori.clips.extraction import WorkerStream, run_worker
from kuramori.clips.job import ExtractionJob
from kuramori.clips.nal_units import in_start_code_form
from kuramori.clips.verify import Verdict, verify_bundle
from kuramori.simulator.nal_units import access_units, is_key_picture, is_parameter_set, split_annexb
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.limits import SLOT_BYTES
from tests.bench import media
from tests.fakes.key_holders import custodian_set
from tests.fakes.sealed_recording import START_UTC_MS, Picture, SealedRecording, make_job

SECONDS = 600
FRAMES_PER_SECOND = 30
ROUNDS = 3


FFMPEG = ("ffmpeg", "-v", "error", "-nostdin", "-y")
CPU_RATIO_MOST = 1.5
MB_PER_CPU_SECOND_LEAST = 100
COMPLETE_SECONDS_MOST = 5.0


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


def seal(folder: Path, clip: Path, custodians: CustodianSet | None = None) -> SealedRecording:
    """Seal ten minutes."""
    recording = SealedRecording(folder, slot_bytes=SLOT_BYTES, custodians=custodians)
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


def remux_cpu_seconds(*arguments: str) -> float:
    """Return the processor time of one run of ffmpeg, its start included."""
    with subprocess.Popen([*FFMPEG, *arguments], stdin=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"ffmpeg ended with status {process.returncode}")
    cpu_seconds: float = usage.ru_utime + usage.ru_stime
    return cpu_seconds


@dataclass(frozen=True, slots=True)
class Plaintext:
    """The same pictures in the clear: as the camera sent them, and as the bundle has them."""

    stream: Path
    clip: Path

    @staticmethod
    def of(archive: Path, source: Iterable[Picture]) -> "Plaintext":
        """Write both beside the archive."""
        made = Plaintext(archive.with_suffix(".h264"), archive.with_suffix(".mp4"))
        with made.stream.open("wb") as file:
            file.writelines(in_start_code_form(picture.nals) for picture in source)
        with tarfile.open(archive) as files, made.clip.open("wb") as file:
            found = files.extractfile("clip.mp4")
            if found is None:
                raise RuntimeError("the bundle holds no clip")
            shutil.copyfileobj(found, file)
        return made

    def remuxed(self) -> tuple[float, float]:
        """Return what ffmpeg takes to pack either anew, in seconds of processor time."""
        target = str(self.clip.with_suffix(".new.mp4"))
        rate = str(FRAMES_PER_SECOND)
        raw = remux_cpu_seconds("-framerate", rate, "-i", str(self.stream), "-c", "copy", target)
        return raw, remux_cpu_seconds("-i", str(self.clip), "-c", "copy", target)


def measure() -> str:
    """Return the Markdown tables."""
    from tests.bench import opening_beside, opening_desk  # they open with what stands here

    output = Path("bench-out")
    output.mkdir(exist_ok=True)
    clip = media.make(output / "1080p30-4mbit.h264")
    with tempfile.TemporaryDirectory(dir=output) as place:
        recording = seal(Path(place) / "sealed", clip, custodian_set())
        job = make_job(recording, START_UTC_MS, START_UTC_MS + SECONDS * 1000)
        archive = Path(place) / "bundle.tar"
        asyncio.run(open_once(job, archive))
        plaintext = Plaintext.of(archive, islice(endless(clip.read_bytes()), SECONDS * FRAMES_PER_SECOND))
        samples, remuxed = [], []
        for _ in range(ROUNDS):  # in turn: what else the machine does changes by the minute
            samples.append(asyncio.run(open_once(job, archive)))
            remuxed.append(plaintext.remuxed())
        began = time.perf_counter()
        verdict = verify_bundle(archive).verdict
        verifying = time.perf_counter() - began
        if verdict is not Verdict.UNCHANGED:
            raise RuntimeError(f"the bundle does not verify: {verdict}")
        handed = asyncio.run(opening_desk.hand_over(Path(place) / "desk", recording, ROUNDS))
        complete = statistics.median(sample.complete_seconds for sample in handed)
        beside = asyncio.run(opening_beside.measure(clip, job))
    alone = table(samples, remuxed, len(recording.segments), verifying, complete)
    return f"{alone}\n\n{opening_beside.table(beside)}"


def table(
    samples: list[Sample],
    remuxed: list[tuple[float, float]],
    segments: int,
    verifying_seconds: float,
    complete_seconds: float,
) -> str:
    """Lay the medians out."""
    megabytes = samples[0].size_bytes / 1e6

    def median(name: str) -> float:
        return statistics.median(getattr(sample, name) for sample in samples)

    ready, taken, cpu = median("ready_seconds"), median("taken_seconds"), median("cpu_seconds")
    raw, packed = (statistics.median(column) for column in zip(*remuxed, strict=True))
    rows = [
        ("clip", f"{megabytes:.0f} MB, {SECONDS // 60} minutes, {segments} segments", ""),
        ("last approval to the bundle on disk", f"{complete_seconds:.2f} s", f"≤ {COMPLETE_SECONDS_MOST:.0f} s"),
        ("first verified picture in the muxer", f"{median('first_picture_seconds'):.2f} s", ""),
        ("verified, packed and signed", f"{ready:.2f} s ({megabytes / ready:.0f} MB/s)", ""),
        ("archive taken whole", f"{taken:.2f} s ({megabytes / taken:.0f} MB/s)", ""),
        (
            "processor time of the worker",
            f"{cpu:.2f} s ({megabytes / cpu:.0f} MB per second)",
            f"≥ {MB_PER_CPU_SECOND_LEAST} MB per second",
        ),
        ("`ffmpeg -c copy`, elementary stream to MP4", f"{raw:.2f} s of processor time", ""),
        ("worker to that", f"{cpu / raw:.1f}", f"≤ {CPU_RATIO_MOST}"),
        ("`ffmpeg -c copy`, MP4 to MP4", f"{packed:.2f} s of processor time", ""),
        ("worker to that", f"{cpu / packed:.1f}", f"≤ {CPU_RATIO_MOST}"),
        ("peak memory of the worker", f"{median('peak_bytes') / 1e6:.0f} MB", ""),
        (
            "`kuramori verify` of the archive",
            f"{verifying_seconds:.2f} s ({megabytes / verifying_seconds:.0f} MB/s)",
            "",
        ),
    ]
    lines = [f"| {name} | {value} | {asked} |" for name, value, asked in rows]
    return "\n".join(["| opening | median | asked |", "|---|---|---|", *lines])
