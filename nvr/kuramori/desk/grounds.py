"""On which grounds pictures may be looked at or handed over, by rule set, with source and the document each needs.

The sets are those of the published rules (ISE, CHI, HOK; requirement H2). `assess` is the rule itself: no ground,
a ground without its document, or a private person: refused, with a referral. Pure; must not know the register.
"""

from dataclasses import dataclass
from enum import StrEnum


class RecipientKind(StrEnum):
    """Who asks. The rules look at this, not at the name."""

    AUTHORITY = "authority"  # an investigating authority
    PUBLIC_BODY = "public-body"  # a body that a law or ordinance lets ask
    LEGAL = "legal"  # a court, a bar association, a lawyer through one
    PERSON_FILMED = "person-filmed"  # the person in the pictures, or with their consent
    STAFF = "staff"  # manager and handlers themselves
    PRIVATE = "private"  # any other private person


@dataclass(frozen=True, slots=True)
class Wording:
    """One text in both languages."""

    english: str
    japanese: str


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground: what it is called, which rule says so, which document it needs (None: none), and for whom."""

    code: str
    name: Wording
    source: Wording
    document: Wording | None
    recipients: frozenset[RecipientKind]
    usual_recipient: RecipientKind  # who asks on this ground where nothing else is said
    hand_over: bool = True  # False: looking only, within the purpose of installation


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused before anybody decides: stable reason and the sentence with its referral."""

    reason: str
    text: Wording


_LAW_NAME = Wording("a law or ordinance provides for it", "法令又は条例に定めがある場合")
_INVESTIGATION_NAME = Wording(
    "an investigating authority's request for a criminal investigation",
    "捜査機関から犯罪捜査の目的による要請を受けた場合",
)
_URGENT_NAME = Wording(
    "urgent protection of life, body or property (missing persons among them)",
    "人の生命、身体又は財産の保護のため緊急かつやむを得ない場合(行方不明者の捜索を含む)",
)
_LAW_DOCUMENT = Wording("a written demand that names the provision", "根拠条項を示した文書")
_INVESTIGATION_DOCUMENT = Wording("the authority's written request", "捜査関係事項照会書等の文書")
_OFFICIAL_DOCUMENT = Wording("the authority's official document", "捜査機関の公文書")
_BODIES = frozenset({RecipientKind.AUTHORITY, RecipientKind.PUBLIC_BODY, RecipientKind.LEGAL})
_ANY_BODY = _BODIES | {RecipientKind.STAFF}


def _law(source: Wording) -> Ground:
    return Ground("law", _LAW_NAME, source, _LAW_DOCUMENT, _BODIES, RecipientKind.PUBLIC_BODY)


def _investigation(source: Wording, document: Wording) -> Ground:
    return Ground(
        "investigation",
        _INVESTIGATION_NAME,
        source,
        document,
        frozenset({RecipientKind.AUTHORITY}),
        RecipientKind.AUTHORITY,
    )


def _urgent(source: Wording) -> Ground:
    return Ground("urgent", _URGENT_NAME, source, None, _ANY_BODY, RecipientKind.AUTHORITY)


def _purpose(source: Wording) -> Ground:
    return Ground(
        "installation-purpose",
        Wording(
            "looking within the purpose of installation, by manager and handlers (never a hand-over)",
            "設置目的の範囲内での管理責任者・取扱担当者による閲覧(提供は不可)",
        ),
        source,
        None,
        frozenset({RecipientKind.STAFF}),
        RecipientKind.STAFF,
        hand_over=False,
    )


