"""What the desk refuses about how it is called. Like `fault`: stable codes, one sentence in both languages.

DeskFault
  JobUnknown    no job of that number, or another's
  JobsFull      too much long work is under way

Must not know HTTP.
"""

from kuramori.desk.fault import DeskFault


class JobUnknown(DeskFault):
    """No job of that number, or not of this person."""

    code = "job-unknown"

    def __init__(self) -> None:
        super().__init__(
            "No such job: a job is shown to who started it, for a day, until the desk starts anew.",
            "その処理はありません。処理の状況は、開始した本人に1日間だけ表示されます。",
        )


class JobsFull(DeskFault):
    """Too much is being done already."""

    code = "jobs-full"

    def __init__(self) -> None:
        super().__init__(
            "Too much long work is under way; wait until some of it is done.",
            "実行中の処理が多すぎます。終わるまでお待ちください。",
        )
