"""Accounts as the register has them: so far, whether the administrator recovery code stands used. Pure.

Must not know who may sign in.
"""

from dataclasses import dataclass

from kuramori.desk.account_steps import RecoveryCodeMade, RecoveryCodeUsed
from kuramori.texts import tr


@dataclass(slots=True)
class AccountBook:
    """What follows from the register."""

    code_used_utc_ms: int | None = None  # of the newest code

    def apply(self, step: object, utc_ms: int) -> None:
        """Note a step; steps of other kinds are none of this book's business."""
        if isinstance(step, RecoveryCodeUsed):
            self.code_used_utc_ms = utc_ms
        elif isinstance(step, RecoveryCodeMade):
            self.code_used_utc_ms = None

    def problems(self) -> list[str]:
        """Return what is wrong, in sentences for the operator."""
        if self.code_used_utc_ms is None:
            return []
        return [
            tr(
                "The administrator recovery code has been used: ask who did, and print a new one for the safe "
                "(kuramori user recovery-code).",
                "管理者用復旧コードが使用されました。使用者を確認し、新しいコードを金庫に保管してください"
                "(kuramori user recovery-code)。",
            )
        ]
