"""`kuramori config`: check a configuration file, print the reference, print the example.

It must not know what a key means; the contract says it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori_config.schema import Camera

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
            typer.echo(audio_notice(camera))
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


def audio_notice(camera: "Camera") -> str:
    """Return the notice that a camera records sound, by whose decision, or why it cannot (R3)."""
    from kuramori.sound import decision_of
    from kuramori_config.schema import Transport

    decision = decision_of(camera)
    if decision is None:
        return ""
    said = f"{decision.who}, {decision.date}: {decision.reason}"
    if camera.transport is Transport.AV:
        return tr(
            f"NOTICE: camera {camera.name}: sound was decided ({said}), but is NOT recorded: transport av takes "
            "pictures only; use native",
            f"注意: カメラ {camera.name}: 録音の決定がありますが({said})、transport = av では音声を記録できません。"
            "native を使用してください",
        )
    return tr(
        f"NOTICE: camera {camera.name}: SOUND IS RECORDED (AAC) by written decision ({said}). Rule: no personal "
        "information that is not needed (NIZ); without [camera.audio] no sound is ever asked for",
        f"注意: カメラ {camera.name}: 書面による決定に基づき音声(AAC)を録音します({said})。"
        "必要のない個人情報は収集しないこと(新座市審議会)。[camera.audio] がなければ音声は取得しません",
    )
