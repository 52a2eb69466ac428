"""The tree of what the desk refuses: each fault has a stable code and one sentence in both languages.

    DeskFault
      PersonMissing             nobody is named as acting
      PersonUnknown             the named person has no duties here
      RoleMissing               the person has duties, but not this one
      RequestInvalid            a field of what was sent cannot be
      RequestRefused            the rules refuse it; registered as a refused attempt (H2)
      RequestUnknown            no request of that number
      TransitionRefused         not the moment for this step
      NotTheRequester           only who filed it may do this
      OwnRequest                nobody decides on an own request
      NothingRecorded           no recording in that range
      RecordingErased           there was one; its keys are destroyed
      RecordingAway             there is one, or may be, on a volume that is away
      ErasureWaits              ordered; carried out when a volume that is away is back
      ApprovalRefused           a custodian's approval does not count; says why
      ApprovalsExpired          approved too long ago
      ApprovalsMissing          fewer custodians than needed
      ViewingOnly               the ground allows looking, never a hand-over (H2)
      WitnessMissing            somebody else has to be present (H4)
      KeysDoNotFit              the keys handed in are not those of the granted segments
      SegmentChanged            the recording is not the one that was granted
      ExtractionRefused         the worker made no bundle
      DeskBusy                  too many bundles are being made
      HoldUnknown, HoldRefused
      CameraUnknown, CameraRemoved
      EnrolmentChanged          the camera was replaced in the meantime
      CertificateRefused        the camera did not show this certificate
      AimingUsedUp              no further still in this enrolment (R4)
      AimingRefused             installer and handler are not who they have to be
      StillMissing              the camera gave no picture
      DoorAway                  the door does not answer
      RecorderAway              the recorder does not answer
      RecorderDeclined          the recorder answered that it will not
      CustodiansUnusable        the custodian set cannot be read
      RegisterAway              the register cannot be used: nothing may take effect

Codes are part of the API: never reused, never renamed. Must not know HTTP.
"""

from typing import ClassVar


class DeskFault(Exception):
    """What was asked is not done. `english` and `japanese` are one sentence each and hold no secret."""

    code: ClassVar[str] = "desk-fault"

    def __init__(self, english: str, japanese: str) -> None:
        super().__init__(english)
        self.english = english
        self.japanese = japanese


class PersonMissing(DeskFault):
    """Nobody is named as acting."""

    code = "person-missing"

    def __init__(self) -> None:
        super().__init__(
            "Say who acts: --as NAME, or KURAMORI_PERSON.",
            "操作する職員の氏名を --as 氏名、又は KURAMORI_PERSON で指定してください。",
        )


class PersonUnknown(DeskFault):
    """The named person has no duties here."""

    code = "person-unknown"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} has no duties at this site: the configuration names nobody of that name.",
            f"{name} は設定ファイルに職員として登録されていません。",
        )


class RoleMissing(DeskFault):
    """The person has duties, but not this one."""

    code = "role-missing"

    def __init__(self, name: str, needed: tuple[str, ...]) -> None:
        super().__init__(
            f"{name} may not do this; it takes the role {' or '.join(needed)}.",
            f"{name} にはこの操作の権限がありません。必要な役割: {'、'.join(needed)}",
        )
        self.needed = needed


class RequestInvalid(DeskFault):
    """A field of what was sent cannot be."""

    code = "request-invalid"

    def __init__(self, field: str, english: str, japanese: str) -> None:
        super().__init__(f"{field}: {english}", f"{field}: {japanese}")
        self.field = field


class RequestRefused(DeskFault):
    """The rules refuse it, and the refusal stands in the register under `request_id`."""

    code = "request-refused"

    def __init__(self, reason: str, english: str, japanese: str, request_id: str = "") -> None:
        noted = f" (registered as {request_id})" if request_id else ""
        noted_ja = f"(記録簿番号 {request_id})" if request_id else ""
        super().__init__(english + noted, japanese + noted_ja)
        self.reason = reason
        self.request_id = request_id


class RequestUnknown(DeskFault):
    """No request of that number."""

    code = "request-unknown"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"There is no request {request_id[:20]}.", f"請求 {request_id[:20]} はありません。")


class TransitionRefused(DeskFault):
    """Not the moment for this step: the request's state does not allow it."""

    code = "not-in-state"

    def __init__(
        self, request_id: str, state: str, state_japanese: str, step: str, english: str, japanese: str
    ) -> None:
        super().__init__(
            f"Request {request_id} is {state}: {english}",
            f"請求 {request_id} の状態は「{state_japanese}」です。{japanese}",
        )
        self.state = state
        self.step = step


