"""What the camera commands share: refusing in one sentence, who acts, the desk if it runs, telling the service.

Must not know any one command.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, DeskNotRunning, acting_person
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori.running_service import Told
    from kuramori_config.schema import Camera, Configuration, Role

EXIT_REFUSED = 2

Name = Annotated[str, typer.Argument(metavar="NAME", help=tr("The camera.", "カメラ名"))]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help=tr(
            "File of mode 0600 with the camera's password; - for standard input.", "パスワードのファイル(-は標準入力)"
        ),
    ),
]


@contextmanager
def refusing() -> Iterator[None]:
    """Turn every refusal inside into its sentence on standard error and exit code 2; nothing is half done then."""
    from kuramori.camera_trial import TrialFailed
    from kuramori.cli.times import TimeFault
    from kuramori.configuration_change import ChangeRefused
    from kuramori.passphrase import PassphraseUnavailable
    from kuramori_config.faults import ConfigurationFault

    try:
        yield
    except ConfigurationFault as fault:
        _end(fault.text(japanese=japanese_wanted()))
    except (CommandFailure, ChangeRefused, TrialFailed, PassphraseUnavailable, TimeFault) as refusal:
        _end(str(refusal))


def _end(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(EXIT_REFUSED)


def config_path(named: Path | None) -> Path:
    """Return the configuration that is meant: as named, KURAMORI_CONFIG, or the usual place."""
    import os

    from kuramori.cli.config import DEFAULT_FILE

    return named or Path(os.environ.get("KURAMORI_CONFIG") or DEFAULT_FILE)


def require_person(configuration: "Configuration", named: str | None, roles: "frozenset[Role]") -> str:
    """Return who acts, who must have one of these roles. Raises CommandFailure."""
    from kuramori.desk.fault import PersonMissing, PersonUnknown, RoleMissing

    name = acting_person(named)
    fault: PersonMissing | PersonUnknown | RoleMissing
    person = configuration.person_named(name) if name is not None else None
    if name is None:
        fault = PersonMissing()
    elif person is None:
        fault = PersonUnknown(name if name.isprintable() else "?")
    elif not roles & set(person.roles):
        fault = RoleMissing(name, tuple(sorted(role.value for role in roles)))
    else:
        return name
    raise CommandFailure(tr(fault.english, fault.japanese))


def require_camera(configuration: "Configuration", name: str) -> "Camera":
    """Return the table of a configured camera. Raises CommandFailure."""
    from kuramori.desk.fault import CameraRemoved, CameraUnknown

    table = configuration.camera_named(name)
    if table is not None:
        return table
    removed = any(camera.name == name for camera in configuration.retired_cameras)
    fault = CameraRemoved(name) if removed else CameraUnknown(name)
    raise CommandFailure(tr(fault.english, fault.japanese))


def at_desk(config: Path, person: str, ask: Callable[[DeskClient], Any]) -> bool:
    """Do something at the desk, as a person; tell whether it runs. Raises CommandFailure where it refuses."""
    from kuramori.cli.options import desk_for

    try:
        with desk_for(config, person) as desk:
            ask(desk)
    except DeskNotRunning:
        return False
    return True


def reload_sentence(told: "Told", registered: bool) -> str:
    """Return what became of telling the service, for the person who changed the configuration."""
    from kuramori.running_service import Told

    if told is Told.TOLD:
        return tr("The running service has been told.", "稼働中のサービスに反映を指示しました。")
    if told is Told.NOT_PERMITTED:
        return tr(
            "The service runs under another account and could not be told: have it sent SIGHUP, or restart it.",
            "サービスが別のアカウントで稼働しているため通知できませんでした。SIGHUPを送るか再起動してください。",
        )
    later = "" if registered else tr(" The register notes it then.", "その際、記録簿に記載されます。")
    return (
        tr("No service runs; it applies at the next start.", "サービスは停止中です。次回の起動時に反映されます。")
        + later
    )


def interactive(yes: bool) -> bool:
    """Tell whether somebody can be asked."""
    return not yes and sys.stdin.isatty()


def asked(given: str | None, prompt: str, option: str, yes: bool, offered: str = "") -> str:
    """Return an answer: as given, typed, or the offered one. Raises CommandFailure where nobody can be asked."""
    if given is not None:
        return given
    if interactive(yes):
        answer: str = typer.prompt(prompt, default=offered or None, err=True)
        return answer
    if offered:
        return offered
    raise CommandFailure(tr(f"Name {option}.", f"{option} を指定してください。"))


def read_password(file: Path | None, camera: str, yes: bool) -> str:
    """Return the camera's password: from a file, standard input (-), or typed. Raises as `refusing` expects."""
    from kuramori.passphrase import PassphraseUnavailable, read_passphrase
    from kuramori_config.secrets import SECRET_BYTES_MOST

    if file is not None and str(file) == "-":
        password = sys.stdin.buffer.read(SECRET_BYTES_MOST + 1).decode("utf-8", "replace").removesuffix("\n")
    elif file is not None:
        try:
            password = read_passphrase(file)
        except PassphraseUnavailable as missing:
            text = str(missing).replace("passphrase", "password").replace("合言葉", "パスワード")
            raise CommandFailure(text) from None
    elif interactive(yes):
        password = read_passphrase(None, tr(f"Password of {camera}: ", f"{camera} のパスワード: "))
    else:
        raise CommandFailure(
            tr(
                "Give the password with --password-file FILE, or --password-file - and standard input.",
                "パスワードは --password-file ファイル、又は --password-file - と標準入力で渡してください。",
            )
        )
    if not password or len(password.encode()) > SECRET_BYTES_MOST or not password.isprintable():
        raise CommandFailure(
            tr("A password is one line of visible characters.", "パスワードは表示可能な文字1行としてください。")
        )
    return password


def path_part(name: str) -> str:
    """Return a name that a person typed as a part of a path."""
    from urllib.parse import quote

    return quote(name, safe="") or "-"
