"""The table [requests]: terms for requests, and the site's own grounds and referrals beside the published ones (H2).

Whoever follows one of the published rule sets needs nothing of it. With `site.rule_set = "OWN"` the grounds are those
that stand here. This file must not judge requests.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import PlainValidator

from kuramori_config.base_table import Table
from kuramori_config.faults import Problem, Unfit, Wording
from kuramori_config.option import TEXT, YES_OR_NO, number_shape, option, table
from kuramori_config.rules import RuleSet
from kuramori_config.values import Count, Switch, Text

CODE_CHARACTERS_MOST = 32
CODE = Wording(
    "lower-case letters, digits and dashes, beginning with a letter, at most 32",
    "英小文字・数字・ハイフン、先頭は英小文字、32文字以内",
)


class RecipientKind(StrEnum):
    """Who asks. The rules look at this, not at the name."""

    AUTHORITY = "authority"  # an investigating authority
    PUBLIC_BODY = "public-body"  # a body that a law or ordinance lets ask
    LEGAL = "legal"  # a court, a bar association, a lawyer through one
    LAWYER = "lawyer"  # a lawyer who asks directly
    PERSON_FILMED = "person-filmed"  # the person in the pictures, or with their consent
    STAFF = "staff"  # manager and handlers themselves
    PRIVATE = "private"  # any other private person or company


NEVER_RECEIVE = frozenset({RecipientKind.PRIVATE, RecipientKind.LAWYER})


class Matter(StrEnum):
    """What a private person is after: it says to whom they are referred."""

    CRIME = "crime"  # they or theirs came to harm
    MISSING_PERSON = "missing-person"
    DISPUTE = "dispute"  # with somebody else: an accident, a claim
    OWN_PICTURE = "own-picture"  # pictures of themselves
    RECORDS = "records"  # the office's records, whatever for


class Output(StrEnum):
    """What is made of recordings for a request."""

    VIEWING = "viewing"  # looked at on the desk's screen, nothing leaves
    COPY = "copy"  # a bundle, bit-exact
    MASKED_COPY = "masked-copy"  # everybody else unrecognisable (H9)


def _code(value: object) -> str:
    text = value if isinstance(value, str) else ""
    letters = text.replace("-", "").isalnum() and text.isascii() and text == text.lower()
    if not letters or not text[0].isalpha() or len(text) > CODE_CHARACTERS_MOST:
        raise Unfit(CODE)
    return text


def _recipients(value: object) -> tuple[RecipientKind, ...]:
    found = value if isinstance(value, list) else []
    if not found or not set(found) <= {kind.value for kind in _MAY_RECEIVE} or len(set(found)) != len(found):
        raise Unfit(RECIPIENTS)
    return tuple(RecipientKind(kind) for kind in found)


_MAY_RECEIVE = tuple(kind for kind in RecipientKind if kind not in NEVER_RECEIVE)
_KINDS = ", ".join(kind.value for kind in _MAY_RECEIVE)
_MATTERS = ", ".join(matter.value for matter in Matter)
_OUTPUTS = ", ".join(output.value for output in Output)
RECIPIENTS = Wording(
    f"a list of at least one of: {_KINDS} (a private person or a lawyer alone never receives pictures)",
    f"次のうち1つ以上の一覧: {_KINDS}（個人・弁護士個人への提供は不可）",
)
MATTER = Wording(f"one of: {_MATTERS}", f"次のいずれか: {_MATTERS}")

GroundCode = Annotated[str, PlainValidator(_code)]
Recipients = Annotated[tuple[RecipientKind, ...], PlainValidator(_recipients)]


class OwnGround(Table):
    """One ground of the site's own rules, on which recordings may be looked at or handed over."""

    code: GroundCode = option(
        "Short name, used in commands and in the register. Never reused for another ground.",
        shape=CODE,
        example='"residents-safety"',
    )
    name: Text = option("What it is, in English.", shape=TEXT, example='"safety of the residents"')
    name_ja: Text = option("What it is, in Japanese.", shape=TEXT, example='"居住者の安全の確保のため必要な場合"')
    source: Text = option(
        "The article of the rules that says so, in English.", shape=TEXT, example='"House rules, article 12"'
    )
    source_ja: Text = option("The same in Japanese.", shape=TEXT, example='"管理規約第12条"')
    document: Text | None = option(
        "The document it needs, in English; without it none is needed.",
        shape=TEXT,
        example='"a written application"',
        default=None,
    )
    document_ja: Text | None = option(
        "The same in Japanese; both or neither.", shape=TEXT, example='"申請書"', default=None
    )
    recipients: Recipients = option(
        "Who may get or see the pictures on this ground; the first one is the usual one.",
        shape=RECIPIENTS,
        example='["authority", "public-body"]',
    )
    outputs: tuple[Output, ...] = option(
        "What may be made of the recordings. `viewing` alone is never a hand-over.",
        shape=Wording(f"a list of at least one of: {_OUTPUTS}", f"次のうち1つ以上の一覧: {_OUTPUTS}"),
        example='["viewing", "copy"]',
        default=(Output.VIEWING, Output.COPY),
        min_length=1,
    )
    document_later: Switch = option(
        "Urgent: the manager may grant it before the document is there, which then has to follow in time.",
        shape=YES_OR_NO,
        example="false",
        default=False,
    )
    referral: Matter | None = option(
        "To whom a private person who names this ground is referred; otherwise by what they are after.",
        shape=MATTER,
        example='"crime"',
        default=None,
    )


