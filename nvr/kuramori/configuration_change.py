"""Changes the configuration file as an operator's act: edited, checked as a whole, and only then put in its place.

Cameras stand there, or in the desk's own file beside it (kuramori_config.enrolled); an edit is of one of the two. A
text with a fault never replaces a sound one. Owner and mode stay what they were, for the service must go on reading
it. Passwords go into files of their own in the secrets directory. Blocking. This module must not know cameras' tables,
nor ask anybody.
"""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kuramori.durable_file import make_private_folder, remove_file, write_file
from kuramori.texts import tr
from kuramori_config.editing import EditRefused
from kuramori_config.enrolled import ENROLLED_SECRETS_NAME, EnrolledCameras, enrolled_path
from kuramori_config.load import (
    FILE_BYTES_MOST,
    load_configuration,
    parse_configuration,
    parse_tables,
    read_enrolled,
    read_file,
)
from kuramori_config.schema import Configuration

SECRETS_OF_ONE_NAME_MOST = 1000
PRIVATE_MODE = 0o600

Edit = Callable[[str], str]


class ChangeRefused(Exception):
    """The configuration stays as it is; the text is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A password on its way into the secrets directory, under a name that nothing has yet."""

    name: str
    path: Path


class ConfigurationFile:
    """The file, locked against a second change. Made by `changing`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.configuration = load_configuration(path)
        self._edits = path  # the file that edits are of

    def turn_to(self, camera: str) -> None:
        """Let edits be of the file in which this camera stands: this one, or that of the desk."""
        enrolled = {one.name for one in read_enrolled(self.configuration).cameras}
        self._edits = enrolled_path(self.configuration) if camera in enrolled else self.path

    def turn_to_enrolled(self) -> None:
        """Let edits be of the desk's file, there or not."""
        self._edits = enrolled_path(self.configuration)

    def try_edit(self, edit: Edit) -> Configuration:
        """Return what the configuration would be. Raises ChangeRefused, ConfigurationFault; changes nothing."""
        return self._parsed(self._edited(edit))

    def apply(self, edit: Edit) -> Configuration:
        """Edit, check, replace. Raises ChangeRefused, ConfigurationFault; then the file is as it was."""
        text = self._edited(edit)
        configuration = self._parsed(text)
        there = self._edits.exists()
        status = (self._edits if there else self._edits.parent).stat()
        mode = stat.S_IMODE(status.st_mode) if there else PRIVATE_MODE
        with _writable(self._edits):
            write_file(self._edits, text.encode("utf-8"), mode, (status.st_uid, status.st_gid))
        self.configuration = configuration
        return configuration

    def _parsed(self, text: str) -> Configuration:
        """Return the whole as it is with this text in place of the file that is edited. Raises ConfigurationFault."""
        if self._edits == self.path:
            return parse_configuration(text, self.path, read_enrolled(self.configuration))
        enrolled = parse_tables(text, self._edits, EnrolledCameras)
        return parse_configuration(read_file(self.path), self.path, enrolled)

    @property
    def secrets(self) -> Path:
        """Where secrets of the edited file's cameras lie."""
        if self._edits == self.path:
            return self.configuration.storage.secrets_directory
        return self._edits.parent / ENROLLED_SECRETS_NAME

    def new_secret(self, wanted: str) -> NewSecret:
        """Return a free name like the wanted one. Nothing is written yet."""
        folder = self.secrets
        taken = {camera.password for camera in self.configuration.cameras}
        for number in range(1, SECRETS_OF_ONE_NAME_MOST):
            name = wanted if number == 1 else f"{wanted}.{number}"
            path = folder / name
            if name not in taken and not path.exists() and not path.is_symlink():
                return NewSecret(name, path)
        raise ChangeRefused(
            tr(f"{folder} is full of secrets of that name.", f"{folder} に同名の秘密情報が多すぎます。")
        )

    def write_secret(self, secret: NewSecret, password: str) -> None:
        """Write it, mode 0600, owned like its folder. Raises ChangeRefused."""
        folder = secret.path.parent
        with _writable(secret.path):
            if not folder.exists():
                status = (self.path if self._edits == self.path else folder.parent).stat()
                make_private_folder(folder)
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.chown(folder, status.st_uid, status.st_gid)
            status = folder.stat()
            write_file(secret.path, password.encode("utf-8"), owner=(status.st_uid, status.st_gid))

    def drop_secret(self, name: str | None) -> None:
        """Remove a secret that no camera names any more; one that was given otherwise is left alone."""
        if name is None or any(camera.password == name for camera in self.configuration.cameras):
            return
        path = self.secrets / name
        with _writable(path):
            remove_file(path)

    def _edited(self, edit: Edit) -> str:
        try:
            return edit(self._text())
        except EditRefused as refused:
            raise ChangeRefused(
                tr(
                    f"{self._edits}: {refused.what} is written in a way that a program cannot change safely; "
                    "change it by hand, then run: kuramori config check",
                    f"{self._edits}: {refused.what} は自動では安全に変更できない書き方です。"
                    "手作業で変更し、kuramori config check で確認してください。",
                )
            ) from None
        except OSError as error:
            raise _unwritable(self._edits, error) from None

    def _text(self) -> str:
        if self._edits != self.path and not self._edits.exists():
            return ""
        with self._edits.open("rb") as stream:
            return stream.read(FILE_BYTES_MOST).decode("utf-8")


@contextmanager
def changing(path: Path) -> Iterator[ConfigurationFile]:
    """Open the configuration for changing. Raises ConfigurationFault, ChangeRefused."""
    real = path.resolve()  # a link stays a link: what it leads to is replaced
    try:
        folder = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(real, error) from None
    try:
        _lock(folder, real)
        yield ConfigurationFile(real)
    finally:
        os.close(folder)


def _lock(folder: int, path: Path) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ChangeRefused(
            tr(
                f"Somebody else is changing {path} at this moment; try again when they are done.",
                f"{path} は別の操作で変更中です。終わってからやり直してください。",
            )
        ) from None


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> ChangeRefused:
    why = error.strerror or str(error)
    return ChangeRefused(
        tr(
            f"{path} cannot be changed ({why}); run this as the account that owns it.",
            f"{path} を変更できません（{why}）。所有者のアカウントで実行してください。",
        )
    )
