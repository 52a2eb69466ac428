"""Complaints and questions (O8): taken and answered with dates, in the register, shown while they wait too long."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kuramori.cli import main
from kuramori.desk.office import Office
from kuramori_config.quantities import Duration
from tests.fakes.desk_room import AUDITOR, DEPUTY, HANDLER, INSTALLER, MANAGER, DeskRoom
from tests.fakes.desk_steps import content, filed

DAY_MS = 86_400_000


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk whose office answers within three days."""
    made = DeskRoom(tmp_path)
    made.site = replace(made.site, office=Office(answer_within=Duration.of_days(3)))
    async with made:
        yield made


def complaint(room: DeskRoom, **changes: Any) -> dict[str, Any]:
    """What somebody said at the counter."""
    return {
        "received_utc_ms": room.clock.utc_ms(),
        "from_whom": "近隣住民",
        "contact": "000-000-0001",
        "camera": "gate",
        "subject": "撮影範囲について",
        "content": "自宅の玄関が映っているのではないか。\n確認してほしい。",
        **changes,
    }


async def taken(room: DeskRoom, **changes: Any) -> str:
    """Write one down; return its number."""
    number: str = content(await room.call("POST", "/v1/complaints", HANDLER, complaint(room, **changes)), 201)[
        "complaint"
    ]
    return number


def answer(room: DeskRoom) -> dict[str, Any]:
    """What the office answered."""
    return {"answered_utc_ms": room.clock.utc_ms(), "answer": "映っていません。", "measures": "マスクを追加"}


async def test_a_complaint_is_kept_with_who_took_it_and_its_answer_with_its_day(room: DeskRoom) -> None:
    """Both stand in the register as entries of their own, under a number of their own series, and after a restart."""
    request = await filed(room)
    number = await taken(room)
    assert number == "C" + request  # a series beside that of the requests: the first of the day
    assert await taken(room, received_by="山本 三郎", kind="question") == number[:-1] + "2"
    room.clock.pass_ms(DAY_MS)
    done = content(await room.call("POST", f"/v1/complaints/{number}/answer", DEPUTY, answer(room)), 201)
    assert (done["received_by"], done["answered_by"]) == (HANDLER, DEPUTY)
    await room.restart()
    shown = content(await room.call("GET", f"/v1/complaints/{number}", AUDITOR))
    assert shown == done
    found = content(await room.call("GET", "/v1/complaints", MANAGER))["complaints"]
    assert [(one["kind"], one["received_by"]) for one in found] == [("complaint", HANDLER), ("question", "山本 三郎")]
    entries = content(await room.call("GET", "/v1/register", MANAGER))["entries"]
    kinds = [(one["kind"], one["request"]) for one in entries if one["kind"].startswith("complaint")]
    assert kinds[0] == ("complaint_received", number)
    assert kinds[-1] == ("complaint_answered", number)


@pytest.mark.parametrize(
    ("field", "value"),
    [("subject", ""), ("subject", "a\nb"), ("content", " "), ("content", "a\x1b[31m"), ("camera", "none")],
)
async def test_what_cannot_be_is_not_written_down(room: DeskRoom, field: str, value: str) -> None:
    """A subject in one line, a text without control characters, a camera of the site."""
    refused = await room.call("POST", "/v1/complaints", HANDLER, complaint(room, **{field: value}))
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, "request-invalid", field)


async def test_an_answer_comes_once_and_after_the_complaint(room: DeskRoom) -> None:
    """Not before it, not in the future, not to another, not again; and by the manager or a deputy."""
    early = {**answer(room), "answered_utc_ms": room.clock.utc_ms() - DAY_MS}
    number = await taken(room)
    path = f"/v1/complaints/{number}/answer"
    assert (await room.call("POST", path, MANAGER, early)).json()["field"] == "answered_utc_ms"
    assert (await room.call("POST", path, HANDLER, answer(room))).status_code == 403
    assert (await room.call("GET", "/v1/complaints", INSTALLER)).status_code == 403
    nobody = await room.call("POST", "/v1/complaints/C20200101-9/answer", MANAGER, answer(room))
    assert (nobody.status_code, nobody.json()["code"]) == (404, "complaint-unknown")
    content(await room.call("POST", path, MANAGER, answer(room)), 201)
    again = await room.call("POST", path, MANAGER, answer(room))
    assert (again.status_code, again.json()["code"]) == (409, "complaint-answered")


async def test_what_waits_too_long_is_shown(room: DeskRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the configured time: in the status, in the list of requests, and page by page in its own."""
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(room.socket))
    first = await taken(room)
    room.clock.pass_ms(3 * DAY_MS + 1)
    second = await taken(room)
    desk = content(await room.call("GET", "/v1/status"))["desk"]
    assert (desk["complaints_waiting"], desk["complaints_overdue"]) == (2, 1)
    late = content(await room.call("GET", "/v1/complaints", MANAGER, which="overdue"))["complaints"]
    assert [(one["complaint"], one["overdue"]) for one in late] == [(first, True)]
    page = content(await room.call("GET", "/v1/complaints", MANAGER, limit=1))
    rest = content(await room.call("GET", "/v1/complaints", MANAGER, limit=1, cursor=page["next"]))
    assert [one["complaint"] for one in page["complaints"] + rest["complaints"]] == [first, second]
    assert rest["next"] is None
    listed = await command("requests")
    assert f"{first}  " in listed.output
    assert "OVERDUE" in listed.output
    assert second not in listed.output


async def command(*words: str, person: str = MANAGER) -> Result:
    """Run a command in a thread."""
    environment = {"KURAMORI_PERSON": person, "COLUMNS": "200", "LANG": "C.UTF-8"}
    return await asyncio.to_thread(CliRunner().invoke, main.build(), list(words), env=environment)


async def test_the_command_line_takes_lists_and_answers(room: DeskRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three commands, as a clerk types them."""
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(room.socket))
    when = "2020-01-01 10:00"
    added = await command(
        "complaint", "add", "--subject", "保存期間", "--content", "何日か", "--question", "--on", when
    )
    assert added.exit_code == 0, added.output
    number = re.findall(r"^C\d{8}-\d+", added.output, re.MULTILINE)[0]
    listed = await command("complaint", "list", "--which", "overdue")
    assert f"{number}  " in listed.output
    done = await command("complaint", "answer", number, "--text", "14日です。", "--on", when)
    assert done.exit_code == 0, done.output
    assert "14日です。" in (await command("complaint", "list", number)).output
    assert (await command("complaint", "list", "../status")).exit_code == 1


async def test_its_words_go_when_their_years_are_over_but_not_while_it_waits(room: DeskRoom) -> None:
    """Five years after the fiscal year: the body of an answered one may be deleted, its entries stay."""
    number, waiting = await taken(room), await taken(room)
    content(await room.call("POST", f"/v1/complaints/{number}/answer", MANAGER, answer(room)), 201)
    room.clock.pass_ms(7 * 366 * DAY_MS)
    over = content(await room.call("GET", "/v1/register/over", MANAGER))["requests"]
    assert [(one["request"], one["waits"]) for one in over] == [(number, ""), (waiting, "not-answered")]
    content(await room.call("POST", "/v1/register/over/deletion", MANAGER, {"requests": [number]}), 201)
    assert (await room.call("GET", f"/v1/complaints/{number}", MANAGER)).status_code == 404
    await room.restart()
    assert (await room.call("GET", f"/v1/complaints/{number}", MANAGER)).status_code == 404
    entries = content(await room.call("GET", "/v1/register", MANAGER))["entries"]
    assert [one["body"] for one in entries if one["request"] == number] == [None, None]
