"""`kuramori backup`: what a recorder is and knows, into one file under a passphrase; while it runs, or while it rests.

Run it as the account that runs the service. Must not know what is copied how, nor how a backup is sealed.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.client import CommandFailure, DeskNotRunning
from kuramori.cli.ending_common import BadInput, PassphraseFile, one_answer
from kuramori.cli.options import As, AsJson, Config
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.backup.archive import Content
    from kuramori_config.schema import Configuration


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr(
        "Back up settings, ledger and register; no recording.", "設定・台帳・記録簿のバックアップ(画像は含まない)"
    )
    app.command("backup", help=text)(backup)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=tr("The new file.", "作成するファイル"))],
    listing: Annotated[
        bool, typer.Option("--list", help=tr("Verify a backup and list it instead.", "検証と内容の一覧"))
    ] = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help=tr("With the cameras' passwords.", "カメラのパスワードも含める"))
    ] = False,
    passphrase_file: PassphraseFile = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a backup, or verify one."""
    with one_answer():
        if listing:
            _list(file, passphrase_file, config, as_json)
        else:
            _make(file, secrets, passphrase_file, person, config, as_json)


def _list(file: Path, passphrase_file: Path | None, config: Path | None, as_json: bool) -> None:
    from kuramori.backup.collecting import read_backup
    from kuramori.passphrase import read_passphrase

    content = read_backup(file, read_passphrase(passphrase_file))
    _tell(content, file, config, as_json)


def _make(
    file: Path, secrets: bool, passphrase_file: Path | None, person: str | None, config: Path | None, as_json: bool
) -> None:
    from kuramori.backup.collecting import collect, write_backup
    from kuramori.backup.snapshot import end_snapshot
    from kuramori.cli.client import DEFAULT_CONFIGURATION
    from kuramori.cli.options import now_utc_ms
    from kuramori.identity import read_identity
    from kuramori.passphrase import read_new_passphrase
    from kuramori.places import Places
    from kuramori_config.load import load_configuration
    from kuramori_segments.passphrase_key import (
        LEAST_DIFFERENT_CHARACTERS,
        LEAST_PASSPHRASE_CHARACTERS,
        check_passphrase,
    )

    if file.exists():
        raise BadInput(
            tr(f"{file} is there already; nothing is overwritten.", f"{file} は既にあります。上書きしません。")
        )
    settings = config or DEFAULT_CONFIGURATION
    configuration = load_configuration(settings)
    places = Places.of(configuration)
    read_identity(places.identity)
    passphrase = read_new_passphrase(passphrase_file, LEAST_PASSPHRASE_CHARACTERS, LEAST_DIFFERENT_CHARACTERS)
    check_passphrase(passphrase)
    created_utc_ms = now_utc_ms()
    try:
        _copy(configuration, places.backup_snapshot, secrets, person, config)
        collected = collect(configuration, settings, places.backup_snapshot, created_utc_ms, with_secrets=secrets)
        write_backup(collected, file, passphrase)
    finally:
        end_snapshot(places.backup_snapshot)
    _tell(collected.content, file, config, as_json)


def _copy(configuration: "Configuration", folder: Path, secrets: bool, person: str | None, config: Path | None) -> None:
    """Have what changes copied: by the desk where the service runs, else here, under the service's lock."""
    import asyncio

    from kuramori.backup.snapshot import snapshot_stopped
    from kuramori.cli.options import desk_for
    from kuramori.places import Places
    from kuramori.service_lock import ServiceRunning, lock_service

    places = Places.of(configuration)
    if places.runtime.exists():
        try:
            lock = asyncio.run(lock_service(places.runtime, patience_seconds=0))
        except ServiceRunning:
            try:
                with desk_for(config, person) as desk:
                    desk.post_json("/v1/backup-copies", {"with_secrets": secrets})
            except DeskNotRunning as away:
                raise CommandFailure(
                    tr(
                        "The service runs, but its desk does not answer: try again, or stop the service first.",
                        "サービスは稼働中ですが受付(desk)が応答しません。再度実行するか、サービスを停止してください。",
                    )
                ) from away
            return
        try:
            snapshot_stopped(places, folder)
        finally:
            lock.close()
    else:
        snapshot_stopped(places, folder)


def _tell(content: "Content", file: Path, config: Path | None, as_json: bool) -> None:
    from kuramori.cli.options import show_json
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    parts = [{"name": part.name, "size_bytes": part.size_bytes, "sha256": part.sha256.hex()} for part in content.parts]
    if as_json:
        show_json(
            {
                "file": str(file),
                "recorder_id": content.recorder_id.hex(),
                "site": content.site,
                "created_utc_ms": content.created_utc_ms,
                "program": content.program,
                "origin": content.origin,
                "parts": parts,
            }
        )
        return
    made = format_time(content.created_utc_ms, zone_of_site(config))
    typer.echo(
        tr(
            f"{file}: whole. {content.site}, recorder {content.recorder_id.hex()}, made {made}.",
            f"{file}: 検証しました。{content.site}、録画機 {content.recorder_id.hex()}、作成 {made}",
        )
    )
    for part in content.parts:
        typer.echo(f"  {part.size_bytes:>12}  {part.name}")
    typer.echo(
        tr(
            "No recording and no key of one is in it. It holds names and the recorder's own keys: keep it locked\n"
            "away, and make a new one after each change of custodians and at least every month.",
            "画像と画像を開く鍵は含まれません。氏名と録画機自身の鍵を含むため、施錠して保管してください。\n"
            "鍵管理者の変更後、及び少なくとも毎月、新しいバックアップを作成してください。",
        )
    )
