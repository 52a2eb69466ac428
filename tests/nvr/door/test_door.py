"""The door with real cameras on loopback and a recorder that notes what it is told."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kuramori import messages
from kuramori.camera_messages import CameraEvent, CameraEvents, CameraFacts
from kuramori.certificate_book import CertificateBook
from kuramori.door.asking import Asker
from kuramori.door.door import Door
from kuramori.door.ear import chosen_interfaces
from kuramori.door.inquirer import inquire
from kuramori.door.inquiry import Inquiry, Reply
from kuramori.door_client import DoorClient, DoorRefused, DoorUnreachable
from kuramori.door_messages import CameraStream, Discovery, DoorCamera, DoorCameraState
from kuramori.message_server import MessageServer
from kuramori.messages import FailureCode
from kuramori.places import Places
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account, Challenge, Scheme
from kuramori.simulator.discovery_responder import TYPES, DiscoveryResponder
from kuramori.simulator.onvif_camera import OnvifCamera, SimulatedProfile
from kuramori.simulator.onvif_server import OnvifServer
from kuramori.timebase import SystemClock
from kuramori_config.load import load_configuration
from kuramori_config.schema import Configuration
from kuramori_onvif.interfaces import list_interfaces
from kuramori_onvif.ws_discovery_message import Announcement, new_message_id
from tests.fakes.configuration import configuration_text

ACCOUNT = Account("operator", "hunter2")
PATIENCE_SECONDS = 20.0
(LOOPBACK,) = (one for one in list_interfaces() if one.is_loopback)  # no packet leaves the machine


@dataclass(slots=True)
class Told:
    """A recorder that notes what it is told."""

    streams: asyncio.Queue[CameraStream] = field(default_factory=asyncio.Queue)
    facts: dict[str, CameraFacts] = field(default_factory=dict)
    events: list[CameraEvent] = field(default_factory=list)
    dropped: int = 0

    async def answer(self, question: Any) -> Any:
        match question:
            case CameraStream():
                self.streams.put_nowait(question)
            case CameraFacts():
                self.facts[question.camera] = question
            case CameraEvents():
                self.events += question.events
                self.dropped += question.dropped
            case _:
                raise AssertionError(question)
        return messages.Acknowledged()

    async def next(self) -> CameraStream:
        return await asyncio.wait_for(self.streams.get(), PATIENCE_SECONDS)

    async def until_facts(self, name: str, wanted: Callable[[CameraFacts], bool]) -> CameraFacts:
        """Wait until the door has told such facts of a camera."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while name not in self.facts or not wanted(self.facts[name]):
                await asyncio.sleep(0.02)
        return self.facts[name]


def _camera(number: int = 1, audio: AudioKind = AudioKind.NONE, endpoint_id: str = "") -> OnvifCamera:
    profile = SimulatedProfile(
        "main", "Main", "H264", 1280, 720, 15, 2000, 15, audio, f"rtsp://admin:x@127.0.0.1:8554/c{number}"
    )
    challenge = Challenge("r", "0123456789", (Scheme.DIGEST_SHA256,))
    camera = OnvifCamera(f"c{number}", number, endpoint_id or new_message_id(), (profile,), ACCOUNT, challenge)
    camera.media.refuses_profiles = True
    return camera


@asynccontextmanager
async def _serving(*cameras: OnvifCamera, port: int = 0) -> AsyncIterator[None]:
    server = OnvifServer(cameras, first_port=port)
    await server.start()
    try:
        yield
    finally:
        await server.stop()


@asynccontextmanager
async def _announced(camera: OnvifCamera) -> AsyncIterator[None]:
    device = Announcement(camera.endpoint_id, TYPES, camera.scopes(), (camera.device_url,))
    responder = DiscoveryResponder((device,), LOOPBACK)
    await responder.start()
    try:
        yield
    finally:
        responder.stop()


