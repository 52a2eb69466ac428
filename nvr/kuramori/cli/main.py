"""The command `kuramori`: collects the sub-commands, one file each, and runs them.

It must not know what a sub-command does; each registers itself.
"""

import importlib
from pathlib import Path
from typing import Annotated

import typer

from kuramori import __version__
from kuramori.cli.chosen_desk import CHOSEN, Chosen
from kuramori.texts import tr

# One line per sub-command file: the module must offer `register(app)`.
COMMAND_MODULES: tuple[str, ...] = (
    "approve",
    "audio_report",
    "audit",
    "backup",
    "bundle",
    "camera",
    "check",
    "clip",
    "complaint",
    "config",
    "coverage",
    "custodian",
    "custody",
    "decide",
    "discover",
    "document",
    "doctor",
    "erase",
    "erasures",
    "grow",
    "hold",
    "identify",
    "init",
    "mail",
    "mask",
    "medium",
    "plan",
    "present",
    "printing",
    "open_offline",
    "overdue",
    "recovery",
    "refusal",
    "register",
    "request",
    "requests",
    "restore",
    "retire",
    "returned",
    "run",
    "sign_in",
    "simulate",
    "smart_report",
    "storage",
    "user",
    "verify",
    "view",
    "status",
    "watch",
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kuramori {__version__}")
        raise typer.Exit


def build() -> typer.Typer:
    """Return the command line with every sub-command registered."""
    app = typer.Typer(
        name="kuramori",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Record sealed, silent and verifiable; open only what a lawful request names.",
    )

    @app.callback()
    def main(
        version: Annotated[
            bool,
            typer.Option(
                "--version", is_eager=True, callback=_tell_version, help=tr("Say which one.", "バージョンを表示")
            ),
        ] = False,
        url: Annotated[
            str,
            typer.Option(
                "--url",
                metavar="ADDRESS",
                help=tr("A desk on another machine; or KURAMORI_URL.", "別の機器の受付(desk) (KURAMORI_URL)"),
            ),
        ] = "",
        certificate: Annotated[
            Path | None,
            typer.Option(
                "--certificate",
                metavar="FILE",
                help=tr("The certificate of that desk, from now on.", "その受付(desk)の証明書(以後これを使用)"),
            ),
        ] = None,
    ) -> None:
        """Record sealed, silent and verifiable; open only what a lawful request names."""
        CHOSEN.set(Chosen(url, certificate))

    for name in COMMAND_MODULES:
        importlib.import_module(f"kuramori.cli.{name}").register(app)
    return app


def run() -> None:
    """Entry point of the installed command."""
    build()()
