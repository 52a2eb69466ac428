"""What the desk refuses about complaints. Like `fault`: stable codes, one sentence in both languages.

DeskFault
  ComplaintUnknown     no complaint or question of that number
  ComplaintFinished    it has its answer

Must not know HTTP.
"""

from kuramori.desk.fault import DeskFault


class ComplaintUnknown(DeskFault):
    """There is none of that number."""

    code = "complaint-unknown"

    def __init__(self, number: str) -> None:
        shown = number[:20] if number[:20].isprintable() else "?"
        super().__init__(
            f"There is no complaint {shown}; see: kuramori complaint list",
            f"受付番号 {shown} の苦情等はありません。kuramori complaint list で確認してください。",
        )


class ComplaintFinished(DeskFault):
    """It was answered, and an answer is not replaced."""

    code = "complaint-answered"

    def __init__(self, number: str) -> None:
        super().__init__(
            f"Complaint {number} has its answer; take what is new as a new one.",
            f"受付番号 {number} は回答済みです。新たな申出は別の受付としてください。",
        )
