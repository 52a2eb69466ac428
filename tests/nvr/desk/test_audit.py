"""The auditor's view (H5): every viewing, hand-over, hold, custodian change and refused attempt of a period."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kuramori.cli import main
from kuramori.desk.audit import CLASS_OF_KIND
from kuramori.desk.register_entry import EntryKind
from kuramori.kind_texts import KINDS_JAPANESE
from tests.fakes.desk_room import ADMINISTRATOR, AUDITOR, HANDLER, MANAGER, NOW_UTC_MS, DeskRoom
from tests.fakes.desk_steps import approved, content, filed, handed_deks, open_bundle

DAY_MS = 86_400_000


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


def test_every_kind_of_entry_has_a_class_and_a_japanese_name() -> None:
    """A new kind is sorted in when it is made: no auditor has to guess."""
    kinds = {kind.value for kind in EntryKind}
    assert kinds - set(CLASS_OF_KIND) == set()
    assert kinds - set(KINDS_JAPANESE) == set()


async def busy(room: DeskRoom) -> tuple[str, str]:
    """A hand-over, two refusals, a hold and an erasure; returns the numbers of the first two requests."""
    number = await approved(room)
    assert (await open_bundle(room, number, await handed_deks(room, number))).status_code == 200
    other = await filed(room)
    refusal = {"outcome": "refused", "reason": "=広すぎる"}
    content(await room.call("POST", f"/v1/requests/{other}/decision", MANAGER, refusal))
    assert (await room.call("POST", "/v1/requests", HANDLER, room.request_body(ground=""))).status_code == 403
    hold = {"cameras": ["park"], "from_utc_ms": room.from_utc_ms, "to_utc_ms": room.to_utc_ms, "reason": "照会予定"}
    content(await room.call("POST", "/v1/holds", MANAGER, {**hold, "until_utc_ms": NOW_UTC_MS + DAY_MS}), 201)
    erase = {"camera": "gate", "from_utc_ms": NOW_UTC_MS - 45 * 60_000, "to_utc_ms": NOW_UTC_MS - 31 * 60_000}
    assert (await room.call("POST", "/v1/erasures", MANAGER, {**erase, "reason": "誤設置"})).status_code == 201
    return number, other


async def test_an_auditor_reads_what_happened_and_who_did_it(room: DeskRoom) -> None:
    """Each entry with class, person, how the desk knew and its facts; receipts of erasure are summed up."""
    number, other = await busy(room)
    found = content(await room.call("GET", "/v1/audit", AUDITOR))
    register = content(await room.call("GET", "/v1/register", AUDITOR))["entries"]
    listed = [entry["index"] for entry in register if entry["kind"] != "erased"]
    assert [one["entry"] for one in found["events"]] == listed
    receipts = [entry["body"]["receipt"] for entry in register if entry["kind"] == "erased"]
    assert receipts
    assert found["erasures"]["receipts"] == len(receipts)
    assert found["erasures"]["keys"] == sum(one["keys"] for receipt in receipts for one in receipt["erased"])
    assert found["erasures"]["tiers"] == sorted({receipt["tier"] for receipt in receipts})
    refused = content(await room.call("GET", "/v1/audit", AUDITOR, about="refused"))["events"]
    assert [(one["kind"], one["request"] == other) for one in refused] == [("decided", True), ("refused", False)]
    assert "reason: =広すぎる" in refused[0]["detail"]
    assert all("uid" in one["identified_by"] for one in refused)
    handover = content(await room.call("GET", "/v1/audit", AUDITOR, about="handover", request=number))["events"]
    assert {"opened", "released"} <= {one["kind"] for one in handover}
    by_handler = content(await room.call("GET", "/v1/audit", AUDITOR, by=HANDLER))["events"]
    assert {one["person"] for one in by_handler} == {HANDLER}
    assert (await room.call("GET", "/v1/audit", HANDLER)).status_code == 403
    assert (await room.call("GET", "/v1/audit", ADMINISTRATOR)).status_code == 403


async def test_a_period_is_read_page_by_page(room: DeskRoom) -> None:
    """Every page behind the one before, nothing twice, the erasures with the first; outside the period nothing."""
    await busy(room)
    whole = content(await room.call("GET", "/v1/audit", MANAGER))["events"]
    entries, cursor, pages = [], "", 0
    while cursor is not None:
        page = content(await room.call("GET", "/v1/audit", MANAGER, limit=3, cursor=cursor))
        assert (page["erasures"] is None) == bool(pages)
        entries += page["events"]
        cursor, pages = page["next"], pages + 1
    assert entries == whole
    room.clock.pass_ms(DAY_MS)
    late = await filed(room)
    from_utc_ms = room.clock.utc_ms()
    newest = content(await room.call("GET", "/v1/audit", MANAGER, from_utc_ms=from_utc_ms))["events"]
    assert {one["request"] for one in newest} == {late}
    before = content(await room.call("GET", "/v1/audit", MANAGER, to_utc_ms=from_utc_ms))["events"]
    assert before == whole
    assert (await room.call("GET", "/v1/audit", MANAGER, cursor="nonsense")).json()["code"] == "cursor-invalid"


async def test_the_table_is_in_japanese_and_holds_no_formula(room: DeskRoom, tmp_path: Path) -> None:
    """For a spreadsheet: the same entries, and a reason that looks like a formula is a text."""
    await busy(room)
    file = tmp_path / "audit.csv"
    environment = {
        "KURAMORI_PERSON": AUDITOR,
        "KURAMORI_DESK_SOCKET": str(room.socket),
        "LANG": "ja_JP.UTF-8",
        "LC_ALL": "ja_JP.UTF-8",
    }
    words = ["audit", "--out", str(file)]
    done = await asyncio.to_thread(CliRunner().invoke, main.build(), words, env=environment)
    assert done.exit_code == 0, done.output
    head, *rows = csv.reader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline=""))
    assert head[:3] == ["項番", "日時", "事項"]
    assert {"提供", "保存期間延長", "受付拒否"} <= {row[2] for row in rows}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    shown = await asyncio.to_thread(
        CliRunner().invoke, main.build(), ["audit", "--about", "hold", "--from", "2020-01-01"], env=environment
    )
    assert "保存期間延長" in shown.output
    assert "消去: 記録" in shown.output


async def test_the_register_is_shown_of_a_period(room: DeskRoom) -> None:
    """`kuramori register --from --to`: what lies between, and a period that ends before it begins is refused."""
    await filed(room)
    environment = {"KURAMORI_PERSON": AUDITOR, "KURAMORI_DESK_SOCKET": str(room.socket)}
    for words, code in (
        (["--from", "2020-01-01"], 0),
        (["--to", "2020-01-01"], 1),
        (["--from", "now", "--to", "-1d"], 1),
    ):
        done = await asyncio.to_thread(CliRunner().invoke, main.build(), ["register", *words], env=environment)
        assert done.exit_code == code, (words, done.output)
