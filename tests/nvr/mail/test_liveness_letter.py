"""The daily mail answers: is it recording, how far back, will it erase when it should."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kuramori.camera_messages import Light
from kuramori.desk.custody_status import CustodianStatus, CustodyStatus
from kuramori.mail.letter import Letter, bilingual
from kuramori.mail.liveness_facts import liveness_facts, yesterday
from kuramori.mail.liveness_letter import liveness_letter
from kuramori.mail.speech import spoken
from kuramori.messages import CameraState, Coverage, CoverageSpan, RecorderStatus, SpanKind
from kuramori.site_state import SiteFacts, site_state
from kuramori.texts import BothLanguages
from tests.nvr.mail.test_site_state import GATE, STATUS

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = int(datetime(2026, 11, 23, 8, 30, tzinfo=TOKYO).timestamp() * 1000)
HOUR_MS = 3_600_000
CAMERA = replace(
    GATE,
    since_utc_ms=NOW - HOUR_MS,
    last_durable_utc_ms=NOW - 2000,
    retention_days=14.0,
    oldest_decryptable_utc_ms=NOW - 14 * 24 * HOUR_MS + 2 * HOUR_MS,
)
RECORDER = replace(STATUS, utc_ms=NOW, cameras=(CAMERA,))
CUSTODY = CustodyStatus(
    "00",
    (CustodianStatus("ab", NOW - 48 * HOUR_MS, True, False), CustodianStatus("cd", NOW - 1, False, False)),
    0,
    False,
)
SPANS = (
    CoverageSpan(0, NOW - 20 * HOUR_MS, SpanKind.GAP, "not_yet_started"),
    CoverageSpan(NOW - 20 * HOUR_MS, NOW - 19 * HOUR_MS, SpanKind.GAP, "camera_offline"),
    CoverageSpan(NOW - 19 * HOUR_MS, NOW - 18 * HOUR_MS, SpanKind.RECORDED),
    CoverageSpan(NOW - 18 * HOUR_MS, NOW - 18 * HOUR_MS + 5000, SpanKind.GAP, "storage_fault"),
)


def letter(recorder: RecorderStatus | None, language: str = "both") -> Letter:
    state = site_state(SiteFacts(recorder))
    coverage = {"gate": Coverage("gate", 0, NOW, SPANS)}
    facts = liveness_facts("Kita school route", state, NOW, recorder, coverage, CUSTODY)
    return bilingual(spoken(language, TOKYO), lambda speech: liveness_letter(speech, facts, "08:30"))


def test_what_the_office_must_not_forget_stands_in_every_daily_mail() -> None:
    """Counted in the subject, the light as it was; each in the mail's language, until it is done."""
    waiting = (
        BothLanguages("Request 20261101-1 was granted in urgency.", "緊急に許可した請求 20261101-1"),
        BothLanguages("The hold of request 20261101-2 ends.", "請求 20261101-2 の保存期間の延長"),
    )
    coverage = {"gate": Coverage("gate", 0, NOW, SPANS)}
    facts = liveness_facts("Kita", site_state(SiteFacts(RECORDER)), NOW, RECORDER, coverage, CUSTODY, waiting)
    found = bilingual(spoken("both", TOKYO), lambda speech: liveness_letter(speech, facts, "08:30"))
    assert found.subject == (
        "【緑・正常】Kita: カメラ1台すべて録画中、要対応2件 / GREEN: Kita: all 1 cameras recorded; to do: 2"
    )
    japanese, _, english = found.body.partition("For the office to do:")
    assert "対応が必要な事項:\n  緊急に許可した請求 20261101-1\n  請求 20261101-2 の保存期間の延長\n" in japanese
    assert english.startswith(
        "\n  Request 20261101-1 was granted in urgency.\n  The hold of request 20261101-2 ends.\n"
    )
    down = liveness_facts("Kita", site_state(SiteFacts(None)), NOW, None, {}, None, waiting)
    text = bilingual(spoken("en", TOKYO), lambda speech: liveness_letter(speech, down, "08:30")).body
    assert "20261101-2" in text


def test_a_good_day_is_green_in_both_languages() -> None:
    """Each camera, its oldest recording, its gaps of yesterday, storage, next erasure, and the keys' age."""
    found = letter(RECORDER)
    assert found.subject == (
        "【緑・正常】Kita school route: カメラ1台すべて録画中 / GREEN: Kita school route: all 1 cameras recorded"
    )
    for expected in (
        "gate  録画: ○、最終保存 2026-11-23 08:29:58",
        "最も古い録画 2026-11-09 10:30（保存期間 14日00時間）、次の消去期限 2026-11-23 10:30",
        "昨日の欠落: 2回、計1時間00分（カメラと通信できない、記録媒体の障害）",
        "/srv/v0  緑（正常）",
        "鍵管理者 2名、最も長く確認のない鍵: 2026-11-21 08:30 以来（2日00時間）、訓練未実施 1名",
        "gate  recorded: yes, last picture on disk 2026-11-23 08:29:58",
        "gaps yesterday: 2, 1 h 00 min in all (camera not reachable, storage did not take the data)",
        "A day without it means that something is wrong",
    ):
        assert expected in found.body


def test_a_bad_day_is_red_in_the_subject() -> None:
    """How many of how many, and how many problems."""
    found = letter(replace(RECORDER, cameras=(CAMERA, replace(CAMERA, name="yard", state=CameraState.WAITING))), "ja")
    assert found.subject == "【赤・異常】Kita school route: カメラ2台中1台録画中、異常1件"
    assert "RED" not in found.body
    assert "yard  録画: ×" in found.body


def test_a_recorder_that_does_not_answer_still_has_its_daily_mail() -> None:
    """Red, and it says why."""
    found = letter(None, "en")
    assert found.subject == "RED: Kita school route: the recorder does not answer"
    assert "Light: RED" in found.body


def test_yesterday_is_from_midnight_to_midnight_of_the_site() -> None:
    """Also where a day has 25 hours."""
    begin, end = yesterday(NOW, TOKYO)
    assert end - begin == 24 * HOUR_MS
    assert datetime.fromtimestamp(begin / 1000, UTC).isoformat() == "2026-11-21T15:00:00+00:00"
    berlin = ZoneInfo("Europe/Berlin")
    begin, end = yesterday(int(datetime(2026, 10, 26, 8, tzinfo=berlin).timestamp() * 1000), berlin)
    assert end - begin == 25 * HOUR_MS


def test_the_light_is_the_status_light() -> None:
    """One function for all."""
    assert site_state(SiteFacts(RECORDER)).light is Light.GREEN
