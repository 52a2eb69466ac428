"""`kuramori document`: the document of an urgent request is there (H2).

Must not know the rules.
"""

from typing import Annotated

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Note the document that follows an urgent request.", "緊急の請求に係る文書の受領を登録")
    app.command("document", help=text)(document)


def document(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    document_number: Annotated[str, typer.Option("--document", help=tr("Number of the document.", "文書番号"))],
    received: Annotated[
        str, typer.Option(metavar="TIME", help=tr("When it came; now.", "受領日時(省略時は現在)"))
    ] = "",
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Note that the document of an urgent request is there."""
    from kuramori.cli.options import desk_for, show_json, site_time

    with one_sentence(), desk_for(config, person) as desk:
        body = {"document_number": document_number, "received_utc_ms": site_time(config, received) if received else 0}
        found = desk.post_json(request_path(number, "documentation"), body)
        if as_json:
            show_json(found)
        else:
            typer.echo(tr(f"Noted: {number} is documented.", f"登録しました。請求 {number} の文書を受領済みです。"))
