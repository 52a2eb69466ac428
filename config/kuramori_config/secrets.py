"""Reads secrets from where they may lie, and keeps them out of every text.

A secret comes from systemd's credentials directory or from a file of its own, mode 0600, owned by the account that
runs the program; anything else is refused. This file must not know what a secret is for.
"""

import hmac
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from kuramori_config.faults import SecretRefused, Wording
from kuramori_config.values import SECRET_NAME_PATTERN

SECRET_BYTES_MOST = 4096
CREDENTIAL_PREFIX = "kuramori_"  # of credentials that systemd takes from a folder: LoadCredential=kuramori:FOLDER
_GROUP_OR_OTHERS_OR_EXECUTABLE = 0o177
_OTHERS = 0o007


class Secret:
    """A secret text. It is shown nowhere by accident: repr, str and format never hold it; it cannot be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself, at the one place where it is used."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(not shown)"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return format(repr(self), specification)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


def credentials_directory(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return systemd's credentials directory, or None when the program was not started with one."""
    found = (os.environ if environment is None else environment).get("CREDENTIALS_DIRECTORY", "")
    return Path(found) if found else None


def read_secret(name: str, *, credentials_directory: Path | None, secrets_directory: Path | None) -> Secret:
    """Return the secret of that name; a credential wins over a file. Raises SecretRefused.

    A credential has the secret's name, or that name behind "kuramori_". One newline at the end is dropped. Limits: 1 to
    4096 bytes of UTF-8.
    """
    if not re.fullmatch(SECRET_NAME_PATTERN, name):
        shape = Wording("is not the name of a secret", "秘密情報の名前として使えません")
        raise SecretRefused("(not shown)", None, shape)
    if credentials_directory is not None:
        for credential in (credentials_directory / name, credentials_directory / (CREDENTIAL_PREFIX + name)):
            if credential.exists():
                return _read(name, credential, forbidden_mode=_OTHERS, own=False)
    if secrets_directory is None:
        raise SecretRefused(name, None, Wording("there is no such credential", "該当する資格情報がありません"))
    return _read(name, secrets_directory / name, forbidden_mode=_GROUP_OR_OTHERS_OR_EXECUTABLE, own=True)


def _read(name: str, path: Path, *, forbidden_mode: int, own: bool) -> Secret:
    follow = 0 if not own else os.O_NOFOLLOW
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | follow)
    except OSError as cause:
        why = cause.strerror or ""
        reason = Wording(
            f"cannot be read ({why}); put it into this file, mode 0600, or give it as a systemd credential",
            f"読み取れません（{why}）。このファイルにモード0600で置くか、systemdの資格情報として渡してください",
        )
        raise SecretRefused(name, path, reason) from None
    try:
        refusal = _refusal(os.fstat(descriptor), forbidden_mode, own)
        if refusal is not None:
            raise SecretRefused(name, path, refusal)
        content = os.read(descriptor, SECRET_BYTES_MOST + 1)
    finally:
        os.close(descriptor)
    return _secret_of(name, path, content)


def _refusal(status: os.stat_result, forbidden_mode: int, own: bool) -> Wording | None:
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        return Wording("is not an ordinary file", "通常のファイルではありません")
    if mode & forbidden_mode:
        return Wording(
            f"has mode {mode:04o}; others could read it. Change the secret, then: chmod 0600",
            f"モードが {mode:04o} のため他者が読み取れます。秘密情報を変更のうえ chmod 0600 としてください",
        )
    if own and status.st_uid != os.geteuid():
        return Wording(
            f"belongs to user {status.st_uid}, not to user {os.geteuid()} who runs kuramori; change its owner",
            f"所有者がユーザー {status.st_uid} です。kuramoriを実行するユーザー {os.geteuid()} に変更してください",
        )
    return None


def _secret_of(name: str, path: Path, content: bytes) -> Secret:
    shape = Wording("must be 1 to 4096 bytes of UTF-8 text on one line", "UTF-8の1行、1～4096バイトとしてください")
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretRefused(name, path, shape) from None
    if not text or len(content) > SECRET_BYTES_MOST or any(c in text for c in "\n\r\0"):
        raise SecretRefused(name, path, shape)
    return Secret(text)
