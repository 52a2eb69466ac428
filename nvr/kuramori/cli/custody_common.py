"""What the commands around custody share: key files, files that travel, faults as sentences.

Used on custodians' own machines: imports nothing that exists on Linux only and no media library.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.client import CommandFailure
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori_segments.custodian_card import CustodianCard
    from kuramori_segments.custodian_key import CustodianKey

KeyFile = Annotated[Path, typer.Option("--key", metavar="KEYFILE", help=tr("Your key file.", "鍵ファイル"))]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help=tr("File of mode 0600 whose first line is the passphrase.", "1行目に合言葉を記したファイル(モード0600)"),
    ),
]
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help=tr("New file.", "保存先(新しいファイル)"))]
FileIn = Annotated[Path, typer.Argument(metavar="FILE", help=tr("The file.", "ファイル"))]


@contextmanager
def key_faults(where: object) -> Iterator[None]:
    """Turn faults of keys, cards, changes and shares inside into one sentence."""
    from kuramori.key_texts import key_sentence
    from kuramori_segments.key_faults import KeyFault

    try:
        yield
    except KeyFault as fault:
        raise CommandFailure(f"{where}: {key_sentence(fault)}") from fault


def read_file(path: Path, limit_bytes: int) -> bytes:
    """Return a file's bytes, at most one beyond the limit. Raises CommandFailure."""
    try:
        with path.open("rb") as file:
            return file.read(limit_bytes + 1)
    except OSError as error:
        raise CommandFailure(
            tr(f"{path} cannot be read ({error.strerror}).", f"{path} を読み取れません（{error.strerror}）。")
        ) from error


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not be there yet. Raises CommandFailure."""
    from kuramori.new_file import PUBLIC_MODE, write_new_file

    try:
        write_new_file(path, content, PUBLIC_MODE)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> CommandFailure:
    """Return the failure for a file that cannot be written."""
    return CommandFailure(
        tr(f"{path} cannot be written ({error.strerror}).", f"{path} に保存できません（{error.strerror}）。")
    )


def key_card(path: Path) -> "CustodianCard":
    """Return the card in a key file, without its passphrase. Raises CommandFailure."""
    from kuramori_segments.custodian_key import MAX_KEY_FILE_BYTES, read_key_file_card

    with key_faults(path):
        return read_key_file_card(read_file(path, MAX_KEY_FILE_BYTES))


def open_key(path: Path, passphrase_file: Path | None) -> "CustodianKey":
    """Return a key file's keys, the passphrase typed or read. Raises CommandFailure."""
    from kuramori.passphrase import PassphraseUnavailable, read_passphrase
    from kuramori_segments.custodian_key import MAX_KEY_FILE_BYTES, open_key_file

    content = read_file(path, MAX_KEY_FILE_BYTES)
    try:
        with key_faults(path):
            return open_key_file(content, read_passphrase(passphrase_file))
    except PassphraseUnavailable as unavailable:
        raise CommandFailure(str(unavailable)) from unavailable


def tell_card(card: "CustodianCard", mark: str = " ") -> None:
    """Show a custodian with the fingerprint to compare."""
    typer.echo(f"  {mark} {card.name} ({card.title})  {card.fingerprint}")


def day(utc_ms: int) -> str:
    """Return a date in UTC; a card from far away may name any time."""
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=utc_ms)).date().isoformat()
    except OverflowError:
        return f"{utc_ms} ms"
