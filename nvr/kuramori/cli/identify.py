"""`kuramori identify`: how the identity of whoever receives the pictures was checked (H5).

Must not know the rules.
"""

from typing import Annotated

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Note how the receiver's identity was checked.", "提供先の身分の確認を登録")
    app.command("identify", help=text)(identify)


def identify(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    by: Annotated[str, typer.Option("--by", help=tr("How, such as: police ID.", "確認方法(例: 警察手帳)"))],
    name: Annotated[
        str, typer.Option(help=tr("Who receives, if not the recipient.", "受領者の氏名(提供先と異なる場合)"))
    ] = "",
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Note who receives and how that was checked."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence(), desk_for(config, person) as desk:
        found = desk.post_json(request_path(number, "identity"), {"identity_check": by, "name": name})
        if as_json:
            show_json(found)
        else:
            receiver = found["receiver"]
            typer.echo(tr(f"Noted for {number}: {receiver}, {by}.", f"登録しました。請求 {number}: {receiver}({by})"))
