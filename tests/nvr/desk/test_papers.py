"""Papers from a running desk (O6, K6): what the configuration and the register say stands on them, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from kuramori.cli import main
from kuramori.desk.site import Site
from tests.fakes.desk_room import (
    ADMINISTRATOR,
    AUDITOR,
    HANDLER,
    INSTALLER,
    MANAGER,
    NOW_UTC_MS,
    PEOPLE,
    RECORDER_ID,
    DeskRoom,
)
from tests.fakes.desk_steps import approved, content, filed, handed_deks, open_bundle
from tests.nvr.paper.office import PAPERS, WHOLE, configured
from tests.nvr.paper.test_office_papers import read_by, squeezed

VOLUME = "/srv/volume0"
DAY_MS = 86_400_000
PERIOD = {"from_utc_ms": NOW_UTC_MS - DAY_MS, "to_utc_ms": NOW_UTC_MS + 30 * DAY_MS}


def office(folder: Path, text: str = WHOLE) -> Site:
    """The configured office, with the people of the tests."""
    site = Site.of(configured(folder, text), RECORDER_ID)
    return replace(site, people=PEOPLE, office=replace(site.office, manager=MANAGER), volumes=(VOLUME,))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk of a configured office."""
    made = DeskRoom(tmp_path)
    made.site = office(tmp_path)
    async with made:
        yield made


async def markdown(room: DeskRoom, path: str, person: str = MANAGER, **wanted: str | int) -> str:
    """Print a paper as text."""
    answer = await room.call("GET", path, person, format="markdown", **wanted)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


async def test_the_rules_are_those_of_the_configuration_in_use(room: DeskRoom, tmp_path: Path) -> None:
    """Custodians as in office, the tier as the recorder says it; a configuration read again changes the rules."""
    text = await markdown(room, "/v1/papers/rules", ADMINISTRATOR)
    assert f"鍵管理者{room.custodians.n}人のうち{room.custodians.k}人以上" in text
    assert "消去保証区分 E0" in text
    assert "| gate | 正門前電柱14号 | 通学路における児童の安全の確保 | 14日 |" in text
    room.site.adopt(office(tmp_path, WHOLE.replace('"14 days"', '"10 days"')))
    assert "| 10日 |" in await markdown(room, "/v1/papers/rules")
    assert "10 days" in await markdown(room, "/v1/papers/rules", language="en")
    await room.stop_recorder()
    assert "現在確認できない" in await markdown(room, "/v1/papers/rules")


async def test_what_the_configuration_lacks_is_named(room: DeskRoom, tmp_path: Path) -> None:
    """409 with a stable code and the keys; an unknown camera has no notice."""
    room.site.adopt(office(tmp_path, WHOLE.replace(PAPERS, "")))
    refused = await room.call("GET", "/v1/papers/rules", MANAGER)
    assert (refused.status_code, refused.json()["code"]) == (409, "paper-option-missing")
    assert refused.json()["field"] == "papers.address, papers.recorder_place, papers.in_force_from"
    report = await room.call("GET", "/v1/papers/board-report", MANAGER, **PERIOD)
    assert report.json()["field"] == "papers.review_board"
    nowhere = await room.call("GET", "/v1/papers/notice", INSTALLER, camera="none")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "paper-unknown")


async def busy_month(room: DeskRoom) -> None:
    """One hand-over, one refused by decision, one outright, a complaint that waits, a hold, an erasure."""
    number = await approved(room)
    assert (await open_bundle(room, number, await handed_deks(room, number))).status_code == 200
    other = await filed(room)
    content(
        await room.call("POST", f"/v1/requests/{other}/decision", MANAGER, {"outcome": "refused", "reason": "広すぎる"})
    )
    private = {**room.request_body()["recipient"], "kind": "private"}
    refused = await room.call("POST", "/v1/requests", HANDLER, room.request_body(recipient=private))
    assert refused.status_code == 403
    complaint = {"received_utc_ms": room.clock.utc_ms(), "subject": "撮影範囲", "content": "玄関が映るのでは"}
    content(await room.call("POST", "/v1/complaints", HANDLER, complaint), 201)
    hold = {"cameras": ["park"], "from_utc_ms": room.from_utc_ms, "to_utc_ms": room.to_utc_ms, "reason": "照会予定"}
    content(await room.call("POST", "/v1/holds", MANAGER, {**hold, "until_utc_ms": NOW_UTC_MS + DAY_MS}), 201)
    end = {"camera": "park", "from_utc_ms": NOW_UTC_MS - 40 * 60_000, "to_utc_ms": NOW_UTC_MS - 36 * 60_000}
    await room.call("POST", "/v1/erasures", MANAGER, {**end, "reason": "誤設置"})


