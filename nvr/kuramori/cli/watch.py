"""`kuramori watch URL`: on a second machine, watch a recorder's metrics page and mail when it goes red or silent.

Exit codes: 0 ended by a signal, or green with --once; 1 red; 2 the page cannot be read; 78 the file cannot be used.
Must not know what a page says.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori_config.watch_file import WatchConfiguration

EXIT_RED = 1
EXIT_UNREACHABLE = 2
EXIT_CONFIGURATION = 78

Page = Annotated[str, typer.Argument(metavar="URL", help=tr("The metrics page.", "状態ページのアドレス"))]
MailConfig = Annotated[
    Path,
    typer.Option("--mail-config", help=tr("The file with [watch] and [mail].", "[watch] と [mail] の設定ファイル")),
]
Once = Annotated[bool, typer.Option("--once", help=tr("Look once, mail nothing.", "一度だけ確認（メールなし）"))]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watch", help=tr("Watch a recorder from another machine.", "別の装置から録画装置を監視"))(watch)


def watch(url: Page, mail_config: MailConfig = Path("/etc/kuramori/watch.toml"), once: Once = False) -> None:
    """Watch until SIGTERM or Ctrl-C; with --once look once and say what is seen."""
    import asyncio

    from kuramori import log
    from kuramori.mail.page_address import AddressRefused, page_address
    from kuramori_config.faults import ConfigurationFault
    from kuramori_config.watch_file import load_watch_configuration

    log.configure("watch")
    try:
        address = page_address(url)
        configuration = load_watch_configuration(mail_config)
        asyncio.run(_check(address))
    except ConfigurationFault as fault:
        typer.echo(fault.text(japanese=japanese_wanted()), err=True)
        raise typer.Exit(EXIT_CONFIGURATION) from None
    except AddressRefused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(EXIT_CONFIGURATION) from None
    try:
        configuration.watch.state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        raise typer.Exit(asyncio.run(_once(address, configuration) if once else _watch(address, configuration)))
    except OSError as error:
        place = error.filename or configuration.watch.state_directory
        typer.echo(f"{place}: {error.strerror}", err=True)
        raise typer.Exit(EXIT_CONFIGURATION) from None


async def _check(address: str) -> None:
    """Refuse at once what would be refused at each reading; a name that does not resolve now may do so later."""
    import socket
    from contextlib import suppress

    from kuramori.mail.page_address import require_local

    with suppress(socket.gaierror):
        await require_local(address)


async def _watch(address: str, configuration: "WatchConfiguration") -> int:
    import asyncio
    import signal

    from kuramori.mail.watchman import Watchman
    from kuramori.timebase import PortableClock

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Watchman(address, configuration, PortableClock()).run(stop)
    return 0


async def _once(address: str, configuration: "WatchConfiguration") -> int:
    from kuramori.mail.watchman import Watchman
    from kuramori.timebase import NS_PER_MS, PortableClock

    clock = PortableClock()
    watchman = Watchman(address, configuration, clock)
    await watchman.look()
    if watchman.judge.missed:
        typer.echo(tr("NOT readable: ", "読み取れません: ") + watchman.judge.missed)
        return EXIT_UNREACHABLE
    from kuramori.mail.post import Moment

    problems = watchman.judge.problems(Moment(clock.utc_ms(), clock.boot_ns() // NS_PER_MS))
    for problem in problems:
        typer.echo(problem.text(japanese=japanese_wanted()))
    typer.echo(tr("RED", "赤（異常）") if problems else tr("GREEN", "緑（正常）"))
    return EXIT_RED if problems else 0
