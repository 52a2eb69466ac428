"""`kuramori plan`: how many days fit, when the first overwrite comes, what size would do (K3).

From measured rates where the service runs; else from the configuration alone, and it says so. Exit code 1 where the
retention asked for will not be reached, 2 where nothing can be said. It must not know how anything is measured.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kuramori.cli.client import CommandFailure
from kuramori.cli.options import AsJson, Config
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.capacity_messages import CapacityPlan

EXIT_SHORT = 1
EXIT_UNKNOWN = 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Say how many days fit, and what size would do.", "保存できる日数と必要な容量の見通し")
    app.command("plan", help=text)(plan)


def plan(config: Config = None, as_json: AsJson = False) -> None:
    """Show the plan; exit with 1 where it falls short of the retention asked for."""
    from kuramori.capacity.capacity_texts import is_short, plan_lines
    from kuramori.cli.options import show_json
    from kuramori.cli.zone import zone_of_site
    from kuramori.wire import to_plain

    try:
        found = _found(config)
    except CommandFailure as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(EXIT_UNKNOWN) from None
    if as_json:
        show_json(to_plain(found))
    else:
        for line in plan_lines(found, zone_of_site(config)):
            typer.echo(line)
    if any(is_short(camera) for volume in found.volumes for camera in volume.cameras):
        raise typer.Exit(EXIT_SHORT)


def _found(config: Path | None) -> "CapacityPlan":
    """Ask the running recorder; where there is none, take the configuration's word. Raises CommandFailure."""
    from kuramori.capacity.survey import plan_of_configuration
    from kuramori.capacity_messages import CapacityPlan
    from kuramori.cli.desk_or_machine import desk_or_machine

    return desk_or_machine(config, "/v1/capacity", CapacityPlan, plan_of_configuration)[0]
