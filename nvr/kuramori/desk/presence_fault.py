"""What the desk refuses about being present. Like `fault`: stable codes, one sentence in both languages.

DeskFault
  PresenceMissing      nobody else has confirmed being present, or not for this, or not any more
  PresenceRefused      who filed the request is not the second person

Must not know HTTP.
"""

from kuramori.desk.fault import DeskFault


class PresenceMissing(DeskFault):
    """Nobody else has confirmed being present for this act, or it was used, or it was too long ago (H4)."""

    code = "presence-missing"

    def __init__(self, request_id: str, act: str, minutes: int, names: tuple[str, ...] = ()) -> None:
        who, who_japanese = (", ".join(names), "、".join(names)) if names else ("another member of staff", "別の職員")
        super().__init__(
            f"First {who} has to confirm being present, by an own sign-in, for at most {minutes} minutes and one time: "
            f"kuramori present {request_id} --for {act}",
            f"先に{who_japanese}が本人のサインインで立会いを確認してください({minutes}分間・1回限り有効): "
            f"kuramori present {request_id} --for {act}",
        )
        self.needed = names


class PresenceRefused(DeskFault):
    """The handler who acts is nobody else's second person."""

    code = "presence-refused"

    def __init__(self, person: str) -> None:
        super().__init__(
            f"{person} filed this request and acts on it: somebody else has to be present.",
            f"{person} は請求を受け付けた本人です。別の職員の立会いが必要です。",
        )
