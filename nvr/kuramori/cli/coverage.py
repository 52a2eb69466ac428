"""`kuramori coverage`: what is recorded of each camera, and why the rest is missing (R1).

Asks the desk and shows its answer as figures and a timeline, or as JSON. It must not know how coverage is found.
"""

import os
import time
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.cli.client import DeskClient
    from kuramori.coverage_report import CoverageReport

DEFAULT_SPAN_MS = 3_600_000
PIPE_WIDTH = 120  # characters where no terminal says how wide it is


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def coverage(
        camera: Annotated[
            list[str] | None, typer.Option("--camera", help="Only this camera; repeatable. Without it: all.")
        ] = None,
        from_text: Annotated[
            str | None,
            typer.Option("--from", metavar="TIME", help="2026-11-23 14:00, 14:00 (today) or -2h. Default: an hour."),
        ] = None,
        to_text: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Default: now.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of table and picture.")] = False,
        config: Annotated[Path | None, typer.Option("--config", help="The configuration file.")] = None,
    ) -> None:
        """Show what is recorded, with gaps and their reasons."""
        with one_sentence():
            _coverage(tuple(camera or ()), from_text, to_text, as_json, config)


def _coverage(
    cameras: tuple[str, ...], from_text: str | None, to_text: str | None, as_json: bool, config: Path | None
) -> None:
    from kuramori.cli.client import open_desk
    from kuramori.cli.times import TimeFault, parse_range
    from kuramori.cli.zone import zone_of_site

    try:
        zone = zone_of_site(config)
        from_utc_ms, to_utc_ms = parse_range(
            from_text,
            to_text,
            now_utc_ms=time.time_ns() // 1_000_000,
            zone=zone,
            default_span_ms=DEFAULT_SPAN_MS,
        )
    except TimeFault as fault:
        raise CommandFailure(str(fault)) from fault
    with open_desk(configuration=config) as desk:
        report = fetch_report(desk, cameras, from_utc_ms, to_utc_ms)
    _print(report, from_utc_ms, to_utc_ms, zone, as_json)


def fetch_report(desk: "DeskClient", cameras: tuple[str, ...], from_utc_ms: int, to_utc_ms: int) -> "CoverageReport":
    """Ask the desk for the coverage of these cameras (none named: all). Raises CommandFailure."""
    from kuramori import wire
    from kuramori.coverage_report import COVERAGE_PATH, CoverageReport

    span: dict[str, str | int] = {"from_utc_ms": from_utc_ms, "to_utc_ms": to_utc_ms}
    questions = [span | {"camera": camera} for camera in dict.fromkeys(cameras)] or [span]
    try:
        answers = [wire.from_plain(CoverageReport, desk.get_json(COVERAGE_PATH, asked)) for asked in questions]
    except wire.WireInvalid as error:
        raise CommandFailure(
            tr(
                f"The desk's answer is not a coverage report ({error}); are both of the same version?",
                f"受付(desk)の応答を録画状況として解釈できません({error})。版が一致しているか確認してください。",
            )
        ) from error
    return CoverageReport(answers[-1].utc_ms, tuple(found for answer in answers for found in answer.cameras))


def _print(report: "CoverageReport", from_utc_ms: int, to_utc_ms: int, zone: tzinfo, as_json: bool) -> None:
    import io
    import json
    import sys

    from rich.console import Console

    from kuramori import wire
    from kuramori.cli.coverage_picture import BLOCKS, PLAIN
    from kuramori.cli.coverage_view import coverage_view

    if as_json:
        typer.echo(json.dumps(wire.to_plain(report), ensure_ascii=False, indent=2))
        return
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    if not unicode and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    symbols = BLOCKS if unicode else PLAIN
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, width=PIPE_WIDTH)
    console.print(coverage_view(report, from_utc_ms, to_utc_ms, zone=zone, width=console.width, symbols=symbols))
