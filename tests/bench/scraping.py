"""What scraping costs: the recorder's part, the desk's part, and how late the recorder's ticks are meanwhile.

The pieces are measured with figures of 256 cameras, as processor time and in the median of many: on a busy machine the
clock on the wall tells nothing. Then a whole service records, first unasked, then with its page asked for as fast as it
is answered, and its own figures are compared.
"""

import asyncio
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

from kuramori.capture.source import Codec
from kuramori.simulator.rtsp_server import Mount
from kuramori.wire import from_plain, to_plain
from kuramori_config.load import load_configuration
from kuramori_metrics.exposition import exposition, exposition_slices
from kuramori_metrics.statistics import RecorderStatistics
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.rtsp_camera import clip_material, running_camera
from tests.metrics.sample import full

CAMERAS = 256
RECORDED = 16
ROUNDS = 30
LAG_WINDOW_SECONDS = 61.0  # the recorder tells the longest lag of the last minute


def measure() -> str:
    """Return both tables."""
    with tempfile.TemporaryDirectory(prefix="kuramori-scraping-") as folder:
        return f"{_pieces()}\n\n{asyncio.run(_scraped(Path(folder)))}"


def _pieces() -> str:
    figures = full(CAMERAS)
    line = json.dumps(to_plain(figures))
    page = exposition(figures)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("recorder: figures to one line of JSON", lambda: json.dumps(to_plain(figures))),
        ("desk: line to figures", lambda: from_plain(RecorderStatistics, json.loads(line))),
        ("desk: figures to page", lambda: exposition(figures)),
    ]
    rows = [f"| {name} | {_cpu_ms(step):.1f} ms |" for name, step in steps]
    longest = statistics.median(_longest_slice_ms(figures) for _ in range(ROUNDS))
    rows.append(f"| desk: longest piece of the page that is not interrupted | {longest:.2f} ms |")
    series = sum(not line.startswith(b"#") for line in page.splitlines())
    head = "| step | processor time, median |\n|---|---|"
    return f"{CAMERAS} cameras, {series} series, {len(page) // 1000} kB.\n\n{head}\n" + "\n".join(rows)


def _cpu_ms(step: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        step()
        taken.append(time.process_time() - began)
    return statistics.median(taken) * 1000


def _longest_slice_ms(figures: RecorderStatistics) -> float:
    moments = [time.process_time(), *(time.process_time() for _ in exposition_slices(figures))]
    return max(later - earlier for earlier, later in itertools.pairwise(moments)) * 1000


async def _scraped(folder: Path) -> str:
    material = clip_material(Codec.H264)
    async with running_camera(*(Mount(f"/{n}", material) for n in range(RECORDED))) as server:
        cameras = [CameraAt(f"cam-{n}", server.url(f"/{n}")) for n in range(RECORDED)]
        site = Installation(folder / "site", cameras, "6 GiB").make()
        url = f"http://{load_configuration(site.config_path).metrics.listen}/metrics"
        site.start(whole_service=True)
        try:
            await site.until_recording()
            await asyncio.sleep(LAG_WINDOW_SECONDS)  # what starting cost is forgotten
            rows = [await _compared(site, "unasked", None), await _compared(site, "as fast as it answers", url)]
        finally:
            site.stop()
    head = "| page asked for | pages | median answer | late ticks | longest loop lag | pictures dropped |"
    return f"{RECORDED} cameras recorded, {LAG_WINDOW_SECONDS:.0f} s each.\n\n{head}\n{'|---' * 6}|\n" + "\n".join(rows)


async def _compared(site: Installation, name: str, url: str | None) -> str:
    before, answers = await site.recorder.statistics(), []
    end = time.monotonic() + LAG_WINDOW_SECONDS
    while time.monotonic() < end:
        if url is None:
            await asyncio.sleep(1)
            continue
        began = time.monotonic()
        await asyncio.to_thread(lambda: urlopen(url, timeout=60).read())
        answers.append(time.monotonic() - began)
    after = await site.recorder.statistics()
    answer = f"{statistics.median(answers) * 1000:.0f} ms" if answers else "–"
    dropped = sum(camera.dropped_access_units for camera in after.cameras)
    return (
        f"| {name} | {len(answers)} | {answer} | {after.late_ticks - before.late_ticks} | "
        f"{after.loop_lag_seconds * 1000:.0f} ms | {dropped} |"
    )