def _configuration(
    folder: Path, urls: dict[str, str], password: str = "hunter2", *, keys: str = "", events: bool = False
) -> Configuration:
    tables = "".join(
        f'\n[[camera]]\nname = "{name}"\nplace = "x"\nretention = "14 days"\nonvif = "{url}"\n'
        f'user = "operator"\npassword = "account"\nevents = {str(events).lower()}\n{keys}\n'
        for name, url in urls.items()
    )
    for name in ("state", "run", "secrets"):
        (folder / name).mkdir(exist_ok=True)
    secret = folder / "secrets" / "account"
    secret.write_text(password)
    secret.chmod(0o600)
    file = folder / "kuramori.toml"
    file.write_text(configuration_text(tables))
    return load_configuration(file)


class DirectAsker(Asker):
    """Asks in this process: quicker; the process of its own has its own tests."""

    async def _exchange(self, inquiry: Inquiry) -> Reply:
        return await inquire(inquiry, SystemClock().utc_ms)


def _made(configuration: Configuration) -> Door:
    places = Places.of(configuration)
    asker = DirectAsker(places.secrets, CertificateBook(places.door_certificates, SystemClock().utc_ms))
    return Door(configuration, SystemClock(), lambda: (LOOPBACK,), asker)


@asynccontextmanager
async def _door(configuration: Configuration, told: Told | None = None) -> AsyncIterator[DoorClient]:
    places = Places.of(configuration)
    recorder = MessageServer(places.recorder_socket, (told or Told()).answer)
    await recorder.start()
    door = _made(configuration)
    await door.start()
    try:
        yield DoorClient(places.door_socket)
    finally:
        await door.stop()
        await recorder.close()


async def _until(client: DoorClient, name: str, wanted: Callable[[DoorCamera], bool]) -> DoorCamera:
    """Ask the door until a camera is as wanted."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for camera in (await client.status()).cameras:
                if camera.name == name and wanted(camera):
                    return camera
            await asyncio.sleep(0.02)


async def test_the_recorder_is_told_where_each_camera_streams(tmp_path: Path) -> None:
    """One message for each ONVIF camera: pinned address without credentials, profile, codec, sound, clock."""
    silent, loud = _camera(1), _camera(2, AudioKind.AAC)
    told = Told()
    async with _serving(silent, loud):
        configuration = _configuration(tmp_path, {"gate": silent.device_url, "yard": loud.device_url})
        async with _door(configuration, told) as client:
            streams = {stream.camera: stream for stream in (await told.next(), await told.next())}
            status = await client.status()
    gate, yard = streams["gate"], streams["yard"]
    assert gate.stream_uri == "rtsp://127.0.0.1:8554/c1"
    assert (gate.profile, gate.codec, gate.width, gate.height) == ("main", "h264", 1280, 720)
    assert gate.endpoint_uuid == silent.endpoint_id
    assert abs(gate.clock_offset_ms or 0) < 1500
    assert (gate.audio_encoder, yard.audio_encoder, yard.audio_encoding) == (False, True, "AAC")
    assert {camera.state for camera in status.cameras} == {DoorCameraState.FOUND}
    assert {camera.serial for camera in status.cameras} == {"SIM-0001", "SIM-0002"}
    assert "hunter2" not in repr(status) + repr(streams)


async def test_no_secret_is_kept_on_disk(tmp_path: Path) -> None:
    """What the door remembers holds identity and address only."""
    camera, told = _camera(), Told()
    async with _serving(camera), _door(_configuration(tmp_path, {"gate": camera.device_url}), told):
        await told.next()
    kept = (tmp_path / "state" / "acquaintances.json").read_text()
    assert camera.endpoint_id in kept
    assert "hunter2" not in kept
    assert "operator" not in kept


async def test_a_wrong_password_is_said_and_tried_again_when_asked(tmp_path: Path) -> None:
    """Refused, with a sentence; after the secret is put right an operator's refresh brings the camera."""
    camera, told = _camera(), Told()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url}, "wrong")
        async with _door(configuration, told) as client:
            refused = await _until(client, "gate", lambda one: one.state is DoorCameraState.REFUSED)
            assert "user and password" in refused.detail
            (tmp_path / "secrets" / "account").write_text("hunter2")
            await client.refresh("gate")
            assert (await told.next()).camera == "gate"


