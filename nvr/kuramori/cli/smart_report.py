"""`kuramori smart-report`: ask every drive how it is and leave the answers where the recorder reads them.

Run by kuramori-smart.service as root, on a timer. Exit code 3 where smartctl is missing. It must not know what the
answers mean.
"""

from pathlib import Path
from typing import Annotated

import typer

from kuramori.cli.client import fail
from kuramori.texts import tr

EXIT_NO_SMARTCTL = 3


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Ask every drive how it is (root; run by a timer).", "ドライブの状態を収集（root、タイマー用）")
    app.command("smart-report", help=text)(smart_report)


def smart_report(
    write: Annotated[
        Path, typer.Option("--write", metavar="DIR", help=tr("Where the answers go.", "出力先フォルダー"))
    ],
) -> None:
    """Ask all drives."""
    from kuramori.storage_health.smart_collector import collect

    try:
        found = collect(write)
    except OSError as error:
        why = error.strerror or str(error)
        fail(
            tr(
                f"The reports cannot be written to {write} ({why}).",
                f"報告を {write} に書き込めません（{why}）。",
            )
        )
    for name in found.silent:
        typer.echo(tr(f"{name} did not answer in time.", f"{name} が時間内に応答しませんでした。"), err=True)
    if found.asked and not found.smartctl:
        typer.echo(
            tr(
                "smartctl is not installed: the drives were not asked. apt install smartmontools",
                "smartctl がないため、ドライブの状態を収集できません。apt install smartmontools",
            ),
            err=True,
        )
        raise typer.Exit(EXIT_NO_SMARTCTL)
    typer.echo(tr(f"{len(found.asked)} drives asked.", f"{len(found.asked)} 台のドライブを確認しました。"))
