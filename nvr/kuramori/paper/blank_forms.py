"""The empty forms of the office: application, decision, receipt, and the sheet for a complaint or question.

What the configuration knows is filled in; the rest is room to write. Pure. Must not know pages.
"""

from collections.abc import Callable
from enum import StrEnum

from kuramori.desk.request import PRESENT_LEAST
from kuramori.paper.document import Block, Document, Form, Items, Paragraph, Row
from kuramori.paper.language import Language
from kuramori.paper.office_texts import ground_line
from kuramori.paper.paper_facts import PaperFacts, require

BOX = "□"


class BlankForm(StrEnum):
    """Which form."""

    APPLICATION = "application"
    DECISION = "decision"
    RECEIPT = "receipt"
    COMPLAINT = "complaint"


def blank_form(facts: PaperFacts, say: Language, which: BlankForm) -> Document:
    """Return an empty form. Raises PaperOptionMissing."""
    require({"papers.address": facts.office.address})
    title, blocks = _FORMS[which](facts, say)
    return Document(title, say, tuple(blocks), f"{facts.site}\u3000{facts.operator}")


def _day(say: Language) -> str:
    return say("year        month        day", "令和\u3000\u3000年\u3000\u3000月\u3000\u3000日")


def _moment(say: Language) -> str:
    return _day(say) + say("    time", "\u3000\u3000時\u3000\u3000分")


def _to_manager(facts: PaperFacts, say: Language) -> list[Block]:
    manager = facts.titled(facts.office.manager)
    return [
        Paragraph(_day(say), right=True),
        Paragraph(
            say(
                f"To {facts.operator}, manager of the security cameras, {manager}",
                f"{facts.operator}\n防犯カメラ管理責任者\u3000{manager}\u3000様",
            )
        ),
    ]


def _application(facts: PaperFacts, say: Language) -> tuple[str, list[Block]]:
    rows = (
        Row(say("applicant: body", "申請者\u3000所属機関"), lines=2),
        Row(say("title and name", "職・氏名"), lines=2),
        Row(say("address, contact", "所在地・連絡先"), lines=2),
        Row(say("what is asked for", "申請の区分"), say(f"{BOX} viewing   {BOX} copy", f"{BOX} 閲覧\u3000{BOX} 提供")),
        Row(say("purpose", "目的"), lines=3),
        Row(
            say("ground", "根拠法令等"),
            "\n".join(f"{BOX} {ground_line(ground, say)}" for ground in facts.grounds if ground.hand_over),
        ),
        Row(say("document number", "文書番号"), lines=1),
        Row(say("place filmed", "撮影場所"), lines=2),
        Row(
            say("period filmed", "撮影期間"),
            say(f"from {_moment(say)}\nto {_moment(say)}", f"{_moment(say)} から\n{_moment(say)} まで"),
        ),
        Row(say("identity checked by (office use)", "本人確認の方法(事務処理欄)"), lines=2),
        Row(say("number (office use)", "受付番号(事務処理欄)")),
    )
    closing = Paragraph(
        say(
            f"Hand in at: {facts.office.contact}, {facts.office.address}. The pictures of the period are held as soon "
            "as this application is filed, until it is decided.",
            f"提出先: {facts.office.contact}({facts.office.address})\n"
            "申請を受け付けた時点で、当該期間の画像は決定までの間、上書きされないよう保存されます。",
        )
    )
    title = say("Application for viewing or hand-over of pictures", "防犯カメラ画像閲覧・提供申請書")
    return title, [*_to_manager(facts, say), Form(rows), closing]


