"""`kuramori open-offline`: the disk of a dead recorder, with its keystore and its cell, opens on another machine.

In the foreground: the desk of that recorder, without recording. Requests, decisions, approvals and clips are made with
the same commands and the same --config as ever. Must not know how anything is read.
"""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.ending_common import BadInput, one_answer
from kuramori.cli.options import Config
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.offline.sitting import Exhibits, FoundCamera
    from kuramori_config.schema import Configuration

Place = Annotated[
    Path | None, typer.Option("--state", help=tr("The dead recorder's state directory.", "旧録画機の状態フォルダー"))
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Open the disk of a dead recorder, lawfully.", "故障した録画機のディスクを開く(請求・決裁・承認が必要)")
    app.command("open-offline", help=text)(open_offline)


def open_offline(
    volume: Annotated[list[Path], typer.Option("--volume", help=tr("A volume; repeatable.", "記録領域(複数指定可)"))],
    keystore: Annotated[Path, typer.Option("--keystore", help=tr("Its keystore directory.", "鍵保管庫のフォルダー"))],
    cell: Annotated[Path, typer.Option("--cell", help=tr("Its cell directory.", "消去用領域のフォルダー"))],
    state: Place = None,
    work: Annotated[
        Path | None,
        typer.Option("--work", help=tr("New folder for a working copy of the state.", "状態の作業用複製の保存先")),
    ] = None,
    config: Config = None,
) -> None:
    """Open a disk until Ctrl-C."""
    from kuramori.cli.client import DEFAULT_CONFIGURATION
    from kuramori.offline.fault import EvidenceFault
    from kuramori.offline.sitting import Exhibits
    from kuramori.service_lock import ServiceRunning
    from kuramori_config.load import load_configuration

    with one_answer():
        if (state is None) != (work is None):
            raise BadInput(
                tr(
                    "Give --state and --work together: the original stays as it is, the copy is worked with.",
                    "--state と --work は併せて指定してください（原本は変更せず、複製を使用します）。",
                )
            )
        configuration = load_configuration(config or DEFAULT_CONFIGURATION)
        exhibits = Exhibits(tuple(volume), keystore, cell, state, work)
        try:
            asyncio.run(_sit(configuration, exhibits, config))
        except (EvidenceFault, ServiceRunning) as refusal:
            raise BadInput(str(refusal)) from refusal


async def _sit(configuration: "Configuration", exhibits: "Exhibits", config: Path | None) -> None:
    from kuramori import log
    from kuramori.offline.sitting import sit
    from kuramori.timebase import SystemClock

    log.configure("offline")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await sit(configuration, exhibits, SystemClock(), lambda found, place: _tell(found, place, config), stop)


def _tell(found: "tuple[FoundCamera, ...]", place: Path, config: Path | None) -> None:
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    zone = zone_of_site(config)
    for one in found:
        span = f"{format_time(one.first_utc_ms, zone)} - {format_time(one.last_utc_ms, zone)}"
        typer.echo(
            tr(
                f"  {one.name}: {span}, {one.openable} of {one.segments} segments can still be opened",
                f"  {one.name}: {span}、{one.segments} 件中 {one.openable} 件を開封できます",
            )
        )
    typer.echo(
        tr(
            "Open for reading only; nothing on the disk is changed, and what is past its retention stays closed.\n"
            f"Requests, decisions, approvals and clips: the usual commands. The register is in {place}. End: Ctrl-C.",
            "読取専用で開いています。ディスクは変更せず、保存期間を過ぎた画像は開けません。\n"
            f"請求・決裁・承認・取出しは通常のコマンドで行います。記録簿は {place} にあります。終了: Ctrl-C",
        )
    )
