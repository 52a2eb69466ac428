"""A camera that nobody here wrote: found, signed in to and described, over real multicast between namespaces."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.namespaces import Cable, cable
from tests.peers import require_program, require_root

pytestmark = pytest.mark.root

DESCRIBE = """
import asyncio, json, sys, time
from kuramori_onvif.device import Credentials, Device
from kuramori_onvif.errors import OnvifError
async def main():
    address, user, password = sys.argv[1:]
    credentials = Credentials(user, password) if user else None
    async with Device(address, credentials, utc_ms=lambda: time.time_ns() // 10**6) as device:
        try:
            found = await device.describe()
        except OnvifError as error:
            print(json.dumps({"error": error.code}))
            return
    print(json.dumps({
        "model": found.information.model, "uri": found.stream.uri, "method": found.sign_in_method,
        "profile": found.choice.profile.token, "audio": found.choice.profile.audio, "clock": found.clock.source,
        "offset_ms": found.clock.offset_ms,
    }))
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cable]:
    """The camera running in its namespace, with a password."""
    require_root()
    require_program("ip")
    ffmpeg = require_program("ffmpeg")
    folder: Path = tmp_path_factory.mktemp("ipycam")
    source = ["-f", "lavfi", "-i", "testsrc=size=320x180:rate=5", "-t", "2", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    subprocess.run([ffmpeg, "-loglevel", "error", *source, str(folder / "clip.mp4")], check=True, timeout=60)
    settings = {"name": "Gate", "local_ip": "10.99.0.2", "username": "operator", "password": "hunter2"}
    (folder / "camera.json").write_text(json.dumps(settings))
    with cable() as made, (folder / "log").open("wb") as log:
        camera = subprocess.Popen(
            made.at_camera(sys.executable, "-m", "ipycam", "--config", "camera.json", "--source", "clip.mp4"),
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_it_answers(made)
            yield made
        finally:
            camera.send_signal(signal.SIGINT)
            try:
                camera.wait(timeout=10)
            except subprocess.TimeoutExpired:
                camera.kill()
                camera.wait()


def _wait_until_it_answers(network: Cable) -> None:
    for _ in range(20):
        if _discover(network)["devices"]:
            return
    pytest.fail("the camera never answered a probe")


def _discover(network: Cable) -> dict[str, list[dict[str, str]]]:
    program = "from kuramori.cli.main import run; run()"
    command = network.at_ours(sys.executable, "-c", program, "discover", "--seconds", "1", "--json")
    found: dict[str, list[dict[str, str]]] = json.loads(subprocess.check_output(command, timeout=30))
    return found


def _describe(network: Cable, address: str, user: str, password: str) -> dict[str, object]:
    command = network.at_ours(sys.executable, "-c", DESCRIBE, address, user, password)
    answer: dict[str, object] = json.loads(subprocess.check_output(command, timeout=60))
    return answer


def test_it_is_found_and_described(network: Cable) -> None:
    """Discovery, then sign-in, profile and stream; its clock, for which it wants a sign-in, from the HTTP date."""
    (device,) = _discover(network)["devices"]
    assert (device["name"], device["address"]) == ("Gate", "http://10.99.0.2:8080/onvif/device_service")
    assert device["endpoint_id"].startswith("urn:uuid:")
    found = _describe(network, device["address"], "operator", "hunter2")
    assert found["model"] == "VirtualCam-1"
    assert found["uri"] == "rtsp://10.99.0.2:8554/video_main"
    assert (found["profile"], found["audio"]) == ("Profile_Main", "absent")
    assert (found["method"], found["clock"]) == ("WS-UsernameToken", "http_date")
    assert abs(int(str(found["offset_ms"]))) < 2000


@pytest.mark.parametrize(
    ("user", "password", "code"), [("operator", "wrong", "credentials-refused"), ("", "", "credentials-missing")]
)
def test_it_keeps_strangers_out_and_we_say_so(network: Cable, user: str, password: str, code: str) -> None:
    """A wrong password and none at all are told apart."""
    address = "http://10.99.0.2:8080/onvif/device_service"
    assert _describe(network, address, user, password) == {"error": code}