async def test_a_missing_secret_is_the_cameras_state_not_the_doors_end(tmp_path: Path) -> None:
    """The sentence names the file; the other camera is found meanwhile."""
    camera, told = _camera(), Told()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        (tmp_path / "secrets" / "account").unlink()
        async with _door(configuration, told) as client:
            refused = await _until(client, "gate", lambda one: one.state is DoorCameraState.REFUSED)
    assert "account" in refused.detail


async def test_a_camera_that_moved_is_followed_by_its_identity(tmp_path: Path) -> None:
    """Gone from its old address and announced at another one, it is found there and the recorder is told (O5)."""
    camera, told = _camera(), Told()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        async with _door(configuration, told) as client:
            await told.next()
            old = camera.device_url
    async with _serving(camera):
        assert camera.device_url != old
        camera.profiles = (
            SimulatedProfile("main", "M", "H264", 640, 360, 15, 1, 1, AudioKind.NONE, "rtsp://127.0.0.1:9999/new"),
        )
        async with _door(configuration, told) as client:
            await _until(client, "gate", lambda one: one.state is DoorCameraState.UNREACHABLE)
            async with _announced(camera):
                assert (await told.next()).stream_uri == "rtsp://127.0.0.1:9999/new"
            found = await _until(client, "gate", lambda one: one.state is DoorCameraState.FOUND)
            assert found.address == camera.device_url


async def test_a_camera_is_followed_though_another_has_taken_its_address(tmp_path: Path) -> None:
    """Addresses were dealt anew: who is at the old one refuses the password, and is not asked again for a claim."""
    camera, told = _camera(1), Told()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        async with _door(configuration, told):
            await told.next()
        port = int(camera.device_url.split(":")[2].split("/")[0])
    usurper = _camera(2)
    usurper.account = Account("operator", "another password")
    async with _serving(usurper, port=port), _serving(camera), _door(configuration, told) as client:
        await _until(client, "gate", lambda one: one.state is DoorCameraState.REFUSED)
        asked = len(usurper.operations)
        async with _announced(camera):
            assert (await told.next()).camera == "gate"
        found = await _until(client, "gate", lambda one: one.state is DoorCameraState.FOUND)
        assert (found.address, found.serial) == (camera.device_url, "SIM-0001")
        assert len(usurper.operations) == asked


async def test_a_camera_is_asked_by_its_name(tmp_path: Path) -> None:
    """The name is resolved at each asking; what the camera says of addresses is bound to the name."""
    camera, told = _camera(), Told()
    async with _serving(camera):
        url = camera.device_url.replace("127.0.0.1", "localhost")
        async with _door(_configuration(tmp_path, {"gate": url}), told):
            assert (await told.next()).stream_uri == "rtsp://localhost:8554/c1"


async def test_somebody_elses_claim_is_not_followed(tmp_path: Path) -> None:
    """An impostor announces the camera's identity: it is asked, has another serial, and is left."""
    camera, told = _camera(1), Told()
    impostor = _camera(2, endpoint_id=camera.endpoint_id)
    async with _serving(camera), _serving(impostor), _announced(impostor):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        async with _door(configuration, told) as client:
            await told.next()
            found = await _until(client, "gate", lambda one: one.state is DoorCameraState.FOUND)
            assert found.address == camera.device_url
    async with _serving(impostor), _announced(impostor), _door(configuration, told) as client:
        await _until(client, "gate", lambda one: one.state is DoorCameraState.UNREACHABLE)
        await client.refresh("gate")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "GetDeviceInformation" not in impostor.operations:
                await asyncio.sleep(0.02)
        await _until(client, "gate", lambda one: one.state is DoorCameraState.UNREACHABLE)
        assert told.streams.empty()


