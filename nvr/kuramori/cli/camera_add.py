"""`kuramori camera add` and `replace`: try the camera, show what it offers, then write it down, register it, tell all.

Until the last confirmation nothing is changed. The order then: password file, register, configuration, service. Must
not know how a camera is asked or a file is edited.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.camera_common import (
    Name,
    PasswordFile,
    asked,
    at_desk,
    config_path,
    interactive,
    read_password,
    refusing,
    reload_sentence,
    require_camera,
    require_person,
)
from kuramori.cli.client import CommandFailure
from kuramori.cli.options import As, AsJson, Config, Yes, confirm
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.camera_trial import Trial
    from kuramori.configuration_change import ConfigurationFile
    from kuramori.running_service import Told
    from kuramori_config.addresses import CameraAddress
    from kuramori_config.schema import Configuration

Url = Annotated[
    str | None,
    typer.Option("--url", help=tr("ONVIF (http, https) or stream (rtsp, rtsps) address.", "ONVIF又は映像のアドレス")),
]
Place = Annotated[str | None, typer.Option("--place", help=tr("Where it stands.", "設置場所"))]
RetentionOption = Annotated[
    str | None, typer.Option("--retention", help=tr('How long to keep, "14 days".', "保存期間(例: 14 days)"))
]
User = Annotated[str | None, typer.Option("--user", help=tr("Account on the camera.", "カメラの利用者名"))]
Profile = Annotated[str | None, typer.Option("--profile", help=tr("Media profile.", "プロファイル"))]
Fingerprint = Annotated[
    str | None,
    typer.Option("--fingerprint", metavar="SHA256", help=tr("Its certificate, if known.", "証明書の指紋(既知の場合)")),
]
USUAL_RETENTION = "14 days"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, for the person or program."""

    name: str
    trial: "Trial"
    fingerprint: str
    configuration: "Configuration"
    registered: bool
    told: "Told"


