"""Lists in pages: opaque cursors that nothing which comes or goes can move, whatever a caller puts into them."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.api.paging import LIMIT_MOST, Paging, make_cursor, page_of, read_cursor
from kuramori.desk.call_fault import CursorInvalid
from tests.fakes.desk_room import HANDLER, MANAGER, MINUTE_MS, NOW_UTC_MS, DeskRoom
from tests.fakes.desk_steps import content, filed
from tests.fakes.staff import Staff


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


async def pages(room: DeskRoom, path: str, member: str, person: str, limit: int = 2) -> list[list[Any]]:
    """Return the rows of each page of a list."""
    found, cursor = [], ""
    while True:
        more: dict[str, str | int] = {"cursor": cursor} if cursor else {}
        page = content(await room.call("GET", path, person, limit=limit, **more))
        found.append(page[member])
        if page["next"] is None:
            return found
        cursor = page["next"]


async def test_a_page_is_not_moved_by_what_comes_in_between(room: DeskRoom) -> None:
    """Newest first: a request that is filed while somebody turns pages neither repeats nor hides another."""
    numbers = []
    for _ in range(5):
        numbers.append(await filed(room))
        room.clock.pass_ms(1000)
    first = content(await room.call("GET", "/v1/requests", MANAGER, limit=2))
    await filed(room)
    second = content(await room.call("GET", "/v1/requests", MANAGER, limit=2, cursor=first["next"]))
    third = content(await room.call("GET", "/v1/requests", MANAGER, limit=2, cursor=second["next"]))
    seen = [one["request_id"] for page in (first, second, third) for one in page["requests"]]
    assert seen == numbers[::-1]
    assert third["next"] is None


async def test_the_register_in_pages(room: DeskRoom) -> None:
    """Oldest first; the last page has no cursor; a start beyond its end is an empty page."""
    for _ in range(5):
        await filed(room)
    found = await pages(room, "/v1/register", "entries", MANAGER)
    size = content(await room.call("GET", "/v1/register", MANAGER))["size"]
    assert [one["index"] for page in found for one in page] == list(range(size))
    assert {len(page) for page in found[:-1]} == {2}
    beyond = content(await room.call("GET", "/v1/register", MANAGER, start=99))
    assert (beyond["entries"], beyond["next"]) == ([], None)


async def test_holds_and_erasures_in_pages(room: DeskRoom) -> None:
    """What the recorder has is turned over in the same way."""
    for number in range(3):
        start = NOW_UTC_MS - (40 - number * 10) * MINUTE_MS
        span = {"from_utc_ms": start, "to_utc_ms": start + MINUTE_MS}
        body = {"cameras": ["gate"], **span, "until_utc_ms": NOW_UTC_MS + 86_400_000, "reason": "r"}
        content(await room.call("POST", "/v1/holds", MANAGER, body), 201)
    assert [len(page) for page in await pages(room, "/v1/holds", "holds", MANAGER)] == [2, 1]
    erase = {"camera": "park", "from_utc_ms": NOW_UTC_MS - 35 * MINUTE_MS, "to_utc_ms": NOW_UTC_MS, "reason": "r"}
    content(await room.call("POST", "/v1/erasures", MANAGER, erase), 201)
    found = await pages(room, "/v1/erasures", "erasures", MANAGER, limit=1)
    assert sum(map(len, found)) == 1


async def test_every_list_takes_a_limit_and_says_what_follows(tmp_path: Path) -> None:
    """Whatever answers with rows that grow has `limit`, `cursor` and `next`."""
    room = DeskRoom(tmp_path)
    room.sign_in = True
    async with room:
        staff = Staff(room)
        await staff.all_signed_in(MANAGER)
        for path, member in (
            ("/v1/users", "users"),
            ("/v1/tokens", "tokens"),
            ("/v1/jobs", "jobs"),
            ("/v1/requests", "requests"),
            ("/v1/register", "entries"),
            ("/v1/register/over", "requests"),
            ("/v1/disposals", "disposals"),
            ("/v1/holds", "holds"),
            ("/v1/erasures", "erasures"),
        ):
            page = content(await staff.call("GET", path, staff.tokens[MANAGER], limit=1))
            assert len(page[member]) <= 1
            assert "next" in page
            wrong = await staff.call("GET", path, staff.tokens[MANAGER], cursor="rubbish")
            assert content(wrong, 422)["code"] == "cursor-invalid"
            for limit in (0, LIMIT_MOST + 1):
                assert (await staff.call("GET", path, staff.tokens[MANAGER], limit=limit)).status_code == 422


async def test_a_cursor_of_another_list_is_refused(room: DeskRoom) -> None:
    """And one of this list with what it never had in it."""
    for _ in range(2):
        await filed(room)
    cursor = content(await room.call("GET", "/v1/requests", HANDLER, limit=1))["next"]
    assert content(await room.call("GET", "/v1/register", HANDLER, cursor=cursor), 422)["code"] == "cursor-invalid"
    odd = make_cursor("requests", ("a", "b", "c"))
    assert content(await room.call("GET", "/v1/requests", HANDLER, cursor=odd), 422)["code"] == "cursor-invalid"
    for key in (("x",), (-1,), (1 << 80,), ()):
        odd = make_cursor("register", key)
        assert content(await room.call("GET", "/v1/register", HANDLER, cursor=odd), 422)["code"] == "cursor-invalid"


@given(st.text(max_size=100) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    """Never another error."""
    try:
        key = read_cursor("x", text)
    except CursorInvalid:
        return
    assert all(type(part) in (int, str) for part in key)


def test_a_cursor_deeper_than_the_stack_is_refused() -> None:
    """Brackets without end."""
    with pytest.raises(CursorInvalid):
        read_cursor("x", base64.urlsafe_b64encode(b"[" * 100_000).decode())


@given(st.lists(st.integers(), unique=True), st.integers(1, 7), st.booleans())
def test_all_pages_together_are_the_list(rows: list[int], limit: int, newest_first: bool) -> None:
    """Each row once, in order, whatever the limit."""
    seen: list[int] = []
    cursor = ""
    while True:
        page = page_of("x", rows, lambda row: (row,), Paging(limit, cursor), newest_first=newest_first)
        assert len(page.rows) <= limit
        seen += page.rows
        if page.next is None:
            break
        cursor = page.next
    assert seen == sorted(rows, reverse=newest_first)
    assert json.dumps(seen)
