"""`kuramori overdue`: keys whose time is over, but not by any clock that can be trusted; custodians vouch for the time.

`state` writes a statement, `sign` runs on a custodian's machine, `destroy` hands the signatures in. `sign` imports
nothing that exists on Linux only.
"""

from pathlib import Path
from typing import Annotated

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.custody_common import FileIn, KeyFile, Out, PassphraseFile
from kuramori.cli.options import As, AsJson, Config, Yes
from kuramori.texts import tr

OVERDUE_PATH = "/v1/overdue"

Later = Annotated[
    str | None,
    typer.Option(
        "--later-than",
        metavar="TIME",
        help=tr("The date; else what the recorder's clock shows.", "確認する日時(省略時は録画機の時計)"),
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    text = tr("What is overdue for want of a trusted clock.", "時刻未確認のため破棄できない鍵")
    group = typer.Typer(invoke_without_command=True, help=text)
    group.callback()(show)
    group.command("state", help=tr("Write a statement of time.", "時刻確認書の作成"))(state)
    group.command("sign", help=tr("Sign it (custodian, own machine).", "時刻確認書への署名(鍵管理者の端末)"))(sign)
    group.command("destroy", help=tr("Hand signatures in; overdue keys die.", "署名の提出と鍵の破棄"))(destroy)
    app.add_typer(group, name="overdue")


def show(context: typer.Context, person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """List what is overdue; the commands below have custodians vouch for the time."""
    if context.invoked_subcommand is not None:
        return
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    with one_sentence():
        with desk_for(config, person) as desk:
            found = desk.get_json(OVERDUE_PATH)
        if as_json:
            show_json(found)
            return
        zone = zone_of_site(config)
        for one in found["cameras"]:
            span = f"{format_time(one['from_utc_ms'], zone)} - {format_time(one['to_utc_ms'], zone)}"
            english, japanese = f"{one['keys']} hours, {span}", f"{one['keys']}時間分、{span}"
            typer.echo(f"  {one['camera']}: {tr(english, japanese)}")
        if found["cameras"]:
            typer.echo(
                tr(
                    "Synchronise the clock, or have custodians vouch for the time: kuramori overdue state --out FILE",
                    "時計を同期するか、鍵管理者の時刻確認を受けてください: kuramori overdue state --out FILE",
                )
            )
        else:
            typer.echo(tr("Nothing is overdue.", "期限を超過した鍵はありません。"))


def state(out: Out, later_than: Later = None, person: As = None, config: Config = None) -> None:
    """Write a statement that custodians sign on their own machines. Nothing changes by it."""
    import base64

    from kuramori.cli.custody_common import write_new
    from kuramori.cli.options import desk_for, site_time

    with one_sentence():
        body = {"later_than_utc_ms": site_time(config, later_than)} if later_than is not None else {}
        with desk_for(config, person) as desk:
            found = desk.post_json(f"{OVERDUE_PATH}/statement", body)
        write_new(out, base64.b64decode(found["document"]))
        date = utc_text(found["later_than_utc_ms"])
        typer.echo(
            tr(
                f"It is later than {date}: {out}. {found['needed']} custodians sign it, each on the own machine: "
                f"kuramori overdue sign {out} --key KEYFILE --out SIGNED",
                f"現在が {date} より後である旨の時刻確認書: {out}。"
                f"鍵管理者{found['needed']}名が各自の端末で署名します: "
                f"kuramori overdue sign {out} --key KEYFILE --out SIGNED",
            )
        )


def sign(file: FileIn, key: KeyFile, out: Out, passphrase_file: PassphraseFile = None, yes: Yes = False) -> None:
    """Sign a statement of time. Refused while this machine's own clock has not passed the date."""
    from kuramori.cli.custody_common import key_faults, open_key, read_file, write_new
    from kuramori.cli.options import confirm, now_utc_ms
    from kuramori_segments.time_statement import MAX_TIME_BYTES, read_statement
    from kuramori_segments.time_statement import confirm as signed

    with one_sentence():
        with key_faults(file):
            statement = read_statement(read_file(file, MAX_TIME_BYTES))
            date = utc_text(statement.later_than_utc_ms)
            confirm(
                tr(
                    f"Recorder {statement.recorder_id.hex()}: do you confirm that it is later than {date}? "
                    "What is overdue by then is destroyed for good.",
                    f"録画機 {statement.recorder_id.hex()}: 現在が {date} より後であることを確認しますか。"
                    "その時点で期限を超過した鍵は破棄され、元に戻せません。",
                ),
                yes,
            )
            found = signed(statement, open_key(key, passphrase_file), now_utc_ms())
        write_new(out, found.to_bytes())
        typer.echo(
            tr(
                f"Signed: {out}. Bring it back: kuramori overdue destroy FILE...",
                f"署名しました: {out}。提出: kuramori overdue destroy FILE...",
            )
        )


def destroy(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help=tr("What custodians signed.", "署名済みの時刻確認書"))
    ],
    yes: Yes = False,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Hand in the signatures of k custodians: what is overdue by their date is destroyed. It cannot be undone."""
    import base64

    from kuramori.cli.custody_common import read_file
    from kuramori.cli.options import confirm, desk_for, show_json
    from kuramori_segments.time_statement import MAX_TIME_BYTES

    with one_sentence():
        signed = [base64.b64encode(read_file(file, MAX_TIME_BYTES)).decode("ascii") for file in files]
        confirm(tr("Destroy what is overdue by that date?", "その日時で期限を超過した鍵を破棄しますか。"), yes)
        with desk_for(config, person) as desk:
            found = desk.post_json(f"{OVERDUE_PATH}/confirmations", {"confirmations": signed})
        if as_json:
            show_json(found)
            return
        keys = sum(one["keys"] for one in found["erased"])
        typer.echo(
            tr(
                f"Destroyed: {keys} keys, receipt {found['number']}, tier {found['tier']}.",
                f"破棄した鍵 {keys} 件、受領番号 {found['number']}、消去保証区分 {found['tier']}",
            )
        )


def utc_text(utc_ms: int) -> str:
    """Return a time in UTC, which means the same on every machine."""
    from datetime import UTC, datetime, timedelta

    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=utc_ms)).strftime("%Y-%m-%d %H:%M:%S UTC")
