"""Every fault of keys, cards, shares and words on paper in one sentence for a person, with what to do.

Callers choose by type; here a type becomes a sentence in the reader's language. This module must not know commands.
"""

from collections.abc import Callable
from typing import Any

from kuramori.texts import tr
from kuramori_segments import key_faults as faults

Sentences = Callable[[Any], tuple[str, str]]

_PROOFS = {"signature": "署名", "possession": "鍵所持の証明", "key": "鍵"}
_CUSTODY_HELP = "make a new one with `kuramori custodian new`"
_CUSTODY_HELP_JA = "`kuramori custodian new` で作り直してください"

_SENTENCES: dict[type[faults.KeyFault], Sentences] = {
    faults.CardUnreadable: lambda f: (
        f"This is not a card of this version, or it is damaged ({f.field or 'document'}); ask its holder for it again.",
        f"この版のカードではないか、破損しています（{f.field or '全体'}）。本人から再度受け取ってください。",
    ),
    faults.CardForged: lambda f: (
        (
            f"The {f.proof} in this card does not hold: it was altered, or not made by the holder of the keys; ask its "
            "holder for it again and compare the fingerprint in person."
        ),
        (
            f"カードの{_PROOFS.get(f.proof, f.proof)}が一致しません。改変されたか、鍵の所持者以外が作成したものです。"
            "本人から再度受け取り、指紋を対面で照合してください。"
        ),
    ),
    faults.KeyFileUnreadable: lambda f: (
        f"This is not a key file of this version, or it is damaged ({f.field or 'document'}); use your backup copy.",
        f"この版の鍵ファイルではないか、破損しています（{f.field or '全体'}）。控えを使用してください。",
    ),
    faults.KeyFileCostly: lambda f: (
        f"This key file asks for more than any honest one ({f.parameter} {f.value}, at most {f.most}); do not use it.",
        f"この鍵ファイルは異常な負荷を要求しています（{f.parameter} {f.value}、上限 {f.most}）。使用しないでください。",
    ),
    faults.KeyFileWeak: lambda f: (
        f"This key file is protected too weakly ({f.parameter} {f.value}, at least {f.least}); {_CUSTODY_HELP}.",
        f"この鍵ファイルの保護が弱すぎます（{f.parameter} {f.value}、下限 {f.least}）。{_CUSTODY_HELP_JA}。",
    ),
    faults.PassphraseWrong: lambda _: (
        "The passphrase does not open this key file.",
        "合言葉が違うため、鍵ファイルを開けません。",
    ),
    faults.PassphraseWeak: lambda f: (
        (
            f"This passphrase is too easy to guess: use at least {f.least_characters} characters, "
            f"{f.least_different} of them different."
        ),
        (
            f"この合言葉は推測されやすいため使えません。{f.least_characters}文字以上、うち{f.least_different}種類以上の"
            "文字としてください。"
        ),
    ),
    faults.CustodianTwice: lambda f: (
        f"{f.name} ({f.title}) is among the custodians twice: each needs one card, and own keys.",
        f"鍵管理者 {f.name}（{f.title}）が重複しています。カードと鍵は1人1組としてください。",
    ),
    faults.ThresholdRefused: lambda f: (
        f"{f.k} of {f.n} is not possible: at least {f.least} must be needed, of at most {f.most}.",
        f"{f.n}のうち{f.k}という指定はできません。必要数は{f.least}以上、総数は{f.most}以下としてください。",
    ),
    faults.CustodiansExpired: lambda f: (
        f"Only {f.valid} custodian cards are still valid and {f.needed} are needed; {_CUSTODY_HELP}.",
        f"有効な鍵管理者カードが{f.valid}枚しかありません（{f.needed}枚必要）。{_CUSTODY_HELP_JA}。",
    ),
    faults.ShareMalformed: lambda f: (
        f"Share {f.x} is damaged; ask its custodian to approve again.",
        f"分散鍵{f.x}が破損しています。該当の鍵管理者に再度の承認を依頼してください。",
    ),
    faults.ShareTwice: lambda f: (
        f"Share {f.x} was given twice: each custodian counts once.",
        f"分散鍵{f.x}が重複しています。鍵管理者は1人1回です。",
    ),
    faults.SharesTooFew: lambda f: (
        f"{f.needed} custodians are needed and {f.given} approved.",
        f"承認した鍵管理者は{f.given}人です。{f.needed}人の承認が必要です。",
    ),
    faults.SharesDisagree: lambda f: (
        f"Shares {', '.join(map(str, f.numbers))} do not belong together; have the request approved again.",
        f"分散鍵（{'、'.join(map(str, f.numbers))}）が一致しません。改めて承認を受けてください。",
    ),
    faults.SealNotOurs: lambda _: (
        "The sealed key does not open with this key for this recording and request.",
        "この鍵では、この録画・請求の封印された鍵を開けません。",
    ),
    faults.BindingMismatch: lambda _: (
        "The recording names another custodian set than the one at hand.",
        "録画に記載された鍵管理者の組が、現在の組と異なります。",
    ),
    faults.NotACustodian: lambda _: (
        "This key holds no share of that recording.",
        "この鍵は、その録画の分散鍵を持っていません。",
    ),
    faults.HandOnForged: lambda f: (
        f"What was handed on in the name of {f.name} is damaged or not theirs; have it made again.",
        f"{f.name} の引継ぎデータが破損しているか、本人の署名ではありません。作り直してください。",
    ),
    faults.ChangeUnreadable: lambda f: (
        f"This is not a change of custodians of this version, or it is damaged ({f.field or 'document'}).",
        f"この版の鍵管理者変更書ではないか、破損しています（{f.field or '全体'}）。",
    ),
    faults.ChangeOfAnotherSet: lambda _: (
        "This change does not follow the custodians now in office: propose it anew.",
        "この変更書は現在の鍵管理者の組に続くものではありません。改めて提案してください。",
    ),
    faults.SignatureNotACustodians: lambda f: (
        f"A signature on this change is not {f.name or 'any custodian'}'s; have it signed again.",
        f"変更書の署名が{f.name or '鍵管理者'}のものではありません。署名をやり直してください。",
    ),
    faults.SignaturesTooFew: lambda f: (
        f"{f.needed} custodians in office have to sign the change and {f.given} have.",
        f"変更書には現在の鍵管理者{f.needed}人の署名が必要ですが、{f.given}人しか署名していません。",
    ),
    faults.ChainBroken: lambda _: (
        "The custodian sets do not follow one another: restore custodian_chain.json from a copy.",
        "鍵管理者の組の連鎖が途切れています。custodian_chain.json を控えから復元してください。",
    ),
    faults.DrillRefused: lambda f: (
        f"This drill does not count: {f.detail}.",
        f"この訓練は成立しません（{f.detail}）。",
    ),
    faults.TimeRefused: lambda f: _time_sentences(f),
    faults.WordsMisspelt: lambda f: (
        f"Sheet {f.sheet} is not complete or not right: 33 words, each from the list, in order.",
        f"用紙{f.sheet}の内容に誤りがあります。33語を順番どおりに入力してください。",
    ),
    faults.WordsTooFew: lambda f: (
        f"{f.needed} sheets are needed and {f.given} were typed.",
        f"用紙が{f.needed}枚必要ですが、{f.given}枚しか入力されていません。",
    ),
    faults.WordsTwice: lambda f: (
        f"Sheet {f.sheet} is one that was typed before.",
        f"{f.sheet}枚目は、すでに入力した用紙です。",
    ),
    faults.WordsStrange: lambda _: (
        "These sheets do not belong together.",
        "これらの用紙は同じ復旧鍵のものではありません。",
    ),
    faults.WordsOfAnotherKey: lambda _: (
        "These sheets belong to another recovery key than the card.",
        "これらの用紙は、このカードとは別の復旧鍵のものです。",
    ),
}


