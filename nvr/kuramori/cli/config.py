"""`kuramori config`: check a configuration file, print the reference, print the example.

It must not know what a key means; the contract says it.
"""

from pathlib import Path
from typing import Annotated

import typer

from kuramori.texts import japanese_wanted, tr

DEFAULT_FILE = Path("/etc/kuramori/kuramori.toml")


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        no_args_is_help=True,
        help=tr("Check the configuration, print its reference.", "設定の確認、設定リファレンスの表示"),
    )
    group.command("check", help=tr("Say everything that is wrong with the file.", "設定ファイルの誤りをすべて表示"))(
        check
    )
    group.command("reference", help=tr("Print the reference (Markdown).", "設定リファレンスを表示"))(reference)
    group.command("example", help=tr("Print an example file (TOML).", "設定例を表示"))(example)
    app.add_typer(group, name="config")


def check(file: Annotated[Path, typer.Argument(show_default=True)] = DEFAULT_FILE) -> None:
    """Check the file; exit with 1 when it cannot be used or the volumes are too small for the retention."""
    from kuramori_config.capacity import shortfall
    from kuramori_config.faults import ConfigurationFault
    from kuramori_config.load import load_configuration

    try:
        configuration = load_configuration(file)
    except ConfigurationFault as fault:
        typer.echo(fault.text(japanese=japanese_wanted()), err=True)
        raise typer.Exit(1) from None
    missing = shortfall(configuration)
    if missing is not None:
        typer.echo(f"{file}: volume: {missing.text(japanese=japanese_wanted())}", err=True)
        raise typer.Exit(1)
    for camera in configuration.cameras:
        if camera.audio is not None:
            typer.echo(_audio_note(camera.name))
    count = len(configuration.cameras)
    typer.echo(
        tr(
            f"{file}: the configuration is valid; cameras: {count}",
            f"{file}: 設定に誤りはありません（カメラ {count}台）",
        )
    )


def reference() -> None:
    """Print the reference."""
    from kuramori_config.generate import reference as text

    typer.echo(text(), nl=False)


def example() -> None:
    """Print the example."""
    from kuramori_config.generate import example as text

    typer.echo(text(), nl=False)


def _audio_note(camera_name: str) -> str:
    return tr(
        f"note: camera {camera_name}: the decision on audio is noted; this version records no audio",
        f"注意: カメラ {camera_name}: 音声に関する決定が記載されていますが、この版では音声を記録しません",
    )
