"""Volumes that fail under the real recorder, by real faults: FUSE, ext4 on loop files. A second volume takes over.

Each time: a fault at a random moment, the alarm is waited for, the fault goes on for a while, ends, and the volume must
be in use again by itself. What each camera lost is what its coverage lacks from the fault to the return. Needs root.
"""

import asyncio
import contextlib
import random
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kuramori.capture.source import Codec
from kuramori.recorder_client import RecorderFault
from kuramori.simulator.rtsp_server import Mount
from kuramori_segments.volume import Volume
from tests.durability.power_cuts import KEPT, check_all, unopened
from tests.durability.tally import Tally
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.fuse_disk import FuseDisk
from tests.fakes.power_cut import PowerCut, power_cut_disk
from tests.fakes.rtsp_camera import clip_material, running_camera

CAMERAS = 4
VOLUME_SIZE = "300 MiB"
IMAGE_BYTES = 400 << 20
ALARM_SECONDS = 5.0
LASTS_SECONDS = 8.0
RETURN_SECONDS = 60.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class FaultyPlace:
    """Where the second volume lies, and how its disk fails and is mended."""

    directory: Path
    fail: Callable[[], None]
    mend: Callable[[], None]


@dataclass(frozen=True)
class Kind:
    """One row of the table."""

    name: str
    text: str
    place: Callable[[Path], contextlib.AbstractContextManager[FaultyPlace]]
    lasts_seconds: float = LASTS_SECONDS


def _fuse(**rules: object) -> Callable[[Path], contextlib.AbstractContextManager[FaultyPlace]]:
    @contextmanager
    def place(folder: Path) -> Iterator[FaultyPlace]:
        with FuseDisk(folder).mounted() as disk:
            yield FaultyPlace(disk.directory, lambda: disk.rule(**rules), disk.rule)

    return place


@contextmanager
def _pulled(folder: Path) -> Iterator[FaultyPlace]:
    with power_cut_disk(folder, IMAGE_BYTES) as disk:
        yield FaultyPlace(disk.directory, disk.cut, lambda: mount_again(disk))


@contextmanager
def _erring(folder: Path) -> Iterator[FaultyPlace]:
    with power_cut_disk(folder, IMAGE_BYTES) as disk:
        yield FaultyPlace(disk.directory, disk.raise_error, lambda: mount_again(disk))


def mount_again(disk: PowerCut) -> None:
    """As an operator does it: refused until the recorder has let go of the volume."""
    deadline = time.monotonic() + RETURN_SECONDS
    while True:
        try:
            return disk.reboot()
        except subprocess.CalledProcessError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


KINDS = (
    Kind("eio-write", "EIO of every write to one of two volumes (FUSE)", _fuse(write={"errno": "EIO"})),
    Kind("eio-sync", "EIO of every sync of one of two volumes (FUSE)", _fuse(fsync={"errno": "EIO"})),
    Kind("enospc", "ENOSPC of every write to one of two volumes (FUSE)", _fuse(write={"errno": "ENOSPC"})),
    Kind("emergency-ro", "ext4 under one of two volumes finds an error and turns read-only (`emergency_ro`)", _erring),
    Kind("pulled", "the disk under one of two volumes is pulled (ext4 shut down), mounted again later", _pulled),
    Kind("hanging", "one of two volumes does not answer: no error, writes hang (FUSE)", _fuse(write={"hang": True})),
    Kind("slow", "one of two volumes takes 3 s for each write (FUSE)", _fuse(write={"sleep": 3}), lasts_seconds=12.0),
)


async def campaign(kind: Kind, folder: Path, times: int, seed: int) -> Tally:
    """Let the volume fail so many times; at the end check and open everything."""
    tally = Tally(kind.text)
    chance = random.Random(seed)
    material = clip_material(Codec.H264)
    with kind.place(folder) as place:
        async with running_camera(*(Mount(f"/{n}", material) for n in range(CAMERAS))) as server:
            cameras = [CameraAt(f"cam-{n}", server.url(f"/{n}")) for n in range(CAMERAS)]
            site = make_site(folder, cameras, place.directory / "volume1")
            site.start()
            try:
                await site.until_recording()
                for _ in range(times):
                    await asyncio.sleep(chance.uniform(1.0, 3.0))  # the random moment
                    tally.note(*await _once(site, kind, place))
                tally.wrong += [fault for camera in cameras for fault in await unopened(site, camera.name)]
            finally:
                site.stop()
            tally.wrong += await asyncio.to_thread(check_all, site)
    return tally


def make_site(folder: Path, cameras: Sequence[CameraAt], second: Path | None = None) -> Installation:
    """A recorder whose volumes are zero-filled already; the second one lies where the fault is."""
    more = f'\n[[volume]]\npath = "{second}"\nsize = "{VOLUME_SIZE}"\n' if second is not None else ""
    site = Installation(folder / "site", cameras, VOLUME_SIZE, extra=more).make()
    for path in site.places.volumes:
        volume = Volume.open_file(path)
        while not volume.zero_fill_step(1 << 26).done:
            pass
        volume.close()
    return site


async def _once(site: Installation, kind: Kind, place: FaultyPlace) -> tuple[list[float], list[str]]:
    returned = len(site.events("volume_returned"))
    wrong = []
    failed_utc_ms, began = int(time.time() * 1000), time.monotonic()
    place.fail()
    if not await until(lambda: _alarmed(site), ALARM_SECONDS):
        wrong.append(f"{kind.name}: no alarm within {ALARM_SECONDS:g} s")
    await asyncio.sleep(max(0.0, kind.lasts_seconds - (time.monotonic() - began)))
    await asyncio.to_thread(place.mend)
    if not await until(lambda: _is_back(site, returned), RETURN_SECONDS):
        wrong.append(f"{kind.name}: not in use again within {RETURN_SECONDS:g} s")
    await asyncio.sleep(2.5)  # what waited is durable
    return [
        await lost_seconds(site, one.name, failed_utc_ms, int(time.time() * 1000) - 2500) for one in site.cameras
    ], wrong


async def until(true: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Wait until it is true; False when it did not become so in time."""
    deadline = time.monotonic() + seconds
    while not await true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


async def _alarmed(site: Installation) -> bool:
    with contextlib.suppress(RecorderFault):
        status = await site.recorder.status()
        told = [one for one in status.problems if "volume1" in one and "used again:" not in one]
        return bool(told) and any(not volume.healthy for volume in status.volumes)
    return False


async def _is_back(site: Installation, before: int) -> bool:
    """The volume is announced, and its cameras are recorded on it again."""
    moved = [str(event["volume"]).endswith("volume1") for event in site.events("camera_moved")]
    return len(site.events("volume_returned")) > before and moved.count(True) == moved.count(False)


async def lost_seconds(site: Installation, camera: str, from_utc_ms: int, to_utc_ms: int) -> float:
    """What is not there of the time between."""
    spans = (await site.recorder.coverage(camera, from_utc_ms, to_utc_ms)).spans
    kept = sum(span.to_utc_ms - span.from_utc_ms for span in spans if span.kind in KEPT)
    known = sum(span.to_utc_ms - span.from_utc_ms for span in spans)
    return (known - kept) / 1000
