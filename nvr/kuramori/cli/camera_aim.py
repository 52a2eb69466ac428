"""`kuramori camera aim` and `confirm-view` (R4): one still for the installer, a handler present, then the confirmation.

The picture is drawn in the terminal's second screen, which is cleared afterwards, or given once to a browser on this
machine. It is written to no file. Must not know how a still is taken or registered.
"""

import sys
from typing import Annotated

import typer

from kuramori.cli.camera_common import Name, path_part, refusing
from kuramori.cli.client import CommandFailure
from kuramori.cli.options import As, AsJson, Config
from kuramori.texts import tr

STILL_BYTES_MOST = 16 << 20
Present = Annotated[
    str, typer.Option("--handler", metavar="NAME", help=tr("The handler present.", "立ち会う取扱担当者"))
]


def aim(
    name: Name,
    installer: Annotated[str, typer.Option("--installer", metavar="NAME", help=tr("Who aims it.", "設置作業者"))],
    handler: Present,
    browser: Annotated[
        bool, typer.Option("--browser", help=tr("Show it once in a browser.", "ブラウザーで1回表示"))
    ] = False,
    person: As = None,
    config: Config = None,
) -> None:
    """Show one still, at most twelve times per enrolment; nothing of it is kept."""
    from kuramori.api.headers import AIMS_LEFT_HEADER
    from kuramori.cli.client import acting_person
    from kuramori.cli.options import desk_for
    from kuramori.cli.picture import show_in_terminal
    from kuramori.cli.picture_page import show_once

    with refusing():
        if not browser and not sys.stdout.isatty():
            raise CommandFailure(
                tr(
                    "The still is shown in a terminal, or with --browser; it goes into no file.",
                    "静止画は端末か --browser でのみ表示します。ファイルには出力しません。",
                )
            )
        with (
            desk_for(config, acting_person(person) or handler) as desk,
            desk.download(
                f"/v1/cameras/{path_part(name)}/still", {"installer": installer, "handler": handler}
            ) as answer,
        ):
            jpeg = b"".join(answer.pieces)[:STILL_BYTES_MOST]
            left = answer.headers.get(AIMS_LEFT_HEADER, "?")
        if browser:
            show_once(jpeg, name)
        else:
            show_in_terminal(jpeg)
        typer.echo(tr(f"Registered. Stills left: {left}.", f"記録簿に記載しました。残り {left} 枚です。"))
        typer.echo(
            tr(
                f"If no private space is visible: kuramori camera confirm-view {name} --handler NAME",
                f"私的空間が映っていなければ: kuramori camera confirm-view {name} --handler 氏名",
            )
        )


def confirm_view(name: Name, handler: Present, config: Config = None, as_json: AsJson = False) -> None:
    """Confirm that no private space is visible; its date is shown from now on."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    with refusing(), desk_for(config, handler) as desk:
        found = desk.post_json(f"/v1/cameras/{path_part(name)}/view-confirmation")
        if as_json:
            show_json(found)
            return
        when = format_time(found["confirmed_utc_ms"], zone_of_site(config))
        typer.echo(
            tr(
                f"{name}: no private space visible, confirmed by {handler}, {when}.",
                f"{name}: 私的空間が映らないことを {handler} が確認（{when}）。",
            )
        )
