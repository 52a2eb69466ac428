"""A masked copy on the command line: made and waited for, looked through by another person, confirmed, released."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori.clips.job import ExtractionFailed, ExtractionFault
from tests.fakes.desk_room import AUDITOR, DEPUTY, HANDLER, MANAGER, DeskRoom
from tests.fakes.desk_steps import kinds
from tests.fakes.fake_masker import SHEETS
from tests.nvr.desk.test_cli_path import Desk
from tests.nvr.desk.test_masked_copies import boxes

CITIZEN = (
    "--ground",
    "disclosure",
    "--recipient",
    "青木 花",
    "--organisation",
    "",
    "--recipient-kind",
    "person-filmed",
)


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


async def approved(desk: Desk) -> str:
    """File a disclosure, grant it, approve twice."""
    number = await desk.file(*CITIZEN)
    await desk.good("decide", number, "--grant", "--reason", "本人と確認", person=MANAGER)
    for custodian_number in (1, 2):
        result = await desk.approve(number, custodian_number)
        assert result.exit_code == 0, result.output
    return number


def making(desk: Desk, number: str) -> tuple[str | Path, ...]:
    """The words that have a copy made."""
    drawn = desk.folder / "boxes.json"
    if not drawn.exists():
        drawn.write_bytes(boxes())
    return ("mask", "make", number, "--boxes", drawn, "--extraction-key", desk.extraction_key)


async def test_made_looked_through_confirmed_and_released(desk: Desk) -> None:
    """Each step says the next one; the sheets lie readable by this account only; the register has all of it."""
    number = await approved(desk)
    told = await desk.good(*making(desk, number), person=HANDLER)
    assert f"Masked copy no. 1 of request {number}: 300 pictures" in told
    assert "Nobody looked for faces." in told
    assert f"kuramori mask sheets {number} 1" in told
    seen = desk.folder / "seen"
    assert f"kuramori mask confirm {number} 1" in await desk.good(
        "mask", "sheets", number, "1", "--out", seen, person=DEPUTY
    )
    assert seen.stat().st_mode & 0o777 == 0o700
    assert tuple(sheet.read_bytes() for sheet in sorted(seen.iterdir())) == SHEETS
    confirm = ("mask", "confirm", number, "1", "--sheets", seen)
    assert "another person" in await desk.bad(*confirm, person=HANDLER)
    assert "confirmed" in await desk.good(*confirm, person=DEPUTY)
    assert "waits to be written" in await desk.good("mask", "release", number, "1", person=HANDLER)
    listed = await desk.good("mask", "list", number, person=AUDITOR)
    assert listed.split() == ["1", "gate", "released", "made", "for", *f"{HANDLER}, looked through by {DEPUTY}".split()]
    steps = [kind for kind in await kinds(desk.room) if kind.startswith("masked") or kind == "released"]
    assert steps == ["masked_copy_begun", "masked_copy_confirmed", "released"]


@pytest.mark.slow
async def test_other_sheets_confirm_nothing_and_a_no_is_told_with_its_reason(desk: Desk) -> None:
    """What lies in the folder is what was looked through: changed or missing, it is neither a yes nor a no."""
    number = await approved(desk)
    shown = json.loads((await desk.run(*making(desk, number), "--json", person=HANDLER)).stdout)
    assert (shown["state"], shown["made"]["faces_looked_for"]) == ("waiting", False)
    seen = desk.folder / "seen"
    await desk.good("mask", "sheets", number, "1", "--out", seen, person=DEPUTY)
    assert "cannot be written" in await desk.bad("mask", "sheets", number, "1", "--out", seen, person=DEPUTY)
    sheet, words = seen / "sheet-001.jpg", (number, "1", "--sheets", seen)
    sheet.write_bytes(b"another")
    assert "look through its strips again" in await desk.bad("mask", "confirm", *words, person=DEPUTY)
    sheet.unlink()
    no = ("mask", "reject", *words, "--reason", "左端の顔")
    assert "kuramori mask sheets" in await desk.bad(*no, person=DEPUTY)
    assert "masked_copy_rejected" not in await kinds(desk.room)
    sheet.write_bytes(SHEETS[0])
    assert "is rejected" in await desk.good(*no, person=DEPUTY)
    assert "does not wait: it is rejected" in await desk.bad(*no, person=DEPUTY)
    assert "(左端の顔)" in await desk.good("mask", "list", number, person=HANDLER)
    assert "rejected" in await desk.bad("mask", "release", number, "1", person=HANDLER)


@pytest.mark.slow
async def test_what_fails_is_told_in_one_sentence(desk: Desk) -> None:
    """No boxes file, boxes that cannot be, a worker that died."""
    number = await approved(desk)
    words = making(desk, number)
    drawn = desk.folder / "boxes.json"
    drawn.unlink()
    assert "cannot be read" in await desk.bad(*words, person=HANDLER)
    drawn.write_bytes(b"{}")
    assert "boxes file cannot be used" in await desk.bad(*words, person=HANDLER)
    drawn.write_bytes(boxes())
    desk.room.maskers.failure = ExtractionFailed(ExtractionFault.WORKER_DIED, "it was killed")
    result = await desk.run(*words, person=HANDLER)
    assert result.exit_code == 1
    assert "it was killed" in result.stderr.strip().splitlines()[-1]
