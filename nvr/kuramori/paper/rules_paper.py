"""The management rules (防犯カメラ管理運用要領), written from the running configuration: the two never differ (O6).

The order of the articles is that of the published model rules; each figure and name comes from the facts. Pure. Must
not know pages.
"""

from kuramori.desk.body_keeping import KEPT_YEARS
from kuramori.desk.request import PRESENT_LEAST
from kuramori.paper.document import Block, Document, Grid, Heading, Items, Paragraph
from kuramori.paper.language import Language
from kuramori.paper.office_texts import (
    audio_statement,
    camera_rows,
    erasure_statement,
    ground_line,
    longer_statement,
    opening_statement,
    role_rows,
    transport_statement,
)
from kuramori.paper.paper_facts import PaperFacts, require

NOTICE_JAPANESE = "防犯カメラ作動中"
NOTICE_ENGLISH = "SECURITY CAMERA IN OPERATION"


class _Articles:
    """Numbers the articles as they are written."""

    def __init__(self, say: Language) -> None:
        self._say = say
        self.blocks: list[Block] = []
        self._number = 0

    def add(self, english: str, japanese: str, *blocks: Block | str) -> None:
        """Write an article; plain texts become numbered paragraphs of it where there are several."""
        self._number += 1
        number, say = self._number, self._say
        self.blocks.append(Heading(say(f"Article {number} ({english})", f"第{number}条({japanese})"), 3))
        texts = 0
        several = sum(isinstance(block, str) for block in blocks) > 1
        for block in blocks:
            if isinstance(block, str):
                texts += 1
                self.blocks.append(Paragraph(f"{texts} {block}" if several and texts > 1 else block))
            else:
                self.blocks.append(block)


def rules(facts: PaperFacts, say: Language) -> Document:
    """Return the rules. Raises PaperOptionMissing."""
    office = facts.office
    require(
        {
            "papers.address": office.address,
            "papers.recorder_place": office.recorder_place,
            "papers.in_force_from": office.in_force_from,
        }
    )
    articles = _Articles(say)
    _purpose(articles, facts, say)
    _people(articles, facts, say)
    _cameras(articles, facts, say)
    _keeping(articles, facts, say)
    _handing_over(articles, facts, say)
    _answering(articles, facts, say)
    title = office.rules_title or say("Rules for the management of security cameras", "防犯カメラ管理運用要領")
    assert_day = say.day(office.in_force_from) if office.in_force_from else ""
    closing: list[Block] = [
        Heading(say("Supplementary provision", "附則"), 3),
        Paragraph(say(f"These rules are in force from {assert_day}.", f"この要領は、{assert_day}から施行する。")),
    ]
    head: list[Block] = [Paragraph(facts.site, right=True), Paragraph(facts.operator, right=True)]
    return Document(title, say, (*head, *articles.blocks, *closing), footer_of(facts, say))


def footer_of(facts: PaperFacts, say: Language) -> str:
    """Return the foot of a paper: whose it is and of when."""
    when = say.time(facts.printed_utc_ms, facts.zone)
    return say(
        f"{facts.site}, printed from the running configuration, {when}",
        f"{facts.site}\u3000{when} 現在の設定から出力",
    )


def _purpose(articles: _Articles, facts: PaperFacts, say: Language) -> None:
    basis = facts.office.legal_basis
    articles.add(
        "Scope",
        "趣旨",
        say(
            f"These rules lay down how {facts.operator} installs and runs the security cameras of {facts.site}"
            + (f", on the basis of {basis}." if basis else "."),
            (f"この要領は、{basis}に基づき、" if basis else "この要領は、")
            + f"{facts.operator}が「{facts.site}」において行う防犯カメラの設置及び運用に関し必要な事項を定める。",
        ),
    )
    articles.add(
        "Purpose",
        "設置目的",
        say(
            f"The cameras serve this purpose only: {facts.office.purpose}.",
            f"防犯カメラは、次の目的のために設置する。\n{facts.office.purpose}",
        ),
    )


