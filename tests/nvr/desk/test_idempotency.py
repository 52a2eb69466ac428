"""Idempotency-Key on writes: one effect and one answer for one key, whatever is repeated, also after a restart."""

import asyncio
import hashlib
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kuramori.api.headers import KEY_HEADER, PERSON_HEADER, REPLAYED_HEADER
from kuramori.desk.call_store import CALLS_MOST_EACH, KEPT_MS, Call, CallStore, KeptAnswer
from tests.fakes.desk_room import HANDLER, MANAGER, MINUTE_MS, NOW_UTC_MS, SECOND_HANDLER, DeskRoom
from tests.fakes.desk_steps import content, kinds
from tests.fakes.staff import Staff

KEY = "3b1f8b0e-7a57-4c0e-9a1e-2f3c5f0f4a11"
HOLD = {
    "cameras": ["gate"],
    "from_utc_ms": NOW_UTC_MS - 30 * MINUTE_MS,
    "to_utc_ms": NOW_UTC_MS - 20 * MINUTE_MS,
    "until_utc_ms": NOW_UTC_MS + 86_400_000,
    "reason": "an accident",
}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


async def write(room: DeskRoom, path: str, person: str, body: Any, key: str = KEY) -> httpx.Response:
    """Write with a key."""
    headers = {KEY_HEADER: key, PERSON_HEADER: urllib.parse.quote(person)}
    async with room.client() as client:
        return await client.post(path, json=body, headers=headers)


async def test_a_repeated_write_is_done_once_and_answered_alike(room: DeskRoom) -> None:
    """The same number of the request, one entry in the register, and the second answer says that it is one."""
    first = await write(room, "/v1/requests", HANDLER, room.request_body())
    again = await write(room, "/v1/requests", HANDLER, room.request_body(), f'"{KEY}"')
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert (first.headers.get(REPLAYED_HEADER), again.headers[REPLAYED_HEADER]) == (None, "true")
    assert (await kinds(room)).count("filed") == 1


async def test_two_at_once_are_one(room: DeskRoom) -> None:
    """The second waits for the first and gets its answer."""
    answers = await asyncio.gather(*(write(room, "/v1/requests", HANDLER, room.request_body()) for _ in range(8)))
    assert len({answer.content for answer in answers}) == 1
    assert (await kinds(room)).count("filed") == 1


async def test_another_body_under_the_same_key_is_refused(room: DeskRoom) -> None:
    """With a code of its own, and nothing is done."""
    await write(room, "/v1/requests", HANDLER, room.request_body())
    answer = await write(room, "/v1/requests", HANDLER, room.request_body(purpose="something else"))
    assert content(answer, 422)["code"] == "idempotency-key-reused"
    assert (await kinds(room)).count("filed") == 1


async def test_a_key_belongs_to_a_person_and_an_address(room: DeskRoom) -> None:
    """Nobody gets another's answer by the key, nor one of another address."""
    first = await write(room, "/v1/requests", HANDLER, room.request_body())
    other = await write(room, "/v1/requests", SECOND_HANDLER, room.request_body())
    assert first.json()["request_id"] != other.json()["request_id"]
    assert content(await write(room, "/v1/holds", MANAGER, HOLD), 201)["hold_id"]


async def test_it_holds_over_a_restart(room: DeskRoom) -> None:
    """The desk starts anew and still knows the call."""
    first = await write(room, "/v1/requests", HANDLER, room.request_body())
    await room.restart()
    again = await write(room, "/v1/requests", HANDLER, room.request_body())
    assert again.content == first.content
    assert (await kinds(room)).count("filed") == 1


async def test_a_desk_that_ended_midway_does_not_do_it_again(room: DeskRoom) -> None:
    """A call that was noted and has no answer is refused with a code of its own until the key is old."""
    body = b'{"reason":"x"}'
    store = CallStore.open(room.places.calls)
    store.begin(Call(HANDLER, "POST /v1/requests", KEY, hashlib.sha256(body).digest()), NOW_UTC_MS)
    store.close()
    headers = {KEY_HEADER: KEY, PERSON_HEADER: urllib.parse.quote(HANDLER), "Content-Type": "application/json"}
    async with room.client() as client:
        answer = await client.post("/v1/requests", content=body, headers=headers)
    assert content(answer, 409)["code"] == "idempotency-outcome-unknown"


