"""`kuramori sign-in`: become somebody at a desk with sign-in; the first time with own password, authenticator, secrecy.

Must not know how anybody is proven.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.options import As, Config, Yes
from kuramori.texts import tr

PasswordFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help=tr("Automation only: the password, mode 0600.", "自動処理用"))
]
CodeFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help=tr("Automation only: the code, mode 0600.", "自動処理用"))
]
NewPasswordFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help=tr("Automation only: the new one, mode 0600.", "自動処理用"))
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sign-in", help=tr("Sign in at the desk, as --as NAME.", "サインイン(--as 氏名)"))(sign_in)


def sign_in(
    person: As = None,
    config: Config = None,
    password_file: PasswordFile = None,
    code_file: CodeFile = None,
    new_password_file: NewPasswordFile = None,
    yes: Yes = False,
) -> None:
    """Sign in. An empty code is right at the first sign-in only."""
    from kuramori.cli.client import acting_person, open_desk
    from kuramori.cli.session_file import KeptSignIn, keep_sign_in, kept_sign_in
    from kuramori.desk.fault import PersonMissing

    with one_sentence():
        name = acting_person(person)
        if name is None:
            missing = PersonMissing()
            raise CommandFailure(tr(missing.english, missing.japanese))
        with open_desk(configuration=config) as client:
            kept = kept_sign_in(client.name)
            body = {
                "person": name,
                "password": typed(password_file, tr("Password: ", "パスワード: ")),
                "code": typed(code_file, tr("Code (empty the first time): ", "確認コード(初回は空欄): ")),
                "device": kept.device if kept is not None and kept.person == name else "",
            }
            signed = client.post_json("/v1/sign-in", body)
            if signed["enrolment"] is not None:
                client.use_token(signed["token"])
                signed = client.post_json(
                    "/v1/sign-in/enrolment", _enrolment(signed["enrolment"], new_password_file, code_file, yes)
                )
            keep_sign_in(client.name, KeptSignIn(name, signed["token"], signed["device"]))
        typer.echo(tr(f"{name} is signed in.", f"{name} がサインインしました。"))


def typed(file: Path | None, prompt: str) -> str:
    """Return a secret that is typed without echo, or stands in a private file. Raises CommandFailure."""
    from kuramori.passphrase import PassphraseUnavailable, read_passphrase

    try:
        return read_passphrase(file, prompt)
    except PassphraseUnavailable as unavailable:
        raise CommandFailure(str(unavailable)) from unavailable


def _enrolment(asked: dict[str, Any], new_password_file: Path | None, code_file: Path | None, yes: bool) -> Any:
    from kuramori.cli.options import confirm

    key = asked["authenticator_key"]
    typer.echo(asked["secrecy"])
    confirm(tr("I acknowledge this.", "上記を確認しました。"), yes)
    typer.echo(tr(f"Key for your authenticator: {key}", f"認証アプリに登録する鍵: {key}"))
    new_password = typed(new_password_file, tr("Your own new password: ", "新しいパスワード: "))
    code = typed(code_file, tr("Code that the authenticator shows: ", "認証アプリの確認コード: "))
    return {"new_password": new_password, "code": code, "acknowledged": True}
