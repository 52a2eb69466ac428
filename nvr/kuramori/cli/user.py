"""`kuramori user`: who may sign in; a new start, leaving, machines' tokens, the code for the safe.

Secrets are printed once and never taken as arguments. Must not know how anybody is proven.
"""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.options import As, AsJson, Config, Yes
from kuramori.texts import tr

DAY_MS = 24 * 3600 * 1000
TOKEN_NUMBER = re.compile(r"[0-9a-f]{16}")

User = Annotated[str, typer.Argument(metavar="NAME", help=tr("A person of the configuration.", "職員の氏名"))]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(no_args_is_help=True, help=tr("Who may sign in.", "サインインできる職員の管理"))
    group.command("add", help=tr("Give a person an account.", "アカウントの登録"))(add)
    group.command("list", help=tr("List the accounts.", "アカウントの一覧"))(listing)
    group.command("reset", help=tr("Give a new start password.", "初回用パスワードの再発行"))(reset)
    group.command("leave", help=tr("End an account.", "アカウントの終了"))(leave)
    token = typer.Typer(no_args_is_help=True, help=tr("Machines' tokens.", "機器用トークン"))
    token.command("make", help=tr("Make a token; it is shown once.", "トークンの作成(再表示不可)"))(make_token)
    token.command("revoke", help=tr("Make a token void.", "トークンの失効"))(revoke_token)
    group.add_typer(token, name="token")
    group.command("tokens", help=tr("List the machines' tokens.", "機器用トークンの一覧"))(tokens)
    group.command("recovery-code", help=tr("A new code for the safe.", "復旧コードの作成"))(recovery_code)
    group.command("recover", help=tr("Use the code from the safe.", "復旧コードの使用"))(recover)
    app.add_typer(group, name="user")


def add(user: User, person: As = None, config: Config = None) -> None:
    """Give a person an account."""
    _show_start(config, person, "/v1/users", {"person": user})


def reset(user: User, person: As = None, config: Config = None) -> None:
    """Give a new start password; how the person signed in before counts no more."""
    _show_start(config, person, "/v1/users/resets", {"person": user})


def listing(person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the accounts."""
    _show_list(config, person, "/v1/users", "users", as_json)


def tokens(person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the machines' tokens, without their secret."""
    _show_list(config, person, "/v1/tokens", "tokens", as_json)


def make_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help=tr("What it is for.", "用途"))],
    scope: Annotated[
        list[str],
        typer.Option("--scope", help=tr("health, keeping, custody or register; repeatable.", "範囲(複数可)")),
    ],
    days: Annotated[int, typer.Option("--days", min=1, max=400, help=tr("How long it is good.", "有効日数"))] = 365,
    person: As = None,
    config: Config = None,
) -> None:
    """Make a token for a machine: it reads, and never more than its scopes say."""
    from kuramori.cli.options import desk_for, now_utc_ms

    with one_sentence(), desk_for(config, person) as desk:
        body = {"name": name, "scopes": scope, "until_utc_ms": now_utc_ms() + days * DAY_MS}
        typer.echo(desk.post_json("/v1/tokens", body)["token"])


def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help=tr("Its number in the list.", "一覧の番号"))],
    person: As = None,
    config: Config = None,
) -> None:
    """Make a token void, at once."""
    from kuramori.cli.options import desk_for

    with one_sentence():
        if not TOKEN_NUMBER.fullmatch(token_id):
            raise CommandFailure(
                tr(
                    f"{token_id!r} is not the number of a token; see: kuramori user tokens",
                    f"{token_id!r} はトークンの番号ではありません。kuramori user tokens で確認してください。",
                )
            )
        with desk_for(config, person) as desk:
            desk.post_json(f"/v1/tokens/{token_id}/revocation")


def leave(user: User, person: As = None, config: Config = None, yes: Yes = False) -> None:
    """End an account; one's own with the duty of secrecy acknowledged once more."""
    from kuramori.cli.options import confirm, desk_for
    from kuramori.desk.accounts.secrecy import STATEMENT_ENGLISH, STATEMENT_JAPANESE

    with one_sentence():
        typer.echo(tr(STATEMENT_ENGLISH, STATEMENT_JAPANESE))
        confirm(tr(f"{user} leaves. Go on?", f"{user} のアカウントを終了します。よろしいですか。"), yes)
        with desk_for(config, person) as desk:
            desk.post_json("/v1/users/departures", {"person": user, "acknowledged": True})


def recovery_code(person: As = None, config: Config = None) -> None:
    """Print a new administrator recovery code; the one before is void."""
    from kuramori.cli.options import desk_for

    with one_sentence(), desk_for(config, person) as desk:
        code = desk.post_json("/v1/users/recovery-codes")["code"]
        typer.echo(tr(f"For the safe, shown once: {code}", f"金庫に保管(再表示不可): {code}"))


def recover(
    user: User,
    config: Config = None,
    code_file: Annotated[Path | None, typer.Option(metavar="FILE", help="mode 0600")] = None,
) -> None:
    """Get a sign-in back with the code from the safe, on the recorder itself."""
    from kuramori.cli.sign_in import typed

    with one_sentence():
        code = typed(code_file, tr("Recovery code: ", "復旧コード: "))
    _show_start(config, None, "/v1/sign-in/recovery", {"person": user, "code": code})


def _show_start(config: Path | None, person: str | None, path: str, body: dict[str, Any]) -> None:
    from kuramori.cli.options import desk_for

    with one_sentence(), desk_for(config, person) as desk:
        start = desk.post_json(path, body)["start_password"]
        typer.echo(
            tr(f"Start password, shown once, for a week: {start}", f"初回用パスワード(再表示不可、7日間): {start}")
        )


def _show_list(config: Path | None, person: str | None, path: str, member: str, as_json: bool) -> None:
    from kuramori.cli.options import desk_for, show_json

    with one_sentence(), desk_for(config, person) as desk:
        found = desk.get_rows(path, member)[member]
        if as_json:
            show_json(found)
            return
        for one in found:
            typer.echo("\t".join(str(value) for value in one.values()))
