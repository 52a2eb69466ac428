"""`kuramori clip`: the handler opens an approved request and takes the bundle.

Puts the custodians' shares together on this machine, hands the keys in, writes the bundle where the handler says,
reads it back and reports it. Must not know media.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, one_sentence
from kuramori.cli.keys_of_request import combined_deks, read_extraction_key
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.cli.bundle_folder import WrittenFile

HEXADECIMAL = re.compile(r"[0-9a-f]{64}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("clip", help=tr("Open an approved request and take the bundle.", "承認された請求の映像を取り出す"))(
        clip
    )


def clip(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    extraction_key: Annotated[
        Path, typer.Option("--extraction-key", help=tr("The key made when it was filed.", "請求時に作成した抽出鍵"))
    ],
    out: Annotated[Path, typer.Option("--out", help=tr("New folder for the bundle.", "保存先(新しいフォルダー)"))],
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help=tr("Staff present; repeatable.", "立会職員(複数可)"))
    ] = None,
    medium: Annotated[str, typer.Option(help=tr("The medium, as it is labelled.", "記録媒体の名称"))] = "",
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Take the bundle of an approved request."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.present import witnessing

    with one_sentence():
        key = read_extraction_key(extraction_key)
        _require_place(out)
        with desk_for(config, person) as desk:
            body = {"deks": combined_deks(desk, number, key), "present": witness or []}
            files, digest = witnessing(desk, number, "release", witness or [], lambda: _take(desk, number, body, out))
            report = {"manifest_digest": digest.hex(), "medium": medium or out.name}
            desk.post_json(request_path(number, "written"), report)
        if as_json:
            listed = [{"name": one.name, "size_bytes": one.size_bytes, "sha256": one.sha256.hex()} for one in files]
            show_json({"folder": str(out), "manifest_digest": digest.hex(), "files": listed})
        else:
            _tell(number, out, files)


def _require_place(out: Path) -> None:
    from kuramori.cli.bundle_folder import BundleRefused, require_place

    try:
        require_place(out)
    except BundleRefused as refusal:
        raise CommandFailure(str(refusal)) from refusal


def _take(desk: DeskClient, number: str, body: dict[str, Any], out: Path) -> "tuple[tuple[WrittenFile, ...], bytes]":
    from kuramori.api.headers import MANIFEST_HEADER
    from kuramori.cli.bundle_folder import BundleRefused, write_bundle
    from kuramori.cli.client import DeskSilent

    try:
        with desk.download(request_path(number, "bundle"), body) as answer:
            text = answer.headers.get(MANIFEST_HEADER, "")
            digest = bytes.fromhex(text) if HEXADECIMAL.fullmatch(text) else b""
            return write_bundle(answer.pieces, out, digest), digest
    except BundleRefused as refusal:
        raise CommandFailure(str(refusal)) from refusal
    except DeskSilent as silent:
        raise CommandFailure(
            tr(
                "The bundle broke off: nothing was kept. Take it again with the same command.",
                "提供データの受信が途中で切れました。保存していません。同じ操作をやり直してください。",
            )
        ) from silent


def _tell(number: str, out: Path, files: "tuple[WrittenFile, ...]") -> None:
    typer.echo(tr(f"Taken: request {number}, in {out}:", f"取り出しました。請求 {number}、保存先 {out}:"))
    for one in files:
        typer.echo(f"  {one.name}  {one.size_bytes} bytes")
    typer.echo(
        tr(
            f"Written, read back and registered. Check it with: kuramori verify {out}",
            f"書込みと読戻しを確認し、記録簿に登録しました。検証: kuramori verify {out}",
        )
    )
