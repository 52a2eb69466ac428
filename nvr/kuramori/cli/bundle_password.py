"""The password of a zip: from a file, typed twice, or made here and written to a sheet of its own. Never an argument.

A zip stretches its password a thousand times only (PBKDF2, WinZip AE-2): what a person thinks of has to be long. Only
ASCII, because programs disagree about the bytes of anything else. Must not know what it protects.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kuramori.cli.client import CommandFailure
from kuramori.texts import tr

LEAST_CHARACTERS = 16
LEAST_DIFFERENT = 8
MOST_CHARACTERS = 99  # some programs take no more


def fits(password: str) -> bool:
    """Tell whether it is strong enough for a zip that may be lost, and can be typed anywhere."""
    long_enough = LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS and len(set(password)) >= LEAST_DIFFERENT
    return long_enough and password.isascii() and password.isprintable() and password == password.strip()


@contextmanager
def zip_password(file: Path | None, out: Path | None, place: Path) -> Iterator[bytes]:
    """Give the password of the zip at `place`; a sheet that was made for a zip that came to nothing is removed.

    Raises CommandFailure.
    """
    if file is not None and out is not None:
        raise CommandFailure(
            tr(
                "Give either --password-file or --password-out.",
                "--password-file と --password-out は、どちらか一方を指定してください。",
            )
        )
    if out is None:
        yield _given(file).encode("ascii")
        return
    password = _written(out, place)
    try:
        yield password.encode("ascii")
    except BaseException:
        with suppress(OSError):
            out.unlink()
        raise


def _given(file: Path | None) -> str:
    from kuramori.passphrase import PassphraseUnavailable, read_new_passphrase

    try:
        password = read_new_passphrase(file, LEAST_CHARACTERS, LEAST_DIFFERENT)
    except PassphraseUnavailable as missing:
        text = str(missing).replace("passphrase", "password").replace("合言葉", "パスワード")
        raise CommandFailure(text) from missing
    if not fits(password):
        raise CommandFailure(
            tr(
                f"This password is too weak for a zip that may be lost: use {LEAST_CHARACTERS} to {MOST_CHARACTERS} "
                f"ASCII characters, {LEAST_DIFFERENT} of them different, or have one made with --password-out FILE.",
                f"このパスワードでは、紛失時にzipを保護できません。半角英数字・記号{LEAST_CHARACTERS}～{MOST_CHARACTERS}文字"
                f"（うち{LEAST_DIFFERENT}種類以上）とするか、--password-out ファイル で生成してください。",
            )
        )
    return password


def _written(out: Path, place: Path) -> str:
    from kuramori.desk.accounts.password import new_start_password
    from kuramori.new_file import write_new_file

    if _together(out, place):
        raise CommandFailure(
            tr(
                f"The password would travel with the zip in {out.parent}: write it somewhere else.",
                f"パスワードがzipと同じ場所({out.parent})に保存されます。別の場所を指定してください。",
            )
        )
    password = new_start_password()
    try:
        write_new_file(out, _sheet(password, place.name).encode("utf-8"))
    except OSError as error:
        raise CommandFailure(
            tr(
                f"The password cannot be written to {out} ({error.strerror}): nothing was done.",
                f"パスワードを {out} に保存できません({error.strerror})。処理は行っていません。",
            )
        ) from error
    return password


def _together(out: Path, place: Path) -> bool:
    """Tell whether both would lie in one folder, or on one medium of the kind that is given away."""
    from kuramori.cli.medium_facts import file_system
    from kuramori.cli.medium_fault import WINDOWS_NAMES, standing

    there, beside = standing(out), standing(place)
    if os.path.realpath(out.absolute().parent) == os.path.realpath(place.absolute().parent):
        return True
    return file_system(there).kind in WINDOWS_NAMES and there.stat().st_dev == beside.stat().st_dev


def _sheet(password: str, name: str) -> str:
    """The password in the first line, so that the file itself can be named as --password-file."""
    advice = tr(
        f"opens {name} (AES-256 zip; 7-Zip, WinZip, macOS Keka and others). Give it by another way than the medium, "
        "then destroy this file.",
        f"は {name} (AES-256暗号化zip。7-Zip等で開く)のパスワードです。"
        "媒体とは別の方法で伝え、この控えは廃棄してください。",
    )
    return f"{password}\n\n{advice}\n"
