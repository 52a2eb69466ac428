"""The questions that review boards ask, and what this site answers: encryption, restoring, sound, liveness, secrets, …

Pure. Must not know the report's layout.
"""

from collections.abc import Iterator
from typing import Protocol

from kuramori.desk.body_keeping import KEPT_YEARS
from kuramori.desk.custody_book import DRILL_MS
from kuramori.desk.request import PRESENT_LEAST
from kuramori.paper.language import Language
from kuramori.paper.office_texts import audio_statement, claim_of, opening_statement, person_duties, transport_statement
from kuramori.paper.paper_facts import PaperFacts

DAY_MS = 86_400_000


class Standing(Protocol):
    """What the answers look at of how things stand now."""

    @property
    def clock_trusted(self) -> bool:
        """Whether the recorder's clock is synchronised."""
        ...

    @property
    def read_back(self) -> str:
        """How far reading back has come."""
        ...

    @property
    def recorder(self) -> bool:
        """Whether the recorder answers."""
        ...

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong now."""
        ...

    @property
    def custodians(self) -> tuple[str, ...]:
        """Who holds a key."""
        ...

    @property
    def keys_not_shown(self) -> int:
        """How many custodians have not shown theirs for too long."""
        ...


def answers(facts: PaperFacts, standing: Standing, say: Language) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each question with the paragraphs of its answer."""
    yield say("Is it encrypted, and how?", "画像は暗号化されているか。その方法は何か。"), _encryption(facts, say)
    yield (
        say("Can what was overwritten or erased be restored?", "上書き・消去した画像は復元できるか。"),
        (
            say(
                "Erasing means that the keys are destroyed: overwriting alone is not relied on.",
                "消去は、暗号鍵を破棄することにより行い、上書きだけには依存しない。",
            ),
            claim_of(facts.tier, say),
        ),
    )
    yield say("Is sound recorded?", "音声を取得しているか。"), audio_statement(facts, say)
    yield (
        say("How do you know that it records?", "録画されていることをどのように確認しているか。"),
        _liveness(facts, standing, say),
    )
    yield (
        say("Who holds the passwords and keys?", "パスワード及び鍵は誰が管理しているか。"),
        _secrets(facts, standing, say),
    )
    yield (
        say("Do pictures stay on other machines?", "閲覧に用いる端末に画像が残るか。"),
        (
            say(
                "No. There is no live view. Pictures of a granted request are shown from memory and not kept; a copy "
                "leaves only onto the recipient's medium, and each copy is registered.",
                "残らない。常時の閲覧機能はなく、決定を受けた画像の閲覧はメモリー上で行い保存しない。"
                "複製は提供先の記録媒体に書き込むもののみとし、1件ごとに記録する。",
            ),
        ),
    )
    yield say("How do pictures travel?", "画像の伝送はどのように保護しているか。"), transport_statement(facts, say)
    yield say("What of lawyers and courts?", "弁護士会照会、裁判所の手続にはどう対応するか。"), _lawyers(say)
    yield (
        say("Can a recipient tell whether a clip was altered?", "提供した画像の改変の有無は確認できるか。"),
        (
            say(
                "Yes: each clip comes with a signed list of the digests of every picture, which anybody can check.",
                "確認できる。提供する画像には、全ての画像のハッシュ値の署名付き目録を添付し、誰でも検証することができる。",
            ),
        ),
    )


def _encryption(facts: PaperFacts, say: Language) -> tuple[str, ...]:
    return (
        say(
            "Yes, from the first moment: nothing is ever written to a medium unencrypted. Each segment of a recording "
            "has an own random key (AES-256-GCM); its key is split among the custodians and sealed to each of them "
            "(HPKE, X25519). A stolen recorder or medium shows nothing.",
            "暗号化している。暗号化されていない画像を記録媒体に書き込むことはない。録画の区間ごとに異なる鍵を用い"
            "(AES-256-GCM)、その鍵は鍵管理者に分割し、各人の公開鍵で封印する(HPKE、X25519)。"
            "録画機や記録媒体が盗まれても、画像を見ることはできない。",
        ),
        opening_statement(facts, say),
    )


