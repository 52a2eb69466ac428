"""`kuramori retire`: a volume out of use for good, its keys destroyed, and its disposal record until it is filled in.

Must not know how keys are destroyed.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import DeskClient
from kuramori.cli.ending_common import BadInput, one_answer
from kuramori.cli.options import As, AsJson, Config, Yes
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Retire a volume; its disposal record.", "記録媒体の廃止(鍵の破棄)と廃棄記録")
    app.command("retire", help=text)(retire)


def retire(
    volume: Annotated[
        str | None, typer.Argument(metavar="VOLUME", help=tr("Its path, as configured.", "記録領域のパス"))
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help=tr("Why, in one line.", "理由(1行)"))] = None,
    complete: Annotated[
        int | None, typer.Option("--complete", metavar="RECORD", help=tr("Fill this record in.", "この廃棄記録を完了"))
    ] = None,
    method: Annotated[str | None, typer.Option(help=tr("How it was destroyed.", "廃棄方法"))] = None,
    date: Annotated[str | None, typer.Option(help=tr("When, like 2026-11-23.", "廃棄日(例: 2026-11-23)"))] = None,
    person: Annotated[str | None, typer.Option(help=tr("Who did it.", "実施者"))] = None,
    witness: Annotated[str | None, typer.Option(help=tr("Who watched.", "立会人"))] = None,
    listing: Annotated[bool, typer.Option("--list", help=tr("Show all records.", "廃棄記録の一覧"))] = False,
    show: Annotated[
        int | None, typer.Option("--show", metavar="RECORD", help=tr("Print a record again.", "廃棄記録の再表示"))
    ] = None,
    yes: Yes = False,
    acting: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Retire a volume, fill its disposal record in, or show records."""
    from kuramori.cli.options import desk_for

    with one_answer():
        chosen = [volume is not None, complete is not None, listing, show is not None]
        if sum(chosen) != 1:
            raise BadInput(
                tr(
                    "Give one of: a volume, --complete RECORD, --show RECORD, --list.",
                    "記録領域、--complete 番号、--show 番号、--list のいずれか1つを指定してください。",
                )
            )
        with desk_for(config, acting) as desk:
            if volume is not None:
                found = _retire(desk, volume, reason, yes)
            elif complete is not None:
                found = _complete(desk, complete, method, date, person, witness)
            else:
                found = _find(desk, show)
        _tell(found, config, as_json, listing)


def _retire(desk: DeskClient, volume: str, reason: str | None, yes: bool) -> dict[str, Any]:
    from kuramori.cli.options import confirm

    if not reason:
        raise BadInput(tr("Say why: --reason.", "理由を --reason で指定してください。"))
    confirm(
        tr(
            f"Retire {volume}? Nobody will be able to open what lies on it again.",
            f"{volume} を廃止しますか。記録されている画像は二度と開けなくなります。",
        ),
        yes,
    )
    path = volume if volume.startswith("/") else str(Path(volume).absolute())
    done: dict[str, Any] = desk.post_json("/v1/disposals", {"volume": path, "reason": reason})
    return done


def _complete(
    desk: DeskClient, record: int, method: str | None, date: str | None, person: str | None, witness: str | None
) -> dict[str, Any]:
    given = {"method": method, "date": date, "person": person, "witness": witness}
    missing = [f"--{name}" for name, value in given.items() if not value]
    if missing:
        listed = ", ".join(missing)
        raise BadInput(tr(f"A record is complete with {listed} too.", f"{listed} も指定してください。"))
    done: dict[str, Any] = desk.post_json(f"/v1/disposals/{record}/completion", given)
    return done


def _find(desk: DeskClient, show: int | None) -> dict[str, Any]:
    found: dict[str, Any] = desk.get_rows("/v1/disposals", "disposals")
    if show is None:
        return found
    for one in found["disposals"]:
        if one["record"] == show:
            return dict(one)
    raise BadInput(tr(f"There is no disposal record {show}.", f"廃棄記録 {show} はありません。"))


def _tell(found: dict[str, Any], config: Path | None, as_json: bool, listing: bool) -> None:
    from kuramori.cli.disposal_record import disposal_record
    from kuramori.cli.options import show_json
    from kuramori.cli.zone import zone_of_site

    if as_json:
        show_json(found)
    elif not listing:
        typer.echo(disposal_record(found, zone_of_site(config)))
    elif not found["disposals"]:
        typer.echo(tr("No medium was retired.", "廃止した記録媒体はありません。"))
    else:
        for one in found["disposals"]:
            state = tr("open", "未完了") if one["open"] else tr("completed", "完了")
            typer.echo(f"{one['record']}  {state}  {one['volume']}  {one['date']}  {one['reason']}")
