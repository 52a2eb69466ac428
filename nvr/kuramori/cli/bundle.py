"""`kuramori bundle`: open a granted request so that its bundle waits, list what waits, write it, give it up.

Opening and writing are two steps, so that a medium that fails costs nothing: what was opened waits, sealed, at the
desk. `kuramori clip` does both in one. Must not know media.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr

Number = Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    from kuramori.cli.bundle_write import write

    group = typer.Typer(
        no_args_is_help=True, help=tr("Opened bundles until they are on a medium.", "提供データの開封・書込み・消去")
    )
    group.command("open", help=tr("Open a granted request; its bundle waits.", "開封(書込み待ちとする)"))(open_it)
    group.command("list", help=tr("List what waits.", "書込み待ちの一覧"))(listing)
    group.command("write", help=tr("Write it to the recipient's medium.", "提供先の媒体への書込み"))(write)
    group.command("erase", help=tr("Give up what waits.", "書込み待ちの消去"))(erase)
    app.add_typer(group, name="bundle")


def open_it(
    number: Number,
    extraction_key: Annotated[
        Path, typer.Option("--extraction-key", help=tr("The key made when it was filed.", "請求時に作成した抽出鍵"))
    ],
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help=tr("Staff present; repeatable.", "立会職員(複数可)"))
    ] = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Open a granted request; its bundle waits, sealed, at the desk."""
    from kuramori.cli.keys_of_request import combined_deks, read_extraction_key
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.present import witnessing
    from kuramori.cli.zone import zone_of_site

    with one_sentence():
        key = read_extraction_key(extraction_key)
        present = witness or []
        with desk_for(config, person) as desk:
            body = {"deks": combined_deks(desk, number, key), "present": present}
            path = request_path(number, "opening")
            found = witnessing(desk, number, "release", present, lambda: desk.post_json(path, body))
        if as_json:
            show_json(found)
            return
        typer.echo(_line(found, zone_of_site(config)))
        typer.echo(
            tr(f"Write it with: kuramori bundle write {number} PATH", f"書込み: kuramori bundle write {number} PATH")
        )


def listing(person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the opened bundles that wait, of the own requests."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.zone import zone_of_site

    with one_sentence():
        with desk_for(config, person) as desk:
            found = desk.get_json("/v1/bundles")
        if as_json:
            show_json(found)
            return
        for one in found["bundles"]:
            typer.echo(_line(one, zone_of_site(config)))
        if not found["bundles"]:
            typer.echo(tr("No opened bundle waits.", "書込み待ちの提供データはありません。"))


def erase(number: Number, person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """Give up the bundle that waits: its key is destroyed."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence():
        with desk_for(config, person) as desk:
            found = desk.delete_json(request_path(number, "bundle"))
        if as_json:
            show_json(found)
        elif found["erased"]:
            typer.echo(tr(f"Erased: the bundle of request {number}.", f"請求 {number} の提供データを消去しました。"))
        else:
            typer.echo(tr(f"No bundle of request {number} waits.", f"請求 {number} の書込み待ちはありません。"))


def _line(one: dict[str, Any], zone: Any) -> str:
    from kuramori.cli.times import format_time

    until = format_time(one["until_utc_ms"], zone)
    state = tr("taken", "取得済み") if one["taken"] else tr("not yet taken", "未取得")
    return tr(
        f"{one['request_id']}  opening {one['opening']}  {one['size_bytes']} bytes  waits until {until}  {state}",
        f"{one['request_id']}  開封 {one['opening']}回目  {one['size_bytes']} bytes  保管期限 {until}  {state}",
    )