def _liveness(facts: PaperFacts, standing: Standing, say: Language) -> tuple[str, ...]:
    told = [
        say(
            "The recorder checks without a pause that pictures of every camera arrive and are on the medium; each gap "
            "is kept with its reason (section 4). What was written is read back and verified.",
            "録画機は、全カメラの画像が届き記録媒体に書き込まれていることを常時確認し、欠落は理由とともに記録する"
            "(4に掲げるとおり)。書き込んだ画像は読み返して検証する。",
        )
    ]
    if facts.office.mails:
        told.append(
            say(
                "The office gets a mail at fixed times, and at once when something is wrong; silence is an alarm too.",
                "担当課には、定時のメール及び異常時のメールを送信し、メールが届かないことも異常として扱う。",
            )
        )
    else:
        told.append(
            say(
                "Mail to the office is not set up (table [mail]); the state is looked at by hand.",
                "担当課へのメール通知は設定されていない(設定ファイルの [mail])。状態は職員が画面で確認する。",
            )
        )
    if standing.read_back:
        told.append(standing.read_back)
    if not standing.recorder:
        told.append(
            say("At this moment the recorder does not answer.", "本報告書の作成時点で、録画機が応答していない。")
        )
    elif not standing.clock_trusted:
        told.append(
            say("At this moment its clock is not synchronised.", "本報告書の作成時点で、時計が同期していない。")
        )
    listed = "\n".join(f"- {problem}" for problem in standing.problems)
    if standing.problems:
        told.append(say(f"Wrong at this moment:\n{listed}", f"本報告書の作成時点の異常:\n{listed}"))
    elif standing.recorder:
        told.append(say("At this moment nothing is wrong.", "本報告書の作成時点で、異常はない。"))
    return tuple(told)


def _secrets(facts: PaperFacts, standing: Standing, say: Language) -> tuple[str, ...]:
    people = "\n".join(f"- {one.title} {one.name}: {person_duties(one, say)}" for one in facts.people)
    holders = say.joined(standing.custodians) or say("not known now", "現在確認できない")
    told = [
        say(
            "Each person signs in as themselves, with password and authenticator; no password is shared."
            if facts.office.signs_in
            else "Sign-in for each person is not switched on (table [api]); only accounts of the recorder's own "
            "machine act, each named in the register.",
            "各職員が本人のパスワード及び認証アプリによりサインインし、共用のパスワードはない。"
            if facts.office.signs_in
            else "職員ごとのサインインは有効になっていない(設定ファイルの [api])。録画機本体の利用者のみが操作し、"
            "操作者の氏名を記録簿に記録する。",
        ),
        people,
        say(
            f"Who holds a key that opens recordings: {holders} ({facts.k} of {facts.n or '?'} together).",
            f"画像を開く鍵の保管者: {holders}({facts.n or '?'}人のうち{facts.k}人以上が必要)",
        ),
        say(
            "No single person opens anything: the manager decides, the custodians approve, "
            f"and at least {PRESENT_LEAST} members of staff are present. The code that resets the settings and the "
            "recovery key lie on paper in the safe; their use is registered.",
            "一人で画像を開くことはできない。管理責任者が決定し、鍵管理者が承認し、"
            f"{PRESENT_LEAST}人以上の職員が立ち会う。設定の復旧コード及び復旧用の鍵は紙により金庫に保管し、"
            f"使用した場合は記録簿に残る。記録簿は当該年度の末日から{KEPT_YEARS}年間保存する。",
        ),
    ]
    if standing.keys_not_shown:
        days = DRILL_MS // DAY_MS
        told.append(
            say(
                f"{standing.keys_not_shown} of them have not shown their key for over {days} days.",
                f"{days}日を超えて鍵を確認していない鍵管理者: {standing.keys_not_shown}人",
            )
        )
    return tuple(told)


def _lawyers(say: Language) -> tuple[str, ...]:
    return (
        say(
            "Their request is filed at once and the minutes are held, so that they are not overwritten while it is "
            "decided.",
            "請求を受け付けた時点で当該時間の画像の保存期間を延長し、決定までの間に上書きされないようにする。",
        ),
    )
