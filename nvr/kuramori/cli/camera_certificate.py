"""`kuramori camera accept-certificate`: trust the certificate that a camera shows now, after comparing it.

Where the configuration names the certificate, the configuration is changed; else the service is told, which remembers
the first one it saw. Must not know TLS.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.camera_common import (
    Name,
    config_path,
    refusing,
    reload_sentence,
    require_camera,
    require_person,
)
from kuramori.cli.client import CommandFailure
from kuramori.cli.options import As, Config, Yes, confirm, desk_for
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori_config.schema import Camera


def accept_certificate(
    name: Name,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--fingerprint", metavar="SHA256", help=tr("Of the certificate; else the one shown now.", "証明書の指紋")
        ),
    ] = None,
    person: As = None,
    config: Config = None,
    yes: Yes = False,
) -> None:
    """Trust a camera's new certificate."""
    from kuramori.configuration_change import changing
    from kuramori.running_service import tell_to_reload
    from kuramori_config.editing import with_changed_camera
    from kuramori_config.schema import Role

    with refusing(), changing(config_path(config)) as file:
        who = require_person(file.configuration, person, frozenset({Role.MANAGER, Role.DEPUTY, Role.ADMINISTRATOR}))
        table = require_camera(file.configuration, name)
        file.turn_to(name)
        if table.tls_ca_file is not None:
            raise CommandFailure(
                tr(
                    f"The configuration has {name} known by an authority (tls_ca_file): change that by hand.",
                    f"{name} は認証局(tls_ca_file)で確認する設定です。設定ファイルを手作業で変更してください。",
                )
            )
        before = table.tls_fingerprint or ""
        shown = f"sha256:{_wanted(table, fingerprint)}"
        if shown == before:
            raise CommandFailure(
                tr(f"{name} is known by this certificate already.", f"{name} の証明書は変わっていません。")
            )
        typer.echo(tr(f"Trusted until now: {before or '-'}", f"これまでの証明書: {before or '-'}"))
        typer.echo(tr(f"Shown now:         {shown}", f"新しい証明書:     {shown}"))
        question = tr("Was the certificate or the device changed on purpose?", "証明書又は機器を意図して変更しましたか")
        confirm(question, yes)
        _register(name, shown, before, who, file.path)
        if before:
            configuration = file.apply(lambda text: with_changed_camera(text, name, {"tls_fingerprint": shown}))
            typer.echo(reload_sentence(tell_to_reload(configuration.storage.runtime_directory), registered=True))
        typer.echo(tr(f"{name} is known by this certificate now.", f"{name} の証明書を承認しました。"))


def _wanted(table: "Camera", named: str | None) -> str:
    """Return the certificate that is meant: as named, or as the camera shows it now."""
    import asyncio

    from kuramori.camera_trial import certificate_shown
    from kuramori.certificate_book import plain_fingerprint

    if named is not None:
        digits = plain_fingerprint(named)
        if not digits:
            raise CommandFailure(
                tr("--fingerprint is 64 hexadecimal digits (SHA-256).", "--fingerprint はSHA-256（16進64桁）です。")
            )
        return digits
    address = table.onvif or table.rtsp
    if address is None or not address.encrypted:
        raise CommandFailure(
            tr(
                f"{table.name} is not reached over https or rtsps; for its stream's certificate name --fingerprint.",
                f"{table.name} は https・rtsps を使用していません。映像側の証明書は --fingerprint で指定してください。",
            )
        )
    return asyncio.run(certificate_shown(address))


def _register(name: str, fingerprint: str, before: str, who: str, config: Path) -> None:
    """Have the desk register it and tell who has to know. Raises CommandFailure, also where the desk does not run."""
    with desk_for(config, who) as desk:
        desk.post_json(f"/v1/cameras/{name}/certificate", {"fingerprint": fingerprint, "before": before})
