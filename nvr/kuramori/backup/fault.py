"""Why a backup cannot be made, read or restored: a sentence for the person in both languages, chosen by type.

BackupFault
├── BackupUnreadable   not a backup of ours, of another version, or damaged
├── BackupLocked       the passphrase does not open it (or its first piece is damaged)
├── BackupIncomplete   something that belongs into a backup is not there
└── RestoreRefused     the place is not bare, or what the backup holds does not fit together

This module must not know files or keys.
"""

from kuramori.texts import tr


class BackupFault(Exception):
    """The sentence is in both languages; `str` is the reader's."""

    def __init__(self, english: str, japanese: str) -> None:
        super().__init__(tr(english, japanese))
        self.english = english
        self.japanese = japanese


class BackupUnreadable(BackupFault):
    """What is read is not a whole backup. `detail` says where it ends to be one."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(
            f"This is no backup of this version, or it is damaged ({detail}): use another copy.",
            f"この版のバックアップではないか、破損しています（{detail}）。別の控えを使用してください。",
        )


class BackupLocked(BackupFault):
    """The passphrase is wrong, or the first piece is damaged: nobody can tell which."""

    def __init__(self) -> None:
        super().__init__(
            "The passphrase does not open this backup, or the backup is damaged at its beginning.",
            "合言葉が違うか、バックアップの先頭が破損しているため、開けません。",
        )


class BackupIncomplete(BackupFault):
    """A part that a backup must have is missing."""

    def __init__(self, part: str) -> None:
        self.part = part
        super().__init__(
            f"{part} is missing, so no whole backup can be made.",
            f"{part} がないため、バックアップを作成できません。",
        )


class RestoreRefused(BackupFault):
    """Nothing was restored; the place is as it was."""
