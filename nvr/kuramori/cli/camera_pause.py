"""`kuramori camera pause` and `resume`: rest for maintenance. It ends by itself, and the gap has its reason.

Must not know how recording stops.
"""

from typing import Annotated

import typer

from kuramori.cli.camera_common import Name, path_part, refusing
from kuramori.cli.options import As, AsJson, Config, Reason
from kuramori.texts import tr


def pause(
    name: Name,
    until: Annotated[str, typer.Option("--until", metavar="TIME", help=tr("Its end: 16:00 or +2h.", "期限(例: +2h)"))],
    reason: Reason,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Record nothing of a camera until a time."""
    from kuramori.cli.options import desk_for, show_json, site_time
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    with refusing():
        body = {"until_utc_ms": site_time(config, until), "reason": reason}
        with desk_for(config, person) as desk:
            found = desk.post_json(f"/v1/cameras/{path_part(name)}/pause", body)
        if as_json:
            show_json(found)
            return
        end = format_time(found["until_utc_ms"], zone_of_site(config))
        typer.echo(
            tr(
                f"{name} rests until {end}; then it records again by itself.",
                f"{name} の録画を {end} まで一時停止します。期限が来ると自動で再開します。",
            )
        )


def resume(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help=tr("Why, in one line.", "理由(1行)"))] = "work finished",
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """End a pause now."""
    from kuramori.cli.options import desk_for, show_json

    with refusing(), desk_for(config, person) as desk:
        found = desk.post_json(f"/v1/cameras/{path_part(name)}/resumption", {"reason": reason})
        if as_json:
            show_json(found)
        else:
            typer.echo(tr(f"{name} records again.", f"{name} の録画を再開しました。"))
