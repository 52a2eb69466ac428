"""Cameras that are asked over ONVIF and mean harm, all at once, beside honest ones: each costs its own name only."""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kuramori.camera_messages import EventsState
from kuramori.door_client import DoorClient, DoorFault
from kuramori.door_messages import DoorCamera, DoorCameraState
from kuramori.messages import CameraStatus, SpanKind
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account, Challenge, Scheme
from kuramori.simulator.discovery_responder import TYPES, DiscoveryResponder
from kuramori.simulator.onvif.event_topics import EventKind
from kuramori.simulator.onvif_camera import OnvifCamera, SimulatedProfile
from kuramori.simulator.onvif_server import OnvifServer
from kuramori.supervisor import REPORT_NAME
from kuramori.timebase import SystemClock
from kuramori_onvif.interfaces import list_interfaces
from kuramori_onvif.ws_discovery_message import Announcement, new_message_id
from tests.end_to_end.installation import CameraAt, Installation, free_port
from tests.end_to_end.simulated import simulated_cameras
from tests.fakes.certificates import TlsFront, make_certificate
from tests.fakes.hostile_camera import HostileCamera, Script, always, response

(LOOPBACK,) = (one for one in list_interfaces() if one.is_loopback)
PATIENCE_SECONDS = 90.0  # the slow one is given up after two deadlines of 15 s
ACCOUNT = Account("operator", "hunter2")
RECORDER_MOST_KB = 250_000
DOOR_MOST_KB = 150_000
CHILD_MOST_KB = 200_000  # the inquirer with the SOAP library and the largest answers at once; the watcher
HUGE_BYTES = 400_000_000
STORM_EVENTS = 500
KEPT_MOST = 150  # of a storm, in the encrypted index
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {"abcdefghij"[n]} "{("&" + "abcdefghij"[n - 1] + ";") * 10}">' for n in range(1, 10))
    + "]><x>&j;</x>"
)
FILLING = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>{}</s:Body></s:Envelope>'
UNREACHABLE, REFUSED, UNSUITABLE = DoorCameraState.UNREACHABLE, DoorCameraState.REFUSED, DoorCameraState.UNSUITABLE
FOUND = DoorCameraState.FOUND


