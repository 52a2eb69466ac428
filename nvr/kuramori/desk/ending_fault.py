"""What the desk refuses about media and backups. Like `fault`: stable codes, one sentence in both languages.

DeskFault
  VolumeUnknown        the configuration names no such volume
  DisposalUnknown      no open disposal record of that number
  MediumKept           the recorder will not let go of it: holds, or there is no other volume
  BackupRefused        the copies could not be made

Must not know HTTP.
"""

from kuramori.desk.fault import DeskFault


class VolumeUnknown(DeskFault):
    """The configuration names no such volume."""

    code = "volume-unknown"

    def __init__(self, volume: str, known: tuple[str, ...]) -> None:
        shown = volume[:200] if volume[:200].isprintable() else "?"
        listed = ", ".join(known)
        super().__init__(
            f"There is no volume {shown}; the volumes are: {listed}.",
            f"記録領域 {shown} はありません。登録されている記録領域: {listed}",
        )


class DisposalUnknown(DeskFault):
    """There is no open disposal record of that number."""

    code = "disposal-unknown"

    def __init__(self, record: int) -> None:
        super().__init__(
            f"There is no open disposal record {record}; see: kuramori retire --list",
            f"未完了の廃棄記録 {record} はありません。kuramori retire --list で確認してください。",
        )


class MediumKept(DeskFault):
    """The recorder will not retire the volume; nothing was destroyed."""

    code = "medium-kept"


class BackupRefused(DeskFault):
    """The copies for a backup could not be made."""

    code = "backup-refused"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The copies for the backup could not be made: {detail}",
            f"バックアップ用の複製を作成できません: {detail}",
        )
