"""The acts of a police request, a missing person, a bar association and a refusal. Must not know how staff sign in."""

import time
from typing import Any

from kuramori.demo.handover.walk import Case, Walk, text
from kuramori.demo.stage import StepFailed
from kuramori.desk.extraction_key import ExtractionKey
from kuramori.texts import tr

DAY_MS = 24 * 3600 * 1000


def _police() -> dict[str, str]:
    return {
        "kind": "authority",
        "organisation": tr("North Police Station", "北警察署"),
        "title": tr("Sergeant", "巡査部長"),
        "name": tr("Takahashi Shichiro", "高橋 七郎"),
        "contact": "000-000-0110",
        "identity_check": tr("police identification shown", "警察手帳の提示"),
    }


def terms(walk: Walk) -> dict[str, Any]:
    """Return what every recipient has to accept, and where it is handed over."""
    return {
        "conditions": tr(
            "Used for the stated purpose only, not copied, erased within 30 days and the erasure reported.",
            "目的以外に使用せず、複製せず、30日以内に消去して報告すること。",
        ),
        "place": tr("City hall, Crime Prevention Section", "市役所 防犯課窓口"),
        "erase_by_utc_ms": time.time_ns() // 1_000_000 + 30 * DAY_MS,
    }


def a_police_request(walk: Walk) -> None:
    """The ordinary case: letter, decision, two custodians, a bundle, the erasure confirmed."""
    walk.narrator.act(tr("A police request", "警察からの照会"))
    walk.narrator.say(
        tr(
            "The police ask in writing. Nothing opens before the decision, and one custodian is not enough.",
            "警察から文書で照会がありました。決裁の前には何も開けず、鍵管理者1人でも開けません。",
        )
    )
    purpose = tr("Theft of a bicycle", "自転車盗の捜査")
    document = {"ground": "investigation", "document_number": tr("Investigation 123", "捜査第123号")}
    case = walk.file("police", walk.wish(_police(), purpose, **document, **terms(walk)))
    walk.office.refused("not-in-state", walk.people.handler, "GET", case.path("shares"))
    walk.decide(case, tr("the document names the case", "文書により事件が特定されている"))
    if walk.approve(case, walk.scene.custodians[0]) != 1:
        raise StepFailed(tr("One approval was enough.", "1人の承認で足りてしまいました。"))
    walk.office.refused("approvals-missing", walk.people.handler, "GET", case.path("shares"))
    walk.approve(case, walk.scene.custodians[1])
    walk.take(case, walk.scene.folder / "bundles" / "police")
    walk.returned(case, _police()["name"])


def a_missing_person(walk: Walk) -> None:
    """Urgent: granted before the letter is there, flagged until it is."""
    walk.narrator.act(tr("A missing person", "行方不明者の捜索"))
    walk.narrator.say(
        tr(
            "Somebody is missing and the police telephone. Urgent protection of life needs no letter first; "
            "the request stays flagged until it is documented.",
            "行方不明者について、警察から電話で要請がありました。人命に関わる緊急の場合は文書を待たずに提供できますが、"
            "文書が届くまで「文書未着」と表示されます。",
        )
    )
    purpose = tr("Search for a missing person", "行方不明者の捜索")
    case = walk.file("missing", walk.wish(_police(), purpose, ground="urgent", **terms(walk)))
    walk.decide(case, tr("danger to life; documented afterwards", "生命の危険があるため。文書は後日受領"))
    walk.approved_by_two(case)
    walk.take(case, walk.scene.folder / "bundles" / "missing-person")
    letter = {
        "document_number": tr("Missing persons 45", "行方不明第45号"),
        "received_utc_ms": time.time_ns() // 1_000_000,
    }
    walk.office.post(walk.people.handler, case.path("documentation"), letter)
    walk.returned(case, _police()["name"], how="returned")


def a_bar_association_asks(walk: Walk) -> None:
    """Held at once; decided when all others are done, and granted in part."""
    walk.narrator.act(
        tr("A bar association's inquiry: held now, decided later", "弁護士会照会（まず保存、決裁は後日）")
    )
    bar = {
        "kind": "legal",
        "organisation": tr("Demo Bar Association", "デモ弁護士会"),
        "name": tr("Nishida Rei", "西田 玲"),
        "contact": "000-000-0232",
        "identity_check": tr("letter of the association with its seal", "弁護士会の公印のある照会書"),
    }
    document = {"ground": "law", "document_number": tr("Attorney Act 23-2, No. 678", "弁護士法第23条の2 第678号")}
    case = walk.file("bar", walk.wish(bar, tr("A traffic accident", "交通事故の立証"), **document, **terms(walk)))
    entries = walk.office.get(walk.people.auditor, "/v1/register", {"request": case.number})["entries"]
    if "hold_placed" not in [entry["kind"] for entry in entries]:
        raise StepFailed(tr("Nothing is held.", "保存されていません。"))
    walk.narrator.say(
        tr(
            "The minutes are held, the register says so. The manager asks the legal office first.",
            "該当時間は保存され、記録簿に記載されています。管理責任者は、まず法務室に確認します。",
        )
    )


def the_bar_association_is_answered(walk: Walk) -> None:
    """The last of the requests: granted in part."""
    walk.narrator.act(tr("The bar association is answered", "弁護士会への回答（一部許可）"))
    case = walk.cases["bar"]
    half = (walk.scene.from_utc_ms + walk.scene.to_utc_ms) // 2
    reason = tr("the accident is in these seconds", "事故はこの時間内に特定される")
    walk.decide(case, reason, "partly", to_utc_ms=half)
    walk.approved_by_two(case)
    walk.take(case, walk.scene.folder / "bundles" / "bar-association")


def a_refused_request(walk: Walk) -> None:
    """A neighbour asks: refused with the referral, and the refusal stands in the register."""
    walk.narrator.act(tr("A neighbour asks, and a request is refused", "近隣住民からの求めと、不許可"))
    private = {"kind": "private", "name": tr("A neighbour", "近隣住民")}
    wish = walk.wish(private, tr("Somebody scratched the car", "車を傷つけられたため"), matter="crime")
    body = {**wish, "extraction_key": text(ExtractionKey.new().public_bytes)}
    walk.office.refused("request-refused", walk.people.handler, "POST", "/v1/requests", body)
    purpose = tr("All passers-by of the day", "当日の通行人全員の確認")
    document = {"ground": "investigation", "document_number": tr("Investigation 124", "捜査第124号")}
    case = walk.file("refused", walk.wish(_police(), purpose, **document, **terms(walk)))
    reason = tr(
        "no case is named, and far more people than needed would be seen", "事件の特定がなく、必要な範囲を超える"
    )
    walk.decide(case, reason, "refused")
    walk.office.refused("not-in-state", walk.people.handler, "GET", case.path("shares"))
    keep(walk, case.path("refusal-letter"), "forms", "refusal-letter.pdf")


def keep(walk: Walk, path: str, folder: str, name: str, person: str = "", **params: str | int) -> None:
    """Fetch a paper and leave it to look at. Raises StepFailed."""
    place = walk.scene.folder / folder
    place.mkdir(exist_ok=True)
    content = walk.office.file(person or walk.people.manager, path, params)
    (place / name).write_bytes(content)
    walk.narrator.good(f"{place / name} ({len(content) // 1024 + 1} KiB)")


def still_open(walk: Walk) -> list[Case]:
    """Return the cases whose hand-over was not reported as erased."""
    handler = walk.people.handler
    return [case for case in walk.cases.values() if walk.office.get(handler, case.path())["waits_for_return"]]
