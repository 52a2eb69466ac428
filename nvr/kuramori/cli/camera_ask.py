"""`kuramori camera ask`: have the service ask a camera again now, as after a new password or new firmware.

Must not know what a camera is asked.
"""

import typer

from kuramori.cli.camera_common import Name, path_part, refusing
from kuramori.cli.options import As, Config
from kuramori.texts import tr


def ask(name: Name, person: As = None, config: Config = None) -> None:
    """Have a camera asked again now, also after a refused password; recording is not touched."""
    from kuramori.cli.options import desk_for

    with refusing(), desk_for(config, person) as desk:
        desk.post_json(f"/v1/cameras/{path_part(name)}/inquiry", {})
        typer.echo(
            tr(
                f"{name} is being asked again; kuramori camera list shows what it answers.",
                f"{name} に再確認しています。結果は kuramori camera list で確認してください。",
            )
        )
