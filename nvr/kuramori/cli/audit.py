"""`kuramori audit`: what happened in a period, as an auditor reads it, with the erasures summed up.

Must not know the desk's files.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import DeskClient, one_sentence
from kuramori.cli.options import As, AsJson, Config
from kuramori.texts import tr

PAGE = 1000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit", help=tr("Read the register as an auditor.", "監査用の記録簿の閲覧"))(audit)


def audit(
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help=tr("From then on.", "開始日時"))] = None,
    before: Annotated[str | None, typer.Option("--to", metavar="TIME", help=tr("Before then.", "終了日時"))] = None,
    about: Annotated[
        list[str] | None,
        typer.Option("--about", help=tr("handover, refused, hold, custody ...", "区分(handover、refused等)")),
    ] = None,
    who: Annotated[str, typer.Option("--person", help=tr("Only by this person.", "この操作者のみ"))] = "",
    number: Annotated[str, typer.Option("--request", help=tr("Only this request.", "この請求のみ"))] = "",
    out: Annotated[Path | None, typer.Option("--out", help=tr("Write a CSV file.", "CSVファイルに出力"))] = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Read what happened in a period."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.register_papers import period_of, write_paper

    with one_sentence(), desk_for(config, person) as desk:
        begin, end = period_of(config, since, before)
        wanted: dict[str, Any] = {"from_utc_ms": begin, "to_utc_ms": end, "about": about or []}
        wanted |= {"by": who, "request": number, "limit": PAGE}
        if out is not None:
            write_paper(out, _table(desk, wanted))
            return
        events, erasures = _all(desk, wanted)
        if as_json:
            show_json({"events": events, "erasures": erasures})
        else:
            _tell(events, erasures, config)


def _all(desk: DeskClient, wanted: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return all events, page by page, and the erasures. Raises CommandFailure."""
    page = desk.get_json("/v1/audit", wanted)
    events, erasures = list(page["events"]), page["erasures"]
    while page["next"]:
        page = desk.get_json("/v1/audit", {**wanted, "cursor": page["next"]})
        events += page["events"]
    return events, erasures


def _table(desk: DeskClient, wanted: dict[str, Any]) -> bytes:
    """Return the table of all pages: the head stands once. Raises CommandFailure."""
    content = desk.get_file("/v1/audit", {**wanted, "format": "csv"})
    following = desk.get_json("/v1/audit", wanted)["next"]
    while following:
        more = {**wanted, "cursor": following}
        content += desk.get_file("/v1/audit", {**more, "format": "csv"}).split(b"\r\n", 1)[1]
        following = desk.get_json("/v1/audit", more)["next"]
    return content


def _tell(events: list[dict[str, Any]], erasures: dict[str, Any], config: Path | None) -> None:
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    zone = zone_of_site(config)
    for one in events:
        who = one["person"] or tr("the recorder", "録画機")
        when = format_time(one["utc_ms"], zone)
        typer.echo(f"{one['entry']:>5}  {when}  {one['what']}  {one['request'] or '-'}  {who}")
        if one["detail"]:
            typer.echo(f"       {one['detail']}")
    if not events:
        typer.echo(tr("Nothing of this happened.", "該当する記録はありません。"))
    tiers = ", ".join(erasures["tiers"]) or "-"
    typer.echo(
        tr(
            f"Erasures: {erasures['receipts']} receipts, {erasures['keys']} keys destroyed, tier {tiers}.",
            f"消去: 記録 {erasures['receipts']} 件、破棄した鍵 {erasures['keys']} 件、消去保証区分 {tiers}",
        )
    )
