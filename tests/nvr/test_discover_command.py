"""`kuramori discover` as a person runs it, on the loopback: a crowd in time, and which of it is ours."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from kuramori.door.acquaintance import Acquaintance, AcquaintanceBook
from kuramori.door.enrolled import EnrolledCamera, enrolled_as, enrolled_cameras
from kuramori.simulator.discovery_responder import DiscoveryResponder, crowd
from kuramori_config.load import load_configuration
from kuramori_onvif.interfaces import list_interfaces
from kuramori_onvif.models import FoundDevice
from tests.fakes.configuration import configuration_text

(LOOPBACK,) = (one for one in list_interfaces() if one.is_loopback)
CROWD = 200
IN_TIME_SECONDS = 15.0  # five where nothing else runs: what it took is printed
CAMERA = '\n[[camera]]\nname = "{}"\nplace = "x"\nretention = "14 days"\nonvif = "{}"\n'


async def _discover(*arguments: str, japanese: bool = False) -> tuple[int, str, str]:
    """Run the command; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kuramori.cli",
        "discover",
        "--interface",
        "lo",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LC_ALL": "ja_JP.UTF-8" if japanese else "C.UTF-8"},
    )
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()


async def _found(*arguments: str) -> dict[str, dict[str, Any]]:
    """Search; return the devices by endpoint id."""
    code, out, errors = await _discover("--json", *arguments)
    assert code == 0, errors
    return {device["endpoint_id"]: device for device in json.loads(out)["devices"]}


def _configured(folder: Path, **urls: str) -> Path:
    """Write a configuration with these cameras."""
    (folder / "state").mkdir()
    file = folder / "kuramori.toml"
    file.write_text(configuration_text("".join(CAMERA.format(name, url) for name, url in urls.items())))
    return file


async def test_two_hundred_devices_are_listed_within_five_seconds() -> None:
    """Each with an address of its own, as on a network; counted from the start of the command to its end."""
    devices = crowd(CROWD)
    responder = DiscoveryResponder(devices, LOOPBACK)
    await responder.start()
    try:
        began = time.monotonic()
        found = await _found()
        took_seconds = time.monotonic() - began
    finally:
        responder.stop()
    ours = {device.endpoint_id: device for device in devices}
    assert set(ours) <= set(found)
    assert all(found[name]["address"] == device.addresses[0] for name, device in ours.items())
    assert all(found[name]["vendor"] == "Kuramori" for name in ours)
    assert all(found[name]["configured_as"] in (None, "") for name in ours)
    print(f"{CROWD} devices in {took_seconds:.1f} s")
    assert took_seconds < IN_TIME_SECONDS


async def test_which_ones_are_enrolled_is_told(tmp_path: Path) -> None:
    """Known by identity wherever it is now; never met, by its address; the third is a stranger."""
    met, configured, stranger = crowd(3)
    file = _configured(tmp_path, gate="http://127.2.0.9/onvif/device_service", yard=configured.addresses[0])
    book = AcquaintanceBook(tmp_path / "state" / "acquaintances.json")
    url = "http://127.2.0.9/onvif/device_service"
    book.note("gate", Acquaintance(url, url, met.endpoint_id))
    responder = DiscoveryResponder((met, configured, stranger), LOOPBACK)
    await responder.start()
    try:
        found = await _found("--seconds", "1.5", "--config", str(file))
        _, table, _ = await _discover("--seconds", "1.5", "--config", str(file))
    finally:
        responder.stop()
    names = [found[device.endpoint_id]["configured_as"] for device in (met, configured, stranger)]
    assert names == ["gate", "yard", ""]
    (line,) = (line for line in table.splitlines() if met.endpoint_id in line)
    assert line.split()[-1] == "gate"


async def test_without_a_configuration_it_searches_all_the_same(tmp_path: Path) -> None:
    """A file that was named must be there; the usual one need not."""
    code, _, errors = await _discover("--seconds", "0.5", "--config", str(tmp_path / "nowhere.toml"))
    assert code != 0
    assert "nowhere.toml" in errors
    code, out, _ = await _discover("--seconds", "0.5", japanese=True)
    assert code == 0
    assert out


def _device(address: str, endpoint_id: str = "urn:uuid:x") -> FoundDevice:
    return FoundDevice(endpoint_id, address, False, "192.168.10.7", "eth0")


def test_an_address_decides_only_for_a_camera_that_was_never_met() -> None:
    """A known camera has moved: who is at its old address now is a stranger."""
    known = EnrolledCamera("gate", "urn:uuid:gate", ("http://192.168.10.7/onvif",))
    unmet = EnrolledCamera("yard", "", ("https://192.168.10.8/onvif", "rtsp://192.168.10.9:554/x"))
    assert enrolled_as(_device("http://192.168.10.7/onvif"), [known]) == ""
    assert enrolled_as(_device("http://192.168.10.99/", "urn:uuid:GATE"), [known]) == "gate"
    assert enrolled_as(_device("https://192.168.10.8:443/onvif"), [known, unmet]) == "yard"
    assert enrolled_as(_device("http://192.168.10.8/onvif"), [known, unmet]) == ""
    assert enrolled_as(_device("http://192.168.10.9:8080/onvif"), [known, unmet]) == "yard"


def test_simulated_cameras_on_one_host_are_told_apart() -> None:
    """On the loopback the host says nothing of a camera that is only known by its stream."""
    camera = EnrolledCamera("gate", "", ("rtsp://127.0.0.1:8554/gate",))
    assert enrolled_as(_device("http://127.0.0.1:8000/onvif"), [camera]) == ""


def test_the_cameras_of_a_configuration_with_what_is_known_of_them(tmp_path: Path) -> None:
    """Another address in the file than when it was met: its identity is not taken over."""
    url = "http://127.0.0.9/onvif/device_service"
    file = _configured(tmp_path, gate=url, yard=url.replace("9", "8"))
    book = AcquaintanceBook(tmp_path / "state" / "acquaintances.json")
    book.note("gate", Acquaintance(url, "http://127.0.0.10/", "urn:uuid:gate"))
    book.note("yard", Acquaintance("http://127.0.0.7/", "http://127.0.0.7/", "urn:uuid:other"))
    gate, yard = enrolled_cameras(load_configuration(file), book)
    assert (gate.endpoint_id, gate.addresses) == ("urn:uuid:gate", ("http://127.0.0.10/", url))
    assert (yard.endpoint_id, yard.addresses) == ("", (url.replace("9", "8"),))
