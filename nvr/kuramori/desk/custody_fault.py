"""What the desk refuses around custody; each a DeskFault with a stable code and one sentence in both languages.

    CustodyRefused        the change, signature, answer or hand-on does not count; `reason` is stable
    NotHandedOn           recordings would be left with fewer custodians than open them: hand them on first
    ProposalMissing       no change of custodians is proposed
    ProposalPending       one is proposed already

Must not know HTTP.
"""

from typing import ClassVar

from kuramori.desk.fault import DeskFault
from kuramori.key_texts import key_sentences
from kuramori_segments.key_faults import KeyFault


class CustodyRefused(DeskFault):
    """It does not count; `reason` is stable."""

    code: ClassVar[str] = "custody-refused"

    def __init__(self, reason: str, english: str, japanese: str) -> None:
        super().__init__(english, japanese)
        self.reason = reason


class NotHandedOn(DeskFault):
    """Recordings would be left below the number of custodians that open them."""

    code = "not-handed-on"

    def __init__(self, segments: int, held: int, present: int, needed: int) -> None:
        super().__init__(
            f"{segments} segments ({held} of them held) are still sealed to custodians of whom only {present} would "
            f"remain, and {needed} are needed to open them: hand them on first (kuramori custody hand-on export).",
            f"{segments} 件のセグメント(うち保存延長 {held} 件)は従前の鍵管理者に封印されており、残る鍵管理者は"
            f" {present} 名(必要 {needed} 名)です。先に引継ぎ(kuramori custody hand-on export)を行ってください。",
        )
        self.needed = needed
        self.given = present


class ProposalMissing(DeskFault):
    """No change of custodians is proposed."""

    code = "proposal-missing"

    def __init__(self) -> None:
        super().__init__(
            "No change of custodians is proposed; see: kuramori custody change propose",
            "鍵管理者の変更は提案されていません。kuramori custody change propose で提案してください。",
        )


class ProposalPending(DeskFault):
    """One change at a time."""

    code = "proposal-pending"

    def __init__(self, number: int) -> None:
        super().__init__(
            f"Change {number} of the custodians is proposed already: have it signed, or withdraw it.",
            f"鍵管理者の変更(第{number}号)が提案中です。署名を集めるか、取り下げてください。",
        )


def refused(fault: KeyFault) -> CustodyRefused:
    """Return the desk's refusal for a fault of keys, cards, changes, drills or shares."""
    english, japanese = key_sentences(fault)
    return CustodyRefused(type(fault).__name__, english, japanese)
