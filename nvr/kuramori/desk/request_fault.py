"""What the desk refuses about requests, beside `fault`: stable codes, one sentence in both languages.

    DeskFault
      OutputNotGranted     another kind of hand-over was granted
      IdentityMissing      nobody has noted how the recipient's identity was checked (H5)
      NotRefused           a letter of refusal is asked for a request that was not refused

Must not know HTTP.
"""

from kuramori.desk.fault import DeskFault


class OutputNotGranted(DeskFault):
    """The decision allows something else to be made of the recordings. `needed` is what it allows."""

    code = "output-not-granted"

    def __init__(self, request_id: str, wanted: str, allowed: tuple[str, ...]) -> None:
        listed = ", ".join(allowed) or "-"
        super().__init__(
            f"Request {request_id} was not granted for {wanted}; it was for: {listed}.",
            f"請求 {request_id} は {wanted} を許可されていません。許可されたもの: {listed}",
        )
        self.needed = allowed


class IdentityMissing(DeskFault):
    """Before anything is handed over, the office says how it made sure of the recipient."""

    code = "identity-missing"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"First note how the recipient's identity was checked: kuramori identify {request_id} --by HOW",
            f"先に提供先の身分の確認方法を登録してください: kuramori identify {request_id} --by 確認方法",
        )


class NotRefused(DeskFault):
    """There is no refusal to write a letter about."""

    code = "not-refused"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"Request {request_id} was not refused.", f"請求 {request_id} は不許可となっていません。")
