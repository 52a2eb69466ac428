"""Power cuts of a real ext4 under the real recorder: everything it has lies there, and it starts again unattended.

The file system is shut down by its own ioctl without flushing its journal: what was not synced is gone, as after a
power cut. The machine itself goes on, so the boot id stays; the recorder is killed, the file system mounted anew.
Needs root.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from pathlib import Path

from kuramori.capture.source import Codec
from kuramori.messages import SpanKind
from kuramori.simulator.rtsp_server import Mount
from kuramori_segments.disk import FileDisk
from kuramori_segments.volume_head import read_superblocks
from tests.durability.tally import Tally
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.opening import numbers, opened
from tests.fakes.power_cut import PowerCut, power_cut_disk
from tests.fakes.rtsp_camera import clip_material, running_camera

CAMERAS = 4
IMAGE_BYTES = 1536 << 20
FAULT = "power cut of a real ext4 (shutdown without journal flush) under the recorder with four cameras"
GROWN_FAULT = (
    "power cut of a real ext4 while `kuramori grow` makes the volume longer, and under the recorder on what came of it"
)
FIRST_MIB, LAST_MIB = 600, 1100  # of the volume that grows
CUTS_BETWEEN = 5
GROWTHS_MOST = 10
KEPT = (SpanKind.RECORDED, SpanKind.UNPROVEN)


async def campaign(folder: Path, cuts: int, seed: int) -> Tally:
    """Record, cut, mount, start, and ask the recorder itself what is there; at the end check and open everything."""
    return await _campaign(folder, Tally(FAULT), cuts, random.Random(seed), LAST_MIB, 0)


async def grown_campaign(folder: Path, cuts: int, seed: int) -> Tally:
    """The same on a volume that grows again and again, each time with a cut in the middle of it."""
    growths = min(GROWTHS_MOST, -(-cuts // CUTS_BETWEEN))
    step_mib = (LAST_MIB - FIRST_MIB) // growths
    return await _campaign(folder, Tally(GROWN_FAULT), cuts, random.Random(seed), FIRST_MIB, step_mib)


async def _campaign(
    folder: Path, tally: Tally, cuts: int, chance: random.Random, size_mib: int, step_mib: int
) -> Tally:
    material = clip_material(Codec.H264)
    runtime = folder / "run"
    runtime.mkdir()
    with power_cut_disk(folder, IMAGE_BYTES) as disk:
        async with running_camera(*(Mount(f"/{n}", material) for n in range(CAMERAS))) as server:
            cameras = [CameraAt(f"cam-{n}", server.url(f"/{n}")) for n in range(CAMERAS)]
            site = _site(disk, cameras, runtime, folder / "recorder.log", size_mib)
            site.start()
            try:
                for number in range(cuts):
                    await site.until_recording()
                    if number % CUTS_BETWEEN == 0 and size_mib + step_mib <= LAST_MIB and step_mib:
                        size_mib += step_mib
                        site.stop()
                        tally.wrong += await asyncio.to_thread(_cut_while_growing, site, disk, size_mib, chance)
                        site.start()
                        await site.until_recording()
                    tally.note(await _cut_once(site, disk, chance))
                tally.wrong += [fault for camera in cameras for fault in await unopened(site, camera.name)]
            finally:
                site.stop()
            tally.wrong += await asyncio.to_thread(check_all, site)
    return tally


async def _cut_once(site: Installation, disk: PowerCut, chance: random.Random) -> list[float]:
    await asyncio.sleep(chance.uniform(0.2, 2.5))  # the random moment
    cut_utc_ms = int(time.time() * 1000)
    disk.cut()
    site.kill()
    disk.reboot()
    site.start()
    await site.until_recording()
    return [await _lost_seconds(site, camera.name, cut_utc_ms) for camera in site.cameras]


def _cut_while_growing(site: Installation, disk: PowerCut, size_mib: int, chance: random.Random) -> list[str]:
    """Cut the power at a random moment of growing, then grow; return what is wrong then."""
    (path,) = site.places.volumes
    before = _slots(path)
    command = [sys.executable, "-m", "kuramori.cli", "grow", str(path), "--size", f"{size_mib} MiB"]
    command += ["--config", str(site.config_path)]
    growing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(chance.uniform(0.2, 2.0))
    disk.cut()
    growing.kill()
    growing.wait()
    disk.reboot()
    wrong = check_all(site)
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    after = _slots(path)
    if after <= before:
        wrong.append(f"grown to {size_mib} MiB: {after} slots, {before} before: {again.stderr.strip()}")
    return wrong + check_all(site)


def _slots(path: Path) -> int:
    disk = FileDisk.open(path, writable=False)
    try:
        return read_superblocks(disk.read_at, str(path)).superblock.slot_count
    finally:
        disk.close()


def _site(disk: PowerCut, cameras: list[CameraAt], runtime: Path, log: Path, size_mib: int) -> Installation:
    site = Installation(disk.directory / "site", cameras, volume_size=f"{size_mib} MiB").draft()
    text = site.config_path.read_text().replace('runtime_directory = "run"', f'runtime_directory = "{runtime}"')
    site.config_path.write_text(text)
    site.log_path = log
    return site.set_up()


async def _lost_seconds(site: Installation, camera: str, cut_utc_ms: int) -> float:
    """From the end of what is recorded before the cut to the cut."""
    spans = (await site.recorder.coverage(camera, cut_utc_ms - 60_000, cut_utc_ms)).spans
    end = max((span.to_utc_ms for span in spans if span.kind in KEPT), default=cut_utc_ms - 60_000)
    return (cut_utc_ms - end) / 1000


async def unopened(site: Installation, camera: str) -> list[str]:
    """Open everything of a camera; return what is double or out of order."""
    units = list(numbers(await opened(site, camera)))
    return [] if units == sorted(set(units)) else [f"{camera}: access units double or out of order"]


def check_all(site: Installation) -> list[str]:
    """Return what `kuramori check` finds after an orderly stop."""
    command = [sys.executable, "-m", "kuramori.cli", "check", "--config", str(site.config_path), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return []
    try:
        findings = json.loads(run.stdout)
    except ValueError:
        return [f"kuramori check: {run.stderr.strip() or run.stdout.strip()}"]
    return [json.dumps(finding) for finding in findings.get("findings", [findings])]
