"""`kuramori restore`: a recorder out of a backup, on a bare machine. Nothing that is there is ever overwritten.

Must not know how anything is checked or put.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.config import DEFAULT_FILE
from kuramori.cli.ending_common import BadInput, PassphraseFile, one_answer
from kuramori.cli.options import As, AsJson
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.backup.restoring import RestoreReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Restore a backup onto a bare machine.", "バックアップの復元(何もない機器にのみ)")
    app.command("restore", help=text)(restore)


def restore(
    backup: Annotated[Path, typer.Argument(metavar="FILE", help=tr("The backup.", "バックアップのファイル"))],
    config: Annotated[
        Path,
        typer.Option(
            "--config",
            help=tr(
                "The configuration; taken from the backup where it is missing.",
                "設定ファイル(なければバックアップから作成)",
            ),
        ),
    ] = DEFAULT_FILE,
    configuration_only: Annotated[
        bool,
        typer.Option(
            "--configuration-only",
            help=tr("Only write the configuration, to adapt it first.", "設定ファイルのみ取り出す(事前の調整用)"),
        ),
    ] = False,
    passphrase_file: PassphraseFile = None,
    person: As = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup."""
    from kuramori.backup.restoring import restore as put_back
    from kuramori.backup.restoring import survey
    from kuramori.cli.client import acting_person
    from kuramori.cli.options import now_utc_ms
    from kuramori.passphrase import read_passphrase

    with one_answer():
        passphrase = read_passphrase(passphrase_file)
        surveyed = survey(backup, passphrase)
        if configuration_only:
            _write_configuration(config, surveyed.configuration)
            return
        report = put_back(backup, passphrase, surveyed, config, acting_person(person) or "", now_utc_ms())
        _tell(report, config, as_json)


def _write_configuration(file: Path, content: bytes) -> None:
    from kuramori.backup.restoring import CONFIGURATION_MODE
    from kuramori.new_file import write_new_file

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_new_file(file, content, CONFIGURATION_MODE)
    except FileExistsError as there:
        raise BadInput(
            tr(f"{file} is there already; nothing is overwritten.", f"{file} は既にあります。上書きしません。")
        ) from there
    typer.echo(
        tr(
            f"The configuration is in {file}: adapt its paths to this machine, then restore with the same --config.",
            f"設定ファイルを {file} に取り出しました。この機器に合わせて修正し、同じ --config で復元してください。",
        )
    )


def _tell(report: "RestoreReport", config: Path, as_json: bool) -> None:
    from kuramori.cli.options import show_json
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    content = report.content
    if as_json:
        show_json(
            {
                "recorder_id": report.identity.recorder_id.hex(),
                "backup_utc_ms": content.created_utc_ms,
                "register_size": report.register_size,
                "erasure_tier": report.made.assessment.tier.value,
                "volume_bytes": list(report.made.volume_bytes),
                "parts": list(content.names),
            }
        )
        return
    made = format_time(content.created_utc_ms, zone_of_site(config))
    recorder = report.identity.recorder_id.hex()
    typer.echo(
        tr(
            f"Restored: {report.identity.site}, recorder {recorder}, as of {made}.",
            f"復元しました。{report.identity.site}、録画機 {recorder}、{made} 現在",
        )
    )
    typer.echo(
        tr(
            "What the old machine recorded cannot be opened here: keys of recordings are in no backup, by design. If\n"
            "its disks, its keystore and its cell are rescued, see `kuramori open-offline`. What happened after the\n"
            "backup is not in this register, and says so itself: custodians who saw more of it will refuse to approve\n"
            "until they have been told and compare the fingerprint anew.",
            "旧録画機の画像は、ここでは開けません。画像の鍵はバックアップに含まれない設計です。旧録画機のディスク・\n"
            "鍵保管庫・消去用領域を取り出せた場合は `kuramori open-offline` を参照してください。バックアップ作成後の\n"
            "記録簿の内容は失われ、その旨が記録されています。より新しい内容を確認済みの鍵管理者の画面では承認が\n"
            "拒否されるため、事情を説明し、指紋を改めて照合してもらってください。",
        )
    )
    if "accounts.db" in content.names:
        typer.echo(
            tr(
                "Accounts and tokens are those of that day: end again who left since, revoke tokens anew, print a\n"
                "new code for the safe (kuramori user leave, user token revoke, user recovery-code).",
                "アカウントとトークンはバックアップ時点のものです。その後に退任した職員の終了、トークンの失効、金庫用復旧\n"
                "コードの再作成を改めて行ってください(kuramori user leave、user token revoke、user recovery-code)。",
            )
        )
    if not any(name.startswith("secrets/") for name in content.names):
        typer.echo(
            tr(
                f"The cameras' passwords are not in this backup: put them into {report.places.secrets}.",
                f"カメラのパスワードは含まれていません。{report.places.secrets} に配置してください。",
            )
        )
    typer.echo(
        tr(
            f"Next: kuramori doctor --config {config}, then kuramori run.",
            f"次の手順: kuramori doctor --config {config}、続いて kuramori run",
        )
    )
