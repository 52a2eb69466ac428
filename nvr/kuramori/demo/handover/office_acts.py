"""The acts of a complaint, a disposal, and the papers that a season leaves. Must not know how anything is opened."""

import time
from datetime import datetime

from kuramori.demo.handover.opening_acts import keep, still_open
from kuramori.demo.handover.walk import Walk
from kuramori.demo.stage import StepFailed
from kuramori.texts import tr


def a_complaint_is_answered(walk: Walk) -> None:
    """Recorded with date, answered with date."""
    walk.narrator.act(tr("A complaint is answered", "苦情への回答"))
    now_utc_ms = time.time_ns() // 1_000_000
    complaint = {
        "kind": "complaint",
        "received_utc_ms": now_utc_ms,
        "from_whom": tr("A resident", "住民"),
        "camera": walk.scene.cameras[1].name,
        "subject": tr("Does the camera see into my window?", "カメラが自宅の窓に向いているのではないか"),
        "content": tr(
            "The camera at the crossing seems to face my house.", "交差点のカメラが自宅に向いているように見える。"
        ),
    }
    taken = walk.office.post(walk.people.handler, "/v1/complaints", complaint)
    answer = {
        "answered_utc_ms": now_utc_ms,
        "answer": tr(
            "Checked on site: the window is outside the picture.", "現地で確認し、窓は画角の外にあることを説明した。"
        ),
        "measures": tr("None needed.", "措置なし"),
    }
    walk.office.post(walk.people.manager, f"/v1/complaints/{taken['complaint']}/answer", answer)
    walk.narrator.good(
        tr(f"Complaint {taken['complaint']} is answered.", f"苦情 {taken['complaint']} に回答しました。")
    )


def a_medium_is_disposed_of(walk: Walk) -> None:
    """Keys destroyed, medium destroyed, both on record."""
    walk.narrator.act(tr("A medium is disposed of", "記録媒体の廃棄"))
    walk.narrator.say(
        tr(
            "The second medium was found worn. Its keys are destroyed first, so that nothing on it opens any more; "
            "then it is broken up before a witness.",
            "2台目の記録媒体に劣化が見つかりました。まず鍵を破棄して何も開けない状態にし、その後、立会いのもとで"
            "物理的に破壊します。",
        )
    )
    volume = str(walk.scene.second_volume)
    reason = tr("worn out", "劣化のため")
    record = walk.office.post(walk.people.manager, "/v1/disposals", {"volume": volume, "reason": reason})
    done = {
        "method": tr("drilled through", "穿孔破壊"),
        "date": datetime.now(walk.scene.zone).date().isoformat(),
        "person": walk.people.handler,
        "witness": walk.people.witness,
    }
    completed = walk.office.post(walk.people.manager, f"/v1/disposals/{record['record']}/completion", done)
    if completed["open"]:
        raise StepFailed(tr("The record is still open.", "廃棄記録が完了していません。"))


def the_season_on_paper(walk: Walk) -> None:
    """Register, checkpoint, and what the auditor sees; hand-overs that nobody reported stand out."""
    walk.narrator.act(tr("The season on paper", "書類で見る一巡"))
    waiting = still_open(walk)
    walk.narrator.say(
        tr(
            f"Hand-overs whose erasure is not reported yet: {', '.join(case.number for case in waiting)}.",
            f"消去の報告がまだない提供: {'、'.join(case.number for case in waiting)}",
        )
    )
    auditor = walk.people.auditor
    keep(walk, "/v1/register/form", "papers", "register.pdf", auditor, format="pdf")
    keep(walk, "/v1/register/form", "papers", "register.csv", auditor, format="csv")
    keep(walk, "/v1/register/checkpoint-page", "papers", "checkpoint.pdf", auditor)
    manager = walk.people.manager
    keep(walk, "/v1/papers/rules", "papers", "management-rules.pdf", manager)
    keep(walk, "/v1/papers/notice", "papers", "notice.pdf", manager)
    period = {"from_utc_ms": walk.scene.recording_from_utc_ms, "to_utc_ms": time.time_ns() // 1_000_000}
    keep(walk, "/v1/papers/board-report", "papers", "board-report.pdf", manager, **period)
    keep(walk, "/v1/disposals/1/paper", "papers", "disposal-record.pdf", manager)
    for which in ("application", "decision", "receipt", "complaint"):
        keep(walk, "/v1/papers/form", "forms", f"{which}.pdf", manager, which=which)
    seen = walk.office.get(auditor, "/v1/audit")
    walk.narrator.good(tr(f"The auditor sees {len(seen['events'])} entries.", f"監査の一覧: {len(seen['events'])} 件"))