def number_of(text: str, what: str) -> str:
    """What stands beside a line of a table."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {what} |")]
    return line.split("|")[2].strip()


async def test_the_report_answers_what_boards_ask_with_the_numbers_of_the_register(room: DeskRoom) -> None:
    """Encryption, restoring, sound, liveness, secrets; counts; coverage of each camera; erasures; complaints."""
    await busy_month(room)
    text = await markdown(room, "/v1/papers/board-report", AUDITOR, **PERIOD)
    assert "北市個人情報保護審議会" in text
    assert "AES-256-GCM" in text
    assert "消去保証区分 E0" in text
    assert "音声は取得しない" in text
    assert "メール通知は設定されていない" in text
    assert "サインインは有効になっていない" in text
    for card in room.custodians.custodians:
        assert card.name in text
    counted = {
        "請求の受付": "2件",
        "承認": "1件",
        "不承認": "1件",
        "受付拒否": "1件",
        "　うち 個人からの請求": "1件",
        "提供": "1件",
        "消去・返却の未報告(現在)": "1件",
        "苦情・問合せ": "1件",
        "復旧鍵による開封": "0件",
    }
    assert {what: number_of(text, what) for what in counted} == counted
    recorded = [line.split("|")[1:3] for line in text.splitlines() if "%" in line]
    assert [camera.strip() for camera, _ in recorded] == ["gate", "park"]
    assert "撮影範囲" in text
    assert "玄関" not in text  # the board gets the subject, not what was said
    drawn = (await room.call("GET", "/v1/papers/board-report", AUDITOR, **PERIOD)).content
    for expected in ("北市個人情報保護審議会", "受付拒否1件", "正門前電柱14号", "消去保証区分E0"):
        assert expected in squeezed(read_by("pdftotext", drawn))
    assert all(line.split()[-5] == "yes" for line in read_by("pdffonts", drawn).splitlines()[2:])
    later = await markdown(room, "/v1/papers/board-report", AUDITOR, from_utc_ms=1, to_utc_ms=NOW_UTC_MS - DAY_MS)
    assert number_of(later, "請求の受付") == "0件"
    wrong = await room.call("GET", "/v1/papers/board-report", AUDITOR, from_utc_ms=2, to_utc_ms=1)
    assert wrong.json()["field"] == "to_utc_ms"


async def test_a_report_while_the_recorder_is_away_claims_nothing_of_it(room: DeskRoom) -> None:
    """Coverage and tier are said to be unknown; the numbers of the register stand."""
    await room.stop_recorder()
    text = await markdown(room, "/v1/papers/board-report", **PERIOD)
    assert "録画機が応答しないため、現在確認できない" in text
    assert "録画機が応答していない" in text
    assert "異常はない" not in text


async def test_a_disposal_record_certifies_the_erasure_and_stays_open_until_told(room: DeskRoom) -> None:
    """Keys, receipt, tier, entries of the register with its root; blank fields first, then who, how and before whom."""
    body = {"volume": VOLUME, "reason": "寿命"}
    content(await room.call("POST", "/v1/disposals", MANAGER, body), 201)
    text = await markdown(room, "/v1/disposals/1/paper", AUDITOR)
    register = room.open_desk.journal.register
    assert "記録媒体廃棄記録 第1号" in text
    assert "暗号鍵の破棄証明" in text
    assert f"{register.size}:{register._tree.root().hex()}" in text
    assert number_of(text, "記録簿の項番") == f"{register.size - 2}、{register.size - 1}"
    assert number_of(text, "立会人").startswith("____")
    room.clock.pass_ms(DAY_MS)
    day = datetime.fromtimestamp(room.clock.utc_ms() / 1000, ZoneInfo("Asia/Tokyo")).date().isoformat()
    told = {"method": "破砕", "date": day, "person": "田中 次郎", "witness": "山本 三郎"}
    content(await room.call("POST", "/v1/disposals/1/completion", MANAGER, told), 201)
    done = await markdown(room, "/v1/disposals/1/paper", AUDITOR)
    assert (number_of(done, "廃棄方法（破砕・裁断等）"), number_of(done, "立会人")) == ("破砕", "山本 三郎")
    assert f"完了登録者: {MANAGER}" in done
    answer = await room.call("GET", "/v1/disposals/1/paper", AUDITOR)
    assert answer.headers["content-type"] == "application/pdf"
    assert "記録媒体廃棄記録第1号" in squeezed(read_by("pdftotext", answer.content))
    assert (await room.call("GET", "/v1/disposals/2/paper", AUDITOR)).json()["code"] == "disposal-unknown"


async def command(*words: str | Path, person: str = MANAGER) -> Result:
    """Run a command in a thread."""
    environment: dict[str, Any] = {"KURAMORI_PERSON": person, "COLUMNS": "200", "LANG": "C.UTF-8"}
    return await asyncio.to_thread(CliRunner().invoke, main.build(), [str(word) for word in words], env=environment)


async def test_the_command_line_shows_and_writes_every_paper(
    room: DeskRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Markdown on the screen or into .md, PDF into .pdf; a file that is there stays as it is."""
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(room.socket))
    shown = await command("print", "rules")
    assert "# 防犯カメラ管理運用要領" in shown.output
    report = tmp_path / "report.md"
    words = ("print", "board-report", "--from", "2020-01-01", "--to", "2030-01-01", "--out", report)
    assert (await command(*words)).exit_code == 0
    assert report.read_text(encoding="utf-8").startswith("# 防犯カメラ運用状況報告書")
    page = tmp_path / "notice.pdf"
    assert (await command("print", "notice", "--size", "small", "--language", "en", "--out", page)).exit_code == 0
    assert "SECURITY CAMERA IN OPERATION" in read_by("pdftotext", page.read_bytes())
    assert (await command("print", "disposal", "7")).exit_code == 1
