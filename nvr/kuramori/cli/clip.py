"""`kuramori clip`: the handler opens an approved request and takes the bundle.

Puts the custodians' shares together on this machine, hands the keys in, writes the bundle where the handler says,
reads it back and reports it. Must not know media.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, one_sentence
from kuramori.cli.keys_of_request import combined_deks, read_extraction_key
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.cli.bundle_stream import WrittenFile


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
    from kuramori.cli.bundle_write import note, require_free, shown, tell
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.present import witnessing

    with one_sentence():
        key = read_extraction_key(extraction_key)
        require_free(out)
        with desk_for(config, person) as desk:
            body = {"deks": combined_deks(desk, number, key), "present": witness or []}
            files, digest = witnessing(desk, number, "release", witness or [], lambda: _take(desk, number, body, out))
            noted = note(desk, number, digest, medium, out)
        if as_json:
            show_json(shown(out, digest, files, noted, zipped=False))
        else:
            tell(number, out, files, noted)


def _take(desk: DeskClient, number: str, body: dict[str, Any], out: Path) -> "tuple[tuple[WrittenFile, ...], bytes]":
    from kuramori.cli.bundle_download import broke_off, manifest_digest
    from kuramori.cli.bundle_folder import BundleRefused, write_bundle
    from kuramori.cli.client import DeskSilent

    try:
        with desk.download(request_path(number, "bundle"), body) as answer:
            digest = manifest_digest(answer)
            return write_bundle(answer.pieces, out, digest), digest
    except BundleRefused as refusal:
        raise CommandFailure(str(refusal)) from refusal
    except DeskSilent as silent:
        raise broke_off() from silent