_TIME_SENTENCES: dict[faults.TimeRefusedReason, tuple[str, str]] = {
    faults.TimeRefusedReason.UNREADABLE: (
        "This is not a statement of time, or not a confirmation of one; fetch the file again.",
        "時刻確認書（又はその署名）として読めません。ファイルを受け取り直してください。",
    ),
    faults.TimeRefusedReason.NOT_YET: (
        "By the custodian's own machine it is not later than that yet: set its clock, or state an earlier date.",
        "鍵管理者の端末の時計では、まだその日時を過ぎていません。端末の時計を確認するか、より早い日時にしてください。",
    ),
    faults.TimeRefusedReason.OTHER_RECORDER: (
        "This statement is for another recorder.",
        "この時刻確認書は別の録画機のものです。",
    ),
    faults.TimeRefusedReason.OTHER_CUSTODIANS: (
        "The custodians have changed since this statement was made: make a new one.",
        "この時刻確認書の作成後に鍵管理者が変更されました。作り直してください。",
    ),
    faults.TimeRefusedReason.STRANGER: (
        "One of the signatures is not by a custodian in office.",
        "現在の鍵管理者以外の署名が含まれています。",
    ),
    faults.TimeRefusedReason.FORGED: (
        "One of the signatures does not hold: the file was altered, or signed with another key.",
        "署名が一致しません。ファイルが改変されたか、別の鍵で署名されています。",
    ),
    faults.TimeRefusedReason.DIFFERENT: (
        "These files confirm different statements: bring signatures under one and the same.",
        "異なる時刻確認書への署名が混在しています。同一の時刻確認書への署名を提出してください。",
    ),
    faults.TimeRefusedReason.TWICE: (
        "The same custodian has signed twice: each counts once.",
        "同じ鍵管理者の署名が重複しています。",
    ),
}


def _time_sentences(fault: faults.TimeRefused) -> tuple[str, str]:
    if fault.reason is faults.TimeRefusedReason.TOO_FEW:
        return (
            f"Signatures of {fault.given} custodians, and {fault.needed} are needed.",
            f"鍵管理者{fault.needed}名の署名が必要です（現在{fault.given}名）。",
        )
    return _TIME_SENTENCES[fault.reason]


def key_sentence(fault: faults.KeyFault) -> str:
    """Return the sentence for a fault, in the reader's language."""
    return tr(*key_sentences(fault))


def key_sentences(fault: faults.KeyFault) -> tuple[str, str]:
    """Return the sentence for a fault, in English and in Japanese."""
    return _SENTENCES[type(fault)](fault)
