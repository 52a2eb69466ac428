"""What is said for one reader can be handed to another: no sentence of the recorder forgets its other language."""

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from kuramori.camera_messages import CameraFacts, Light
from kuramori.camera_texts import camera_troubles
from kuramori.erasure_texts import erasure_problem, overdue_problem
from kuramori.messages import RecorderStatus
from kuramori.site_state import SiteFacts, site_state
from kuramori.storage_health.medium_report import Evidence, MediumReport
from kuramori.storage_health.medium_texts import SENTENCES, report_problems
from kuramori.storage_texts import keystore_problem, ledger_lost_problem, ledger_problem, volume_problem
from kuramori.texts import BothLanguages, both, joined, tr
from kuramori.volume_health import VolumeHealth, VolumeState
from kuramori.wire import from_plain, to_plain
from kuramori_segments.ledger_store import Mend
from tests.nvr.mail.test_site_state import STATUS

DETAIL = tr("Nothing is there.", "何もありません。")
TAMPERED = CameraFacts("gate", 1, tampered=("too_dark", "blurred"))
SICK = MediumReport("/v", "sdb", light=Light.RED, worn_percent=99.0, identity="cid:2", swapped=True)

SAYERS: dict[str, Callable[[], str | None]] = {
    **{
        f"volume {state.name} {alone}": lambda state=state, alone=alone: volume_problem(  # type: ignore[misc]
            "/v", VolumeHealth(state, detail=DETAIL), 0, alone=alone
        )
        for state in VolumeState
        for alone in (True, False)
    },
    "keystore": lambda: keystore_problem(DETAIL),
    "ledger": lambda: ledger_problem(DETAIL, 3),
    "ledger lost": lambda: joined(ledger_lost_problem(found) for found in Mend),
    "erasure": lambda: joined(erasure_problem(DETAIL, on_fallback=on_fallback) for on_fallback in (True, False)),
    "overdue": lambda: overdue_problem(3),
    "tampering": lambda: joined(camera_troubles(TAMPERED, 2, 1000)),
    "medium": lambda: joined(
        text
        for key in SENTENCES
        for text in report_problems(replace(SICK, evidence=(Evidence("sysfs", key, "7", Light.RED),)))
    ),
    "worn": lambda: joined(report_problems(SICK)),
}


@pytest.mark.parametrize("name", SAYERS)
def test_a_sentence_is_the_same_in_both_languages_whoever_runs_the_service(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said under either LANG it hands over the same two texts; none has a piece of the other language in it."""
    found = []
    for language in ("C", "ja_JP.UTF-8"):
        monkeypatch.setenv("LC_ALL", language)
        monkeypatch.setattr("tests.nvr.test_texts.DETAIL", tr("Nothing is there.", "何もありません。"))
        said = SAYERS[name]()
        if said is not None:
            assert str(said) == (both(said).japanese if language.startswith("ja") else both(said).english)
        found.append(both(said or ""))
    assert found[0] == found[1]
    if found[0].english:
        assert found[0].english.isascii()
        assert not found[0].japanese.isascii()
        assert "Nothing is there" not in found[0].japanese


def test_a_text_keeps_both_languages_through_copies_and_is_plain_text_to_everybody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Copied, pickled, written as JSON; what was only ever said in one language is that in both."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    said = tr("red", "赤")
    assert (said, json.dumps(said, ensure_ascii=False)) == ("赤", '"赤"')
    for same in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert (same, both(same)) == ("赤", BothLanguages("red", "赤"))
    assert both("EIO") == BothLanguages("EIO", "EIO")
    assert both(joined([said, "EIO"])) == BothLanguages("red EIO", "赤EIO")


def test_the_recorders_sentence_reaches_a_reader_of_the_other_language() -> None:
    """Over the socket and into the mail: one problem, one key, two texts."""
    texts = (BothLanguages("The time is not known.", "現在時刻が確認できません。"),)
    status = replace(STATUS, problems=(texts[0].english,), problem_texts=texts)
    crossed = from_plain(RecorderStatus, to_plain(status))
    (problem,) = site_state(SiteFacts(crossed)).problems
    assert (problem.text(japanese=False), problem.text(japanese=True)) == (texts[0].english, texts[0].japanese)
    in_japanese = replace(status, problems=(texts[0].japanese,))
    assert site_state(SiteFacts(in_japanese)).problems == (problem,)
