"""`kuramori hold`: keep named minutes beyond their retention (K5), list what is kept, end it.

Must not know how keys are kept.
"""

from typing import Annotated

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import As, AsJson, Cameras, Config, From, Reason, To
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        no_args_is_help=True, help=tr("Keep minutes beyond their retention.", "保存期間の延長(登録・一覧・解除)")
    )
    group.command("place", help=tr("Place a hold (manager or deputy).", "延長の登録(管理責任者・代理者)"))(place)
    group.command("list", help=tr("List the holds in force.", "延長の一覧"))(listing)
    group.command(
        "extend", help=tr("Hold a request's minutes longer.", "請求に係る延長の期限の変更(管理責任者・代理者)")
    )(extend)
    group.command("lift", help=tr("End a hold (manager or deputy).", "延長の解除(管理責任者・代理者)"))(lift)
    app.add_typer(group, name="hold")


def place(
    camera: Cameras,
    from_text: From,
    to_text: To,
    until: Annotated[str, typer.Option(metavar="TIME", help=tr("Its end, such as +30d.", "延長の期限(例: +30d)"))],
    reason: Reason,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Place a hold."""
    from kuramori.cli.options import desk_for, show_json, site_time, site_times
    from kuramori.cli.times import format_time

    with one_sentence():
        begin, end, zone = site_times(config, from_text, to_text)
        body = {
            "cameras": camera,
            "from_utc_ms": begin,
            "to_utc_ms": end,
            "until_utc_ms": site_time(config, until),
            "reason": reason,
        }
        with desk_for(config, person) as desk:
            found = desk.post_json("/v1/holds", body)
        if as_json:
            show_json(found)
        else:
            end_text = format_time(found["until_utc_ms"], zone)
            typer.echo(
                tr(f"Held until {end_text}: {found['hold_id']}", f"{end_text} まで延長しました: {found['hold_id']}")
            )


def extend(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    until: Annotated[str, typer.Option(metavar="TIME", help=tr("Its end, such as +30d.", "延長の期限(例: +30d)"))],
    reason: Reason,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Hold a request's minutes longer, while it is undecided or not finished."""
    from kuramori.cli.options import desk_for, request_path, show_json, site_time
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    with one_sentence():
        end = site_time(config, until)
        with desk_for(config, person) as desk:
            found = desk.post_json(request_path(number, "hold"), {"until_utc_ms": end, "reason": reason})
        if as_json:
            show_json(found)
            return
        text = format_time(end, zone_of_site(config))
        typer.echo(tr(f"Held until {text}: request {number}", f"{text} まで延長しました: 請求 {number}"))
        if found["hold_trouble"]:
            typer.echo(found["hold_trouble"])


def listing(person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the holds in force."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.request_view import range_text
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    with one_sentence(), desk_for(config, person) as desk:
        found = desk.get_rows("/v1/holds", "holds")
        zone = zone_of_site(config)
        if as_json:
            show_json(found)
            return
        if not found["holds"]:
            typer.echo(tr("Nothing is held.", "延長中のものはありません。"))
        budget = found.get("budget")
        if budget is not None:
            used, slots, percent = budget["used_slots"], budget["slots"], budget["percent"]
            typer.echo(
                tr(
                    f"Budget: {used} of {slots} slots used ({percent:g} % of all volumes).",
                    f"延長の上限: {slots} 区画のうち {used} 区画を使用（全保存領域の{percent:g}%）",
                )
            )
        for one in found["holds"]:
            until = format_time(one["until_utc_ms"], zone)
            typer.echo(f"{one['hold_id']}  {', '.join(one['cameras'])}  {range_text(one, zone)}")
            behind = one["request_id"] or one["person"]
            typer.echo(f"    {tr('until', '期限')} {until}  {one['reason']}  ({behind})")


def lift(
    hold_id: Annotated[str, typer.Argument(metavar="HOLD", help=tr("Its id, from the list.", "延長の番号"))],
    reason: Reason,
    person: As = None,
    config: Config = None,
) -> None:
    """End a hold."""
    from kuramori.cli.options import desk_for

    with one_sentence(), desk_for(config, person) as desk:
        desk.post_json(f"/v1/holds/{hold_id}/lift", {"reason": reason})
        typer.echo(tr("The hold is lifted.", "延長を解除しました。"))
