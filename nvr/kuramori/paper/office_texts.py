"""Sentences that several papers share, each made from the facts: sound, custodians, erasure, grounds, duties, cameras.

What is claimed of erasure is said by `erasure_texts` only. Pure. Must not know pages.
"""

from kuramori.desk.grounds import Ground
from kuramori.desk.site import SitePerson
from kuramori.erasure_texts import tier_claim
from kuramori.paper.language import Language
from kuramori.paper.paper_facts import PaperFacts
from kuramori.texts import both
from kuramori_config.schema import Role
from kuramori_segments.tier import ErasureTier

# Each duty: its name, and what it allows, in English and Japanese.
_DUTIES: dict[Role, tuple[str, str, str, str]] = {
    Role.MANAGER: (
        "manager",
        "管理責任者",
        "decides each request, names handlers and custodians",
        "請求の可否の決定、取扱担当者及び鍵管理者の指定",
    ),
    Role.DEPUTY: ("deputy", "管理責任者の代理者", "the same when the manager is away", "管理責任者が不在のときの代理"),
    Role.HANDLER: (
        "handler",
        "取扱担当者",
        "takes requests, views and hands over what was granted",
        "請求の受付、決定を受けた画像の閲覧及び提供",
    ),
    Role.CUSTODIAN: (
        "custodian",
        "鍵管理者",
        "holds a key; approves the opening of what was granted",
        "鍵の保管、決定を受けた画像の開封の承認",
    ),
    Role.ADMINISTRATOR: (
        "administrator",
        "システム管理者",
        "settings and accounts; no pictures",
        "設定及び利用者の管理(画像の取扱いは不可)",
    ),
    Role.INSTALLER: (
        "installer",
        "設置・保守担当者",
        "health and aiming with a handler present; no recordings",
        "状態の確認及び取扱担当者の立会いの下での画角調整(録画の取扱いは不可)",
    ),
    Role.AUDITOR: ("auditor", "監査担当者", "reads the register; no pictures", "記録簿の閲覧(画像の取扱いは不可)"),
}


def role_name(role: Role, say: Language) -> str:
    """Return what a duty is called."""
    return say(_DUTIES[role][0], _DUTIES[role][1])


def person_duties(person: SitePerson, say: Language) -> str:
    """Return the duties of a person, in the order of the table."""
    return say.joined([role_name(role, say) for role in _DUTIES if role in person.roles])


def role_rows(facts: PaperFacts, say: Language) -> tuple[tuple[str, str, str], ...]:
    """Return one row for each duty that somebody has: its name, who, what it allows."""
    return tuple(
        (role_name(role, say), "\n".join(holders), say(english, japanese))
        for role, (_, _, english, japanese) in _DUTIES.items()
        if (holders := facts.holders(role))
    )


def camera_rows(facts: PaperFacts, say: Language) -> tuple[tuple[str, str, str, str], ...]:
    """Return one row for each camera: name, place, purpose, retention."""
    return tuple(
        (
            camera.name,
            camera.place,
            camera.purpose or facts.office.purpose,
            say.duration(camera.retention),
        )
        for camera in facts.office.cameras
    )


def audio_statement(facts: PaperFacts, say: Language) -> tuple[str, ...]:
    """Return what is done about sound, camera by camera where somebody decided to record it (R3)."""
    decided = [
        say(
            f"Sound is recorded at {camera.name} ({camera.place}) by written decision of {camera.audio.who} of "
            f"{say.day(camera.audio.date)}: {camera.audio.reason}.",
            f"{camera.name}({camera.place})は、{camera.audio.who}の{say.day(camera.audio.date)}の書面による決定により、"
            f"音声を記録する。理由: {camera.audio.reason}",
        )
        for camera in facts.office.cameras
        if camera.audio is not None
    ]
    if not decided:
        return (
            say(
                "No sound is recorded: it is neither asked of a camera nor stored.",
                "音声は取得しない。カメラに要求せず、記録もしない。",
            ),
        )
    rest = say("At all other cameras no sound is recorded.", "その他のカメラでは、音声を取得しない。")
    return (*decided, rest) if len(decided) < len(facts.office.cameras) else tuple(decided)


