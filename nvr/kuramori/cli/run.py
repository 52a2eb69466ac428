"""`kuramori run`: the service itself, in the foreground: supervisor, recorder, door and desk.

SIGHUP has the configuration file read again; where it means that the terminal has gone, the service ends with it.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori_config.schema import Configuration

ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.")]


class NotReady(Exception):
    """The service cannot start; the text is the sentence that says why."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def run(config: ConfigOption = Path("/etc/kuramori/kuramori.toml")) -> None:
        """Record, until SIGTERM or Ctrl-C; SIGHUP: read the camera list again."""
        raise typer.Exit(asyncio.run(_supervise(config)))


async def _supervise(config: Path) -> int:
    from kuramori import log
    from kuramori.messenger_keeping import MessengerKeeping
    from kuramori.process import EXIT_CONFIGURATION, unusable
    from kuramori.pulse import DESCRIPTOR, PulsePair
    from kuramori.service_liveness import RECORDER, ServiceLiveness
    from kuramori.service_lock import ServiceRunning, lock_service
    from kuramori.service_notification import manager_of_this_process
    from kuramori.supervisor import Supervisor, plans, with_pulse
    from kuramori_config.faults import ConfigurationFault
    from kuramori_config.load import load_configuration

    log.configure("supervisor")
    manager = manager_of_this_process()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    try:
        configuration = load_configuration(config)
        runtime = _require_set_up(configuration)
        lock = await lock_service(runtime)
    except ConfigurationFault as fault:
        typer.echo(fault.text(japanese=japanese_wanted()), err=True)
        return EXIT_CONFIGURATION
    except (NotReady, ServiceRunning) as refusal:
        typer.echo(str(refusal), err=True)
        return EXIT_CONFIGURATION
    except OSError as error:
        typer.echo(unusable(error), err=True)
        return EXIT_CONFIGURATION
    pulses = PulsePair()
    liveness = ServiceLiveness(manager, pulses)
    supervisor = Supervisor(
        with_pulse(plans(config, mail=configuration.mail is not None), RECORDER, DESCRIPTOR, pulses.inherited),
        runtime,
        liveness.changed,
        inherited=(lock.descriptor,),
    )

    messenger = MessengerKeeping(config, supervisor)

    def read_again() -> None:
        liveness.reloading()
        supervisor.reload()
        messenger.ask()

    on_terminal = sys.stdin.isatty()
    loop.add_signal_handler(signal.SIGHUP, lambda: stop.set() if on_terminal and _terminal_gone() else read_again())
    telling = asyncio.create_task(liveness.run(supervisor, stop), name="liveness")
    following = asyncio.create_task(messenger.run(), name="messenger")
    try:
        return await supervisor.run(stop)
    finally:
        stop.set()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await telling
        manager.close()
        pulses.close()
        lock.close()


def _terminal_gone() -> bool:
    """Tell whether the terminal that was standard input has been closed."""
    try:
        os.tcgetpgrp(sys.stdin.fileno())
    except OSError:
        return True
    return False


def _require_set_up(configuration: "Configuration") -> Path:
    """Return the runtime directory, made where it is missing. Raises NotReady, OSError."""
    storage = configuration.storage
    if not (storage.state_directory / "identity.json").exists():
        raise NotReady(
            tr(
                f"Nothing is set up in {storage.state_directory}: run `kuramori init` first.",
                f"{storage.state_directory} は未設定です。先に `kuramori init` を実行してください。",
            )
        )
    storage.runtime_directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    return storage.runtime_directory
