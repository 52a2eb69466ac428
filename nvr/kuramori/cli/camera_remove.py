"""`kuramori camera remove`: out of service for good. Recordings stay until their retention ends; the name is kept.

Must not know how the configuration is edited.
"""

from typing import TYPE_CHECKING, Any

import typer

from kuramori.cli.camera_common import (
    Name,
    at_desk,
    config_path,
    refusing,
    reload_sentence,
    require_camera,
    require_person,
)
from kuramori.cli.options import As, AsJson, Config, Reason, Yes, confirm
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori_config.schema import Camera


def remove(
    name: Name,
    reason: Reason,
    person: As = None,
    config: Config = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take a camera out of service for good."""
    from kuramori.cli.options import show_json
    from kuramori.configuration_change import changing
    from kuramori.running_service import tell_to_reload
    from kuramori_config.editing import with_removed_camera
    from kuramori_config.schema import Role

    with refusing(), changing(config_path(config)) as file:
        who = require_person(file.configuration, person, frozenset({Role.MANAGER, Role.DEPUTY, Role.ADMINISTRATOR}))
        table = require_camera(file.configuration, name)
        file.turn_to(name)
        until, retired = _last_day(file.configuration.site.time_zone, table), _retired(table, file.configuration.site)
        file.try_edit(lambda text: with_removed_camera(text, name, retired))
        if not as_json:
            typer.echo(
                tr(
                    f"What was recorded of {name} stays until its retention ends, on {until} at the latest (what a "
                    "hold keeps, until the hold ends). The name is never given to another camera.",
                    f"{name} の記録済み画像は、保存期間の終わる {until} まで残ります"
                    "（保存期間を延長したものは、その期限まで）。カメラ名は再使用できません。",
                )
            )
        confirm(tr(f"Remove {name}?", f"{name} を撤去しますか"), yes)
        path = f"/v1/cameras/{name}/retirement"
        registered = at_desk(file.path, who, lambda desk: desk.post_json(path, {"reason": reason}))
        configuration = file.apply(lambda text: with_removed_camera(text, name, retired))
        file.drop_secret(table.password)
        told = tell_to_reload(configuration.storage.runtime_directory)
        if as_json:
            show_json({"camera": name, "recordings_until": until, "registered": registered, "service": told.value})
            return
        typer.echo(tr(f"{name} is removed.", f"{name} を撤去しました。"))
        typer.echo(reload_sentence(told, registered))
        typer.echo(
            tr(
                "Take down the notice, and correct number and places of cameras in the rule book.",
                "設置表示を撤去し、運用規程の設置台数・設置場所を改めてください。",
            )
        )


def _last_day(zone_name: str, table: "Camera") -> str:
    """Return the day on which the last recording ends, in the site's zone."""
    from datetime import datetime, timedelta
    from zoneinfo import ZoneInfo

    now = datetime.now(ZoneInfo(zone_name))
    return (now + timedelta(seconds=table.retention.seconds)).date().isoformat()


def _retired(table: "Camera", site: Any) -> dict[str, Any]:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return {
        "name": table.name,
        "place": table.place,
        "removed": datetime.now(ZoneInfo(site.time_zone)).date(),
        "retention": str(table.retention),
    }