class NotTheRequester(DeskFault):
    """Only the handler who filed the request may do this."""

    code = "not-the-requester"

    def __init__(self, request_id: str, requester: str) -> None:
        super().__init__(
            f"Only {requester}, who filed request {request_id}, may do this.",
            f"請求 {request_id} を受け付けた {requester} だけが行えます。",
        )


class OwnRequest(DeskFault):
    """Who filed a request does not decide on it."""

    code = "own-request"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"Nobody decides on an own request: another manager or deputy has to decide on {request_id}.",
            f"自分が受け付けた請求 {request_id} は決裁できません。別の管理責任者又は代理者が決裁してください。",
        )


class NothingRecorded(DeskFault):
    """There is no recording of these cameras in this range."""

    code = "nothing-recorded"

    def __init__(self, cameras: str) -> None:
        super().__init__(
            f"Nothing is recorded of {cameras} in this range; see: kuramori coverage",
            f"この期間に {cameras} の記録はありません。kuramori coverage で確認してください。",
        )


class RecordingErased(DeskFault):
    """There was a recording; its keys are destroyed and nobody can open it any more."""

    code = "recording-erased"

    def __init__(self, cameras: str) -> None:
        super().__init__(
            f"The recording of {cameras} in this range has been erased: its keys are destroyed, nobody can open it.",
            f"この期間の {cameras} の記録は消去済みです。鍵が破棄されており、誰にも開けません。",
        )


class RecordingAway(DeskFault):
    """What was recorded lies, or may lie, on a volume that is away or does not answer."""

    code = "recording-away"

    def __init__(self, cameras: str, volumes: str) -> None:
        super().__init__(
            f"The recording of {cameras} in this range lies, or may lie, on a volume that is away: {volumes}. "
            "Its minutes are held by a filed request; nothing can be granted or opened before it is back.",
            f"この期間の {cameras} の記録は、使用できない保存領域 {volumes} にある（可能性があります）。"
            "受付済みの請求の期間は保存が延長されますが、復旧するまで決裁・開封はできません。",
        )


class ErasureWaits(DeskFault):
    """The order stands in the register; the recorder cannot carry it out wholly yet, and so does nothing."""

    code = "erasure-waits"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The erasure is ordered, and is carried out as soon as it can be, wholly: {why}",
            f"消去の指示は登録済みで、全体を消去できるようになり次第、自動で実行されます: {why}",
        )


class ApprovalRefused(DeskFault):
    """A custodian's approval does not count. `reason` is stable."""

    code = "approval-refused"

    def __init__(self, reason: str, english: str, japanese: str) -> None:
        super().__init__(english, japanese)
        self.reason = reason


class ApprovalsExpired(DeskFault):
    """The custodians approved too long ago."""

    code = "approvals-expired"

    def __init__(self, request_id: str, days: int) -> None:
        super().__init__(
            f"The approvals of request {request_id} are older than {days} days: decide on it again.",
            f"請求 {request_id} の承認から{days}日を過ぎました。改めて決裁を受けてください。",
        )


class ApprovalsMissing(DeskFault):
    """Fewer custodians have approved than are needed."""

    code = "approvals-missing"

    def __init__(self, request_id: str, given: int, needed: int) -> None:
        super().__init__(
            f"Request {request_id} has {given} of the {needed} approvals that are needed.",
            f"請求 {request_id} の承認は {given} 名です。{needed} 名の承認が必要です。",
        )
        self.given = given
        self.needed = needed


class ViewingOnly(DeskFault):
    """The ground allows looking only."""

    code = "viewing-only"

    def __init__(self, ground: str) -> None:
        super().__init__(
            f"The ground {ground} allows looking on the desk's screen only: no bundle is made of it.",
            f"根拠「{ground}」で認められるのは閲覧のみです。提供データは作成できません。",
        )


class WitnessMissing(DeskFault):
    """Opening needs a second member of staff who is present (H4)."""

    code = "witness-missing"

    def __init__(self) -> None:
        super().__init__(
            "At least two members of staff have to be present: name the other one with --witness.",
            "複数の職員の立会いが必要です。立会職員を --witness で指定してください。",
        )


class KeysDoNotFit(DeskFault):
    """The keys that were handed in are not those of exactly the granted segments."""

    code = "keys-do-not-fit"


class SegmentChanged(DeskFault):
    """The recording is not the one that was granted."""

    code = "segment-changed"

    def __init__(self, camera: str) -> None:
        super().__init__(
            f"The recording of {camera} is not the one that was granted: decide on the request again.",
            f"{camera} の記録が決裁時のものと一致しません。改めて決裁を受けてください。",
        )


class ExtractionRefused(DeskFault):
    """The worker made no bundle; nothing left the recorder."""

    code = "extraction-failed"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"No clip was made ({reason}): {detail}", f"映像を取り出せませんでした({reason}): {detail}")
        self.reason = reason


