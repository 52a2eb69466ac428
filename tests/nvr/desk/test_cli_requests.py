"""Urgent, in part, held longer, refused by letter, identified: the same over the command line."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.desk_room import HANDLER, MANAGER, NOW_UTC_MS, SECOND_HANDLER, DeskRoom
from tests.nvr.desk.test_cli_path import Desk

HOUR_MS = 3600 * 1000
REASON = ("--reason", "要件を満たす")


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A desk with its command line, in English."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(tmp_path / "desk.sock"))
    monkeypatch.setenv("KURAMORI_NOTEBOOK", str(tmp_path / "notebook.json"))
    monkeypatch.delenv("KURAMORI_CONFIG", raising=False)
    async with DeskRoom(tmp_path) as room:
        yield Desk(room, tmp_path)


async def test_an_urgent_request_is_amber_then_red_then_documented(desk: Desk) -> None:
    """In the list of requests and in the status; another handler notes the document."""
    number = await desk.file("--ground", "urgent", "--document", "")
    await desk.good("decide", number, "--grant", *REASON, person=MANAGER)
    assert "AMBER: document due" in await desk.good("requests", person=MANAGER)
    desk.room.clock.pass_ms(72 * HOUR_MS + 1)
    assert "RED: no document, due" in await desk.good("requests", person=MANAGER)
    status = (await desk.run("status")).output
    assert f"TO DO: Request {number} was granted in urgency and is not documented" in status
    assert f"PROBLEM: Granted in urgency and not documented in time: {number}" in status
    told = await desk.good("document", number, "--document", "No. 200", person=SECOND_HANDLER)
    assert "is documented" in told
    listed = await desk.good("requests", person=MANAGER)
    assert "AMBER" not in listed
    assert "RED" not in listed
    assert "No. 200" in await desk.good("requests", number, person=MANAGER)


async def test_a_part_of_what_may_be_made_is_granted(desk: Desk) -> None:
    """Looking only; the request shows what was wanted and what was granted."""
    number = await desk.file("--output", "viewing", "--output", "copy")
    words = ("decide", number, "--grant", "--output", "viewing", *REASON)
    assert "--partly" in await desk.bad(*words, person=MANAGER)
    await desk.good("decide", number, "--partly", "--output", "viewing", *REASON, person=MANAGER)
    shown = await desk.good("requests", number, person=MANAGER)
    assert "wanted: looking at the desk, a copy" in shown
    assert shown.split("granted: gate", 1)[1].splitlines()[0].endswith("looking at the desk")


async def test_a_hold_is_extended_by_the_manager(desk: Desk) -> None:
    """The list shows the new end and nothing of the old one."""
    number = await desk.file()
    words = ("hold", "extend", number, "--until", "+60d", "--reason", "照会中")
    assert "role" in await desk.bad(*words, person=HANDLER)
    assert f"request {number}" in await desk.good(*words, person=MANAGER)
    assert len(desk.room.recorder.held) == 1
    (hold,) = desk.room.recorder.held.values()
    assert hold.until_utc_ms > NOW_UTC_MS + 30 * 24 * HOUR_MS


async def test_a_private_person_is_told_where_to_turn_and_gets_a_letter(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The referral of what they are after; the letter is never written over another file."""
    words = desk.request_words("--recipient-kind", "private", "--matter", "own-picture", "--ground", "")
    told = await desk.bad(*words, person=HANDLER)
    assert "disclosure of their own data" in told
    number = told.rpartition("registered as ")[2].rstrip(")")
    letter = tmp_path / "letter.md"
    await desk.good("refusal", number, "--out", letter, person=MANAGER)
    assert "disclosure of their own data" in letter.read_text(encoding="utf-8")
    assert await desk.bad("refusal", number, "--out", letter, person=MANAGER)
    assert ".pdf or .md" in await desk.bad("refusal", number, "--out", tmp_path / "letter.txt", person=MANAGER)
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    japanese = tmp_path / "letter-ja.md"
    await desk.good("refusal", number, "--out", japanese, person=MANAGER)
    assert "保有個人情報の開示請求" in japanese.read_text(encoding="utf-8")


async def test_who_receives_is_identified_before_the_clip(desk: Desk, tmp_path: Path) -> None:
    """The clip is refused with the command that mends it; then it is taken."""
    number = await desk.file("--identity-check", "")
    await desk.good("decide", number, "--grant", *REASON, person=MANAGER)
    for custodian in (1, 2):
        assert (await desk.approve(number, custodian)).exit_code == 0
    take = ("clip", number, "--extraction-key", desk.extraction_key, "--out", tmp_path / "bundle")
    assert f"kuramori identify {number}" in await desk.bad(*take, person=HANDLER)
    told = await desk.good("identify", number, "--by", "警察手帳", "--name", "佐々木 八郎", person=HANDLER)
    assert "佐々木 八郎" in told
    await desk.good(*take, person=HANDLER)
    assert "received in person by: 佐々木 八郎" in await desk.good("requests", number, person=MANAGER)


async def test_the_grounds_say_who_may_receive_and_what(desk: Desk) -> None:
    """With `--ground help`."""
    told = await desk.good(*desk.request_words("--ground", "help"), person=HANDLER)
    assert "disclosure: " in told
    assert "gives: a masked copy" in told
    assert "for: person-filmed" in told
