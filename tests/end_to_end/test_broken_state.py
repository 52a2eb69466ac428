"""A recorder whose own files are broken, missing or elsewhere: it says which and stops, or records on; it makes
nothing worse."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kuramori.messages import SpanKind
from tests.end_to_end.commands import Typed, contents
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.simulated import simulated_cameras

EXIT_CONFIGURATION = 78


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A recorder that was set up and has never run."""
    return Installation(tmp_path / "site", [CameraAt("gate", "rtsp://127.0.0.1:9/s")], "400 MiB").make()


def started(installation: Installation) -> Typed:
    """Start the recorder; it has to end by itself."""
    command = [sys.executable, "-m", "kuramori.recorder_process", "--config", str(installation.config_path)]
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    return Typed(done.returncode, done.stdout, done.stderr)


def _spoil(name: str) -> Callable[[Installation], object]:
    return lambda installation: (installation.places.state / name).write_bytes(b"{ spoilt \x00")


def _remove(name: str) -> Callable[[Installation], object]:
    return lambda installation: (installation.folder / name).unlink()


def _move_away(name: str) -> Callable[[Installation], object]:
    return lambda installation: shutil.move(installation.folder / name, installation.folder / "elsewhere")


def _cut(installation: Installation) -> None:
    os.truncate(installation.folder / "volume0", 100 << 20)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_spoil("custodians.json"), "custodians.json holds no custodian set"),
        (_remove("state/custodians.json"), "custodians.json cannot be used (No such file or directory)"),
        (_spoil("device_key.pem"), "device_key.pem holds no P-256 private key: restore it from a copy"),
        (_remove("state/device_key.pem"), "device_key.pem cannot be used (No such file or directory)"),
        (_spoil("identity.json"), "identity.json is damaged (not JSON): restore it from a copy"),
        (_remove("state/identity.json"), "run `kuramori init` first"),
        (_move_away("state/keystore"), "keystore: it is not there; make it, or mount its device"),
        (_move_away("cell"), "cell: it is not there; make it, or mount its device"),
        (_move_away("volume0"), "volume0 is not there: mount its device"),
        (_cut, "volume0 has 104857600 bytes, but its superblock says"),
    ],
)
def test_what_keeps_the_recorder_from_starting_is_named(
    installation: Installation, harm: Callable[[Installation], object], said: str
) -> None:
    """One sentence with the file and what to do; no restart helps, so the exit code says that; nothing is touched."""
    harm(installation)
    before = contents(installation.folder)
    assert said in started(installation).refusal(EXIT_CONFIGURATION)
    assert contents(installation.folder) == before


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Installation]:
    """A recorder with one camera, not yet started."""
    with simulated_cameras(tmp_path / "cache", 1) as (url,):
        made = Installation(tmp_path / "site", [CameraAt("gate", url)], volume_size="400 MiB").make()
        yield made
        made.kill()


def test_a_ledger_that_is_gone_costs_no_recording(recording: Installation) -> None:
    """Deleted while the recorder runs, and found missing at the next start: it records on, and says so loudly."""
    recording.start()
    asyncio.run(recording.until_recording())
    recording.places.ledger.unlink()
    mark = asyncio.run(recording.recorder.status()).cameras[0].last_durable_utc_ms
    asyncio.run(_until_durable_after(recording, mark))
    recording.kill()
    for path in recording.places.state.glob("ledger.db*"):
        path.unlink()
    recording.start()
    asyncio.run(recording.until_recording())
    recording.stop()
    assert len(recording.events("ledger_lost")) == 1


async def _until_durable_after(installation: Installation, utc_ms: int | None) -> None:
    async with asyncio.timeout(20):
        while True:
            durable = (await installation.recorder.status()).cameras[0].last_durable_utc_ms
            if durable is not None and utc_ms is not None and durable > utc_ms + 1000:
                return
            await asyncio.sleep(0.1)


async def _until_begun_twice(installation: Installation) -> None:
    async with asyncio.timeout(20):
        while installation.log_path.read_text().count('"event": "recording"') < 2:
            installation.require_alive()
            await asyncio.sleep(0.1)


def test_a_recorder_that_was_stopped_for_a_while_goes_on(recording: Installation) -> None:
    """SIGSTOP for three seconds, as a busy host or a debugger does: nothing is lost, no camera is connected anew."""
    recording.start()
    asyncio.run(recording.until_recording())
    assert recording.process is not None
    recording.process.send_signal(signal.SIGSTOP)
    time.sleep(3)
    recording.process.send_signal(signal.SIGCONT)
    asyncio.run(_until_durable_after(recording, int(time.time() * 1000)))
    camera = asyncio.run(recording.recorder.status()).cameras[0]
    recording.stop()
    assert (camera.reconnects, camera.lost_packets) == (0, 0)


def test_files_that_others_can_read_are_named_at_the_start(recording: Installation) -> None:
    """Recording comes first; the log says which file, and so does `kuramori doctor`."""
    recording.places.device_key.chmod(0o644)
    recording.start()
    asyncio.run(recording.until_recording())
    recording.stop()
    (event,) = recording.events("readable_by_others")
    assert (event["path"], event["mode"]) == (str(recording.places.device_key), "0644")


def test_a_service_follows_one_whose_supervisor_was_killed(recording: Installation) -> None:
    """kill -9 of the supervisor, and a new service at once: it waits for the old recorder's last second and records."""
    recording.start(whole_service=True)
    asyncio.run(recording.until_recording())
    recording.kill()
    recording.start(whole_service=True)
    asyncio.run(_until_begun_twice(recording))
    asyncio.run(recording.until_recording())
    now = int(time.time() * 1000)
    spans = asyncio.run(recording.recorder.coverage("gate", now - 60_000, now)).spans
    recording.stop()
    assert [(span.kind, span.reason) for span in spans] == [
        (SpanKind.GAP, "not_yet_started"),
        (SpanKind.RECORDED, ""),
        (SpanKind.GAP, "recorder_stopped"),
        (SpanKind.RECORDED, ""),
    ]
