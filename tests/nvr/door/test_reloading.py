"""The door when the configuration is read again: cameras come, go and change, and nobody else is disturbed."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kuramori.camera_messages import EventsState
from kuramori.door.door import Door
from kuramori.door_client import DoorClient
from kuramori.door_messages import DoorCameraState
from kuramori.message_server import MessageServer
from kuramori.places import Places
from kuramori.reloads import Reloads
from kuramori_config.schema import Configuration
from tests.nvr.door.test_door import PATIENCE_SECONDS, Told, _camera, _configuration, _made, _serving, _until

FLITS = 20


@asynccontextmanager
async def _running(configuration: Configuration, folder: Path, told: Told) -> AsyncIterator[tuple[Door, Reloads]]:
    recorder = MessageServer(Places.of(configuration).recorder_socket, told.answer)
    await recorder.start()
    door, stop = _made(configuration), asyncio.Event()
    reloads = Reloads(configuration, folder / "kuramori.toml")
    running = asyncio.create_task(door.run(stop, reloads))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not Places.of(configuration).door_socket.exists():
            await asyncio.sleep(0.01)
    try:
        yield door, reloads
    finally:
        stop.set()
        await running
        await recorder.close()


async def test_cameras_come_and_go_and_the_others_are_not_disturbed(tmp_path: Path) -> None:
    """Added: found and told. Removed: no longer asked, its subscription given back. The third is not asked again."""
    stays, goes, comes = _camera(1), _camera(2), _camera(3)
    told = Told()
    async with _serving(stays, goes, comes):
        before = _configuration(tmp_path, {"stays": stays.device_url, "goes": goes.device_url}, events=True)
        async with _running(before, tmp_path, told) as (_, reloads):
            client = DoorClient(Places.of(before).door_socket)
            for name in ("stays", "goes"):
                await told.until_facts(name, lambda facts: facts.events is EventsState.SUBSCRIBED)
            told.streams = asyncio.Queue()
            descriptions = stays.operations.count("GetProfiles")
            _configuration(tmp_path, {"stays": stays.device_url, "comes": comes.device_url}, events=True)
            reloads.ask()
            assert (await told.next()).camera == "comes"
            await told.until_facts("comes", lambda facts: facts.events is EventsState.SUBSCRIBED)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while goes.events.subscriptions:
                    await asyncio.sleep(0.02)
            assert {camera.name for camera in (await client.status()).cameras} == {"stays", "comes"}
            assert stays.operations.count("GetProfiles") == descriptions
            assert stays.events.opened == 1


async def test_a_camera_that_is_asked_otherwise_is_asked_anew(tmp_path: Path) -> None:
    """Another address in the file: the old place is left, the new one found; a changed retention disturbs nobody."""
    first, second, told = _camera(1), _camera(2), Told()
    async with _serving(first, second):
        configuration = _configuration(tmp_path, {"gate": first.device_url})
        async with _running(configuration, tmp_path, told) as (_, reloads):
            client = DoorClient(Places.of(configuration).door_socket)
            await told.until_facts("gate", lambda facts: bool(facts.audio.chosen_profile))
            asked = len(first.operations)
            file = tmp_path / "kuramori.toml"
            file.write_text(file.read_text().replace('"14 days"', '"13 days"'))
            reloads.ask()
            await asyncio.wait_for(_read_again(reloads), PATIENCE_SECONDS)
            assert len(first.operations) == asked
            _configuration(tmp_path, {"gate": second.device_url})
            reloads.ask()
            found = await _until(client, "gate", lambda one: one.serial == "SIM-0002")
            assert found.address == second.device_url


async def _read_again(reloads: Reloads) -> None:
    """Wait until the file that was asked for has been read."""
    while reloads.asked:
        await asyncio.sleep(0.01)


async def test_a_faulty_file_changes_nothing_and_is_said(tmp_path: Path) -> None:
    """The cameras stay; the door's status names the fault until the file is sound again."""
    camera, told = _camera(), Told()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        async with _running(configuration, tmp_path, told) as (_, reloads):
            client = DoorClient(Places.of(configuration).door_socket)
            await told.next()
            file = tmp_path / "kuramori.toml"
            sound = file.read_text()
            file.write_text(sound.replace("retention", "retetion"))
            reloads.ask()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not any("retetion" in problem for problem in (await client.status()).problems):
                    await asyncio.sleep(0.02)
            assert [one.name for one in (await client.status()).cameras] == ["gate"]
            file.write_text(sound)
            reloads.ask()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (await client.status()).problems:
                    await asyncio.sleep(0.02)


async def test_a_password_that_was_put_right_is_tried_at_once(tmp_path: Path) -> None:
    """The file itself has not changed: being read again is enough."""
    camera, told = _camera(), Told()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url}, "wrong")
        async with _running(configuration, tmp_path, told) as (_, reloads):
            client = DoorClient(Places.of(configuration).door_socket)
            await _until(client, "gate", lambda one: one.state is DoorCameraState.REFUSED)
            (tmp_path / "secrets" / "account").write_text("hunter2")
            reloads.ask()
            assert (await told.next()).camera == "gate"


async def test_cameras_that_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    """Twenty times the same: tasks, descriptors and subscriptions do not grow."""
    stays, flits, told = _camera(1), _camera(2), Told()
    footprints: list[tuple[int, int]] = []
    async with _serving(stays, flits):
        urls = {"stays": stays.device_url}
        alone = _configuration(tmp_path, urls, events=True)
        both = _configuration(tmp_path, urls | {"flits": flits.device_url}, events=True)
        async with _running(alone, tmp_path, told) as (door, _):
            for _ in range(FLITS):
                await door.apply(both)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while not flits.events.subscriptions:
                        await asyncio.sleep(0.01)
                    await door.apply(alone)
                    while flits.events.subscriptions:
                        await asyncio.sleep(0.01)
                footprints.append((len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))))
            assert flits.events.opened == FLITS
            assert stays.events.opened == 1
    early, late = footprints[: FLITS // 2], footprints[FLITS // 2 :]
    for kind in (0, 1):  # a connection that is just ending may count
        assert max(one[kind] for one in late) <= max(one[kind] for one in early) + 2, footprints