def _decision(facts: PaperFacts, say: Language) -> tuple[str, list[Block]]:
    choices = say(
        f"{BOX} granted   {BOX} granted in part   {BOX} refused",
        f"{BOX} 承認\u3000{BOX} 一部承認\u3000{BOX} 不承認",
    )
    rows = (
        Row(say("number", "受付番号")),
        Row(say("decision", "決定"), choices),
        Row(say("reason", "理由"), lines=4),
        Row(say("what is granted: cameras", "承認する範囲\u3000カメラ"), lines=2),
        Row(
            say("from, to", "撮影期間"),
            say(f"from {_moment(say)}\nto {_moment(say)}", f"{_moment(say)} から\n{_moment(say)} まで"),
        ),
        Row(say("conditions", "条件"), "\n".join(_conditions(say)), lines=4),
    )
    signed = Paragraph(
        say(
            f"{facts.operator}\nManager {facts.titled(facts.office.manager)}",
            f"{facts.operator}\n防犯カメラ管理責任者\u3000{facts.titled(facts.office.manager)}",
        ),
        right=True,
    )
    title = say("Decision on an application", "防犯カメラ画像閲覧・提供決定通知書")
    to = Paragraph(say("To", "\u3000\u3000\u3000\u3000\u3000\u3000\u3000\u3000\u3000\u3000様"))
    return title, [Paragraph(_day(say), right=True), to, signed, Form(rows)]


def _conditions(say: Language) -> tuple[str, ...]:
    return (
        say(
            "Manage pictures and medium properly; use them for the stated purpose only.",
            "画像及び記録媒体を適正に管理し、申請した目的以外に使用しないこと。",
        ),
        say(
            "Give them, or what you learn from them, to nobody else.",
            "画像及び画像から知り得た情報を第三者に漏らさないこと。",
        ),
        say(
            "Erase, return or destroy them as soon as the purpose is met or cannot be met, and report it.",
            "目的を達成したとき又は達成できないことが判明したときは、速やかに消去、返却又は破砕等を行い、報告すること。",
        ),
    )


def _receipt(facts: PaperFacts, say: Language) -> tuple[str, list[Block]]:
    staff = "\n".join(say("name:", "氏名:") for _ in range(PRESENT_LEAST))
    rows = (
        Row(say("number", "受付番号")),
        Row(say("handed over at", "受領日時"), _moment(say)),
        Row(say("place", "受領場所")),
        Row(say("medium and number of files", "記録媒体・ファイル数"), lines=2),
        Row(say("SHA-256 of the manifest", "目録のSHA-256"), lines=2),
        Row(say("body", "所属機関")),
        Row(say("title and name", "職・氏名"), lines=2),
        Row(say("contact", "連絡先")),
        Row(say("staff present", "立会職員"), staff),
        Row(say("erased, returned or destroyed on", "消去・返却・廃棄の日"), _day(say)),
    )
    title = say("Receipt", "防犯カメラ画像受領書")
    text = Paragraph(
        say(
            "I have received the pictures named below and will keep these conditions.",
            "下記の画像を受領しました。次の条件を遵守します。",
        )
    )
    return title, [*_to_manager(facts, say), text, Items(_conditions(say)), Form(rows)]


def _complaint(facts: PaperFacts, say: Language) -> tuple[str, list[Block]]:
    rows = (
        Row(say("number", "受付番号")),
        Row(
            say("complaint or question", "区分"),
            say(f"{BOX} complaint   {BOX} question", f"{BOX} 苦情\u3000{BOX} 問合せ"),
        ),
        Row(say("received at", "受付日時"), _moment(say)),
        Row(say("taken by", "受付者")),
        Row(say("from (may be left open)", "申出人(任意)")),
        Row(say("contact", "連絡先")),
        Row(say("camera", "対象のカメラ")),
        Row(say("subject", "件名")),
        Row(say("content", "内容"), lines=6),
        Row(say("answered at", "回答日時"), _moment(say)),
        Row(say("answer", "回答内容"), lines=5),
        Row(say("measures", "講じた措置"), lines=3),
    )
    within = say.duration(facts.office.answer_within)
    text = Paragraph(
        say(
            f"{facts.office.contact}, {facts.office.address}. To be answered within {within}.",
            f"受付先: {facts.office.contact}({facts.office.address})\u3000回答の目安: {within}以内",
        )
    )
    return say("Complaint or question", "防犯カメラに関する苦情等受付票"), [text, Form(rows)]


_FORMS: dict[BlankForm, Callable[[PaperFacts, Language], tuple[str, list[Block]]]] = {
    BlankForm.APPLICATION: _application,
    BlankForm.DECISION: _decision,
    BlankForm.RECEIPT: _receipt,
    BlankForm.COMPLAINT: _complaint,
}
