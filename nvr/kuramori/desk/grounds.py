"""On which grounds pictures may be looked at or handed over, by rule set, with source and the document each needs.

The sets are those of the published rules (ISE, CHI, HOK; requirement H2), and the site's own where the configuration
brings one. `RuleBook.assess` is the rule itself: no ground, a ground without its document, or a private person:
refused, with the referral that applies. Pure; must not know the register.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kuramori_config.requests_table import Matter as Matter
from kuramori_config.requests_table import Output as Output
from kuramori_config.requests_table import OwnGround, Requests
from kuramori_config.requests_table import RecipientKind as RecipientKind

LOOKING = (Output.VIEWING,)
HAND_OVER = (Output.VIEWING, Output.COPY)
MASKED = (Output.MASKED_COPY,)


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
    outputs: tuple[Output, ...] = HAND_OVER
    document_later: bool = False  # urgent: granted first, documented within a set time
    referral: Matter | None = None  # where a private person who names it is sent

    @property
    def hand_over(self) -> bool:
        """Tell whether anything may leave: otherwise looking only, within the purpose of installation."""
        return any(output is not Output.VIEWING for output in self.outputs)

    def usual_outputs(self, recipient: RecipientKind) -> tuple[Output, ...]:
        """Return what is made where the request says nothing: for the person filmed a masked copy only (H9)."""
        return MASKED if recipient is RecipientKind.PERSON_FILMED else self.outputs


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules look at in a request. `matter` and `outputs` are empty where nothing is said."""

    ground: str
    document_number: str
    recipient: RecipientKind
    matter: str = ""
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused before anybody decides: stable reason and the sentence with its referral."""

    reason: str
    text: Wording
    matter: str = ""  # of a private person, what the referral is for


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
_URGENT_DOCUMENT = Wording("a written request, which may follow", "要請の文書(後日の提出可)")
_DISCLOSURE_DOCUMENT = Wording("the person's written application for disclosure", "本人の開示請求書")
_BODIES = frozenset({RecipientKind.AUTHORITY, RecipientKind.PUBLIC_BODY, RecipientKind.LEGAL})
_ANY_BODY = _BODIES | {RecipientKind.STAFF}
_FILMED = frozenset({RecipientKind.PERSON_FILMED})


def _law(source: Wording) -> Ground:
    return Ground("law", _LAW_NAME, source, _LAW_DOCUMENT, _BODIES, RecipientKind.PUBLIC_BODY, referral=Matter.DISPUTE)


def _investigation(source: Wording, document: Wording) -> Ground:
    return Ground(
        "investigation",
        _INVESTIGATION_NAME,
        source,
        document,
        frozenset({RecipientKind.AUTHORITY}),
        RecipientKind.AUTHORITY,
        referral=Matter.CRIME,
    )


def _urgent(source: Wording) -> Ground:
    return Ground(
        "urgent",
        _URGENT_NAME,
        source,
        _URGENT_DOCUMENT,
        _ANY_BODY,
        RecipientKind.AUTHORITY,
        document_later=True,
        referral=Matter.MISSING_PERSON,
    )


def _disclosure(source: Wording) -> Ground:
    return Ground(
        "disclosure",
        Wording(
            "the person filmed asks for disclosure; everybody else is masked", "本人からの開示請求(他の者はマスキング)"
        ),
        source,
        _DISCLOSURE_DOCUMENT,
        _FILMED,
        RecipientKind.PERSON_FILMED,
        outputs=MASKED,
        referral=Matter.OWN_PICTURE,
    )


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
        outputs=LOOKING,
    )


_SETS: dict[str, tuple[Ground, ...]] = {
    "ISE": (
        _law(Wording("ISE 4(2) a", "伊勢崎市 諮問第105号 4(2)ア")),
        _urgent(Wording("ISE 4(2) b", "伊勢崎市 諮問第105号 4(2)イ")),
        _investigation(Wording("ISE 4(2) c", "伊勢崎市 諮問第105号 4(2)ウ"), _INVESTIGATION_DOCUMENT),
        _disclosure(Wording("ISE guideline 8", "伊勢崎市 指針の考え方 8")),
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
            outputs=(Output.VIEWING, Output.COPY, Output.MASKED_COPY),
            referral=Matter.OWN_PICTURE,
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
            referral=Matter.RECORDS,
        ),
        _disclosure(
            Wording(
                "HOK 3; Act on the Protection of Personal Information, article 76",
                "北斗市 訓令第27号 第3条、個人情報の保護に関する法律第76条",
            )
        ),
        _purpose(Wording("HOK 6-1", "北斗市 訓令第27号 第6条第1項")),
    ),
}

RULE_SETS = tuple(_SETS)

_REFERRALS = {
    Matter.CRIME: Wording(
        "have them report it to the police, who can ask in writing",
        "警察に被害届を提出するよう案内してください。警察からの文書による要請には応じられます",
    ),
    Matter.MISSING_PERSON: Wording(
        "have them report the missing person to the police, who can ask at once",
        "警察に行方不明者届を提出するよう案内してください。警察からの要請には緊急に応じられます",
    ),
    Matter.DISPUTE: Wording(
        "a lawyer can ask through the bar association (Attorney Act, article 23-2), or a court; in a crime the police",
        "弁護士会照会(弁護士法第23条の2)又は裁判所の手続によるよう案内してください。事件であれば警察に相談するよう案内してください",
    ),
    Matter.OWN_PICTURE: Wording(
        "have them apply for the disclosure of their own data (Act on the Protection of Personal Information, article "
        "76, of a private body article 33), identity proven: then file it with the recipient kind person-filmed",
        "保有個人情報の開示請求(個人情報の保護に関する法律第76条、民間の設置者は同法第33条)を案内してください。本人確認の上、"
        "提供先の区分を person-filmed として受け付けます",
    ),
    Matter.RECORDS: Wording(
        "refer them to the information disclosure ordinance",
        "情報公開条例による開示請求を案内してください",
    ),
}
_REFERRALS_ISE = {
    Matter.RECORDS: Wording(
        "refer them to the information disclosure ordinance (ISE guideline 9)",
        "情報公開条例による開示請求(指針9)を案内してください",
    ),
}
_UNSAID = Wording(
    "refer them to the police in a crime or for a missing person, to the bar association's inquiry in a dispute, to "
    "the disclosure of their own data for their own picture, to the information disclosure ordinance otherwise",
    "被害・行方不明は警察、紛争は弁護士会照会、本人の画像は本人の開示請求、その他は情報公開条例による開示請求を案内してください",
)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The grounds that a site goes by, and where it sends private persons."""

    name: str
    grounds: tuple[Ground, ...]
    referrals: Mapping[Matter, Wording] = field(default_factory=dict)

    def ground(self, code: str) -> Ground | None:
        """Return the ground of that code, or None."""
        return next((ground for ground in self.grounds if ground.code == code), None)

    def assess(self, asked: Asked) -> Refusal | None:
        """Return why a request is refused outright, or None where a manager may decide on it."""
        ground = self.ground(asked.ground)
        if asked.recipient in (RecipientKind.PRIVATE, RecipientKind.LAWYER):
            return self._referred(asked, ground)
        codes = ", ".join(ground.code for ground in self.grounds)
        if not asked.ground:
            return Refusal(
                "ground-missing",
                Wording(
                    f"A request without a ground is refused; the grounds are: {codes}.",
                    f"根拠法令等のない請求には応じられません。根拠は次のとおりです: {codes}",
                ),
            )
        if ground is None:
            return Refusal(
                "ground-unknown",
                Wording(
                    f"The rule set {self.name} knows no such ground; the grounds are: {codes}.",
                    f"{self.name} にその根拠はありません。根拠は次のとおりです: {codes}",
                ),
            )
        return _assess_on(ground, asked)

    def _referred(self, asked: Asked, ground: Ground | None) -> Refusal:
        if asked.recipient is RecipientKind.LAWYER:
            text = self.referrals.get(Matter.DISPUTE, _REFERRALS[Matter.DISPUTE])
            return Refusal(
                "lawyer-alone",
                Wording(
                    f"Pictures are not given to a lawyer who asks directly: {text.english}.",
                    f"弁護士個人からの請求には応じられません。{text.japanese}。",
                ),
                Matter.DISPUTE.value,
            )
        said = Matter(asked.matter) if asked.matter else ground.referral if ground is not None else None
        text = _UNSAID if said is None else self.referrals.get(said, _REFERRALS[said])
        return Refusal(
            "private-person",
            Wording(
                f"Pictures are not given to private persons: {text.english}.",
                f"個人からの請求には応じられません。{text.japanese}。",
            ),
            said.value if said is not None else "",
        )


