"""Five years from the end of the fiscal year, then who and why go: by confirmation, from the files too, tree intact."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from kuramori.cli import main
from kuramori.desk.body_keeping import first_day_without
from kuramori.desk.register_check import check_entries
from kuramori.desk.signed_note import NoteVerifier, open_checkpoint
from tests.fakes.desk_room import AUDITOR, HANDLER, MANAGER, DeskRoom
from tests.fakes.desk_steps import approved, content, filed, handed_deks, open_bundle

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


def utc_ms(*moment: int) -> int:
    """A moment of the site's clock."""
    return int(datetime(*moment, tzinfo=TOKYO).astimezone(UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


def test_the_five_years_begin_with_the_end_of_the_fiscal_year() -> None:
    """A request of 31 March is kept as long as the year before it, one of 1 April a year longer; site's midnight."""
    assert first_day_without(utc_ms(2026, 3, 31, 23, 59), TOKYO) == date(2031, 4, 1)
    assert first_day_without(utc_ms(2026, 4, 1, 0, 0), TOKYO) == date(2032, 4, 1)
    assert first_day_without(utc_ms(2027, 1, 5, 12, 0), TOKYO) == date(2032, 4, 1)


async def over(room: DeskRoom) -> dict[str, str]:
    """What may go: request → why it has to stay all the same, or nothing."""
    listed = content(await room.call("GET", "/v1/register/over", AUDITOR))["requests"]
    return {one["request"]: one["waits"] for one in listed}


async def verified(room: DeskRoom) -> int:
    """Check the register as a client does; return how many bodies are gone."""
    page = content(await room.call("GET", "/v1/register", MANAGER))
    checkpoint = open_checkpoint(page["checkpoint"], NoteVerifier.parse(page["verifier"]))
    return check_entries(page["entries"], checkpoint).bodies_deleted


async def refused(room: DeskRoom, *numbers: str) -> None:
    """The deletion of these is refused, all of them."""
    before = room.open_desk.journal.register.size
    body = {"requests": list(numbers)}
    answer = content(await room.call("POST", "/v1/register/over/deletion", MANAGER, body), 422)
    assert answer["code"] == "request-invalid"
    assert room.open_desk.journal.register.size == before


async def test_after_five_fiscal_years_a_confirmed_request_is_forgotten_and_the_tree_verifies(room: DeskRoom) -> None:
    """Not a day early; what waits for its return stays; afterwards no byte of it is in the files, also while open."""
    gone = await filed(room, purpose="消えるべき目的")
    open_one = await approved(room)
    assert (await open_bundle(room, open_one, await handed_deks(room, open_one))).status_code == 200
    last_day = first_day_without(room.clock.utc_ms(), TOKYO)
    room.clock.now_utc_ms = utc_ms(last_day.year, 3, 31, 23, 59)
    assert await over(room) == {}
    await refused(room, gone)
    room.clock.now_utc_ms = utc_ms(last_day.year, 4, 1, 0, 0)
    fresh = await filed(room)
    assert await over(room) == {gone: "", open_one: "not-returned"}
    await refused(room, gone, open_one)
    await refused(room, fresh)
    await refused(room, "20200101-1")
    done = content(await room.call("POST", "/v1/register/over/deletion", MANAGER, {"requests": [gone]}), 201)
    assert done["requests"] == 1
    stored = b"".join(path.read_bytes() for path in room.folder.glob("register.db*"))
    assert "消えるべき目的".encode() not in stored
    for _ in range(2):
        missing = await verified(room)
        assert missing >= 1
        assert content(await room.call("GET", f"/v1/requests/{gone}", MANAGER), 404)["code"] == "request-unknown"
        assert content(await room.call("GET", f"/v1/requests/{open_one}", MANAGER))["waits_for_return"]
        assert await over(room) == {open_one: "not-returned"}
        last = content(await room.call("GET", "/v1/register", MANAGER))["entries"][done["entry"]]
        assert (last["kind"], last["person"]) == ("bodies_deleted", MANAGER)
        assert set(last["body"]) == {"indices", "identified_by"}
        await room.restart()
    assert await filed(room) not in (gone, fresh)


async def test_the_command_lists_asks_back_and_deletes_what_it_listed(
    room: DeskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's answer is no; with --yes exactly the listed requests go, and then there are none."""
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(room.socket))

    async def run(*words: str) -> Result:
        environment = {"KURAMORI_PERSON": MANAGER, "COLUMNS": "200"}
        return await asyncio.to_thread(CliRunner().invoke, main.build(), ["register", *words], env=environment)

    number = await filed(room)
    assert "No request is past" in (await run("--over")).output
    room.clock.now_utc_ms = utc_ms(2033, 4, 1)
    listed = await run("--over")
    assert (listed.exit_code, number in listed.output) == (0, True)
    asked = await run("--delete-over")
    assert asked.exit_code == 1
    assert await over(room) == {number: ""}
    done = await run("--delete-over", "--yes")
    assert done.exit_code == 0, done.output
    assert await over(room) == {}


async def test_only_who_decides_confirms(room: DeskRoom) -> None:
    """A handler sees what is over and cannot let it go."""
    number = await filed(room)
    answer = await room.call("POST", "/v1/register/over/deletion", HANDLER, {"requests": [number]})
    assert content(answer, 403)["code"] == "role-missing"
