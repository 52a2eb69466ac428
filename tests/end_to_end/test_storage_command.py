"""`kuramori storage` with and without a running service; a report that never ends holds neither it nor recording."""

import asyncio
import json
import os
from pathlib import Path

from kuramori.capture.source import Codec
from kuramori.recorder_client import RecorderFault
from kuramori.simulator.rtsp_server import Mount
from kuramori.storage_health.sysfs_medium import DeviceUnknown, Sources, find_device
from tests.end_to_end.commands import Typed, typed
from tests.end_to_end.installation import PATIENCE_SECONDS, POLL_SECONDS, CameraAt, Installation
from tests.fakes.rtsp_camera import clip_material, running_camera


async def command(site: Installation, *words: str, japanese: bool = False) -> Typed:
    arguments = [*words, "--config", str(site.config_path)]
    return await asyncio.to_thread(lambda: typed("storage", *arguments, japanese=japanese))


async def until_looked(site: Installation) -> None:
    """Wait until every medium has been looked at, and the desk answers."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            site.require_alive()
            try:
                health = await site.recorder.media_health()
                if site.places.desk_socket.exists() and all(one.light_since_utc_ms for one in health.media):
                    return
            except RecorderFault:
                pass
            await asyncio.sleep(POLL_SECONDS)


async def test_the_table_is_shown_in_both_languages(tmp_path: Path) -> None:
    """From the running recorder; without one from the system, and that is said."""
    site = Installation(tmp_path / "site", [CameraAt("gate", "rtsp://127.0.0.1:1/x")], volume_size="200 MiB").make()
    stopped = await command(site)
    assert "No recorder runs" in stopped.out
    site.start(whole_service=True)
    try:
        await until_looked(site)
        english, japanese = await command(site), await command(site, japanese=True)
        machine = await command(site, "--json")
        nobody = await command(site, "--accept", "/nowhere", "--as", "Sato Hanako")
        accepted = await command(site, "--accept", str(site.folder / "volume0"), "--as", "Sato Hanako")
        handler = await command(site, "--accept", str(site.folder / "volume0"))
        status = await site.recorder.status()
        figures = await site.recorder.statistics()
    finally:
        site.stop()
    document = json.loads(machine.out)
    volume = document["media"][0]
    assert volume["volume"] == str(site.folder / "volume0")
    assert volume["light"] in ("green", "unknown")
    assert english.out.splitlines()[0].startswith(volume["light"])
    assert str(site.folder / "volume0") in japanese.out
    assert english.out != japanese.out
    assert (english.code, japanese.code, accepted.code) == (0, 0, 0)
    assert "/nowhere" in nobody.refusal(2)
    assert handler.code == 2
    assert status.media[0].volume == figures.medium_health[0].volume == volume["volume"]


async def test_a_report_that_never_ends_holds_neither_recording_nor_the_stop(tmp_path: Path) -> None:
    """A pipe lies where the drive's report should: the medium is not looked at, and everything else goes on."""
    try:
        device = find_device(tmp_path, Sources(tmp_path)).name
    except DeviceUnknown:
        device = "none"  # a container whose root lies on no disk: nothing to read then, which holds nobody either
    async with running_camera(Mount("/gate", clip_material(Codec.H264))) as camera:
        site = Installation(tmp_path / "site", [CameraAt("gate", camera.url("/gate"))], volume_size="200 MiB").draft()
        text = site.config_path.read_text().replace("[storage]", f'[storage]\nsmart_directory = "{tmp_path}/smart"', 1)
        site.config_path.write_text(text)
        site.set_up()
        (tmp_path / "smart").mkdir()
        os.mkfifo(tmp_path / "smart" / f"{device}.json")
        site.start()
        try:
            await site.until_recording()
            before = (await site.recorder.status()).cameras[0].last_durable_utc_ms or 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                while ((await site.recorder.status()).cameras[0].last_durable_utc_ms or 0) < before + 3000:
                    await asyncio.sleep(POLL_SECONDS)
            health = await site.recorder.media_health()
            assert (health.media[0].looked_utc_ms is None) == (device != "none")
        finally:
            site.stop()
    assert site.process is None or site.process.returncode == 0
