"""How late the event loop is while the disk under the only volume sleeps three seconds at each write (FUSE).

The recorder runs as ever; its own metric `kuramori_loop_lag` (the worst of all ticks) is read at the end, once with a
quick disk and once with the slow one. A loop that waited for the disk would be three seconds late. Needs /dev/fuse.
"""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from kuramori.capture.source import Codec
from kuramori.recorder_client import RecorderFault
from kuramori.simulator.rtsp_server import Mount
from kuramori_segments.volume import Volume
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.fuse_disk import FuseDisk
from tests.fakes.rtsp_camera import clip_material, running_camera

CAMERAS = 8
SLEEP_SECONDS = 3.0
SECONDS = 30.0
ASK_EVERY_SECONDS = 0.1


def measure(seconds: float = SECONDS) -> str:
    """Return the table."""
    with tempfile.TemporaryDirectory(prefix="kuramori-bench-") as folder:
        return asyncio.run(_compare(Path(folder), seconds))


async def _compare(folder: Path, seconds: float) -> str:
    material = clip_material(Codec.H264)
    rows = []
    async with running_camera(*(Mount(f"/{n}", material) for n in range(CAMERAS))) as server:
        cameras = [CameraAt(f"cam-{n}", server.url(f"/{n}")) for n in range(CAMERAS)]
        for name, rules in (("quick", {}), ("3 s for each write", {"write": {"sleep": SLEEP_SECONDS}})):
            place = folder / name.split()[0]
            place.mkdir()
            with FuseDisk(place).mounted() as disk:
                lag, answers, dropped = await _run(place, disk, cameras, rules, seconds)
            rows.append(
                f"| {name} | {lag * 1000:.0f} ms | {statistics.median(answers) * 1000:.1f} ms | "
                f"{max(answers) * 1000:.0f} ms | {dropped} |"
            )
    head = "| disk | loop lag, most | answer to `status`, median | most | pictures dropped |\n|---|---|---|---|---|"
    return f"{CAMERAS} cameras, {seconds:.0f} s each.\n\n{head}\n" + "\n".join(rows)


async def _run(
    folder: Path, disk: FuseDisk, cameras: Sequence[CameraAt], rules: dict[str, object], seconds: float
) -> tuple[float, list[float], int]:
    site = Installation(folder / "site", cameras, "1100 MiB").draft()
    text = site.config_path.read_text().replace('path = "volume0"', f'path = "{disk.directory / "volume0"}"')
    site.config_path.write_text(text)
    site.set_up()
    volume = Volume.open_file(disk.directory / "volume0")
    while not volume.zero_fill_step(1 << 26).done:
        pass
    volume.close()
    site.start()
    try:
        await site.until_recording()
        disk.rule(**rules)
        answers: list[float] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            with contextlib.suppress(RecorderFault):
                await site.recorder.status()
            answers.append(time.monotonic() - began)
            await asyncio.sleep(ASK_EVERY_SECONDS)
        figures = await site.recorder.statistics()
        disk.rule()
        return figures.loop_lag_seconds, answers, sum(camera.dropped_access_units for camera in figures.cameras)
    finally:
        disk.rule()
        site.stop()
