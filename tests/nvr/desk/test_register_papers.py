"""The register to take away: the form with its fields as PDF, CSV and JSON, and the page that is sealed each month."""

import asyncio
import csv
import io
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from kuramori.cli import main
from kuramori.paper.japanese_dates import japanese_date, japanese_time
from tests.fakes.desk_room import AUDITOR, DEPUTY, HANDLER, MANAGER, DeskRoom
from tests.fakes.desk_steps import approved, content, filed, handed_deks, open_bundle
from tests.peers import require_program

# The rows of the published form, in its order.
FORM_LABELS = [
    "提供・閲覧日時",
    "提供・閲覧場所",
    "提供先・閲覧者　所属機関",
    "提供先・閲覧者　職・氏名",
    "提供先・閲覧者　連絡先",
    "目的(根拠法令等)",
    "撮影場所",
    "撮影期間",
    "提供・閲覧の条件",
    "立会職員",
    "提供画像の消去",
    "その他事項",
]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


async def handed_over(room: DeskRoom, *, ended: bool) -> str:
    """A request handed over; with `ended` also reported erased. Returns its number."""
    number = await approved(room)
    answer = await open_bundle(room, number, await handed_deks(room, number))
    body = {"manifest_digest": answer.headers["Kuramori-Manifest-Digest"], "medium": "USB 0001"}
    content(await room.call("POST", f"/v1/requests/{number}/written", HANDLER, body))
    if ended:
        end = {"how": "erased", "on_utc_ms": room.clock.utc_ms(), "told_by": "高橋 七郎"}
        content(await room.call("POST", f"/v1/requests/{number}/returned", HANDLER, end))
    return number


def text_of(pdf: bytes) -> str:
    """All text of a PDF without spaces and line breaks, as another program reads it."""
    command = [require_program("pdftotext"), "-", "-"]
    return "".join(subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode().split())


