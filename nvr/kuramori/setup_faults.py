"""Why a recorder cannot be set up: one class per event, the sentence in the reader's language.

    SetUpRefused
      AlreadySetUp         an identity is there: nothing is touched
      SetUpRemains         parts of a set-up are there without an identity, and no half-finished set-up explains them
      VolumeNotBlank       a block device that holds something
      RingTooShort         the volumes are too small for the retention asked for (K3)
      PlaceUnusable        a folder or file cannot be made or read

That no custodian set can be made is `custodian_cards.CardsRefused`. This module must not know how anything is made.
"""

from pathlib import Path

from kuramori.texts import tr


class SetUpRefused(Exception):
    """The recorder is not set up, and nothing that looks finished was left."""


class AlreadySetUp(SetUpRefused):
    """A recorder is set up there; its keys are never overwritten."""

    def __init__(self, identity: Path) -> None:
        message = tr(
            f"a recorder is set up in {identity.parent} already ({identity.name}). Its keys are not overwritten: "
            "without them nothing that it recorded could be opened. To set up another one, name another "
            "storage.state_directory",
            f"{identity.parent} は設定済みです（{identity.name}）。鍵を上書きすると記録済みの画像を開けなくなるため、"
            "初期設定は行いません。別の録画機を設定する場合は storage.state_directory を変更してください",
        )
        super().__init__(message)
        self.identity = identity


class SetUpRemains(SetUpRefused):
    """Something that a set-up makes lies there, but no identity: perhaps the identity was lost."""

    def __init__(self, remains: tuple[Path, ...]) -> None:
        listed = ", ".join(str(path) for path in remains)
        message = tr(
            f"there is no identity, but parts of a recorder: {listed}. If a recorder was set up here, restore its "
            "identity.json from a copy; if not, move these away",
            f"identity.json がないのに録画機の一部が残っています: {listed}。設定済みの録画機であれば identity.json を"
            "控えから復元し、そうでなければこれらを別の場所へ移してください",
        )
        super().__init__(message)
        self.remains = remains


class VolumeNotBlank(SetUpRefused):
    """A block device named as volume holds something in its first MiB."""

    def __init__(self, path: Path) -> None:
        message = tr(
            f"{path} is not blank. If what is on it may be lost, wipe it first: wipefs --all {path}, then zero its "
            "first MiB with zeros",
            f"{path} には何かが記録されています。消えてよい場合は、先に wipefs --all {path} を実行し、"
            "先頭1 MiBをゼロで上書きしてください",
        )
        super().__init__(message)
        self.path = path


class RingTooShort(SetUpRefused):
    """The volumes cannot hold the retention asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class PlaceUnusable(SetUpRefused):
    """A place cannot be used; the message says which and why."""

    def __init__(self, path: Path | None, why: str) -> None:
        place = path if path is not None else "-"
        super().__init__(tr(f"{place}: cannot be used: {why}", f"{place}: 使用できません: {why}"))
        self.path = path
