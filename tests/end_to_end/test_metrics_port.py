"""The port of the metrics page is taken when the service starts: one clear sentence, and recording goes on."""

import asyncio
import socket
from contextlib import closing
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from kuramori.capture.source import Codec
from kuramori.simulator.rtsp_server import Mount
from kuramori_config.load import load_configuration
from tests.end_to_end.installation import POLL_SECONDS, CameraAt, Installation
from tests.fakes.rtsp_camera import clip_material, running_camera

PATIENCE_SECONDS = 100.0


async def durable_utc_ms(site: Installation) -> int:
    """The time of the camera's last durable picture."""
    (camera,) = (await site.recorder.status()).cameras
    return camera.last_durable_utc_ms or 0


async def test_a_taken_port_costs_the_page_until_it_is_free_and_never_a_picture(tmp_path: Path) -> None:
    """Told once, with what to do; pictures go on becoming durable; the page is there once the other has gone."""
    async with running_camera(Mount("/gate", clip_material(Codec.H264))) as camera:
        site = Installation(tmp_path / "site", [CameraAt("gate", camera.url("/gate"))], volume_size="400 MiB").make()
        host, _, port = load_configuration(site.config_path).metrics.listen.rpartition(":")
        with closing(socket.socket()) as other:
            other.bind((host, int(port)))
            other.listen()
            site.start(whole_service=True)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await site.until_recording()
                    while not site.events("metrics_refused"):
                        await asyncio.sleep(POLL_SECONDS)
                    before = await durable_utc_ms(site)
                    while await durable_utc_ms(site) < before + 2000:
                        await asyncio.sleep(POLL_SECONDS)
                    (told,) = site.events("metrics_refused")
                    assert f"{host} port {port}" in str(told["detail"])
                    assert "name another address in [metrics] listen" in str(told["detail"])
                    assert site.events("desk_ready")
                    other.close()
                    while 'kuramori_camera_recording{camera="gate"} 1.0' not in await asyncio.to_thread(
                        page, host, port
                    ):
                        await asyncio.sleep(POLL_SECONDS)
                    assert len(site.events("metrics_refused")) == 1
            finally:
                site.stop()


def page(host: str, port: str) -> str:
    """The metrics page; empty while there is none."""
    try:
        with urlopen(f"http://{host}:{port}/metrics", timeout=30) as answer:
            text: str = answer.read().decode()
            return text
    except URLError:
        return ""
