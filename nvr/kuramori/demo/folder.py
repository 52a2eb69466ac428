"""The folder in which the demo leaves what it made: emptied at the start, after seeing that it is ours.

It must not know the story.
"""

import fcntl
import os
import shutil
from pathlib import Path

from kuramori.texts import tr

MARK = ".made-by-kuramori-demo"


class FolderRefused(Exception):
    """The folder cannot be used; its text is the sentence to show."""


class DemoFolder:
    """The output folder, locked while this demo runs."""

    def __init__(self, path: Path, lock: int) -> None:
        """Use `take`."""
        self.path = path
        self._lock = lock

    @classmethod
    def take(cls, path: Path) -> "DemoFolder":
        """Make the folder, or empty it where an earlier demo left it. Raises FolderRefused."""
        mark = path / MARK
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise FolderRefused(_not_ours(path))
        if path.exists() and any(path.iterdir()) and (mark.is_symlink() or not mark.is_file()):
            raise FolderRefused(_not_ours(path))
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderRefused(
                tr(f"{path} cannot be used ({error.strerror}).", f"{path} を使用できません（{error.strerror}）。")
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise FolderRefused(
                tr(f"Another demo is running in {path}.", f"{path} で別のデモが実行中です。")
            ) from error
        _empty(path)
        return cls(path, lock)

    def release(self) -> None:
        """Let the next demo have it. What was made stays."""
        os.close(self._lock)


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.name == MARK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _not_ours(path: Path) -> str:
    return tr(
        f"{path} was not made by the demo: nothing is deleted there. Move it away, or start from another folder.",
        f"{path} はデモが作成したものではないため、削除しません。移動するか、別の場所で実行してください。",
    )
