"""What a masked copy costs: 1080p sealed by the real writer, masked by the real worker. `--only masking`.

The material is made by the command ffmpeg: a moving test picture under noise, as a camera sends it at night. Counted is
the worker's processor time, its start, the opening of the segments and the strips included, up to the moment at which
the copy waits; on a machine that does other things too it says more than a clock on the wall.
"""

import asyncio
import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast

from kuramori.capture.source import Codec
from kuramori.masking.masking_job import MaskingOrder
from kuramori.masking.running import MaskingWorker, run_masking
from kuramori_segments.limits import SLOT_BYTES
from tests.bench.opening import FRAMES_PER_SECOND, endless
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, make_job

SECONDS = 20
ROUNDS = 3
ASKED = 20  # pictures per second of one core
SCENE = f"testsrc2=size=1920x1080:rate={FRAMES_PER_SECOND}:duration={SECONDS},noise=alls=12:allf=t,format=yuv420p"
ENCODERS = {
    Codec.H264: ("4 Mbit/s", ("-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-maxrate", "4400k")),
    Codec.H265: (
        "2 Mbit/s",
        (
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-b:v",
            "2M",
            "-maxrate",
            "2200k",
            "-x265-params",
            "log-level=error",
        ),
    ),
}
NAMES = {Codec.H264: "h264", Codec.H265: "hevc"}
ONE_PERSON = {"left": 0.4, "top": 0.3, "width": 0.1, "height": 0.5}
HALF = {"left": 0.0, "top": 0.0, "width": 0.5, "height": 1.0}
DRAWINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("one person", {"keep": [ONE_PERSON]}),
    ("one person, the rest grey", {"keep": [ONE_PERSON], "outside": "grey"}),
    ("half of the picture, one face covered", {"keep": [HALF], "cover": [ONE_PERSON]}),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One copy."""

    pictures: int
    cpu_seconds: float
    peak_bytes: int
    size_bytes: int


def material(output: Path, codec: Codec) -> bytes:
    """Return an elementary stream of a camera's shape: a key picture every two seconds, no B pictures."""
    path = output / f"1080p30-masking.{NAMES[codec]}"
    if not path.exists():
        output.mkdir(exist_ok=True)
        interim = path.with_suffix(".part")
        shape = ("-bf", "0", "-g", str(2 * FRAMES_PER_SECOND), "-bufsize", "4M", "-f", NAMES[codec])
        words = ("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", SCENE, *ENCODERS[codec][1], *shape, str(interim))
        subprocess.run(words, check=True, timeout=600)
        interim.rename(path)
    return path.read_bytes()


def seal(folder: Path, codec: Codec, stream: bytes) -> SealedRecording:
    """Seal the material once."""
    recording = SealedRecording(folder, slot_bytes=SLOT_BYTES)
    recording.add_all(codec, list(islice(endless(stream, codec), SECONDS * FRAMES_PER_SECOND)))
    return recording


def boxes(drawing: dict[str, Any]) -> bytes:
    """Return a boxes file in which each box stands still for the whole range."""
    times = [datetime.fromtimestamp(START_UTC_MS / 1000 + at, UTC).isoformat() for at in (0, SECONDS + 1)]
    tracks = {
        name: [{"points": [{"at": at, **box} for at in times]} for box in drawing.get(name, [])]
        for name in ("keep", "cover")
    }
    return json.dumps({"kuramori": "boxes", "version": 1, "camera": "gate", **drawing, **tracks}).encode()


async def mask_once(recording: SealedRecording, drawing: bytes) -> Sample:
    """Have a copy made as the desk does; end it unconfirmed."""
    job = make_job(recording, START_UTC_MS, START_UTC_MS + SECONDS * 1000)
    order = MaskingOrder(job, 1, drawing, look_for_faces=False)
    copy = cast("MaskingWorker", await run_masking(order, lambda _share: None))
    try:
        fields = Path(f"/proc/{copy.worker_pid}/stat").read_text().rpartition(")")[2].split()
        peak = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{copy.worker_pid}/status").read_text())
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return Sample(copy.made.pictures, cpu, int(peak[1]) * 1024 if peak else 0, copy.made.video_bytes)
    finally:
        await copy.close()


def measure(output: Path) -> str:
    """Return the table."""
    lines = [
        "| source, 1080p | stays visible | pictures | CPU s | pictures per CPU s | asked | copy, MB | memory, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for codec in ENCODERS:
        stream = material(output, codec)
        with tempfile.TemporaryDirectory(dir=output) as place:
            recording = seal(Path(place), codec, stream)
            for what, drawing in DRAWINGS:
                samples = [asyncio.run(mask_once(recording, boxes(drawing))) for _ in range(ROUNDS)]
                lines.append(row(f"{codec.name}, {ENCODERS[codec][0]}", what, samples))
    return "\n".join(lines)


def row(source: str, what: str, samples: list[Sample]) -> str:
    """Return the row of the median round."""
    middle = sorted(samples, key=lambda sample: sample.cpu_seconds)[len(samples) // 2]
    rate = f"**{middle.pictures / middle.cpu_seconds:.1f}** | ≥ {ASKED}"
    rest = f"{middle.size_bytes / 1e6:.1f} | {middle.peak_bytes / 1e6:.0f}"
    return f"| {source} | {what} | {middle.pictures} | {middle.cpu_seconds:.1f} | {rate} | {rest} |"
