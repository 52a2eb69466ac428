"""The desk's housekeeping: what it does when the register could not be written."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.desk_room import HANDLER, DeskRoom


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A recorder and a desk."""
    async with DeskRoom(tmp_path) as its:
        yield its


async def test_a_register_that_could_not_be_written_is_opened_anew(room: DeskRoom) -> None:
    """A full disk: the request is refused in a sentence; housekeeping ends, and a new desk takes the next one."""
    desk = room.open_desk
    desk.journal.register._database.execute("PRAGMA query_only=ON")  # stands for a disk that refuses
    for said in ("readonly", "opened anew within a minute"):
        answer = await room.call("POST", "/v1/requests", HANDLER, room.request_body())
        assert answer.status_code == 503
        assert said in answer.json()["detail"]
    await asyncio.wait_for(desk.keep_house(asyncio.Event()), 10)
    await room.restart()
    answer = await room.call("POST", "/v1/requests", HANDLER, room.request_body())
    assert answer.status_code == 201