async def test_a_replaced_camera_is_taken_at_the_configured_address(tmp_path: Path) -> None:
    """A new camera on the old one's address is recorded, and becomes the one that is known."""
    camera, told = _camera(1), Told()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        async with _door(configuration, told):
            await told.next()
    port = int(camera.device_url.split(":")[2].split("/")[0])
    replacement = _camera(2)
    async with _serving(replacement, port=port), _door(configuration, told) as client:
        assert (await told.next()).stream_uri == "rtsp://127.0.0.1:8554/c2"
        found = await _until(client, "gate", lambda one: one.state is DoorCameraState.FOUND)
        assert found.serial == "SIM-0002"


async def test_a_recorder_that_is_being_restarted_is_told_afterwards(tmp_path: Path) -> None:
    """The door waits for it; no camera is asked again for that."""
    camera, told = _camera(), Told()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        places = Places.of(configuration)
        door = _made(configuration)
        await door.start()
        try:
            await _until(DoorClient(places.door_socket), "gate", lambda one: one.facts is not None)
            asked = len(camera.operations)
            recorder = MessageServer(places.recorder_socket, told.answer)
            await recorder.start()
            assert (await told.next()).camera == "gate"
            await recorder.close()
        finally:
            await door.stop()
    assert len(camera.operations) == asked


async def test_the_door_discovers_for_others(tmp_path: Path) -> None:
    """A search through door.sock says which finds are configured cameras already."""
    camera, stranger, told = _camera(1), _camera(2), Told()
    async with _serving(camera, stranger), _announced(camera), _announced(stranger):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        found = await _search(configuration, told, {camera.endpoint_id, stranger.endpoint_id})
    by_endpoint = {one.endpoint_uuid: one.configured_as for one in found.cameras}
    assert (by_endpoint[camera.endpoint_id], by_endpoint[stranger.endpoint_id]) == ("gate", "")


async def _search(configuration: Configuration, told: Told, wanted: set[str]) -> Discovery:
    async with _door(configuration, told) as client:
        await told.next()
        with pytest.raises(DoorRefused, match="no interface") as refusal:
            await client.discover(0.1, ("nowhere0",))
        assert refusal.value.code is FailureCode.DISCOVERY
        for seconds in (0.5, 2.0, 6.0):
            found = await client.discover(seconds, ("lo",))
            if wanted <= {one.endpoint_uuid for one in found.cameras}:
                break
        return found


def test_as_a_process_it_starts_finds_and_stops_in_time(tmp_path: Path) -> None:
    """Started as the supervisor does, told to stop by SIGTERM: within two seconds, with exit code 0."""

    async def story() -> None:
        camera, told = _camera(), Told()
        async with _serving(camera):
            configuration = _configuration(tmp_path, {"gate": camera.device_url})
            recorder = MessageServer(Places.of(configuration).recorder_socket, told.answer)
            await recorder.start()
            command = (sys.executable, "-W", "error", "-m", "kuramori.door_process")
            process = await asyncio.create_subprocess_exec(*command, "--config", str(tmp_path / "kuramori.toml"))
            assert (await told.next()).camera == "gate"
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 2.0) == 0
            await recorder.close()

    asyncio.run(story())


def test_nothing_is_sent_where_no_camera_of_ours_is() -> None:
    """Cameras on the loopback only: listen there only; no ONVIF camera at all: nowhere."""
    assert chosen_interfaces(loopback=True, network=False) == (LOOPBACK,)
    assert chosen_interfaces(loopback=False, network=False) == ()
    assert LOOPBACK not in chosen_interfaces(loopback=False, network=True)


async def test_what_the_door_does_not_know_is_a_failure_not_an_end(tmp_path: Path) -> None:
    """An unknown camera and a question for somebody else; the door goes on."""
    configuration = _configuration(tmp_path, {})
    async with _door(configuration) as client:
        with pytest.raises(DoorRefused) as refusal:
            await client.refresh("nobody")
        assert refusal.value.code is FailureCode.UNKNOWN_CAMERA
        with pytest.raises(DoorRefused) as refusal:
            await client._ask(messages.StatusRequest(), messages.RecorderStatus)
        assert refusal.value.code is FailureCode.UNKNOWN_METHOD
        assert (await client.status()).cameras == ()
    with pytest.raises(DoorUnreachable):
        await client.status()
