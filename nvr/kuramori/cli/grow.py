"""`kuramori grow` and `kuramori volume add`: a longer ring, or one more, without losing what is kept.

Both change the medium first and the configuration last. Exit code 2 where it is refused. It must not know how a volume
is laid out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.options import AsJson, Config
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori.running_service import Told
    from kuramori_config.quantities import Size

EXIT_REFUSED = 2

SizeOption = Annotated[
    str, typer.Option("--size", metavar="SIZE", help=tr('Its whole size, such as "2 TiB".', '全体の容量(例: "2 TiB")'))
]
VolumePath = Annotated[Path, typer.Argument(metavar="VOLUME", help=tr("Its path.", "保存領域のパス"))]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("grow", help=tr("Enlarge a volume (service stopped).", "保存領域の拡張(サービス停止中)"))(grow)
    group = typer.Typer(no_args_is_help=True, help=tr("Add a volume.", "保存領域の追加"))
    group.callback()(_volume)
    group.command("add", help=tr("Make one more volume.", "保存領域を追加する"))(add)
    app.add_typer(group, name="volume")


def _volume() -> None:
    """Keep `add` a sub-command although it is the only one."""


def grow(volume: VolumePath, size: SizeOption, config: Config = None, as_json: AsJson = False) -> None:
    """Enlarge a volume."""
    from kuramori.cli.camera_common import config_path
    from kuramori.configuration_change import changing
    from kuramori.volume_growth import grow_volume

    with _refusals():
        wanted = _size(size)
        with changing(config_path(config)) as file:
            grown = grow_volume(file, volume, wanted)
    if as_json:
        _show(grown.path, grown.slots_before, grown.slots, grown.size_bytes)
        return
    typer.echo(
        tr(
            f"{grown.path} has grown from {grown.slots_before} to {grown.slots} slots; nothing was lost. Start the "
            "service again: kuramori run",
            f"{grown.path} を {grown.slots_before} 区画から {grown.slots} 区画に広げました。録画は失われていません。"
            "サービスを起動してください: kuramori run",
        )
    )


def add(volume: VolumePath, size: SizeOption, config: Config = None, as_json: AsJson = False) -> None:
    """Make one more volume and name it in the configuration."""
    from kuramori.cli.camera_common import config_path
    from kuramori.cli.options import now_utc_ms
    from kuramori.configuration_change import changing
    from kuramori.running_service import tell_to_reload
    from kuramori.volume_growth import add_volume

    with _refusals():
        wanted = _size(size)
        with changing(config_path(config)) as file:
            made = add_volume(file, volume, wanted, now_utc_ms())
            runtime = file.configuration.storage.runtime_directory
    told = tell_to_reload(runtime)
    if as_json:
        _show(made.path, made.slots_before, made.slots, made.size_bytes)
        return
    typer.echo(
        tr(
            f"{made.path} is made and configured ({made.slots} slots). {_taken_up(told)} Cameras take turns over all "
            "volumes, and what is kept stays where it is.",
            f"{made.path} を作成し、設定に追加しました（{made.slots} 区画）。{_taken_up(told)}"
            "カメラは順に割り当てられ、保存済みの録画はそのまま残ります。",
        )
    )


def _taken_up(told: "Told") -> str:
    from kuramori.running_service import Told

    if told is Told.TOLD:
        return tr("The running service takes it up now.", "稼働中のサービスが使用を開始します。")
    if told is Told.NOT_PERMITTED:
        return tr(
            "Tell the service to read its configuration again (SIGHUP), or restart it.",
            "サービスに設定の再読込（SIGHUP）を指示するか、再起動してください。",
        )
    return tr("It is used from the next start.", "次回の起動から使用します。")


def _show(path: Path, slots_before: int, slots: int, size_bytes: int) -> None:
    from kuramori.cli.options import show_json

    show_json({"volume": str(path), "slots_before": slots_before, "slots": slots, "size_bytes": size_bytes})


def _size(text: str) -> "Size":
    from kuramori.volume_growth import GrowthRefused
    from kuramori_config.faults import Unfit
    from kuramori_config.quantities import Size

    try:
        return Size.parse(text)
    except Unfit as unfit:
        shape = unfit.expected.text(japanese=japanese_wanted())
        raise GrowthRefused(tr(f"--size {text!r}: expected {shape}", f"--size {text!r}: {shape}")) from None


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what refuses the work into its sentence on the error output, and exit code 2."""
    from kuramori.cli.client import CommandFailure
    from kuramori.configuration_change import ChangeRefused
    from kuramori.identity import IdentityFault
    from kuramori.volume_growth import GrowthRefused
    from kuramori_config.faults import ConfigurationFault
    from kuramori_segments.storage_fault import StorageFault, VolumeInUse, VolumeRefused

    try:
        yield
        return
    except ConfigurationFault as fault:
        sentence = fault.text(japanese=japanese_wanted())
    except VolumeInUse as used:
        sentence = tr(
            f"{used.place} is in use: stop the service first.",
            f"{used.place} は使用中です。先にサービスを停止してください。",
        )
    except (GrowthRefused, ChangeRefused, CommandFailure, IdentityFault, VolumeRefused, StorageFault) as refused:
        sentence = str(refused)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sentence = f"{where}{error.strerror or error}"
    typer.echo(sentence, err=True)
    raise typer.Exit(EXIT_REFUSED)
