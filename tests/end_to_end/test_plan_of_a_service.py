"""`kuramori plan` asks the service that runs, and says so."""

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner

from kuramori.cli.main import build
from kuramori.recorder_client import RecorderFault
from tests.end_to_end.installation import PATIENCE_SECONDS, POLL_SECONDS, CameraAt, Installation


async def test_the_running_service_is_asked(tmp_path: Path) -> None:
    """From its rings, not from the file alone; `kuramori hold list` shows the budget beside it."""
    site = Installation(tmp_path / "site", [CameraAt("gate", "rtsp://127.0.0.1:1/x")], volume_size="200 MiB").make()
    site.start(whole_service=True)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not site.places.desk_socket.exists() or not await _answers(site):
                site.require_alive()
                await asyncio.sleep(POLL_SECONDS)
        config = ["--config", str(site.config_path)]
        plan = await asyncio.to_thread(CliRunner().invoke, build(), ["plan", "--json", *config])
        listed = await asyncio.to_thread(
            CliRunner().invoke, build(), ["hold", "list", "--as", "Sato Hanako", *config], env={"LANG": "C"}
        )
    finally:
        site.stop()
    document = json.loads(plan.stdout)
    assert (plan.exit_code, document["running"]) == (0, True)
    assert document["volumes"][0]["path"] == str(site.folder / "volume0")
    assert document["volumes"][0]["cameras"][0]["measured_seconds"] == 0
    assert "Budget: 0 of 3 slots used (25 % of all volumes)." in listed.stdout


async def _answers(site: Installation) -> bool:
    try:
        await site.recorder.capacity()
    except RecorderFault:
        return False
    return True