class DeskBusy(DeskFault):
    """Too many bundles are being made at this moment."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__(
            "Other clips are being made: try again in a moment.",
            "別の映像を取り出しています。しばらくしてからやり直してください。",
        )


class HoldUnknown(DeskFault):
    """No hold of that number is in force."""

    code = "hold-unknown"

    def __init__(self, hold_id: str) -> None:
        super().__init__(f"No hold {hold_id[:32]} is in force.", f"保存期間の延長 {hold_id[:32]} はありません。")


class HoldRefused(DeskFault):
    """The recorder could not place the hold."""

    code = "hold-refused"


class RecorderAway(DeskFault):
    """The recorder does not answer."""

    code = "recorder-unreachable"

    def __init__(self, english: str = "", japanese: str = "") -> None:
        super().__init__(
            f"The recorder does not answer. {english or 'Try again, and see: kuramori status'}",
            f"録画機(recorder)が応答しません。{japanese or 'kuramori status で状態を確認してください。'}",
        )


class RecorderDeclined(DeskFault):
    """The recorder answered that it will not or cannot; `reason` is its stable code."""

    code = "recorder-declined"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"The recorder declined: {message}", f"録画機(recorder)が応じませんでした: {message}")
        self.reason = reason


class CustodiansUnusable(DeskFault):
    """The custodian set cannot be read, so nobody's approval can be judged."""

    code = "custodians-unusable"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The custodian set cannot be read: {detail}; see: kuramori doctor",
            f"鍵管理者の情報を読めません: {detail}。kuramori doctor で確認してください。",
        )


class RegisterAway(DeskFault):
    """The register cannot be used, so nothing may take effect."""

    code = "register-unusable"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The register cannot be used, so nothing can be granted or opened: {detail}",
            f"記録簿が使えないため、決裁も閲覧もできません: {detail}",
        )


class CameraUnknown(DeskFault):
    """No camera of that name is in service."""

    code = "camera-unknown"

    def __init__(self, name: str) -> None:
        shown = name[:32] if name[:32].isprintable() else "?"
        super().__init__(
            f"There is no camera {shown}; see: kuramori camera list",
            f"カメラ {shown} はありません。kuramori camera list で確認してください。",
        )


class CameraRemoved(DeskFault):
    """The camera was removed; its name is never used again."""

    code = "camera-removed"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The camera {name} was removed, and its name is never used again: choose another.",
            f"カメラ {name} は撤去済みです。この名前は再使用できません。別の名前にしてください。",
        )


class EnrolmentChanged(DeskFault):
    """The camera was enrolled anew while this was on its way."""

    code = "enrolment-changed"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The camera {name} was added or replaced at this moment: look at it, then try again.",
            f"カメラ {name} は登録内容が変更されたところです。確認のうえ、やり直してください。",
        )


class AimingUsedUp(DeskFault):
    """All stills of this enrolment have been shown (R4)."""

    code = "aiming-used-up"

    def __init__(self, name: str, most: int) -> None:
        super().__init__(
            f"{most} stills of {name} have been shown since it was enrolled, which is the limit; a new count begins "
            "when the manager or a deputy replaces the camera (kuramori camera replace).",
            f"{name} の画角調整用静止画は、登録後の上限 {most} 枚に達しました。管理責任者又は代理者がカメラの交換"
            "(kuramori camera replace)を行うと、新たに数え始めます。",
        )
        self.most = most


class AimingRefused(DeskFault):
    """Aiming takes an installer and, present, a handler who is somebody else."""

    code = "aiming-refused"


class CertificateRefused(DeskFault):
    """Neither door nor recorder was shown this certificate."""

    code = "certificate-refused"

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(
            f"This is not a certificate that {name} shows and that was refused: {detail}.",
            f"{name} が提示して拒否された証明書と一致しません({detail})。",
        )


class StillMissing(DeskFault):
    """The camera gave no picture; nothing was shown, and nothing counts. `reason` is stable."""

    code = "still-missing"

    def __init__(self, name: str, reason: str, detail: str) -> None:
        super().__init__(
            f"No still of {name} could be had: {detail} Nothing was shown, and nothing counts.",
            f"{name} の静止画を取得できませんでした({detail})。表示しておらず、枚数にも数えません。",
        )
        self.reason = reason


class DoorAway(DeskFault):
    """The door does not answer."""

    code = "door-away"

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            f"The door does not answer{': ' + detail if detail else ''}; see: kuramori doctor",
            f"接続窓口(door)が応答しません{'(' + detail + ')' if detail else ''}。kuramori doctor で確認してください。",
        )
