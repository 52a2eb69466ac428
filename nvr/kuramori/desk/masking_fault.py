"""What the desk refuses about masked copies. Like `fault`: stable codes, one sentence in both languages.

DeskFault
  BoxesUnusable           the boxes file says something that cannot be
  MaskedCopyUnknown       no masked copy of that number
  MaskedCopiesUsedUp      a request has only so many
  MaskedCopyOwn           who had it made is not who confirms it
  MaskedCopyNotWaiting    it is not waiting for this
  MaskedCopyDiffers       what was looked through is not what waits
  MaskedCopyUnconfirmed   nobody else has confirmed it

Must not know HTTP.
"""

from kuramori.desk.fault import DeskFault


class BoxesUnusable(DeskFault):
    """The boxes file cannot be used; `field` says where."""

    code = "boxes-unusable"

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(
            f"The boxes file cannot be used: at {field} there has to be {expected}.",
            f"枠ファイルを使用できません: {field} は次のとおりにしてください: {expected}",
        )
        self.field = field


class MaskedCopyUnknown(DeskFault):
    """There is none of that number."""

    code = "masked-copy-unknown"

    def __init__(self, request_id: str, number: int) -> None:
        super().__init__(
            f"Request {request_id} has no masked copy no. {number}.",
            f"請求 {request_id} にマスキング済み写し第{number}号はありません。",
        )


class MaskedCopiesUsedUp(DeskFault):
    """So many were made of this request that no further one is."""

    code = "masked-copies-used-up"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"At most {most} masked copies are made of a request: file a new one.",
            f"マスキング済み写しは1件の請求につき {most} 号までです。新たに請求してください。",
        )
        self.most = most


class MaskedCopyOwn(DeskFault):
    """Two persons: one draws, another one looks."""

    code = "masked-copy-own"

    def __init__(self, person: str) -> None:
        super().__init__(
            f"{person} had this masked copy made: another person has to look through it.",
            f"この写しは {person} が作成したものです。別の職員が確認してください。",
        )


class MaskedCopyNotWaiting(DeskFault):
    """It is still being made, or decided on already, or gone; `state` says which."""

    code = "masked-copy-not-waiting"

    def __init__(self, number: int, state: str) -> None:
        super().__init__(
            f"Masked copy no. {number} does not wait for this (it is {state}); where it is gone, have it made again.",
            f"マスキング済み写し第{number}号は、この手続を待つ状態ではありません({state})。"
            "失われている場合は、作成し直してください。",
        )
        self.state = state


class MaskedCopyDiffers(DeskFault):
    """The digests in the confirmation are not those of the copy and its strips."""

    code = "masked-copy-differs"

    def __init__(self, number: int) -> None:
        super().__init__(
            f"What was looked through is not masked copy no. {number} as it waits: look through its strips again.",
            f"確認された内容が、マスキング済み写し第{number}号と一致しません。改めて確認してください。",
        )


class MaskedCopyUnconfirmed(DeskFault):
    """Nothing leaves that nobody else looked through."""

    code = "masked-copy-unconfirmed"

    def __init__(self, number: int) -> None:
        super().__init__(
            f"Masked copy no. {number} has to be confirmed by another person first.",
            f"マスキング済み写し第{number}号は、先に別の職員の確認が必要です。",
        )
