"""Where a passphrase comes from: typed without echo, or a file of mode 0600. Never an argument or the environment.

Runs on custodians' own machines, so it imports nothing that exists on Linux only. This module must not know what the
passphrase opens.
"""

import getpass
import os
import stat
import sys
import warnings
from pathlib import Path

from kuramori.texts import tr

MAX_FILE_BYTES = 4096
_OTHERS = 0o077


class PassphraseUnavailable(Exception):
    """No passphrase could be had. The message is one sentence in the reader's language."""


def read_passphrase(file: Path | None, prompt: str | None = None) -> str:
    """Return a passphrase from a file's first line, or typed. Raises PassphraseUnavailable."""
    if file is not None:
        return _from_file(file)
    return _typed(prompt or tr("Passphrase: ", "合言葉: "))


def read_new_passphrase(file: Path | None, least_characters: int, least_different: int) -> str:
    """Return a new passphrase: from a file, or typed twice after saying what is expected. Raises as above.

    Its strength is checked by whoever uses it, not here.
    """
    if file is not None:
        return _from_file(file)
    first = _typed(
        tr(
            f"New passphrase, at least {least_characters} characters, {least_different} of them different: ",
            f"新しい合言葉（{least_characters}文字以上、うち{least_different}種類以上の文字）: ",
        )
    )
    if first != _typed(tr("The same again: ", "もう一度: ")):
        raise PassphraseUnavailable(
            tr("The two passphrases differ; nothing was written.", "2回の合言葉が一致しません。何も保存していません。")
        )
    return first


def _typed(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise PassphraseUnavailable(
            tr(
                "A passphrase is typed at a terminal; for automation name a file of mode 0600 with --passphrase-file.",
                "合言葉は端末で入力してください。自動処理では --passphrase-file にモード0600のファイルを指定します。",
            )
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # rather none than one that everybody reads
            return getpass.getpass(prompt)
    except getpass.GetPassWarning:
        raise PassphraseUnavailable(
            tr(
                "This terminal would show the passphrase; use another.",
                "この端末では合言葉が表示されるため使用できません。",
            )
        ) from None
    except (EOFError, KeyboardInterrupt):
        raise PassphraseUnavailable(tr("Nothing was done.", "中止しました。")) from None


def _from_file(file: Path) -> str:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(file, flags)
    except OSError as error:
        raise PassphraseUnavailable(
            tr(
                f"The passphrase file {file} cannot be read ({error.strerror}).",
                f"合言葉のファイル {file} を読み取れません（{error.strerror}）。",
            )
        ) from None
    try:
        _require_private(file, os.fstat(descriptor))
        content = os.read(descriptor, MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        lines = []
    if not lines or len(content) > MAX_FILE_BYTES:
        raise PassphraseUnavailable(
            tr(
                f"The passphrase file {file} must hold the passphrase in its first line, as UTF-8.",
                f"合言葉のファイル {file} の1行目に、合言葉をUTF-8で記載してください。",
            )
        )
    return lines[0]


def _require_private(file: Path, status: os.stat_result) -> None:
    """Where the system has owners and modes: an ordinary file of ours that nobody else can read."""
    if not stat.S_ISREG(status.st_mode):
        raise PassphraseUnavailable(tr(f"{file} is not an ordinary file.", f"{file} は通常のファイルではありません。"))
    if not hasattr(os, "geteuid"):
        return
    mode = stat.S_IMODE(status.st_mode)
    if mode & _OTHERS or status.st_uid != os.geteuid():
        raise PassphraseUnavailable(
            tr(
                f"Others can read the passphrase file {file} (mode {mode:04o}): choose a new one, then chmod 0600.",
                f"合言葉のファイル {file} を他者が読めます（{mode:04o}）。合言葉を変え、chmod 0600 としてください。",
            )
        )
