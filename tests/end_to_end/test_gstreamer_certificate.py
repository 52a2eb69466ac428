"""GStreamer over RTSPS shows another certificate than before: refused with an alarm, while the others record on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from kuramori.messages import CameraStatus, SpanKind
from kuramori_metrics.statistics import CameraStatistics
from tests.end_to_end.installation import PATIENCE_SECONDS, CameraAt, Installation
from tests.fakes.certificates import make_certificate
from tests.fakes.gstreamer_peer import GStreamerCamera
from tests.peers import require_gstreamer_rtsp

CHANGING = ("first-seen", "configured")  # by which certificate the recorder knows each


@dataclass(slots=True)
class House:
    """A recorder with two cameras that change and one that does not."""

    site: Installation
    changing: dict[str, GStreamerCamera]
    other: tuple[Path, bytes]  # the certificate that they change to, and its SHA-256

    def change(self) -> None:
        for camera in self.changing.values():
            camera.stop()
            camera.tls = self.other[0]
            camera.start().until_serving()

    async def status(self, name: str) -> CameraStatus:
        return next(camera for camera in (await self.site.recorder.status()).cameras if camera.name == name)

    async def figures(self, name: str) -> CameraStatistics:
        return next(camera for camera in (await self.site.recorder.statistics()).cameras if camera.name == name)

    async def until(self, name: str, wanted: Callable[[CameraStatus], bool]) -> CameraStatus:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not wanted(await self.status(name)):
                await asyncio.sleep(0.05)
        return await self.status(name)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """All three record; one of those that change is known by what it showed first, one by the configuration."""
    python = require_gstreamer_rtsp()
    _, first, pem = make_certificate(tmp_path, "first")
    _, other, other_pem = make_certificate(tmp_path, "other")
    with ExitStack() as stack:
        changing = {name: GStreamerCamera(python, tmp_path / name, "live", tls=pem) for name in CHANGING}
        steady = GStreamerCamera(python, tmp_path / "steady", "live")
        for camera in (*changing.values(), steady):
            stack.callback(camera.stop)
            camera.start()
        reached = [CameraAt("steady", steady.until_serving().url)]
        for name, camera in changing.items():
            pinned = f'tls_fingerprint = "sha256:{first.hex()}"' if name == "configured" else ""
            reached.append(CameraAt(name, camera.until_serving().url, more=pinned))
        site = Installation(tmp_path / "site", reached, "1 GiB").make()
        stack.callback(site.kill)
        site.start()
        asyncio.run(site.until_recording())
        yield House(site, changing, (other_pem, other))
        site.stop()


def test_a_changed_certificate_is_refused_with_an_alarm_until_it_is_accepted(house: House) -> None:
    """No SETUP reaches the changed one; the figure behind the alarm stands; the steady camera loses nothing."""
    asyncio.run(_changed(house))


async def _changed(house: House) -> None:
    known = {name: (await house.figures(name)).stream_certificate_changed for name in ("steady", *CHANGING)}
    assert known == {"steady": None, "first-seen": False, "configured": False}
    house.change()
    for name in CHANGING:
        refused = await house.until(name, lambda camera: house.other[1].hex() in camera.detail)
        assert refused.gap_reason == "camera_refused"
        assert (await house.figures(name)).stream_certificate_changed is True
        assert house.changing[name].requests == []
    assert "accept-certificate first-seen" in (await house.status("first-seen")).detail
    await house.site.recorder.accept_certificate("first-seen", house.other[1].hex())
    await house.until("first-seen", lambda camera: camera.state == "recording")
    assert (await house.figures("first-seen")).stream_certificate_changed is False
    now = int(time.time() * 1000)
    spans = (await house.site.recorder.coverage("steady", now - 120_000, now)).spans
    assert [span.kind for span in spans] == [SpanKind.GAP, SpanKind.RECORDED]
    steady = await house.figures("steady")
    assert (steady.reconnects_by_reason, steady.lost_packets) == ((), 0)
