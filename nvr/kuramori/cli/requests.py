"""`kuramori requests`: the requests and where they stand, or one of them in full.

Must not know the rules.
"""

from datetime import tzinfo
from typing import Annotated, Any

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("requests", help=tr("List the requests, or show one.", "請求の一覧・表示"))(requests)


def requests(
    number: Annotated[str | None, typer.Argument(metavar="[REQUEST]", help=tr("Its number.", "請求番号"))] = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the requests, or show one."""
    from kuramori.cli.complaint import Which, all_complaints, line_of
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.request_view import request_rows, tell
    from kuramori.cli.zone import zone_of_site

    with one_sentence(), desk_for(config, person) as desk:
        found = desk.get_json(request_path(number)) if number else desk.get_rows("/v1/requests", "requests")
        if as_json:
            show_json(found)
        elif number:
            typer.echo(found["request_id"])
            tell(request_rows(found, zone_of_site(config)))
        else:
            _tell_list(found["requests"], desk.get_json("/v1/status"), zone_of_site(config))
            for one in all_complaints(desk, Which.OVERDUE):
                typer.echo(line_of(one, zone_of_site(config)))


def _tell_list(found: list[dict[str, Any]], status: dict[str, Any], zone: tzinfo) -> None:
    from kuramori.cli.request_view import document_mark, range_text, state_text

    now_utc_ms = int(status["desk"]["utc_ms"])

    if not found:
        typer.echo(tr("There are no requests.", "請求はありません。"))
    for one in found:
        mark = tr(" (return not reported)", " (消去・返却の報告待ち)") if one["waits_for_return"] else ""
        typer.echo(f"{one['request_id']}  {', '.join(one['cameras'])}  {range_text(one, zone)}")
        typer.echo(f"    {state_text(one['state'])}{mark}")
        owed = document_mark(one, now_utc_ms, zone)
        if owed:
            typer.echo(f"    {owed}")
