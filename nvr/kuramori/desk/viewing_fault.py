"""What the desk refuses about looking. Like `fault`: stable codes, one sentence in both languages.

DeskFault
  ViewingUnknown     no viewing of that number is going on
  ViewingFailed      the pictures could not be shown
  DetailNotBegun     a storyboard was begun, and full detail is asked for

Must not know HTTP.
"""

from kuramori.desk.fault import DeskFault


class ViewingUnknown(DeskFault):
    """No viewing of that number is going on: it ended, or there was none."""

    code = "viewing-unknown"

    def __init__(self, request_id: str, viewing: int) -> None:
        super().__init__(
            f"No viewing {viewing} of request {request_id} is going on: begin another with kuramori view.",
            f"請求 {request_id} の閲覧 {viewing} は終了しています。kuramori view で改めて始めてください。",
        )


class ViewingFailed(DeskFault):
    """The worker showed nothing; `reason` is stable."""

    code = "viewing-failed"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(
            f"The pictures cannot be shown ({reason}): {detail}", f"映像を表示できません({reason}): {detail}"
        )
        self.reason = reason


class DetailNotBegun(DeskFault):
    """The register says that a storyboard is looked at: no more is shown."""

    code = "detail-not-begun"

    def __init__(self) -> None:
        super().__init__(
            "This viewing was begun as a storyboard: begin another one to see full detail.",
            "この閲覧は縮小一覧のみとして始めました。詳細を見るには、改めて閲覧を始めてください。",
        )
