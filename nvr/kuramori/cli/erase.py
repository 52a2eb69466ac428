"""`kuramori erase`: destroy the keys of a camera's minutes before their time. It cannot be undone.

Must not know how keys are destroyed.
"""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import As, AsJson, Config, From, Reason, To, Yes
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Erase a camera's minutes for good (manager or deputy).", "画像の消去(管理責任者・代理者、取消不可)")
    app.command("erase", help=text)(erase)


def erase(
    camera: Annotated[str, typer.Option("--camera", help=tr("The camera.", "カメラ名"))],
    from_text: From,
    to_text: To,
    reason: Reason,
    yes: Yes = False,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Erase for good."""
    from kuramori.cli.options import confirm, desk_for, show_json, site_times
    from kuramori.cli.times import format_time

    with one_sentence():
        begin, end, zone = site_times(config, from_text, to_text)
        range_text = f"{format_time(begin, zone)} - {format_time(end, zone)}"
        confirm(
            tr(
                f"Erase {camera}, {range_text}? Nobody will be able to open it again.",
                f"{camera} の {range_text} を消去しますか。二度と開けなくなります。",
            ),
            yes,
        )
        body = {"camera": camera, "from_utc_ms": begin, "to_utc_ms": end, "reason": reason}
        with desk_for(config, person) as desk:
            found = desk.post_json("/v1/erasures", body)
        if as_json:
            show_json(found)
        else:
            _tell(found, lambda utc_ms: format_time(utc_ms, zone))


def _tell(found: dict[str, Any], shown: Callable[[int], str]) -> None:
    keys = sum(one["keys"] for one in found["erased"])
    typer.echo(
        tr(
            f"Erased: {keys} keys destroyed, receipt {found['number']}, tier {found['tier']}.",
            f"消去しました。破棄した鍵 {keys} 件、受領番号 {found['number']}、消去保証区分 {found['tier']}",
        )
    )
    for one in found["erased"]:
        for part in one["ranges"]:  # whole segments: the recorder cannot open a closed one, and so cannot cut it
            span = f"{shown(part['from_utc_ms'])} - {shown(part['to_utc_ms'])}"
            typer.echo(
                tr(f"  {one['camera']}: really erased {span}", f"  {one['camera']}: 実際に消去された時間 {span}")
            )
    if found["kept_for_holds"]:
        typer.echo(
            tr(
                f"{found['kept_for_holds']} segments stay because of a hold.",
                f"保存期間の延長により {found['kept_for_holds']} 件は残っています。",
            )
        )