_SETS: dict[str, tuple[Ground, ...]] = {
    "ISE": (
        _law(Wording("ISE 4(2) a", "伊勢崎市 諮問第105号 4(2)ア")),
        _urgent(Wording("ISE 4(2) b", "伊勢崎市 諮問第105号 4(2)イ")),
        _investigation(Wording("ISE 4(2) c", "伊勢崎市 諮問第105号 4(2)ウ"), _INVESTIGATION_DOCUMENT),
        _purpose(Wording("ISE guideline 3", "伊勢崎市 指針の考え方 3")),
    ),
    "CHI": (
        _law(Wording("CHI 2-7(1) a", "千葉市ガイドライン 第2-7(1)ア")),
        _investigation(Wording("CHI 2-7(1) b", "千葉市ガイドライン 第2-7(1)イ"), _INVESTIGATION_DOCUMENT),
        _urgent(Wording("CHI 2-7(1) c", "千葉市ガイドライン 第2-7(1)ウ")),
        Ground(
            "consent",
            Wording(
                "the person filmed consents, or is the one who receives", "本人の同意がある場合又は本人に提供する場合"
            ),
            Wording("CHI 2-7(1) d", "千葉市ガイドライン 第2-7(1)エ"),
            Wording("the person's written consent or application", "本人の同意書又は申出書"),
            frozenset({RecipientKind.PERSON_FILMED, RecipientKind.LEGAL}),
            RecipientKind.PERSON_FILMED,
        ),
        _purpose(Wording("CHI 2-7(1)", "千葉市ガイドライン 第2-7(1)")),
    ),
    "HOK": (
        _law(Wording("HOK 6-1(1)", "北斗市 訓令第27号 第6条第1項第1号")),
        _investigation(Wording("HOK 6-1(2)", "北斗市 訓令第27号 第6条第1項第2号"), _OFFICIAL_DOCUMENT),
        _urgent(Wording("HOK 6-1(3)", "北斗市 訓令第27号 第6条第1項第3号")),
        Ground(
            "public-interest",
            Wording("another public interest requires it", "その他公共の利益のため必要と認められる場合"),
            Wording("HOK 6-1(3)", "北斗市 訓令第27号 第6条第1項第3号"),
            None,
            _ANY_BODY,
            RecipientKind.PUBLIC_BODY,
        ),
        _purpose(Wording("HOK 6-1", "北斗市 訓令第27号 第6条第1項")),
    ),
}

RULE_SETS = tuple(_SETS)

_REFERRALS = {
    "ISE": Wording(
        "refer them to the police, or to the information disclosure ordinance (ISE guideline 9)",
        "警察に相談するか、情報公開条例による開示請求(指針9)を案内してください",
    ),
    "CHI": Wording("refer them to the police", "警察に相談するよう案内してください"),
    "HOK": Wording("refer them to the police", "警察に相談するよう案内してください"),
}


def grounds(rule_set: str) -> tuple[Ground, ...]:
    """Return the grounds of a rule set. Raises KeyError for one that does not exist."""
    return _SETS[rule_set]


def ground_named(rule_set: str, code: str) -> Ground | None:
    """Return a ground of the set, or None."""
    return next((ground for ground in _SETS[rule_set] if ground.code == code), None)


def assess(rule_set: str, ground_code: str, document_number: str, recipient: RecipientKind) -> Refusal | None:
    """Return why a request on this ground is refused outright, or None where a manager may decide on it."""
    if recipient is RecipientKind.PRIVATE:
        referral = _REFERRALS[rule_set]
        return Refusal(
            "private-person",
            Wording(
                f"Pictures are not given to private persons: {referral.english}.",
                f"個人からの請求には応じられません。{referral.japanese}。",
            ),
        )
    codes = ", ".join(ground.code for ground in _SETS[rule_set])
    if not ground_code:
        return Refusal(
            "ground-missing",
            Wording(
                f"A request without a ground is refused; the grounds are: {codes}.",
                f"根拠法令等のない請求には応じられません。根拠は次のとおりです: {codes}",
            ),
        )
    ground = ground_named(rule_set, ground_code)
    if ground is None:
        return Refusal(
            "ground-unknown",
            Wording(
                f"The rule set {rule_set} knows no such ground; the grounds are: {codes}.",
                f"{rule_set} にその根拠はありません。根拠は次のとおりです: {codes}",
            ),
        )
    if recipient not in ground.recipients:
        return Refusal(
            "recipient-unfit",
            Wording(
                f"The ground {ground.code} ({ground.source.english}) does not cover this recipient.",
                f"根拠「{ground.name.japanese}」({ground.source.japanese})は、この提供先には適用されません。",
            ),
        )
    if ground.document is not None and not document_number:
        return Refusal(
            "document-missing",
            Wording(
                f"The ground {ground.code} needs {ground.document.english}: give its number.",
                f"根拠「{ground.name.japanese}」には{ground.document.japanese}が必要です。文書番号を入力してください。",
            ),
        )
    return None
