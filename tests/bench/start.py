"""Start after a power cut: 65,536 slots with real headers, a month of keys, torn segments of all cameras, cold cache.

The recorder records into the big ring, is killed without warning, everything is dropped from memory, and it starts
again. Measured from starting the process: until the vault is open and repaired and every camera is being connected to,
until pictures can be sealed too, until the first key picture of every camera is here, and until it is durable. Then the
outage of an orderly restart of the whole service, caches warm. Beside it, in this process: opening the volume (which
builds the catalogue) with sound tables, and with both copies lost. `python -m tests.bench --only start`.
"""

import asyncio
import compileall
import importlib.util
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kuramori.identity import read_identity
from kuramori.keystores import open_keystores
from kuramori.recorder_client import RecorderFault
from kuramori.vault import read_device_key
from kuramori_config.load import load_configuration
from kuramori_segments.boot_identity import read_boot_id
from kuramori_segments.device_key import DeviceSigner
from kuramori_segments.recovery import recover
from kuramori_segments.volume import Volume
from tests.bench import media
from tests.bench.big_ring import CAMERAS, SLOTS, camera_name, forget_everything, lose_tables, make_big_ring
from tests.bench.recording import cameras
from tests.end_to_end.installation import CameraAt, Installation

ROUNDS = 3
HOURS = 720
HOUR_MS = 3_600_000
FREE_SLOTS = 2048
RECORD_SECONDS = 12.0  # then some megabytes of each camera's segment are torn
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 120
COUNTS = (8, 32)
PACKAGES = ("kuramori", "kuramori_config", "kuramori_metrics", "kuramori_onvif", "kuramori_segments")


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds since the process was started."""

    connecting: float  # the vault is open and repaired, every camera is being connected to
    ready: float  # and the first rotation is over: what comes can be sealed
    recording: float  # the first key picture of every camera is here
    durable: float  # and on the medium


async def measure_start(count: int, clip: Path, folder: Path) -> list[Start]:
    """Return the starts of a recorder with that many cameras."""
    with cameras(clip, count) as url:
        installation = prepared(url, count, folder)
        installation.start()
        try:
            await installation.until_recording()
            found = []
            for _ in range(ROUNDS):
                await asyncio.sleep(RECORD_SECONDS)
                installation.kill()
                forget_everything()
                found.append(await _start(installation, count))
            return found
        finally:
            installation.stop()


def prepared(url: str, count: int, folder: Path) -> Installation:
    """Set a recorder up, and put the big ring and a month of keys in the place of its own."""
    at = [CameraAt(camera_name(n), url.format(n), mbit_per_second=0.02) for n in range(count)]
    size = f"{max(1100, count * 160)} MiB"
    installation = Installation(folder, at, volume_size=size).make()
    text = installation.config_path.read_text()
    installation.config_path.write_text(text.replace('"3 hours"', '"30 days"').replace(f'"{size}"', '"1 TiB"'))
    places, now = installation.places, int(time.time() * 1000)
    signer = DeviceSigner(read_device_key(places.device_key))
    recorder_id = read_identity(places.identity).recorder_id
    make_big_ring(places.volumes[0], recorder_id=recorder_id, signer=signer, now_utc_ms=now, free_slots=FREE_SLOTS)
    fill_keystore(installation, now)
    return installation


def fill_keystore(installation: Installation, now_utc_ms: int) -> None:
    """Make a month of epochs of 64 cameras."""
    configuration = load_configuration(installation.config_path)
    store = open_keystores(configuration, installation.places, read_boot_id(), now_utc_ms)
    boot_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    try:
        for hour in range(HOURS - 2, -1, -1):
            for number in range(1, CAMERAS + 1):
                store.new_epoch(number, now_utc_ms - hour * HOUR_MS, max(0, boot_ms - hour * HOUR_MS))
            if hour % 50 == 0:
                store.rotate((), now_utc_ms - hour * HOUR_MS)  # the journal is folded into the store
    finally:
        store.close()


async def _start(installation: Installation, count: int) -> Start:
    began = time.monotonic()
    began_utc = time.time()
    installation.start()
    recording = 0.0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                status = await installation.recorder.status()
            except RecorderFault:
                installation.require_alive()
                continue
            took = time.monotonic() - began
            states = [camera.state for camera in status.cameras]
            if not recording and states.count("recording") == count:
                recording = took
            durable = [camera.last_durable_utc_ms or 0 for camera in status.cameras]
            if recording and min(durable) > began_utc * 1000:
                return Start(
                    _said_after(installation, "connecting", began_utc),
                    _said_after(installation, "recording", began_utc),
                    recording,
                    took,
                )


def _said_after(installation: Installation, event: str, began_utc: float) -> float:
    """How long until the log said that."""
    said = datetime.fromisoformat(str(installation.events(event)[-1]["timestamp"]))
    return said.timestamp() - began_utc


def compile_programs() -> None:
    """Compile our own programs, as a package that is installed is; libraries are compiled by their installation."""
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        for place in (found.submodule_search_locations or ()) if found is not None else ():
            compileall.compile_dir(place, quiet=1)


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One way of opening the volume: how long, what it cost, how many segments the catalogue has."""

    what: str
    seconds: float
    cpu_seconds: float
    segments: int


def measure_rebuild(folder: Path) -> list[Rebuild]:
    """Open a big ring cold: tables sound, then both copies lost."""
    from tests.fakes.segments import SIGNER

    path = folder / "ring"
    make_big_ring(path, recorder_id=b"r" * 16, signer=SIGNER, now_utc_ms=int(time.time() * 1000))
    found = [_rebuild(path, "both copies of the table")]
    lose_tables(path)
    found.append(_rebuild(path, "no copy: every slot is asked for its header and footer"))
    path.unlink()
    return found


def _rebuild(path: Path, what: str) -> Rebuild:
    from tests.fakes.segments import SIGNER

    forget_everything()
    began, cpu = time.monotonic(), time.process_time()
    volume = Volume.open_file(path)
    recover(volume, SIGNER)
    result = Rebuild(what, time.monotonic() - began, time.process_time() - cpu, volume.usage().closed)
    volume.close()
    return result


def measure(output: Path) -> str:
    """Return the tables."""
    clip = media.make(output / "1080p30-4mbit.h264")
    load = os.getloadavg()[1]
    compile_programs()
    cold = "cold" if os.geteuid() == 0 else "warm (not root)"
    with tempfile.TemporaryDirectory(prefix="kuramori-bench-") as folder:
        starts = {count: asyncio.run(measure_start(count, clip, Path(folder) / f"start-{count}")) for count in COUNTS}
        rebuilds = measure_rebuild(Path(folder))
    lines = [
        f"Cache {cold}; {SLOTS} slots of 16 MiB, {CAMERAS * (HOURS - 1)} epoch keys, {ROUNDS} power cuts each;",
        f"load average of the machine before: {load:.1f}.",
        "",
        "| cameras | being connected, s: median (most) | ready: sealing too, s | first key picture, s | durable, s |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {count} | {_cell([s.connecting for s in found])} | {_cell([s.ready for s in found])} "
        f"| {_cell([s.recording for s in found])} | {_cell([s.durable for s in found])} |"
        for count, found in starts.items()
    ]
    lines += ["", "| what is there of the table | segments | open and rebuild, s | of it CPU, s |", "|---|---|---|---|"]
    lines += [f"| {r.what} | {r.segments} | {r.seconds:.2f} | {r.cpu_seconds:.2f} |" for r in rebuilds]
    return "\n".join(lines)


def _cell(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({max(seconds):.2f})"
