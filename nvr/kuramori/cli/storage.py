"""`kuramori storage`: every medium of the recorder as green, red or unknown, with its wear and all evidence (O2).

Where no service runs it shows what the system alone tells, and says so. Exit code 1 where a medium is red or another
one than before, 2 where nothing can be said. It must not know how a light comes to be.
"""

from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.client import CommandFailure
from kuramori.cli.options import As, AsJson, Config
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.storage_health.medium_report import MediaHealth, MediumReport

EXIT_RED = 1
EXIT_UNKNOWN = 2
GIB = 1 << 30

Accept = Annotated[
    str | None,
    typer.Option(
        "--accept", metavar="VOLUME", help=tr("The exchanged medium is right (manager).", "交換した媒体を承認")
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Health of the recorder's own media.", "録画機の記録媒体の状態")
    app.command("storage", help=text)(storage)


def storage(accept: Accept = None, acting: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show all media; exit with 1 where one is red or was exchanged."""
    from kuramori.camera_messages import Light
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.zone import zone_of_site
    from kuramori.wire import to_plain

    try:
        if accept is not None:
            path = accept if accept.startswith("/") else str(Path(accept).absolute())
            with desk_for(config, acting) as desk:
                desk.post_json("/v1/storage/acceptances", {"volume": path})
        found, running = _found(config)
    except CommandFailure as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(EXIT_UNKNOWN) from None
    if as_json:
        show_json(to_plain(found))
    else:
        if not running:
            text = tr(
                "No recorder runs: this is what the system tells.", "録画機は動作していません（システムの情報のみ）。"
            )
            typer.echo(text)
        for report in found.media:
            for line in report_lines(report, zone_of_site(config)):
                typer.echo(line)
    if any(report.light is Light.RED or report.swapped for report in found.media):
        raise typer.Exit(EXIT_RED)


def report_lines(report: "MediumReport", zone: tzinfo) -> list[str]:
    """Return a medium in lines: what it is, how worn, and what was seen. Pure."""
    from kuramori.cli.times import format_time
    from kuramori.storage_health.medium_texts import evidence_text, report_title

    lines = [report_title(report)]
    facts: list[str] = []
    if report.light_since_utc_ms is not None:
        since = format_time(report.light_since_utc_ms, zone)
        facts.append(tr(f"since {since}", f"{since} から"))
    if report.worn_percent is not None:
        facts.append(tr(f"worn {report.worn_percent:.0f} %", f"消耗 {report.worn_percent:.0f} %"))
    if report.written_bytes is not None:
        written = f"{report.written_bytes / GIB:.1f} GiB"
        if report.endurance_bytes:
            rated = f"{report.endurance_bytes / GIB:.0f} GiB"
            facts.append(tr(f"written {written} of {rated} rated", f"書込量 {written}（定格 {rated}）"))
        else:
            facts.append(tr(f"written {written}", f"書込量 {written}"))
    if report.identity:
        facts.append(report.identity)
    if facts:
        lines.append("    " + tr(", ", "、").join(facts))
    return lines + [f"    - {evidence_text(one)}" for one in report.evidence]


def _found(config: Path | None) -> "tuple[MediaHealth, bool]":
    """Ask the running recorder, else the system; tell which. Raises CommandFailure."""
    from kuramori.cli.desk_or_machine import desk_or_machine
    from kuramori.storage_health.medium_report import MediaHealth
    from kuramori.storage_health.system_view import media_of_system

    return desk_or_machine(config, "/v1/storage", MediaHealth, media_of_system)
