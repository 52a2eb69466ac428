"""`kuramori bundle write`: the opened bundle goes onto the recipient's medium, is proven there, and is noted.

Fetches it, resuming what breaks off; a folder or one zip under a password; read back and compared before it counts.
Only what stands there is noted, and only then does the desk erase it. Must not know media.
"""

from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, one_sentence
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kuramori.cli.bundle_stream import WrittenFile

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file", metavar="FILE", help=tr("The zip's password; mode 0600.", "zipのパスワードのファイル(0600)")
    ),
]
PasswordOut = Annotated[
    Path | None,
    typer.Option(
        "--password-out", metavar="FILE", help=tr("Make a password, into a new file.", "生成したパスワードの保存先")
    ),
]


def write(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    place: Annotated[Path, typer.Argument(metavar="PATH", help=tr("A new folder, or zip.", "新しいフォルダー又はzip"))],
    as_zip: Annotated[bool, typer.Option("--zip", help=tr("One AES-256 zip.", "AES-256暗号化zipとする"))] = False,
    medium: Annotated[str, typer.Option(help=tr("The medium, as it is labelled.", "記録媒体の名称"))] = "",
    password_file: PasswordFile = None,
    password_out: PasswordOut = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write an opened bundle to the recipient's medium, read it back and note it."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence():
        require_free(place)
        with ExitStack() as held, desk_for(config, person) as desk:
            password = _password(held, as_zip, password_file, password_out, place)
            files, digest = _fetch(desk, number, place, password)
            noted = note(desk, number, digest, medium, place, ("AES-256 zip",) if as_zip else ())
        if as_json:
            show_json(shown(place, digest, files, noted, zipped=as_zip))
        else:
            tell(number, place, files, noted)
            _tell_zip(as_zip, password_out)


def require_free(place: Path) -> None:
    """See that a bundle can be written there. Raises CommandFailure."""
    from kuramori.cli.bundle_folder import BundleRefused, require_place

    try:
        require_place(place)
    except BundleRefused as refusal:
        raise CommandFailure(str(refusal)) from refusal


def note(desk: DeskClient, number: str, digest: bytes, medium: str, place: Path, more: tuple[str, ...] = ()) -> str:
    """Note in the register what stands on the medium; return how the medium is called there. Raises CommandFailure."""
    from kuramori.cli.medium_facts import medium_text

    said = medium_text(medium or place.name, place, more)
    try:
        desk.post_json(request_path(number, "written"), {"manifest_digest": digest.hex(), "medium": said})
    except CommandFailure as failure:
        raise CommandFailure(
            tr(
                f"The bundle stands on {place}, read back, but is not noted, so that it does not count: remove it "
                f"there and write it again. {failure}",
                f"{place} への書込みと読戻しは済みましたが、記録簿に登録できませんでした。"
                f"媒体から削除し、書込みをやり直してください。{failure}",
            )
        ) from failure
    return said


def shown(place: Path, digest: bytes, files: "Sequence[WrittenFile]", medium: str, *, zipped: bool) -> dict[str, Any]:
    """Return what was written, for a program."""
    listed = [{"name": one.name, "size_bytes": one.size_bytes, "sha256": one.sha256.hex()} for one in files]
    return {
        "zip" if zipped else "folder": str(place),
        "manifest_digest": digest.hex(),
        "medium": medium,
        "files": listed,
    }


def tell(number: str, place: Path, files: "Sequence[WrittenFile]", medium: str) -> None:
    """Say what was written."""
    typer.echo(tr(f"Taken: request {number}, in {place}:", f"取り出しました。請求 {number}、保存先 {place}:"))
    for one in files:
        typer.echo(f"  {one.name}  {one.size_bytes} bytes")
    typer.echo(
        tr(
            f"Written, read back and registered as: {medium}",
            f"書込みと読戻しを確認し、記録簿に登録しました。媒体: {medium}",
        )
    )
    if place.is_dir():
        typer.echo(tr(f"Check it with: kuramori verify {place}", f"検証: kuramori verify {place}"))


def _tell_zip(as_zip: bool, password_out: Path | None) -> None:
    if not as_zip:
        return
    if password_out is not None:
        typer.echo(tr(f"The password stands in {password_out}.", f"パスワードは {password_out} にあります。"))
    typer.echo(
        tr(
            "Tell the password by another way than the medium. Unpacked, the bundle is checked as ever.",
            "パスワードは媒体とは別の方法で伝えてください。展開すれば、通常どおり検証できます。",
        )
    )


def _password(held: ExitStack, as_zip: bool, file: Path | None, out: Path | None, place: Path) -> bytes | None:
    from kuramori.cli.bundle_password import zip_password

    if not as_zip and (file is not None or out is not None):
        raise CommandFailure(tr("A password belongs to --zip.", "パスワードの指定には --zip が必要です。"))
    return held.enter_context(zip_password(file, out, place)) if as_zip else None


def _fetch(
    desk: DeskClient, number: str, place: Path, password: bytes | None
) -> "tuple[tuple[WrittenFile, ...], bytes]":
    from kuramori.cli.bundle_download import WaitingDownload
    from kuramori.cli.bundle_folder import BundleRefused, not_written, write_bundle
    from kuramori.cli.medium_fault import require_room

    download = WaitingDownload(desk, request_path(number, "bundle"))
    pieces = download.pieces()
    try:
        first = next(pieces, b"")  # what the desk says of it comes before its bytes
        require_room(place, download.size_bytes, password is not None)
        whole = chain([first], pieces)
        if password is None:
            return write_bundle(whole, place, download.digest), download.digest
        from kuramori.cli.bundle_zip import write_zip

        return write_zip(whole, place, download.digest, password), download.digest
    except BundleRefused as refusal:
        raise CommandFailure(str(refusal)) from refusal
    except OSError as error:
        raise CommandFailure(str(not_written(error, place))) from error
    finally:
        pieces.close()