def _people(articles: _Articles, facts: PaperFacts, say: Language) -> None:
    office = facts.office
    deputies = say.joined(tuple(facts.titled(name) for name in office.deputies)) or say("none named", "置かない")
    articles.add(
        "Manager and staff",
        "管理責任者等",
        say(
            f"The manager is {facts.titled(office.manager)}. Deputies: {deputies}.",
            f"管理責任者は、{facts.titled(office.manager)}とする。管理責任者が不在のときの代理者: {deputies}",
        ),
        say(
            "Each person acts only within the duties named here; nobody else may operate cameras or recorder.",
            "次の表に掲げる者以外の者は、防犯カメラ及び録画機を操作してはならない。",
        ),
        Grid(
            (say("duty", "役割"), say("who", "氏名"), say("what it allows", "職務")),
            role_rows(facts, say),
            (2, 4, 5),
        ),
    )
    articles.add(
        "Secrecy",
        "秘密の保持",
        say(
            "Nobody may tell others what they learn from the pictures, also when they no longer hold their duty. "
            "Each person acknowledges this in writing when they take up and when they leave the duty.",
            "前条の者は、画像から知り得た情報を他に漏らしてはならない。その職を退いた後も、同様とする。"
            "就任時及び退任時に、この義務を確認した旨を記録する。",
        ),
    )


def _cameras(articles: _Articles, facts: PaperFacts, say: Language) -> None:
    office, count = facts.office, len(facts.office.cameras)
    articles.add(
        "Places and number",
        "設置場所及び台数",
        say(
            f"The number of cameras is {count}; they stand at these places.",
            f"防犯カメラの台数は{count}台とし、その設置場所は次のとおりとする。",
        ),
        Grid(
            (say("camera", "カメラ"), say("place", "設置場所"), say("purpose", "目的"), say("retention", "保存期間")),
            camera_rows(facts, say),
            (2, 5, 4, 2),
        ),
        say(
            f"The recorder stands here: {office.recorder_place}.",
            f"録画機は、次の場所に置く: {office.recorder_place}",
        ),
        say(
            "No camera films more than the purpose needs, and never the inside of a home.",
            "撮影範囲は目的の達成に必要な最小限とし、住宅内部などの私的空間が映らないようにする。",
        ),
    )
    articles.add(
        "Notice",
        "設置の表示",
        say(
            f'Beside each camera a notice says "{NOTICE_ENGLISH}" with who is responsible ({facts.operator}) '
            f"and how to reach them ({office.contact}).",
            f"各カメラの見やすい位置に、「{NOTICE_JAPANESE}」の文字、設置者({facts.operator})及び"
            f"連絡先({office.contact})を表示する。",
        ),
    )
    articles.add(
        "Filming",
        "撮影",
        say("The cameras film 24 hours a day.", "撮影時間は、1日24時間を原則とする。"),
        *audio_statement(facts, say),
    )


def _keeping(articles: _Articles, facts: PaperFacts, say: Language) -> None:
    office = facts.office
    articles.add(
        "Retention",
        "画像の保存期間",
        say(
            f"Pictures are kept for the time named in the table of the cameras, at most "
            f"{say.duration(office.ceiling)} ({office.rule_source_english}), and then erased.",
            f"画像の保存期間(重ね撮りする場合は、上書きするまでの期間)は、カメラごとに前記の表に掲げる期間とし、"
            f"{say.duration(office.ceiling)}以内({office.rule_source})とする。",
        ),
        *longer_statement(facts, say),
        say(
            "The manager may keep named minutes of named cameras longer, in writing, with a reason and an end.",
            "管理責任者は、法令等に基づく請求その他の理由があるときは、カメラ及び時間を特定し、"
            "理由及び期限を記録して、保存期間を延長することができる。",
        ),
    )
    articles.add(
        "Protection of the pictures",
        "画像の保護",
        say(
            "Pictures are stored exactly as they were captured, without editing, and encrypted from the first moment. "
            "There is no screen on which they are watched while they are taken.",
            "画像は、撮影時の状態のまま、加工せず、暗号化して保存する。撮影中の画像を常時見る設備は置かない。",
        ),
        opening_statement(facts, say),
        *transport_statement(facts, say),
    )
    articles.add("Erasure", "画像の消去", *erasure_statement(facts, say))
    articles.add(
        "Disposal of media",
        "記録媒体の廃棄及び持出し",
        say(
            "A medium that is retired is destroyed physically (crushed, shredded) after its keys were destroyed; "
            "a disposal record names method, date, person and witness.",
            "記録媒体を廃棄するときは、鍵を破棄したうえで破砕、裁断等の物理的な処理を行い、"
            "方法、年月日、実施者及び立会人を廃棄記録に記載する。",
        ),
        say(
            "A medium leaves its place only with the manager's registered permission.",
            "記録媒体は、管理責任者の許可を記録したうえでなければ、設置場所から持ち出してはならない。",
        ),
    )


