"""What the desk refuses about how it is called. Like `fault`: stable codes, one sentence in both languages.

DeskFault
  JobUnknown      no job of that number, or another's
  JobsFull        too much long work is under way
  KeyInvalid      an idempotency key that is none
  KeyReused       the key stood for something else before
  OutcomeUnknown  the same call was begun before, and nobody knows how it ended
  AnswerGone      the same call was done before; its answer is shown once
  CallsUnkept     calls cannot be noted, so this one is not done
  CursorInvalid   a cursor that this list did not give
  RangeUnsatisfiable  a part of a download beyond its end

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


class KeyInvalid(DeskFault):
    """An Idempotency-Key that is none."""

    code = "idempotency-key-invalid"

    def __init__(self) -> None:
        super().__init__(
            "Idempotency-Key: 8 to 128 letters, digits, hyphens or underscores, as a UUID.",
            "Idempotency-Key は8〜128字の英数字・ハイフン・下線としてください(UUIDなど)。",
        )


class KeyReused(DeskFault):
    """The key stood for another body within the last day."""

    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key stood for something else within the last day: take a new one.",
            "この Idempotency-Key は24時間以内に別の内容で使われています。新しいキーを使ってください。",
        )


class OutcomeUnknown(DeskFault):
    """The same call was begun, and the desk ended before its answer was kept."""

    code = "idempotency-outcome-unknown"

    def __init__(self) -> None:
        super().__init__(
            "This call was begun before and broke off; look at the register whether it was done, then take a new key.",
            "この操作は以前に途中で切れました。実行済みかどうか記録簿で確認し、新しいキーでやり直してください。",
        )


class AnswerGone(DeskFault):
    """The same call was done; its answer was too large to keep, or may be shown once only."""

    code = "idempotency-answer-gone"

    def __init__(self, given: int) -> None:
        super().__init__(
            f"This call was done before (status {given}) and is not done again; its answer is not kept.",
            f"この操作は実行済みです(状態 {given})。再度は実行しません。当時の応答は保存されていません。",
        )
        self.given = given


class CallsUnkept(DeskFault):
    """The file of calls does not serve."""

    code = "calls-unkept"

    def __init__(self) -> None:
        super().__init__(
            "The desk cannot note this call, so it does not do it; its state directory may be full or read-only.",
            "受付がこの操作を控えられないため、実行しません。状態ディレクトリの空きと書込みを確認してください。",
        )


class CursorInvalid(DeskFault):
    """A cursor that this list did not give."""

    code = "cursor-invalid"

    def __init__(self) -> None:
        super().__init__(
            "This is no cursor of this list: begin without one.",
            "この一覧のカーソルではありません。カーソルなしで最初から取得してください。",
        )


class RangeUnsatisfiable(DeskFault):
    """A part of a download beyond its end."""

    code = "range-unsatisfiable"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"There is no such part: what waits has {most} bytes.",
            f"その範囲はありません。全体は {most} バイトです。",
        )
        self.most = most
