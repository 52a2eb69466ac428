"""`kuramori discover`: which cameras are on the network, as far as they say so to anybody, and which are ours already.

Runs in the caller's process and needs no rights and no secrets: it signs in to nothing. What it prints is unproven;
taking a camera into service is an operator's act. Which ones are enrolled is told where the configuration can be
read. It must not know the recorder.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.client import DEFAULT_CONFIGURATION, fail
from kuramori.cli.options import Config
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori.door.enrolled import EnrolledCamera
    from kuramori_onvif.models import DiscoveryReport, FoundDevice

Enrolled = Sequence["EnrolledCamera"] | None  # None: it cannot be told

TABLE_COLUMNS = 200  # addresses are copied: never folded


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def discover(
        seconds: Annotated[float, typer.Option(min=0.5, max=60.0, help="How long to search.")] = 3.0,
        interface: Annotated[
            list[str] | None,
            typer.Option(help="Interface or own address to search on, such as eth0, lo or 127.0.0.1; repeatable."),
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
        config: Config = None,
    ) -> None:
        """Search the network for ONVIF cameras."""
        from kuramori_onvif.discovery import discover as search
        from kuramori_onvif.errors import DiscoveryImpossible

        enrolled = _enrolled(config)
        try:
            report = asyncio.run(search(seconds=seconds, interfaces=tuple(interface or ())))
        except DiscoveryImpossible as error:
            fail(
                tr(
                    f"{error} Name an interface with --interface.",
                    f"カメラを検索できません（{error.why}）。--interface でインターフェースを指定してください。",
                )
            )
        if as_json:
            print(json.dumps(_document(report, enrolled), ensure_ascii=False, indent=2))
        else:
            _print(report, enrolled)


def _enrolled(config: Path | None) -> Enrolled:
    """Return the cameras of the configuration. One that was named must be sound; the usual one may be missing."""
    from kuramori.door.acquaintance import AcquaintanceBook
    from kuramori.door.enrolled import enrolled_cameras
    from kuramori.places import Places
    from kuramori_config.faults import ConfigurationFault
    from kuramori_config.load import load_configuration

    try:
        configuration = load_configuration(config or DEFAULT_CONFIGURATION)
    except ConfigurationFault as fault:
        if config is not None:
            fail(fault.text(japanese=japanese_wanted()))
        return None
    return enrolled_cameras(configuration, AcquaintanceBook(Places.of(configuration).acquaintances))


def _name_of(device: "FoundDevice", enrolled: Enrolled) -> str | None:
    from kuramori.door.enrolled import enrolled_as

    return None if enrolled is None else enrolled_as(device, enrolled)


def _document(report: "DiscoveryReport", enrolled: Enrolled) -> dict[str, object]:
    return {
        "devices": [
            {
                "vendor": device.vendor,
                "model": device.model,
                "name": device.name,
                "address": device.address,
                "address_replaced": device.address_replaced,
                "endpoint_id": device.endpoint_id,
                "source": device.source,
                "interface": device.interface,
                "scopes": list(device.scopes),
                "configured_as": _name_of(device, enrolled),  # "": a stranger; null: it cannot be told
            }
            for device in report.devices
        ],
        "searched": list(report.searched),
        "problems": list(report.problems),
        "dropped": report.dropped,
        "malformed": report.malformed,
    }


def _print(report: "DiscoveryReport", enrolled: Enrolled) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=TABLE_COLUMNS)
    if report.devices:
        table = Table(box=None, pad_edge=False)
        headings = (
            tr("vendor", "製造者"),
            tr("model", "機種"),
            tr("name", "名称"),
            tr("address", "アドレス"),
            tr("endpoint id", "エンドポイントID"),
            tr("enrolled as", "登録名"),
        )
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for device in report.devices:
            mark = " *" if device.address_replaced else ""
            name = _name_of(device, enrolled)
            ours = "?" if name is None else name or "-"
            words = (device.vendor, device.model, device.name, device.address + mark, device.endpoint_id, ours)
            table.add_row(*(escape(word) for word in words))
        console.print(table)
    else:
        searched = ", ".join(report.searched)
        console.print(
            tr(f"No camera answered on {searched}.", f"{searched} で応答したカメラはありません。"), markup=False
        )
    if report.devices and enrolled is None:
        console.print(
            tr(
                "? Which of them are enrolled is told with --config FILE.",
                "? 登録済みかどうかは --config FILE を指定すると表示されます。",
            ),
            markup=False,
        )
    if any(device.address_replaced for device in report.devices):
        console.print(
            tr(
                "* The camera named another host; the address it answered from is shown.",
                "* カメラは別のアドレスを名乗りました。実際に応答したアドレスを表示しています。",
            ),
            markup=False,
        )
    for problem in report.problems:
        console.print(tr(f"Not searched: {problem}", f"検索できませんでした: {problem}"), markup=False)
    if report.dropped:
        console.print(
            tr(
                f"{report.dropped} answers were dropped: one sender claims to be more cameras than allowed.",
                f"応答{report.dropped}件を破棄しました（1つの送信元が名乗れるカメラの上限を超えています）。",
            ),
            markup=False,
        )