def _handing_over(articles: _Articles, facts: PaperFacts, say: Language) -> None:
    articles.add(
        "Viewing and hand-over",
        "画像の閲覧及び提供",
        say(
            "Pictures are looked at or handed over on one of these grounds only.",
            "画像は、次のいずれかに該当するときに限り、閲覧し、又は提供することができる。",
        ),
        Items(tuple(ground_line(ground, say) for ground in facts.grounds)),
        say(
            "The manager or a deputy decides each request in writing, with the reason; who filed a request never "
            "decides it.",
            "管理責任者(不在のときは代理者)は、請求ごとに、理由を付して書面により決定する。"
            "請求を受け付けた者は、その決定をすることができない。",
        ),
        say(
            f"At least {PRESENT_LEAST} members of staff are present at each viewing and hand-over.",
            f"閲覧及び提供には、複数({PRESENT_LEAST}人以上)の職員が立ち会う。",
        ),
        say(
            f"All other private persons are refused, and told: {facts.private.english}",
            f"前各号に該当しない個人からの請求には応じない。職員は、次のとおり取り扱う。\n{facts.private.japanese}",
        ),
    )
    articles.add(
        "Conditions",
        "提供の条件",
        say(
            "Who receives pictures manages them properly, and erases, returns or destroys them as soon as their "
            "purpose is met or cannot be met, and reports it.",
            "画像の提供を受ける者に対し、画像及び記録媒体を適正に管理すること並びに目的を達成したとき又は"
            "達成できないことが判明したときは速やかに消去、返却又は破砕等を行い報告することを条件として付す。",
        ),
    )
    articles.add(
        "Register",
        "記録簿",
        say(
            "Each viewing and hand-over, each refusal and each extension is entered before it takes effect, and kept "
            f"for {KEPT_YEARS} years from the end of the fiscal year.",
            "閲覧、提供、拒否及び保存期間の延長は、その実施前に防犯カメラ画像閲覧等記録簿に記録し、"
            f"当該年度の末日から{KEPT_YEARS}年間保存する。",
        ),
    )


def _answering(articles: _Articles, facts: PaperFacts, say: Language) -> None:
    office = facts.office
    articles.add(
        "Disclosure",
        "開示請求",
        say(
            "When the person filmed asks for disclosure, identity is checked with care and other persons are masked "
            "in the copy that is disclosed.",
            "本人から開示の請求があったときは、慎重に本人確認を行い、"
            "本人以外の者をマスキングした複製により対応する。保存されている画像には変更を加えない。",
        ),
    )
    articles.add(
        "Complaints and questions",
        "苦情等への対応",
        say(
            f"Complaints and questions go to {office.contact}, {office.address}. They are recorded with date and "
            f"answer, and answered within {say.duration(office.answer_within)}.",
            f"苦情及び問合せの受付先は、{office.contact}({office.address})とする。受付の日時、内容及び回答を記録し、"
            f"{say.duration(office.answer_within)}以内に回答するよう努める。",
        ),
    )