def longer_statement(facts: PaperFacts, say: Language) -> tuple[str, ...]:
    """Return who decided on a retention beyond the ceiling, camera by camera (K2)."""
    return tuple(
        say(
            f"The pictures of {camera.name} are kept for {say.duration(camera.retention)} by written decision of "
            f"{camera.longer.who} of {say.day(camera.longer.date)}: {camera.longer.reason}.",
            f"{camera.name}の保存期間は、{camera.longer.who}の{say.day(camera.longer.date)}の書面による決定により"
            f"{say.duration(camera.retention)}とする。理由: {camera.longer.reason}",
        )
        for camera in facts.office.cameras
        if camera.longer is not None
    )


def opening_statement(facts: PaperFacts, say: Language) -> str:
    """Return who has to come together to open a recording (H4)."""
    if facts.n:
        return say(
            f"Recordings can be opened only with the keys of {facts.k} of the {facts.n} custodians together; the "
            "recorder itself cannot open them. A recovery key on paper lies sealed in the safe.",
            f"記録した画像は、鍵管理者{facts.n}人のうち{facts.k}人以上が各自の鍵により承認しなければ開くことができない。"
            "録画機自体は開くことができない。復旧用の鍵は、紙により封印して金庫に保管する。",
        )
    return say(
        f"Recordings can be opened only with the keys of at least {facts.k} custodians together; the recorder itself "
        "cannot open them.",
        f"記録した画像は、鍵管理者{facts.k}人以上が各自の鍵により承認しなければ開くことができない。"
        "録画機自体は開くことができない。",
    )


def transport_statement(facts: PaperFacts, say: Language) -> tuple[str, ...]:
    """Return how pictures travel from the cameras to the recorder (O5)."""
    office = facts.office
    said = say(
        "Between camera and recorder pictures travel encrypted, or inside these local networks: "
        f"{', '.join(office.local_networks) or 'none'}.",
        "カメラから録画機までの伝送は、暗号化するか、次の構内ネットワーク内に限る: "
        f"{'、'.join(office.local_networks) or 'なし'}",
    )
    vpn = say(f"Beyond them they use the VPN {office.vpn}.", f"構外との伝送には、VPN({office.vpn})を用いる。")
    return (said, vpn) if office.vpn else (said,)


def claim_of(tier: str, say: Language) -> str:
    """Return what the tier claims, no more (K4)."""
    if tier not in ErasureTier.__members__:
        return say(
            "How strong the erasure is cannot be said now: the recorder does not answer.",
            "消去保証区分は、録画機が応答しないため現在確認できない。",
        )
    claim = both(tier_claim(ErasureTier[tier]))
    return say(claim.english, claim.japanese)


def erasure_statement(facts: PaperFacts, say: Language) -> tuple[str, str]:
    """Return how recordings are erased and how strong that is (K4)."""
    return (
        say(
            "When their time is over the keys of the recordings are destroyed by the recorder itself; a receipt of "
            "each destruction is kept. The oldest recordings are overwritten first.",
            "保存期間を経過した画像は、録画機がその暗号鍵を破棄することにより自動的に消去し、消去ごとに記録を残す。"
            "記録領域は、古い画像から順に上書きする。",
        ),
        claim_of(facts.tier, say),
    )


def ground_line(ground: Ground, say: Language) -> str:
    """Return one ground with its source and the document that it needs (H2)."""
    document = ground.document
    if document is None:
        needs = say("no document needed", "文書は不要")
    else:
        needs = say(f"needs {document.english}", f"必要な文書: {document.japanese}")
    return say(
        f"{ground.name.english} ({ground.source.english}; {needs})",
        f"{ground.name.japanese}({ground.source.japanese}。{needs})",
    )
