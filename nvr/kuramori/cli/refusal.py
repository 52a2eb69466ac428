"""`kuramori refusal`: the letter that tells who asked that it was refused, as PDF or Markdown.

Must not know what the letter says.
"""

from pathlib import Path
from typing import Annotated

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.options import As, Config, request_path
from kuramori.texts import japanese_wanted, tr

FORMATS = {".pdf": "pdf", ".md": "md"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Write the letter of a refusal (.pdf or .md).", "不許可の通知書の作成(.pdf・.md)")
    app.command("refusal", help=text)(refusal)


def refusal(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    out: Annotated[Path, typer.Option("--out", help=tr("New file, .pdf or .md.", "保存先(.pdf 又は .md)"))],
    language: Annotated[str, typer.Option(help=tr("ja or en.", "ja 又は en"))] = "",
    person: As = None,
    config: Config = None,
) -> None:
    """Write the letter into a new file."""
    from kuramori.cli.options import desk_for
    from kuramori.cli.register_papers import write_paper

    with one_sentence():
        shape = FORMATS.get(out.suffix.lower())
        if shape is None:
            raise CommandFailure(tr("The file has to end in .pdf or .md.", "拡張子は .pdf 又は .md としてください。"))
        chosen = language or ("ja" if japanese_wanted() else "en")
        with desk_for(config, person) as desk:
            wanted = {"format": shape, "language": chosen}
            write_paper(out, desk.get_file(request_path(number, "refusal-letter"), wanted))
        typer.echo(tr(f"Written: {out}", f"作成しました: {out}"))
