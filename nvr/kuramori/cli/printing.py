"""`kuramori print`: the office's papers from the running system: rules, notice, board report, forms, disposal records.

Without `--out` a paper is shown as Markdown. Must not know how papers are drawn: the desk prints them.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import As, Config
from kuramori.texts import tr

MARKDOWN_ENDINGS = (".md", ".markdown")


class Size(StrEnum):
    """How large a notice is."""

    A4 = "a4"
    SMALL = "small"


class Language(StrEnum):
    """In which language a paper is written."""

    JAPANESE = "ja"
    ENGLISH = "en"


class Kind(StrEnum):
    """Which empty form."""

    APPLICATION = "application"
    DECISION = "decision"
    RECEIPT = "receipt"
    COMPLAINT = "complaint"


Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help=tr("A new .pdf or .md file.", "出力先(.pdf又は.md)"))
]
Tongue = Annotated[Language, typer.Option("--language", help=tr("Japanese or English.", "言語"))]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    text = tr("Print papers from the running system.", "要領・掲示・報告書・様式の出力")
    group = typer.Typer(no_args_is_help=True, help=text)
    group.command("rules", help=tr("The management rules.", "管理運用要領"))(rules)
    group.command("notice", help=tr("The notice beside a camera.", "カメラの掲示"))(notice)
    group.command("board-report", help=tr("The report to the review board.", "審査会等への報告書"))(board_report)
    group.command("form", help=tr("An empty form.", "空の様式"))(form)
    group.command("disposal", help=tr("A disposal record.", "記録媒体の廃棄記録"))(disposal)
    app.add_typer(group, name="print")


def rules(out: Out = None, language: Tongue = Language.JAPANESE, person: As = None, config: Config = None) -> None:
    """Print the management rules."""
    _print("/v1/papers/rules", {}, out, language, person, config)


def notice(
    camera: Annotated[str, typer.Option("--camera", help=tr("Only of this camera.", "このカメラのみ"))] = "",
    size: Annotated[Size, typer.Option("--size", help=tr("A4 or small.", "大きさ"))] = Size.A4,
    out: Out = None,
    language: Tongue = Language.JAPANESE,
    person: As = None,
    config: Config = None,
) -> None:
    """Print the notices beside the cameras."""
    _print("/v1/papers/notice", {"camera": camera, "size": size.value}, out, language, person, config)


def board_report(
    since: Annotated[str, typer.Option("--from", metavar="TIME", help=tr("Begin of the period.", "対象期間の開始"))],
    before: Annotated[str, typer.Option("--to", metavar="TIME", help=tr("End, not included.", "終了"))] = "now",
    out: Out = None,
    language: Tongue = Language.JAPANESE,
    person: As = None,
    config: Config = None,
) -> None:
    """Print the report to the review board about a period."""
    from kuramori.cli.register_papers import period_of

    with one_sentence():
        begin, end = period_of(config, since, before)
    wanted = {"from_utc_ms": begin, "to_utc_ms": end}
    _print("/v1/papers/board-report", wanted, out, language, person, config)


def form(
    kind: Annotated[Kind, typer.Argument(help=tr("Which form.", "様式の種類"))],
    out: Out = None,
    language: Tongue = Language.JAPANESE,
    person: As = None,
    config: Config = None,
) -> None:
    """Print an empty form."""
    _print("/v1/papers/form", {"which": kind.value}, out, language, person, config)


def disposal(
    record: Annotated[int, typer.Argument(min=1, help=tr("Its number.", "廃棄記録の番号"))],
    out: Out = None,
    language: Tongue = Language.JAPANESE,
    person: As = None,
    config: Config = None,
) -> None:
    """Print a disposal record with the certificate that the keys are destroyed."""
    _print(f"/v1/disposals/{record}/paper", {}, out, language, person, config)


def _print(
    path: str,
    wanted: Mapping[str, str | int],
    out: Path | None,
    language: Language,
    person: str | None,
    config: Path | None,
) -> None:
    from kuramori.cli.options import desk_for
    from kuramori.cli.register_papers import write_paper

    markdown = out is None or out.suffix.lower() in MARKDOWN_ENDINGS
    asked = {**wanted, "language": language.value, "format": "markdown" if markdown else "pdf"}
    with one_sentence(), desk_for(config, person) as desk:
        content = desk.get_file(path, asked)
        if out is None:
            typer.echo(content.decode("utf-8"), nl=False)
        else:
            write_paper(out, content)