async def test_what_changed_nothing_may_be_tried_again(room: DeskRoom) -> None:
    """A field that is wrong, a recorder that is away before anything was registered: the key stays free."""
    wrong = await write(room, "/v1/requests", HANDLER, {"purpose": "x"})
    assert content(wrong, 422)["code"] == "request-invalid"
    assert content(await write(room, "/v1/requests", MANAGER, room.request_body()), 403)["code"] == "role-missing"
    assert (await write(room, "/v1/requests", HANDLER, room.request_body())).status_code == 201


async def test_a_refusal_that_stands_in_the_register_is_given_again(room: DeskRoom) -> None:
    """One refused attempt is one entry, however often the caller repeats it."""
    body = room.request_body(ground="none such")
    first = await write(room, "/v1/requests", HANDLER, body)
    again = await write(room, "/v1/requests", HANDLER, body)
    assert content(first, 403)["code"] == "request-refused"
    assert again.content == first.content
    assert (await kinds(room)).count("refused") == 1


@pytest.mark.parametrize("key", ["short", "x" * 129, "with a blank in it", "säåö-säåö", "a/b/c/d/e/f"])
async def test_what_is_no_key_is_refused(room: DeskRoom, key: str) -> None:
    """Before anything is done."""
    headers = {KEY_HEADER: key.encode(), PERSON_HEADER: urllib.parse.quote(HANDLER).encode()}
    async with room.client() as client:
        answer = await client.post("/v1/requests", json=room.request_body(), headers=headers)
    assert content(answer, 400)["code"] == "idempotency-key-invalid"
    assert await kinds(room) == []


async def test_a_key_is_free_again_after_a_day(room: DeskRoom) -> None:
    """Also in the file."""
    await write(room, "/v1/requests", HANDLER, room.request_body())
    room.clock.pass_ms(KEPT_MS + 1)
    body = room.request_body(purpose="the day after")
    assert (await write(room, "/v1/requests", HANDLER, body)).status_code == 201
    await room.open_desk.tidy()
    room.clock.pass_ms(KEPT_MS + 1)
    await room.open_desk.tidy()
    store = CallStore.open(room.places.calls)
    assert store.count() == 0
    store.close()


async def test_a_secret_that_is_shown_once_is_not_kept(tmp_path: Path) -> None:
    """A machine's token is made once; repeated, the call says that its answer is gone. The file has no secret."""
    room = DeskRoom(tmp_path)
    room.sign_in = True
    async with room:
        staff = Staff(room)
        await staff.found(MANAGER)
        body = {"name": "gauge", "scopes": ["health"], "until_utc_ms": NOW_UTC_MS + 86_400_000}
        headers = {KEY_HEADER: KEY, "Authorization": f"Bearer {staff.tokens[MANAGER]}"}
        async with room.client() as client:
            made = content(await client.post("/v1/tokens", json=body, headers=headers), 201)
            again = content(await client.post("/v1/tokens", json=body, headers=headers), 409)
            listed = content(await client.get("/v1/tokens", headers=headers))["tokens"]
        assert again["code"] == "idempotency-answer-gone"
        assert len(listed) == 1
        for file in tmp_path.glob("calls.db*"):
            assert made["token"].encode() not in file.read_bytes()


async def test_a_file_that_takes_nothing_lets_no_write_through(room: DeskRoom) -> None:
    """Not noted, not done."""
    room.open_desk.calls.close()
    answer = await write(room, "/v1/requests", HANDLER, room.request_body())
    assert content(answer, 503)["code"] == "calls-unkept"
    assert await kinds(room) == []


def test_the_file_is_bounded(tmp_path: Path) -> None:
    """The oldest calls of a person go, another's stay."""
    store = CallStore.open(tmp_path / "calls.db")
    store.begin(Call("other", "/v1/x", "key-of-other", b""), 0)
    for number in range(CALLS_MOST_EACH + 3):
        call = Call("one", "/v1/x", f"key-{number:06}", b"")
        store.begin(call, number)
        store.keep(call, KeptAnswer(201, "application/json", b"{}", b""))
    assert store.count() == CALLS_MOST_EACH + 1
    assert store.begin(Call("other", "/v1/x", "key-of-other", b""), 0) is not None
    assert store.begin(Call("one", "/v1/x", "key-000000", b""), 0) is None
    store.close()
