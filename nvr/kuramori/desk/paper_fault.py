"""What the desk answers where a paper cannot be printed. Codes never change.

DeskFault
  PaperOptionMissing        the configuration lacks what the paper has to say
  PaperUnknown              there is nothing of that name to print about
"""

from kuramori.desk.fault import DeskFault


class PaperOptionMissing(DeskFault):
    """The configuration lacks what the paper has to say. `field` names the keys."""

    code = "paper-option-missing"

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.field = ", ".join(keys)
        super().__init__(
            f"Set {self.field} in the configuration: this paper needs it.",
            f"設定ファイルの {self.field} を記入してください。この書類の印刷に必要です。",
        )


class PaperUnknown(DeskFault):
    """There is nothing of that name to print about."""

    code = "paper-unknown"

    def __init__(self, name: str) -> None:
        shown = name[:60] if name[:60].isprintable() else "?"
        super().__init__(
            f"There is no camera {shown} in service to print a notice for.",
            f"カメラ {shown} は設置されていないため、掲示を印刷できません。",
        )
