"""One line about an entry of the register, in the reader's language: what happened, and the facts that matter of it.

Pure. Must not know who reads it.
"""

from datetime import tzinfo
from typing import Any

from kuramori.desk.register import Record
from kuramori.gap_texts import gap_text
from kuramori.kind_texts import kind_text
from kuramori.paper.language import Language

VALUE_MOST = 200
# Members of a body that are told, with their labels; those of the request's document are looked up inside it.
_LABELS: dict[str, tuple[str, str]] = {
    "outcome": ("outcome", "決定"),
    "cameras": ("cameras", "カメラ"),
    "camera": ("camera", "カメラ"),
    "from_utc_ms": ("from", "から"),
    "to_utc_ms": ("to", "まで"),
    "until_utc_ms": ("until", "期限"),
    "ground": ("ground", "根拠"),
    "document_number": ("document", "文書番号"),
    "recipient": ("recipient", "相手方"),
    "purpose": ("purpose", "目的"),
    "reason": ("reason", "理由"),
    "text": ("answer", "回答"),
    "present": ("present", "立会い"),
    "how": ("how", "方法"),
    "told_by": ("told by", "報告者"),
    "medium": ("medium", "記録媒体"),
    "opening": ("opening", "開封回数"),
    "name": ("custodian", "鍵管理者"),
    "number": ("number", "番号"),
    "threshold": ("needed", "必要人数"),
    "custodians": ("custodians", "鍵管理者"),
    "released": ("released", "解任"),
    "signed_by": ("signed by", "署名者"),
    "volume": ("volume", "記録領域"),
    "record": ("disposal record", "廃棄記録"),
    "carrier": ("carrier", "持出者"),
    "method": ("method", "廃棄方法"),
    "witness": ("witness", "立会人"),
    "installer": ("installer", "設置・保守担当者"),
    "handler": ("handler", "取扱担当者"),
    "user": ("person", "利用者"),
    "token_id": ("token", "トークン"),
    "subject": ("subject", "件名"),
    "kind": ("kind", "区分"),
}
_WORDS: dict[str, tuple[str, str]] = {
    "granted": ("granted", "承認"),
    "partly": ("granted in part", "一部承認"),
    "refused": ("refused", "不承認"),
    "erased": ("erased", "消去"),
    "returned": ("returned", "返却"),
    "destroyed": ("destroyed", "廃棄"),
    "complaint": ("complaint", "苦情"),
    "question": ("question", "問合せ"),
}


def what_happened(record: Record, say: Language) -> str:
    """Return the name of an entry's kind."""
    named = kind_text(record.entry.kind)
    return say(named.english, named.japanese)


def detail_of(record: Record, say: Language, zone: tzinfo) -> str:
    """Return the facts of an entry in one line; of a deleted body nothing is left to tell."""
    body = record.content
    if body is None:
        return say("(body deleted after its time)", "(保存期間満了により本文廃棄)")
    facts = {**(body.get("document") or {}), **body} if isinstance(body.get("document"), dict) else body
    told = [
        f"{say(*label)}: {_value(facts[member], member, say, zone)}"
        for member, label in _LABELS.items()
        if member in facts and facts[member] not in (None, "", [], 0)
    ]
    return say("; ", "、").join(told)


def _value(value: Any, member: str, say: Language, zone: tzinfo) -> str:
    if member.endswith("_utc_ms") and isinstance(value, int):
        return say.time(value, zone)
    if isinstance(value, dict):
        parts = [str(value[name]) for name in ("organisation", "title", "name") if value.get(name)]
        return _short(" ".join(parts))
    if isinstance(value, list):
        return _short(say.joined([_value(one, "", say, zone) for one in value]))
    words = _WORDS.get(str(value))
    return _short(say(*words) if words else str(value))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= VALUE_MOST else line[: VALUE_MOST - 1] + "…"


def gap_words(reason: str, say: Language) -> str:
    """Return why something was not recorded."""
    found = gap_text(reason)
    return say(found.english, found.japanese)
