"""`kuramori mail test`: send a trial mail by the configuration and say what happened, step by step.

Must not know SMTP.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori_config.mail_table import Mail

MailConfig = Annotated[
    Path, typer.Option("--config", help=tr("The configuration, or a file of kuramori watch.", "設定ファイル"))
]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(no_args_is_help=True, help=tr("Mail to the office.", "通知メール"))
    group.command("test", help=tr("Send a trial mail and say what happened.", "試験メールの送信"))(try_mail)
    app.add_typer(group, name="mail")


def try_mail(config: MailConfig = Path("/etc/kuramori/kuramori.toml")) -> None:
    """Exit with 1 where the mail was not taken by the server for every recipient."""
    import asyncio

    from kuramori_config.faults import ConfigurationFault

    try:
        mail, site, secrets = _settings(config)
    except ConfigurationFault as fault:
        typer.echo(fault.text(japanese=japanese_wanted()), err=True)
        raise typer.Exit(1) from None
    if mail is None:
        typer.echo(tr(f"{config}: there is no [mail].", f"{config}: [mail] の設定がありません。"), err=True)
        raise typer.Exit(1)
    raise typer.Exit(asyncio.run(_send(mail, site, secrets)))


def _settings(config: Path) -> "tuple[Mail | None, str, Path | None]":
    """Return what is needed of either kind of file. Raises ConfigurationFault."""
    import tomllib

    from kuramori_config.load import parse_configuration, read_file
    from kuramori_config.watch_file import load_watch_configuration

    content = read_file(config)
    try:
        watched = "watch" in tomllib.loads(content.decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        watched = False
    if watched:
        found = load_watch_configuration(config)
        return found.mail, found.watch.name, found.watch.secrets_directory
    configuration = parse_configuration(content, config)
    return configuration.mail, configuration.site.name, configuration.storage.secrets_directory


async def _send(mail: "Mail", site: str, secrets: Path | None) -> int:
    import secrets as random
    import time

    from kuramori.mail.delivery import DeliveryFault, deliver
    from kuramori.mail.letter import message_of
    from kuramori.mail.outbox import WaitingMail
    from kuramori.mail.secret_reader import ReadSecret

    where = f"{mail.host}:{mail.used_port} ({mail.security.value})"
    typer.echo(tr(f"Mail server: {where}", f"メールサーバー: {where}"))
    subject = tr(f"TRIAL: {site}: mail from Kuramori", f"【試験】{site}: 蔵守からのメール")
    body = tr("This is a trial. Nothing is wrong, nothing needs doing.\n", "試験送信です。対応は不要です。\n")
    domain = mail.sender.rpartition("@")[2]
    trial = WaitingMail(f"<{random.token_hex(16)}@{domain}>", int(time.time() * 1000), subject, body)
    try:
        delivered = await deliver(mail, ReadSecret(secrets), message_of(trial, mail.sender, mail.recipients))
    except DeliveryFault as fault:
        typer.echo(tr(f"NOT taken: {fault.detail}", f"送信できませんでした: {fault.detail}"), err=True)
        return 1
    typer.echo(
        tr(
            f"Taken for {len(mail.recipients) - len(delivered.refused)} of {len(mail.recipients)} recipients, "
            f"protection {delivered.protection}: {delivered.answer}",
            f"{len(mail.recipients)} 件中 {len(mail.recipients) - len(delivered.refused)} 件を受付、"
            f"通信の保護 {delivered.protection}: {delivered.answer}",
        )
    )
    for refused in delivered.refused:
        typer.echo(tr(f"  refused: {refused}", f"  拒否: {refused}"), err=True)
    return 1 if delivered.refused else 0
