"""`kuramori returned`: the recipient has erased, returned or destroyed the pictures (H6).

Must not know the rules.
"""

from typing import Annotated

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Note that a recipient erased or returned pictures.", "提供画像の消去・返却の報告を登録")
    app.command("returned", help=text)(returned)


def returned(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    how: Annotated[
        str, typer.Option(help=tr("erased, returned or destroyed.", "erased(消去) returned(返却) destroyed(破砕)"))
    ],
    told_by: Annotated[str, typer.Option("--told-by", help=tr("Who reported it.", "報告者"))],
    on: Annotated[str, typer.Option(metavar="TIME", help=tr("When it was done.", "消去・返却の日時"))] = "now",
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Note the end of a hand-over."""
    from kuramori.cli.options import desk_for, show_json, site_time

    with one_sentence(), desk_for(config, person) as desk:
        body = {"how": how, "on_utc_ms": site_time(config, on), "told_by": told_by}
        found = desk.post_json(request_path(number, "returned"), body)
        if as_json:
            show_json(found)
        else:
            typer.echo(tr(f"Noted: {number} is finished.", f"登録しました。請求 {number} は終了です。"))