async def _huge(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE_BYTES)
    for _ in range(HUGE_BYTES // 65536):
        writer.write(b" " * 65536)
        await writer.drain()


async def _slow(_request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"<")
        await writer.drain()
        await asyncio.sleep(0.2)


def _valid_xml() -> bytes:
    """Close to four MiB of well-formed SOAP, as many elements as fit."""
    return response(FILLING.format("<a/>" * ((4 << 20) // 4 - 100)))


SCRIPTS: dict[str, Script] = {
    "huge": _huge,
    "slow": _slow,
    "bomb": always(response(BOMB)),
    "valid": always(_valid_xml()),
    "rubbish": always(response(b"\xff\xfe" + bytes(range(256)) * 100)),
}
EXPECTED = {
    "huge": UNSUITABLE,
    "slow": UNREACHABLE,
    "bomb": UNSUITABLE,
    "valid": UNSUITABLE,
    "rubbish": UNSUITABLE,
    "password": REFUSED,
    "port": UNREACHABLE,
    "elsewhere": FOUND,
    "changed": FOUND,  # until its certificate changes
    "good": FOUND,
}


def _camera(name: str, number: int, rtsp_url: str) -> OnvifCamera:
    profile = SimulatedProfile("main", "Main", "H264", 320, 180, 10, 200, 10, AudioKind.NONE, rtsp_url)
    challenge = Challenge("r", "0123456789", (Scheme.DIGEST_SHA256,))
    return OnvifCamera(name, number, new_message_id(), (profile,), ACCOUNT, challenge)


def _table(name: str, url: str, *, signs_in: bool, password: str = "account") -> str:
    account = f'user = "operator"\npassword = "{password}"\n' if signs_in else ""
    return (
        f'\n[[camera]]\nname = "{name}"\nplace = "x"\nretention = "3 hours"\nfloor = "1 hour"\n'
        f'expected_mbit_per_second = 0.02\nonvif = "{url}"\n{account}'
    )


@dataclass
class Street:
    """All cameras, running: the ONVIF ones by name, the TLS front of one of them."""

    cameras: dict[str, OnvifCamera]
    front: TlsFront
    tables: str


@asynccontextmanager
async def _street(folder: Path, rtsp_urls: tuple[str, ...], tls: ssl.SSLContext) -> AsyncIterator[Street]:
    names = ("good", "password", "elsewhere", "changed")
    cameras = {name: _camera(name, number, rtsp_urls[number]) for number, name in enumerate(names)}
    async with AsyncExitStack() as running:
        server = OnvifServer(tuple(cameras.values()))
        await server.start()
        running.push_async_callback(server.stop)
        hostile = {name: await running.enter_async_context(HostileCamera(script)) for name, script in SCRIPTS.items()}
        front = TlsFront(_port(cameras["changed"].device_url), tls)
        await running.enter_async_context(front)
        urls = {name: camera.address for name, camera in hostile.items()}
        urls |= {name: camera.device_url for name, camera in cameras.items()}
        urls["changed"] = f"https://127.0.0.1:{front.port}/onvif/device_service"
        urls["port"] = f"http://127.0.0.1:{free_port()}/onvif/device_service"
        elsewhere = cameras["elsewhere"]
        elsewhere.device_url = elsewhere.device_url.replace("127.0.0.1", "198.51.100.7")  # as it names its services
        tables = "".join(
            _table(name, url, signs_in=name in names, password="wrong" if name == "password" else "account")
            for name, url in urls.items()
        )
        yield Street(cameras, front, tables)


def _port(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


@pytest.fixture
def rtsp_urls(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The streams of honest cameras."""
    with simulated_cameras(tmp_path / "cache", 6) as urls:
        yield urls


async def test_hostile_onvif_cameras_cost_nobody_else_a_picture(tmp_path: Path, rtsp_urls: tuple[str, ...]) -> None:
    """Wrong password and port, a changed certificate, answers that are slow, huge, bombs, large, rubbish, elsewhere.

    The honest cameras are recorded without a break, each other one says what is wrong with it, and memory has a bound
    in every process.
    """
    tls, _, _ = make_certificate(tmp_path, "first")
    other_tls, other, _ = make_certificate(tmp_path, "second")
    async with _street(tmp_path, rtsp_urls, tls) as street:
        plain = [CameraAt(f"plain-{number}", url) for number, url in enumerate(rtsp_urls[4:])]
        site = await asyncio.to_thread(Installation(tmp_path / "site", plain, "2 GiB", street.tables).make)
        for name, password in (("account", ACCOUNT.password), ("wrong", "not the password")):
            (site.folder / "secrets" / name).write_text(password)
            (site.folder / "secrets" / name).chmod(0o600)
        site.start(whole_service=True)
        peaks: dict[str, int] = {}
        memory = asyncio.create_task(_watch_memory(peaks, site.folder))
        try:
            await _story(site, street, other_tls, other.hex())
        finally:
            memory.cancel()
            stopped_seconds = await asyncio.to_thread(site.stop)
        assert stopped_seconds < 20  # it does not wait for a camera that never answers
        assert not street.cameras["good"].events.subscriptions
    assert peaks["recorder"] < RECORDER_MOST_KB, peaks
    assert peaks["door"] < DOOR_MOST_KB, peaks
    assert max(peaks["inquirer"], peaks["watcher"]) < CHILD_MOST_KB, peaks
    log = site.log_path.read_text()
    assert "Traceback" not in log
    assert ACCOUNT.password not in log
    assert "not the password" not in log


async def _story(site: Installation, street: Street, other_tls: ssl.SSLContext, other: str) -> None:
    honest = ["plain-0", "plain-1", "good", "elsewhere", "changed"]
    door = DoorClient(site.places.door_socket)
    await site.until_recording(honest)
    cameras = await _until(door, lambda found: {name: found[name].state for name in EXPECTED} == EXPECTED)
    assert "user and password" in cameras["password"].detail
    assert "another host" in cameras["elsewhere"].detail
    asked = len(street.cameras["password"].operations)
    storm = asyncio.create_task(_storm(street.cameras["elsewhere"]))
    await _changed_certificate(site, street, door, other_tls, other)
    stormy = await _until_status(site, "elsewhere", lambda one: one.events_dropped > STORM_EVENTS)
    storm.cancel()
    assert stormy.events_received - stormy.events_dropped < KEPT_MOST
    good = street.cameras["good"]
    good.emit(EventKind.TOO_DARK, True, SystemClock().utc_ms())
    told = await _until_status(site, "good", lambda one: one.facts is not None and one.facts.tampered == ("too_dark",))
    assert told.facts is not None
    assert told.facts.events is EventsState.SUBSCRIBED
    assert len(street.cameras["password"].operations) == asked  # nobody tries the wrong password again and again
    now = int(time.time() * 1000)
    for name in honest:
        spans = (await site.recorder.coverage(name, now - 300_000, now)).spans
        assert [span.kind for span in spans] == [SpanKind.GAP, SpanKind.RECORDED], (name, spans)
        status = await _until_status(site, name, lambda _: True)
        assert (status.reconnects, status.lost_packets) == (0, 0), name


async def _storm(camera: OnvifCamera) -> None:
    """Hundreds of events a second, without end."""
    while True:
        for _ in range(20):
            camera.emit(EventKind.MOTION, True, SystemClock().utc_ms())
        await asyncio.sleep(0.02)


async def _changed_certificate(
    site: Installation, street: Street, door: DoorClient, other_tls: ssl.SSLContext, other: str
) -> None:
    """The front shows another certificate: refused, said to door and recorder, and its stream goes on meanwhile."""
    port = street.front.port
    await street.front.__aexit__()
    async with TlsFront(_port(street.cameras["changed"].device_url), other_tls, port) as changed:
        await door.refresh("changed")
        refused = (await _until(door, lambda found: found["changed"].state is REFUSED))["changed"]
        assert refused.certificate is not None
        assert refused.certificate.refused == other
        assert not changed.heard
        told = await _until_status(
            site, "changed", lambda one: one.facts is not None and one.facts.certificate.startswith("changed")
        )
        assert told.facts is not None
        assert any("accept-certificate changed" in concern for concern in told.facts.concerns)
        await door.accept_certificate("changed", other)
        await _until(door, lambda found: found["changed"].state is FOUND)
    await street.front.__aenter__()


async def _watch_memory(peaks: dict[str, int], folder: Path) -> None:
    """Note the most memory that each process of the service had; children may be gone in a moment."""
    programs = {"recorder_process": "recorder", "door_process": "door", "inquirer": "inquirer", "watcher": "watcher"}
    while True:
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):  # it ends while we look
                words = (place / "cmdline").read_bytes().decode().split("\0")
                name = next((name for word, name in programs.items() if len(words) > 2 and words[2].endswith(word)), "")
                ours = str(folder) in words[-2] or name in ("inquirer", "watcher")
                if name and ours:
                    peak_kb = int((place / "status").read_text().split("VmHWM:")[1].split()[0])
                    peaks[name] = max(peaks.get(name, 0), peak_kb)
        await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_a_camera_that_moves_is_followed_without_a_restart(tmp_path: Path) -> None:
    """At another address it says Hello there: the door proves who it is, and the recorder records it again (O5)."""
    with ExitStack() as before, ExitStack() as after:
        (old_url,) = before.enter_context(simulated_cameras(tmp_path / "cache", 1))
        camera = _camera("gate", 1, old_url)
        server = OnvifServer((camera,))
        await server.start()
        table = _table("gate", camera.device_url, signs_in=True)
        site = await asyncio.to_thread(Installation(tmp_path / "site", [], "1 GiB", table).make)
        (site.folder / "secrets" / "account").write_text(ACCOUNT.password)
        (site.folder / "secrets" / "account").chmod(0o600)
        site.start(whole_service=True)
        try:
            await site.until_recording(["gate"])
            await server.stop()
            before.close()
            (new_url,) = after.enter_context(simulated_cameras(tmp_path / "cache", 1))
            camera.profiles = (replace(camera.profiles[0], rtsp_url=new_url),)
            await server.start()
            await _say_hello_until_followed(site, camera)
            moved_utc_ms = int(time.time() * 1000)
            await _until_status(site, "gate", lambda one: (one.last_durable_utc_ms or 0) > moved_utc_ms)
            supervised = json.loads((site.places.runtime / REPORT_NAME).read_text())["processes"]
            assert [one["restarts"] for one in supervised.values()] == [0, 0, 0]
        finally:
            await asyncio.to_thread(site.stop)
            await server.stop()


async def _say_hello_until_followed(site: Installation, camera: OnvifCamera) -> None:
    announcement = Announcement(camera.endpoint_id, TYPES, camera.scopes(), (camera.device_url,))
    responder = DiscoveryResponder((announcement,), LOOPBACK)
    await responder.start()
    door = DoorClient(site.places.door_socket)
    await _until(door, lambda found: found["gate"].address == camera.device_url)
    responder.stop()


async def _until(door: DoorClient, wanted: Callable[[dict[str, DoorCamera]], bool]) -> dict[str, DoorCamera]:
    """Wait until the cameras stand so at the door."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found: dict[str, DoorCamera] = {}
        with contextlib.suppress(DoorFault):
            found = {camera.name: camera for camera in (await door.status()).cameras}
        if found and wanted(found):
            return found
        if time.monotonic() > deadline:
            raise AssertionError({name: (camera.state, camera.detail) for name, camera in found.items()})
        await asyncio.sleep(0.2)


async def _until_status(site: Installation, name: str, wanted: Callable[[CameraStatus], bool]) -> CameraStatus:
    """Wait until the recorder says so of a camera."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for camera in (await site.recorder.status()).cameras:
                if camera.name == name and wanted(camera):
                    return camera
            await asyncio.sleep(0.1)