async def test_the_form_has_the_fields_of_the_published_one(room: DeskRoom) -> None:
    """Each hand-over is a line with the form's labels; what was not reported yet is said to be so."""
    number = await handed_over(room, ended=True)
    other = await handed_over(room, ended=False)
    await filed(room)  # asked for, never handed over: no sheet
    answer = await room.call("GET", "/v1/register/form", AUDITOR, format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    labels, first, second = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert labels == FORM_LABELS
    row = dict(zip(labels, first, strict=True))
    zone = ZoneInfo(room.site.time_zone)
    assert row["提供・閲覧日時"] == japanese_time(room.clock.utc_ms(), zone)
    assert row["提供・閲覧場所"] == "市役所 防犯課"
    assert [row[label] for label in FORM_LABELS[2:5]] == ["北警察署", "巡査部長 高橋 七郎", "000-000-0000"]
    assert row["目的(根拠法令等)"].startswith("窃盗事件の捜査\n(根拠)")
    assert "捜査第123号" in row["目的(根拠法令等)"]
    assert row["撮影場所"] == "gate North gate"
    assert japanese_time(room.from_utc_ms, zone) in row["撮影期間"]
    assert row["提供・閲覧の条件"] == "目的達成後は速やかに消去すること"
    assert set(row["立会職員"].split("、")) == {HANDLER, DEPUTY}
    assert row["提供画像の消去"].endswith("消去(報告者　高橋 七郎)")
    assert number in row["その他事項"]
    assert "USB 0001" in row["その他事項"]
    assert dict(zip(labels, second, strict=True))["提供画像の消去"] == "未報告"
    sheets = content(await room.call("GET", "/v1/register/form", AUDITOR, format="json"))["sheets"]
    assert [(sheet["request"], sheet["opening"], sheet["ended_how"]) for sheet in sheets] == [
        (number, 1, "消去"),
        (other, 1, ""),
    ]
    later = await room.call("GET", "/v1/register/form", AUDITOR, format="json", from_utc_ms=room.clock.utc_ms() + 1)
    assert content(later)["sheets"] == []


async def test_the_form_is_printed_in_japanese(room: DeskRoom) -> None:
    """The PDF holds title, every label and every value of the sheet; an empty register says that it is."""
    empty = await room.call("GET", "/v1/register/form", MANAGER)
    assert "該当する提供・閲覧の記録はありません" in text_of(empty.content)
    await handed_over(room, ended=False)
    answer = await room.call("GET", "/v1/register/form", MANAGER)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/pdf", "no-store")
    text = text_of(answer.content)
    for expected in ("別記様式", "防犯カメラ画像閲覧等記録簿", *(label.split("　")[-1] for label in FORM_LABELS)):
        assert expected in text
    assert "巡査部長高橋七郎" in text


async def test_no_cell_is_a_formula(room: DeskRoom) -> None:
    """A recipient who calls itself a formula is text in every spreadsheet."""
    recipient = {**room.request_body()["recipient"], "organisation": "=cmd|' /C calc'!A0"}
    number = await approved(room, recipient=recipient)
    assert (await open_bundle(room, number, await handed_deks(room, number))).status_code == 200
    answer = await room.call("GET", "/v1/register/form", MANAGER, format="csv")
    (_, row) = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert row[2] == "'=cmd|' /C calc'!A0"


async def command(*words: str | Path, person: str = MANAGER) -> Result:
    """Run a command in a thread."""
    environment = {"KURAMORI_PERSON": person, "COLUMNS": "200"}
    return await asyncio.to_thread(CliRunner().invoke, main.build(), [str(word) for word in words], env=environment)


async def test_a_sealed_page_shows_years_later_that_nothing_before_it_changed(
    room: DeskRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was printed is compared with the register as it is then, grown; another root is told as what it is."""
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(room.socket))
    await filed(room)
    facts = content(await room.call("GET", "/v1/register/checkpoint"))
    register = room.open_desk.journal.register
    size, root = register.size, register._tree.root().hex()
    page = tmp_path / "page.pdf"
    assert (await command("register", "--checkpoint-page", page)).exit_code == 0
    assert page.stat().st_mode & 0o777 == 0o600
    text = text_of(page.read_bytes())
    assert f"{size}件" in text
    assert root in text
    assert facts["verifier"].split("+")[-1][:40] in text
    await filed(room)
    notebook = ("--notebook", tmp_path / "notebook.json")
    sealed = " ".join([f"{size}:", root[:8], root[8:].upper()])
    good = await command("register", "--verify", "--sealed", sealed, *notebook)
    assert good.exit_code == 0, good.output
    bad = await command("register", "--sealed", f"{size}:{'0' * 64}", *notebook)
    assert bad.exit_code == 1
    assert "no longer contains" in bad.output
    assert (await command("register", "--sealed", "nonsense", *notebook)).exit_code == 2


async def test_the_form_is_written_once_and_never_over_a_file(
    room: DeskRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is for its owner only; one that is there stays as it is."""
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(room.socket))
    await handed_over(room, ended=False)
    file = tmp_path / "form.json"
    for code in (0, 1):
        done = await command("register", "--form", file, "--format", "json", person=AUDITOR)
        assert done.exit_code == code, done.output
        assert len(json.loads(file.read_text())["sheets"]) == 1
    assert file.stat().st_mode & 0o777 == 0o600


def test_years_are_counted_as_offices_do() -> None:
    """The first year of an era is its first, and an era begins on its day."""
    from datetime import date

    assert japanese_date(date(2019, 4, 30)) == "平成31年4月30日"
    assert japanese_date(date(2019, 5, 1)) == "令和元年5月1日"
    assert japanese_date(date(2026, 11, 23)) == "令和8年11月23日"
    assert japanese_time(1_767_225_605_000, ZoneInfo("Asia/Tokyo")) == "令和8年1月1日 9時00分05秒"
