"""The desk as a process of its own: it starts, stops in time, and a kill between entry and effect loses nothing.

The recorder is served by the test, so that it can kill the desk at the very moment at which it is asked.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kuramori import messages
from kuramori.identity import Identity
from tests.fakes.configuration import CAMERA, configuration_text
from tests.fakes.desk_room import HANDLER, MANAGER, RECORDER_ID, DeskRoom
from tests.fakes.desk_steps import approved, content, filed, handed_deks, kinds, open_bundle

HANDLER_TABLE = f"""
[[person]]
name = "{HANDLER}"
title = "主任"
roles = ["handler"]

[[person]]
name = "Suzuki Ichiro"
title = "係長"
roles = ["handler"]
"""
STOP_SECONDS_MOST = 10.0  # one second on a machine that does nothing else; a busy one gets grace


class Process(DeskRoom):
    """A desk in a process of its own, over the files and sockets of a room."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        super().__init__(folder)
        configured = configuration_text(HANDLER_TABLE, CAMERA)
        configured = configured.replace('state_directory = "state"', 'state_directory = "."')
        configured = configured.replace('runtime_directory = "run"', 'runtime_directory = "."')
        configured = configured.replace('cell_directory = "cell"', f'cell_directory = "{folder.parent / "cell"}"')
        self.config = folder / "kuramori.toml"
        self.config.write_text(configured, encoding="utf-8")
        (folder / "identity.json").write_bytes(Identity(RECORDER_ID, 1, "Test site").to_bytes())
        now = time.time_ns() // 1_000_000  # a process reads the real clock
        self.clock.now_utc_ms = now
        self.from_utc_ms, self.to_utc_ms = now - 600_000, now - 540_000
        self.process: subprocess.Popen[bytes] | None = None

    async def start_desk(self) -> None:
        """Start the process and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kuramori.desk_process", "--config", str(self.config)], stderr=log
            )
        deadline = time.monotonic() + 60
        while not await _serves(self):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)

    async def stop_desk(self) -> None:
        """Ask it to stop."""
        if self.process is not None:
            self.process.terminate()
            await asyncio.to_thread(self.process.wait)
            self.process = None

    async def killed(self) -> None:
        """Wait until it is dead."""
        assert self.process is not None
        assert await asyncio.to_thread(self.process.wait) == -signal.SIGKILL
        self.process = None

    def kill_at(self, question_kind: type[Any]) -> Callable[[Any], None]:
        """Return a watcher that kills the desk when it asks this, before it is answered."""
        assert self.process is not None
        pid = self.process.pid

        def watch(question: object) -> None:
            if isinstance(question, question_kind):
                self.recorder.on_question = None
                os.kill(pid, signal.SIGKILL)

        return watch


async def _serves(room: DeskRoom) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(room.socket)
    except OSError:
        return False
    writer.close()
    return True


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Process]:
    """A running desk process with a recorder that has recorded."""
    room = Process(tmp_path / "room")
    room.recorder.camera_numbers = {"gate": 1}
    room.recorder.record("gate", room.from_utc_ms - 60_000, room.to_utc_ms + 60_000)
    try:
        await room.start_recorder()
        await room.start_desk()
        yield room
    finally:
        await room.stop_desk()
        await room.stop_recorder()


async def _break(desk: Process, method: str, path: str, person: str, body: Any) -> None:
    """Make a call in the middle of which the desk dies."""
    with pytest.raises(httpx.TransportError):
        await desk.call(method, path, person, body)
    await desk.killed()
    await desk.start_desk()


async def _until(condition: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_kill_between_an_entry_and_its_effect_loses_nothing(desk: Process) -> None:
    """Killed when the recorder is asked for a hold, for keys, for an erasure: the next start does what is left."""
    await killed_before_the_hold(desk)
    await killed_before_the_keys(desk)
    await killed_before_the_erasure(desk)


async def killed_before_the_hold(desk: Process) -> None:
    """The request is there, the hold follows, once."""
    desk.recorder.on_question = desk.kill_at(messages.PlaceHoldRequest)
    await _break(desk, "POST", "/v1/requests", HANDLER, desk.request_body())
    await _until(lambda: len(desk.recorder.held) == 1)
    (request,) = content(await desk.call("GET", "/v1/requests", MANAGER))["requests"]
    (hold,) = desk.recorder.held.values()
    assert (request["state"], hold.request_id) == ("filed", request["request_id"])
    assert (await kinds(desk)).count("hold_placed") == 1


async def killed_before_the_keys(desk: Process) -> None:
    """*opened* stands, nothing was released, it can be opened again."""
    number = await approved(desk)
    deks = await handed_deks(desk, number)
    desk.recorder.on_question = desk.kill_at(messages.ReleaseKeysRequest)
    await _break(desk, "POST", f"/v1/requests/{number}/bundle", HANDLER, {"deks": deks})
    request = content(await desk.call("GET", f"/v1/requests/{number}", MANAGER))
    assert (request["state"], request["openings"], request["handovers"]) == ("opened", 1, [])
    assert await handed_deks(desk, number) == deks
    again = await open_bundle(desk, number, deks)
    assert content(again, 502)["code"] == "extraction-failed"  # there is no volume behind the fake recorder
    assert (await kinds(desk)).count("opened") == 2
    assert "released" not in await kinds(desk)


async def killed_before_the_erasure(desk: Process) -> None:
    """The order stands, the keys go, one receipt is registered."""
    desk.recorder.on_question = desk.kill_at(messages.EraseRequest)
    body = {"camera": "gate", "from_utc_ms": desk.from_utc_ms, "to_utc_ms": desk.to_utc_ms, "reason": "x"}
    await _break(desk, "POST", "/v1/erasures", MANAGER, body)
    await _until(lambda: not desk.recorder.segments[0].alive)
    while "erased" not in await kinds(desk):
        await asyncio.sleep(0.02)
    assert [kind for kind in await kinds(desk) if kind.startswith("erase")] == ["erase_ordered", "erased"]
    assert len(desk.recorder.receipts) == 1


async def test_it_stops_in_order_and_leaves_no_socket(desk: Process) -> None:
    """SIGTERM ends it in order, also while a caller keeps a connection open."""
    await filed(desk)
    _, writer = await asyncio.open_unix_connection(desk.socket)
    process = desk.process
    assert process is not None
    started = time.monotonic()
    process.terminate()
    assert await asyncio.to_thread(process.wait) == 0
    assert time.monotonic() - started < STOP_SECONDS_MOST
    assert not desk.socket.exists()
    writer.close()
    desk.process = None
    await desk.start_desk()
    assert [kind for kind in await kinds(desk) if kind != "camera_enrolled"] == [
        "custody_changed",
        "filed",
        "hold_placed",
    ]
