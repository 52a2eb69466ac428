"""`kuramori run`: the service itself, in the foreground: supervisor, recorder, door and desk."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from kuramori.texts import tr

ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.")]


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def run(config: ConfigOption = Path("/etc/kuramori/kuramori.toml")) -> None:
        """Record, until SIGTERM or Ctrl-C."""
        raise typer.Exit(asyncio.run(_supervise(config)))


async def _supervise(config: Path) -> int:
    from kuramori_config.faults import ConfigurationFault
    from kuramori_config.load import load_configuration

    from kuramori import log
    from kuramori.process import EXIT_CONFIGURATION
    from kuramori.supervisor import Supervisor, plans

    log.configure("supervisor")
    try:
        configuration = load_configuration(config)
    except ConfigurationFault as fault:
        typer.echo(str(fault), err=True)
        return EXIT_CONFIGURATION
    runtime = configuration.storage.runtime_directory
    if not (configuration.storage.state_directory / "identity.json").exists():
        typer.echo(
            tr(
                f"Nothing is set up in {configuration.storage.state_directory}: run `kuramori init` first.",
                f"{configuration.storage.state_directory} は未設定です。先に `kuramori init` を実行してください。",
            ),
            err=True,
        )
        return EXIT_CONFIGURATION
    runtime.mkdir(mode=0o750, parents=True, exist_ok=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    return await Supervisor(plans(config), runtime).run(stop)
