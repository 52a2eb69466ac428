"""The acts of a police request, a missing person, a bar association and a refusal. Must not know how staff sign in."""

from kuramori.demo.handover.walk import Walk
from kuramori.demo.stage import StepFailed
from kuramori.texts import tr


def _police() -> dict[str, str]:
    return {
        "kind": "authority",
        "organisation": tr("North Police Station", "北警察署"),
        "title": tr("Sergeant", "巡査部長"),
        "name": tr("Takahashi Shichiro", "高橋 七郎"),
        "identity_check": tr("police identification shown", "警察手帳の提示"),
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
    case = walk.file(
        "police",
        walk.wish(_police(), purpose, ground="investigation", document_number=tr("Investigation 123", "捜査第123号")),
    )
    early = walk.office.refused(walk.people.handler, "GET", case.path("shares"))
    walk.decide(case, tr("the document names the case", "文書により事件が特定されている"))
    if walk.approve(case, walk.scene.custodians[0]) != 1 or not early:
        raise StepFailed(tr("One approval was enough.", "1人の承認で足りてしまいました。"))
    walk.office.refused(walk.people.handler, "GET", case.path("shares"))
    walk.approve(case, walk.scene.custodians[1])
    walk.take(case, walk.scene.folder / "bundles" / "police")
    walk.returned(case, _police()["name"])


def a_refused_request(walk: Walk) -> None:
    """A neighbour asks: refused with the referral, and the refusal stands in the register."""
    walk.narrator.act(tr("A neighbour asks", "近隣住民からの求め"))
    private = {"kind": "private", "name": tr("A neighbour", "近隣住民")}
    key = {"extraction_key": "A" * 43 + "="}
    walk.office.refused(
        walk.people.handler, "POST", "/v1/requests", {**walk.wish(private, tr("Curiosity", "確認したいため")), **key}
    )