class OwnReferral(Table):
    """Where the office sends private persons, in place of the usual sentence."""

    matter: Matter = option("What they are after.", shape=MATTER, example='"crime"')
    text: Text = option(
        "Where to send them, in English, to go on after `Pictures are not given to private persons:`.",
        shape=TEXT,
        example='"report it to Kita police station, 000-000-0110"',
    )
    text_ja: Text = option(
        "The same in Japanese, a sentence without its full stop.",
        shape=TEXT,
        example='"北警察署（000-000-0110）へ被害届を提出するよう案内してください"',
    )


class Requests(Table):
    """Terms for requests, and the site's own grounds and referrals."""

    hold_days: Count = option(
        "How long filing a request holds its minutes; the manager can extend it.",
        shape=number_shape(1, 366, "days", "日"),
        example="30",
        default=30,
        ge=1,
        le=366,
    )
    remind_before_hold_ends_days: Count = option(
        "So long before a hold ends the office is reminded.",
        shape=number_shape(0, 90, "days", "日"),
        example="7",
        default=7,
        ge=0,
        le=90,
    )
    urgent_documented_within_hours: Count = option(
        "An urgent request that was granted first has to be documented within this time.",
        shape=number_shape(1, 720, "hours", "時間"),
        example="72",
        default=72,
        ge=1,
        le=720,
    )
    handover_reported_within_days: Count = option(
        "Where a request names no date, the recipient is to report within this time that the pictures are erased.",
        shape=number_shape(1, 3650, "days", "日"),
        example="30",
        default=30,
        ge=1,
        le=3650,
    )
    grounds: tuple[OwnGround, ...] = table(
        "One ground of the site's own rules; only with site.rule_set = OWN.", default=(), alias="ground"
    )
    referrals: tuple[OwnReferral, ...] = table(
        "Where private persons are sent, in place of the usual sentence.", default=(), alias="referral"
    )


def requests_problems(requests: Requests, rule_set: RuleSet) -> Iterator[Problem]:
    """Yield what does not fit together."""
    codes = [ground.code for ground in requests.grounds]
    nothing = Wording("nothing", "記載なし")
    if rule_set is RuleSet.OWN and not codes:
        expected = Wording("at least one [[requests.ground]]", "[[requests.ground]] を1つ以上")
        yield Problem("requests.ground", nothing, expected)
    if rule_set is not RuleSet.OWN and codes:
        own = RuleSet.OWN.value
        expected = Wording(
            f'no own grounds under rule set {rule_set.value}, or site.rule_set = "{own}"',
            f'規則 {rule_set.value} では独自の根拠を記載しない。独自の根拠を用いる場合は site.rule_set = "{own}"',
        )
        yield Problem("requests.ground", Wording("own grounds", "独自の根拠"), expected)
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        found = Wording(f'"{code}" twice', f'"{code}" の重複')
        yield Problem("requests.ground.code", found, Wording("each code once", "重複しない code"))
    for ground in requests.grounds:
        if (ground.document is None) != (ground.document_ja is None):
            missing = "document" if ground.document is None else "document_ja"
            expected = Wording("document and document_ja together", "document と document_ja の両方")
            yield Problem(f"requests.ground[{ground.name}].{missing}", nothing, expected)
        if ground.document_later and ground.document is None:
            expected = Wording("the document that has to follow", "後日提出を受ける文書の名称")
            yield Problem(f"requests.ground[{ground.name}].document", nothing, expected)
    matters = [referral.matter for referral in requests.referrals]
    for matter in sorted({matter for matter in matters if matters.count(matter) > 1}):
        found = Wording(f'"{matter.value}" twice', f'"{matter.value}" の重複')
        yield Problem("requests.referral.matter", found, Wording("each matter once", "重複しない matter"))