def add(
    name: Annotated[str | None, typer.Option("--name", help=tr("Its name, for good.", "カメラ名(変更不可)"))] = None,
    url: Url = None,
    place: Place = None,
    retention: RetentionOption = None,
    user: User = None,
    password_file: PasswordFile = None,
    profile: Profile = None,
    fingerprint: Fingerprint = None,
    person: As = None,
    config: Config = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take a camera into service."""
    from kuramori.configuration_change import changing
    from kuramori_config.schema import Role

    with refusing(), changing(config_path(config)) as file:
        who = require_person(file.configuration, person, frozenset({Role.MANAGER, Role.DEPUTY, Role.ADMINISTRATOR}))
        url = asked(url, tr("Address (ONVIF or rtsp)", "アドレス（ONVIF又はrtsp）"), "--url", yes)
        name = asked(name, tr("Name", "カメラ名"), "--name", yes)
        if file.configuration.camera_named(name) is not None:
            raise CommandFailure(
                tr(
                    f"There is a camera {name} already; another device in its place: kuramori camera replace {name}",
                    f"カメラ {name} は登録済みです。機器の交換は kuramori camera replace {name} で行ってください。",
                )
            )
        values: dict[str, Any] = {
            "name": name,
            "place": asked(place, tr("Place", "設置場所"), "--place", yes),
            "retention": asked(retention, tr("Retention", "保存期間"), "--retention", yes, USUAL_RETENTION),
        }
        account = _account(user, password_file, yes)
        outcome = _take(file, who, "added", values, url, account, (profile, fingerprint), yes, as_json)
        _tell(outcome, as_json)


def replace(
    name: Name,
    url: Url = None,
    user: User = None,
    password_file: PasswordFile = None,
    profile: Profile = None,
    fingerprint: Fingerprint = None,
    person: As = None,
    config: Config = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put another device in a camera's place: same name and history, new address, credentials and certificate."""
    from kuramori.configuration_change import changing
    from kuramori_config.schema import Role

    with refusing(), changing(config_path(config)) as file:
        who = require_person(file.configuration, person, frozenset({Role.MANAGER, Role.DEPUTY, Role.ADMINISTRATOR}))
        table = require_camera(file.configuration, name)
        file.turn_to(name)
        known = table.onvif or table.rtsp
        url = asked(url, tr("New address", "新しいアドレス"), "--url", yes, known.url if known else "")
        account = _account(user, password_file, yes, table.user or "")
        values: dict[str, Any] = {"name": name, "place": table.place}
        outcome = _take(file, who, "replaced", values, url, account, (profile, fingerprint), yes, as_json)
        _tell(outcome, as_json)


def _account(user: str | None, password_file: Path | None, yes: bool, offered: str = "") -> tuple[str | None, str]:
    """Return user and password; None and "" for a camera that asks for neither."""
    if user is None and interactive(yes):
        user = typer.prompt(tr("User (empty: none)", "利用者名（なければ空欄）"), default=offered, err=True)
    elif user is None:
        user = offered
    if not user:
        if password_file is not None:
            raise CommandFailure(tr("A password belongs to a --user.", "パスワードには --user が必要です。"))
        return None, ""
    return user, read_password(password_file, user, yes)


def _take(
    file: "ConfigurationFile",
    who: str,
    how: str,
    values: dict[str, Any],
    url: str,
    account: tuple[str | None, str],
    wanted: tuple[str | None, str | None],
    yes: bool,
    as_json: bool,
) -> Outcome:
    """Check, try, show, confirm; then write, register, tell."""
    import asyncio
    from contextlib import ExitStack

    from kuramori.camera_trial import require_local, try_camera
    from kuramori.cli.camera_view import show_trial
    from kuramori.enrolment_values import learnt, reached
    from kuramori.running_service import tell_to_reload

    user, password = account
    secret = file.new_secret(values["name"]) if user is not None else None
    table = values | reached(url, user, secret.name if secret is not None else None)
    draft = file.try_edit(lambda text: _edited(text, how, table))  # what can be refused without the camera, first
    address = _address(draft, values["name"])
    asyncio.run(require_local(address, file.configuration.network))
    pinned = _trusted(address, wanted[1], yes, as_json)
    trial = asyncio.run(try_camera(address, user, password, pinned, wanted[0]))
    if not as_json:
        show_trial(trial)
    table |= learnt(trial, _chosen(trial, wanted[0], yes), pinned)
    configuration = file.try_edit(lambda text: _edited(text, how, table))
    if not as_json:
        _tell_capacity(configuration)
    confirm(tr(f"Take {values['name']} into service?", f"{values['name']} を登録しますか"), yes)
    before = file.configuration.camera_named(values["name"])
    path, body = f"/v1/cameras/{values['name']}/enrolment", {"how": how, "address": url, "place": values["place"]}
    with ExitStack() as undo:
        if secret is not None:
            undo.callback(file.drop_secret, secret.name)
            file.write_secret(secret, password)
        registered = at_desk(file.path, who, lambda desk: desk.post_json(path, body))
        configuration = file.apply(lambda text: _edited(text, how, table))
        undo.pop_all()
    file.drop_secret(before.password if before is not None else None)
    told = tell_to_reload(configuration.storage.runtime_directory)
    return Outcome(values["name"], trial, pinned, configuration, registered, told)


def _address(configuration: "Configuration", name: str) -> "CameraAddress":
    """Return where the draft reaches a camera."""
    table = require_camera(configuration, name)
    address = table.onvif or table.rtsp
    if address is None:
        raise CommandFailure(tr("Name --url.", "--url を指定してください。"))
    return address


def _edited(text: str, how: str, table: dict[str, Any]) -> str:
    from kuramori_config.editing import with_camera, with_changed_camera

    if how == "added":
        return with_camera(text, {key: value for key, value in table.items() if value is not None})
    changes = {key: value for key, value in table.items() if key not in ("name", "place")}
    return with_changed_camera(text, table["name"], changes)


def _trusted(address: "CameraAddress", named: str | None, yes: bool, as_json: bool) -> str:
    """Return the certificate to know the camera by, "" where none is needed. Asks at the first use."""
    import asyncio

    from kuramori.camera_trial import certificate_shown, has_known_authority
    from kuramori.certificate_book import plain_fingerprint

    if not address.encrypted:
        if named is not None:
            raise CommandFailure(
                tr("A --fingerprint belongs to https or rtsps.", "--fingerprint は https 又は rtsps と併用します。")
            )
        return ""
    if named is not None:
        if not plain_fingerprint(named):
            raise CommandFailure(
                tr("--fingerprint is 64 hexadecimal digits (SHA-256).", "--fingerprint はSHA-256（16進64桁）です。")
            )
        return plain_fingerprint(named)
    shown = asyncio.run(certificate_shown(address))
    if asyncio.run(has_known_authority(address)):
        return ""
    if not as_json:
        typer.echo(
            tr(
                f"No known authority vouches for the camera's certificate. Its SHA-256 is\n  {shown}\n"
                "Compare it with what the camera shows on its own page or label, where it does.",
                "カメラの証明書を保証する既知の認証局がありません。SHA-256は次のとおりです。\n"
                f"  {shown}\nカメラの設定画面やラベルの表示と照合してください。",
            )
        )
    confirm(tr("Know the camera by this certificate?", "この証明書のカメラを登録しますか"), yes)
    return shown


def _chosen(trial: "Trial", wanted: str | None, yes: bool) -> str | None:
    """Return the profile that is written down; None where the best silent one is to be chosen at each connection."""
    tokens = [profile.token for profile in trial.profiles if profile.usable]
    if wanted is not None and not trial.proposed:
        raise CommandFailure(tr("A --profile belongs to an ONVIF address.", "--profile はONVIFアドレスと併用します。"))
    if wanted is not None or len(tokens) < 2 or not interactive(yes):
        return wanted
    answer: str = typer.prompt(tr("Profile", "プロファイル"), default=trial.proposed, err=True)
    if answer not in tokens:
        offered = ", ".join(tokens)
        raise CommandFailure(tr(f"The profiles are: {offered}.", f"選べるプロファイル: {offered}"))
    return None if answer == trial.proposed else answer


def _tell_capacity(configuration: "Configuration") -> None:
    from kuramori.cli.camera_view import capacity_text

    typer.echo(capacity_text(configuration))


def _tell(outcome: Outcome, as_json: bool) -> None:
    """End with what is left to do."""
    from dataclasses import asdict

    from kuramori.cli.camera_view import capacity_facts
    from kuramori.cli.options import show_json
    from kuramori.notice_texts import checklist

    todo = checklist(outcome.configuration.site, outcome.name)
    if as_json:
        show_json(
            {
                "camera": outcome.name,
                "trial": asdict(outcome.trial),
                "fingerprint": outcome.fingerprint,
                "capacity": capacity_facts(outcome.configuration),
                "registered": outcome.registered,
                "service": outcome.told.value,
                "checklist": list(todo),
            }
        )
        return
    typer.echo("")
    typer.echo(tr(f"{outcome.name} is in the configuration.", f"{outcome.name} を設定ファイルに登録しました。"))
    typer.echo(reload_sentence(outcome.told, outcome.registered))
    typer.echo(tr("Still to be done:", "このほかに必要な手続:"))
    for number, item in enumerate(todo, start=1):
        typer.echo(f"  {number}. {item}")