def _assess_on(ground: Ground, asked: Asked) -> Refusal | None:
    """Return why a request on a known ground is refused outright, or None."""
    if asked.recipient not in ground.recipients:
        return Refusal(
            "recipient-unfit",
            Wording(
                f"The ground {ground.code} ({ground.source.english}) does not cover this recipient.",
                f"根拠「{ground.name.japanese}」({ground.source.japanese})は、この提供先には適用されません。",
            ),
        )
    if ground.document is not None and not asked.document_number and not ground.document_later:
        return Refusal(
            "document-missing",
            Wording(
                f"The ground {ground.code} needs {ground.document.english}: give its number.",
                f"根拠「{ground.name.japanese}」には{ground.document.japanese}が必要です。文書番号を入力してください。",
            ),
        )
    allowed = MASKED if asked.recipient is RecipientKind.PERSON_FILMED else ground.outputs
    if not set(asked.outputs) <= set(allowed):
        listed = ", ".join(output.value for output in allowed)
        return Refusal(
            "output-unfit",
            Wording(
                f"On the ground {ground.code} this recipient gets nothing but: {listed}.",
                f"根拠「{ground.name.japanese}」でこの提供先に認められるのは次のものに限ります: {listed}",
            ),
        )
    return None


def rule_book(rule_set: str, requests: Requests | None = None) -> RuleBook:
    """Return the rules of a site: a published set, or its own; own referrals go before the usual ones."""
    terms = requests if requests is not None else Requests()
    own = {referral.matter: Wording(referral.text, referral.text_ja) for referral in terms.referrals}
    usual = _REFERRALS_ISE if rule_set == "ISE" else {}
    found = _SETS.get(rule_set)
    grounds = found if found is not None else tuple(_own(ground) for ground in terms.grounds)
    return RuleBook(rule_set, grounds, {**usual, **own})


def ground_named(rule_set: str, code: str) -> Ground | None:
    """Return a ground of a published set, or None."""
    return next((ground for ground in _SETS.get(rule_set, ()) if ground.code == code), None)


def _own(ground: OwnGround) -> Ground:
    document = Wording(ground.document, ground.document_ja) if ground.document and ground.document_ja else None
    return Ground(
        ground.code,
        Wording(ground.name, ground.name_ja),
        Wording(ground.source, ground.source_ja),
        document,
        frozenset(ground.recipients),
        ground.recipients[0],
        ground.outputs,
        ground.document_later,
        ground.referral,
    )
