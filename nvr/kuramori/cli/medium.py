"""`kuramori medium`: a recording medium leaves its place only with the manager's registered permission (K7).

Must not know how media are looked for.
"""

from pathlib import Path
from typing import Annotated

import typer

from kuramori.cli.ending_common import one_answer
from kuramori.cli.options import As, AsJson, Config, Reason
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(no_args_is_help=True, help=tr("Media: in place, or away by permission.", "記録媒体の持出許可"))
    group.command("permit", help=tr("Let a medium leave (manager or deputy).", "持出しの許可(管理責任者・代理者)"))(
        permit
    )
    group.command("list", help=tr("Which media are in their places.", "記録媒体の所在"))(listing)
    app.add_typer(group, name="medium")


def permit(
    volume: Annotated[str, typer.Argument(metavar="VOLUME", help=tr("Its path, as configured.", "記録領域のパス"))],
    person: Annotated[str, typer.Option("--person", help=tr("Who takes it.", "持ち出す者"))],
    reason: Reason,
    until: Annotated[str, typer.Option(metavar="TIME", help=tr("Until when, such as +2d.", "期限(例: +2d)"))],
    acting: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Let a medium leave its place."""
    from kuramori.cli.options import desk_for, show_json, site_time
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    with one_answer():
        path = volume if volume.startswith("/") else str(Path(volume).absolute())
        body = {"volume": path, "carrier": person, "until_utc_ms": site_time(config, until), "reason": reason}
        with desk_for(config, acting) as desk:
            found = desk.post_json("/v1/medium-permits", body)
        if as_json:
            show_json(found)
            return
        end = format_time(found["until_utc_ms"], zone_of_site(config))
        typer.echo(
            tr(
                f"Permit {found['permit']}: {path} may be away until {end} ({person}). Registered.",
                f"許可 第{found['permit']}号: {path} の持出しを {end} まで許可し、登録しました（{person}）。",
            )
        )


def listing(acting: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """List media."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    with one_answer(), desk_for(config, acting) as desk:
        found = desk.get_json("/v1/media")
        if as_json:
            show_json(found)
            return
        zone = zone_of_site(config)
        for one in found["media"]:
            state: str = tr("in its place", "所定の場所にあります")
            if one["retired_record"]:
                state = tr(
                    f"retired, disposal record {one['retired_record']}", f"廃止済み（廃棄記録 {one['retired_record']}）"
                )
            elif one["missing_since_utc_ms"] is not None:
                since = format_time(one["missing_since_utc_ms"], zone)
                state = tr(f"away since {since}", f"{since} から不在")
                state += (
                    tr(" by permission", "（許可あり）") if one["permit"] else tr(" WITHOUT PERMISSION", "（許可なし）")
                )
            typer.echo(f"{one['volume']}  {state}")
        for one in found["permits"]:
            end = format_time(one["until_utc_ms"], zone)
            typer.echo(
                tr(
                    f"permit {one['permit']}: {one['volume']}, {one['carrier']}, until {end}: {one['reason']}",
                    f"許可 第{one['permit']}号: {one['volume']}、{one['carrier']}、{end} まで: {one['reason']}",
                )
            )
