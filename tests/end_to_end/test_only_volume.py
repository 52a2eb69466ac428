"""The only volume fails under the real recorder: pictures wait in memory, and where that is full an honest gap begins.

A real disk that fails (FUSE). Needs root, /dev/fuse and about a minute.
"""

import asyncio
import time
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.messages import SpanKind
from kuramori.simulator.rtsp_server import Mount
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.volume import Volume
from tests.durability.power_cuts import KEPT, check_all, unopened
from tests.durability.storage_faults import VOLUME_SIZE, lost_seconds, until
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.fuse_disk import FuseDisk
from tests.fakes.rtsp_camera import clip_material, running_camera
from tests.peers import require_fuse, require_root

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

OUTAGE_SECONDS = 8.0
LONG_SECONDS = 90.0
CAMERAS = 2
SMALL_MEMORY = '\n[recorder]\nmemory_buffer = "1 MiB"\n'


def make_site(folder: Path, disk: FuseDisk, cameras: list[CameraAt], extra: str = "") -> Installation:
    """One volume, on the disk that fails."""
    site = Installation(folder / "site", cameras, VOLUME_SIZE, extra=extra).draft()
    text = site.config_path.read_text()
    assert 'path = "volume0"' in text
    site.config_path.write_text(text.replace('path = "volume0"', f'path = "{disk.directory}/volume0"'))
    site.set_up()
    (path,) = site.places.volumes
    volume = Volume.open_file(path)
    while not volume.zero_fill_step(1 << 26).done:
        pass
    volume.close()
    return site


async def is_alarmed(site: Installation) -> bool:
    """Tell whether the volume's outage is told."""
    return any(
        "volume0" in problem and "used again" not in problem for problem in (await site.recorder.status()).problems
    )


async def goes_on(site: Installation, after_utc_ms: int) -> bool:
    """Tell whether each camera has something durable of later."""
    return all((one.last_durable_utc_ms or 0) > after_utc_ms for one in (await site.recorder.status()).cameras)


@pytest.mark.parametrize("rule", [{"errno": "EIO"}, {"hang": True}], ids=["errs", "hangs"])
async def test_while_the_only_volume_is_away_pictures_wait_in_memory(tmp_path: Path, rule: dict[str, object]) -> None:
    """Alarm, eight seconds without a disk, and afterwards not one picture is missing."""
    require_root()
    require_fuse()
    material = clip_material(Codec.H264)
    with FuseDisk(tmp_path).mounted() as disk:
        async with running_camera(*(Mount(f"/{n}", material) for n in range(CAMERAS))) as server:
            site = make_site(tmp_path, disk, [CameraAt(f"cam-{n}", server.url(f"/{n}")) for n in range(CAMERAS)])
            site.start()
            try:
                await site.until_recording()
                failed_utc_ms = int(time.time() * 1000)
                disk.rule(write=rule)
                assert await until(lambda: is_alarmed(site), LONG_SECONDS)
                await asyncio.sleep(OUTAGE_SECONDS)
                disk.rule()
                back_utc_ms = int(time.time() * 1000)
                assert await until(lambda: goes_on(site, back_utc_ms), LONG_SECONDS)
                for camera in site.cameras:
                    assert await lost_seconds(site, camera.name, failed_utc_ms, back_utc_ms) == 0
                    assert await unopened(site, camera.name) == []
            finally:
                site.stop()
            assert await asyncio.to_thread(check_all, site) == []


async def test_when_memory_is_full_the_gap_is_told_with_its_reason(tmp_path: Path) -> None:
    """A mebibyte holds less than the outage: what is missing is a gap of the storage, and recording goes on."""
    require_root()
    require_fuse()
    with FuseDisk(tmp_path).mounted() as disk:
        async with running_camera(Mount("/0", clip_material(Codec.H264))) as server:
            site = make_site(tmp_path, disk, [CameraAt("gate", server.url("/0"))], SMALL_MEMORY)
            site.start()
            try:
                await site.until_recording()
                failed_utc_ms = int(time.time() * 1000)
                disk.rule(write={"errno": "EIO"})
                assert await until(lambda: is_alarmed(site), LONG_SECONDS)
                assert await until(lambda: has_gap(site, failed_utc_ms), LONG_SECONDS)
                disk.rule()
                back_utc_ms = int(time.time() * 1000)
                assert await until(lambda: goes_on(site, back_utc_ms), LONG_SECONDS)
                spans = (await site.recorder.coverage("gate", failed_utc_ms, back_utc_ms)).spans
                gaps = [span for span in spans if span.kind is SpanKind.GAP]
                assert {span.reason for span in gaps} == {GapReason.STORAGE_FAULT.name.lower()}
                assert sum(span.to_utc_ms - span.from_utc_ms for span in spans) == back_utc_ms - failed_utc_ms
                assert any(span.kind in KEPT for span in spans)
                assert await unopened(site, "gate") == []
            finally:
                site.stop()
            assert await asyncio.to_thread(check_all, site) == []


async def has_gap(site: Installation, since_utc_ms: int) -> bool:
    """Tell whether a gap is known already."""
    spans = (await site.recorder.coverage("gate", since_utc_ms, int(time.time() * 1000))).spans
    return any(span.kind is SpanKind.GAP for span in spans)
