"""A wrong password over restarts of a real recorder: the camera sees it once, and a corrected one at once."""

import asyncio
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from kuramori.capture.source import Codec
from kuramori.simulator.rtsp_dialogue import Answer, Request
from kuramori.simulator.rtsp_server import Behaviour, Connection, Mount
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.test_camera_life import camera_in, until
from tests.fakes.rtsp_camera import ACCOUNT, clip_material, running_camera

SHORTEST_WAIT_SECONDS = 20.0  # of the first wait: forty seconds, halved at most by chance
WRONG_PASSWORD = "not the cameras password"


@dataclass(slots=True)
class Counting(Behaviour):
    """Counts requests that carry the wrong password: once it is right, nothing is counted."""

    sign_ins: int = 0
    counts: bool = True

    def answer(self, request: Request, connection: Connection) -> Answer | bytes | None:
        self.sign_ins += self.counts and "authorization" in request.headers
        return None


async def test_a_restart_is_no_further_sign_in_and_a_corrected_password_is_tried_at_once(tmp_path: Path) -> None:
    """Killed and started twice; the state says why nothing is recorded; after a reload it is."""
    counting = Counting()
    mount = Mount("/gate", clip_material(Codec.H264), account=ACCOUNT)
    async with running_camera(mount, behaviour=counting) as camera:
        at = CameraAt("gate", camera.url("/gate"), user=ACCOUNT.user, password=WRONG_PASSWORD)
        site = Installation(tmp_path / "site", [at], volume_size="200 MiB").make()
        kept = site.places.sign_ins
        try:
            site.start()
            began = time.monotonic()
            async with asyncio.timeout(60):
                while not kept.exists():
                    site.require_alive()
                    await asyncio.sleep(0.05)
            for _ in range(2):
                site.kill()
                site.start()
                status = await until(site, lambda status: camera_in(status, "gate").gap_reason == "camera_refused")
                assert "wrong user name or password" in camera_in(status, "gate").detail
            if time.monotonic() - began < SHORTEST_WAIT_SECONDS:  # a very busy machine may have waited it out
                assert counting.sign_ins == 1
            assert WRONG_PASSWORD not in kept.read_text()
            assert ACCOUNT.user not in kept.read_text()
            counting.counts = False
            (site.folder / "secrets" / "gate").write_text(ACCOUNT.password)
            assert site.process is not None
            site.process.send_signal(signal.SIGHUP)
            await site.until_recording()
        finally:
            site.kill()
