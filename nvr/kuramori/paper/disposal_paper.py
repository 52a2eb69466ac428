"""The disposal record of a retired medium (K6): what lay on it, the certificate of its keys' erasure, how it ended.

Open fields are blank until they are told. Pure. Must not know the desk, nor how keys die.
"""

from dataclasses import dataclass
from datetime import tzinfo

from kuramori.paper.document import Block, Document, Form, Heading, Paragraph, Row
from kuramori.paper.language import Language
from kuramori.paper.office_texts import claim_of
from kuramori_config.quantities import Size


@dataclass(frozen=True, slots=True)
class DisposalFacts:
    """One record. Texts are empty, times 0 where nothing was told yet; `entries` of the register may be unknown."""

    record: int
    site: str
    recorder_id: str
    volume: str
    volume_id: str
    size_bytes: int
    reason: str
    ordered_by: str
    ordered_utc_ms: int
    retired_utc_ms: int
    epochs: int
    segment_keys: int
    erasure_number: int
    tier: str
    open: bool
    method: str
    date: str
    carried_out_by: str
    witness: str
    completed_by: str


@dataclass(frozen=True, slots=True)
class RegisterProof:
    """Where the register says it: indices of the entries, and the register's size and root when this was printed."""

    entries: tuple[int, ...]
    size: int
    root: str


def disposal_paper(
    facts: DisposalFacts, say: Language, zone: tzinfo, proof: RegisterProof | None = None, footer: str = ""
) -> Document:
    """Return the record."""
    unread = say("not readable", "読取不可")
    size = str(Size(facts.size_bytes)) if facts.size_bytes else unread
    medium = (
        Row(say("site", "設置場所"), facts.site),
        Row(say("recorder", "録画機ID"), facts.recorder_id),
        Row(say("medium", "記録媒体"), f"{facts.volume} ({size})"),
        Row(say("medium's id", "媒体ID"), facts.volume_id or unread),
        Row(say("reason", "廃棄の理由"), facts.reason),
        Row(say("ordered by", "指示者（管理責任者）"), facts.ordered_by),
        Row(say("ordered at", "指示日時"), say.time(facts.ordered_utc_ms, zone)),
    )
    ended = (
        Row(say("method (crushing, shredding, ...)", "廃棄方法（破砕・裁断等）"), facts.method, 2),
        Row(say("date", "廃棄日"), facts.date),
        Row(say("carried out by", "実施者"), facts.carried_out_by, 2),
        Row(say("witness", "立会人"), facts.witness, 2),
    )
    blocks: list[Block] = [
        Form(medium),
        Heading(say("Certificate: the keys are destroyed", "暗号鍵の破棄証明")),
        *_certificate(facts, say, zone, proof),
        Heading(say("How the medium was destroyed", "記録媒体の廃棄")),
        Form(ended),
        Paragraph(_closing(facts, say)),
    ]
    title = say(f"Disposal record {facts.record}", f"記録媒体廃棄記録 第{facts.record}号")
    return Document(title, say, tuple(blocks), footer)


def _certificate(facts: DisposalFacts, say: Language, zone: tzinfo, proof: RegisterProof | None) -> list[Block]:
    if not facts.retired_utc_ms:
        return [
            Paragraph(
                say(
                    "The keys are not destroyed yet: the recorder has the order and has not answered.",
                    "鍵の破棄は未完了です(指示済み、録画機の応答待ち)。",
                )
            )
        ]
    receipt = say(
        f"receipt {facts.erasure_number}" if facts.erasure_number else "no key was left",
        f"消去記録 第{facts.erasure_number}号" if facts.erasure_number else "破棄すべき鍵なし",
    )
    rows = [
        Row(say("keys destroyed at", "鍵の破棄日時"), say.time(facts.retired_utc_ms, zone)),
        Row(
            say("keys destroyed", "破棄した鍵"),
            say(
                f"{facts.epochs} keys of hours, {facts.segment_keys} of single segments; {receipt}",
                f"時間単位の鍵 {facts.epochs} 件、個別の鍵 {facts.segment_keys} 件（{receipt}）",
            ),
        ),
        Row(say("tier", "消去保証区分"), facts.tier),
    ]
    if proof is not None:
        listed = say.joined([str(index) for index in proof.entries])
        rows += [
            Row(say("entries of the register", "記録簿の項番"), listed),
            Row(say("register: entries, root", "記録簿の件数・検証値"), f"{proof.size}:{proof.root}"),
        ]
    said: list[Block] = [Form(tuple(rows)), Paragraph(claim_of(facts.tier, say))]
    if facts.erasure_number:
        said.append(
            Paragraph(
                say(
                    "The receipt is signed by the recorder; kuramori erasures lists it, and kuramori register "
                    "--verify --sealed checks the register against the root above.",
                    "消去記録には録画機の署名があり、kuramori erasures で確認できます。記録簿は kuramori register "
                    "--verify --sealed により上記の検証値と照合できます。",
                )
            )
        )
    return said


def _closing(facts: DisposalFacts, say: Language) -> str:
    if not facts.open:
        return say(f"Completed by {facts.completed_by}.", f"完了登録者: {facts.completed_by}")
    return say(
        "Destroying the keys does not replace destroying the medium. This record stays open until it is filled in:\n"
        f"kuramori retire --complete {facts.record} --method crushing --date YYYY-MM-DD --person NAME --witness NAME",
        "鍵の破棄は媒体の物理的な破壊に代わるものではありません。次の登録まで、この記録は未完了です:\n"
        f"kuramori retire --complete {facts.record} --method 破砕 --date 年-月-日 --person 実施者 --witness 立会人",
    )
