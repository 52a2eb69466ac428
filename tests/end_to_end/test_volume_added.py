"""A volume that is added while the service runs is taken up and watched at once; away by permission it is no alarm."""

import os
import time
from pathlib import Path

from kuramori.capture.source import Codec
from kuramori.ending_messages import PermitMediumRequest
from kuramori.simulator.rtsp_server import Mount
from tests.durability.storage_faults import VOLUME_SIZE, check_all, make_site, until
from tests.end_to_end.commands import typed
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.rtsp_camera import clip_material, running_camera

LONG_SECONDS = 60.0
DAY_MS = 86_400_000


async def told(site: Installation, word: str) -> bool:
    """Tell whether a problem names it."""
    return any(word in problem for problem in (await site.recorder.status()).problems)


async def test_a_volume_added_while_it_runs_is_used_and_watched_at_once(tmp_path: Path) -> None:
    """No restart: it is opened, its medium is missed when it leaves, and with a permit nobody is called."""
    second = tmp_path / "second" / "volume1"
    async with running_camera(Mount("/0", clip_material(Codec.H264))) as server:
        site = make_site(tmp_path, [CameraAt("gate", server.url("/0"))])
        (first,) = site.places.volumes
        site.start(whole_service=True)
        try:
            await site.until_recording()
            made = typed("volume", "add", second, "--size", VOLUME_SIZE, "--config", site.config_path)
            assert made.code == 0, made.err
            assert "takes it up now" in made.out

            async def is_used() -> bool:
                volumes = (await site.recorder.status()).volumes
                return [one.path for one in volumes if one.healthy] == [str(first), str(second)]

            assert await until(is_used, LONG_SECONDS)
            assert not await told(site, "volume1")
            media = (await site.recorder.media()).media
            assert [(one.volume, one.missing_since_utc_ms) for one in media][-1] == (str(second), None)
            os.rename(second, tmp_path / "away")
            assert await until(lambda: told(site, "volume1"), LONG_SECONDS)
            await site.recorder.permit_medium(
                PermitMediumRequest(str(second), 1, int(time.time() * 1000) + DAY_MS),
            )

            async def is_quiet() -> bool:
                return not await told(site, "volume1")

            assert await until(is_quiet, LONG_SECONDS)
            site.stop()
            site.start()  # it is not there at the start either
            await site.until_recording()
            assert not await told(site, "volume1")
            assert [one.permitted for one in (await site.recorder.status()).volumes] == [False, True]
            os.rename(tmp_path / "away", second)
            assert await until(is_used, LONG_SECONDS)
        finally:
            site.stop()
    assert check_all(site) == []
