"""`kuramori decide`: the manager's decision in writing: granted, in part, or refused, with the reason.

Must not know the rules; the desk judges.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.options import As, AsJson, Config, Reason, request_path
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Decide a request in writing (manager or deputy).", "請求の決裁(管理責任者・代理者)")
    app.command("decide", help=text)(decide)


def decide(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    reason: Reason,
    grant: Annotated[bool, typer.Option("--grant", help=tr("Grant all of it.", "許可"))] = False,
    partly: Annotated[bool, typer.Option("--partly", help=tr("Grant a part.", "一部許可"))] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help=tr("Refuse it.", "不許可"))] = False,
    camera: Annotated[
        list[str] | None, typer.Option("--camera", help=tr("With --partly: only these.", "一部許可するカメラ"))
    ] = None,
    from_text: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help=tr("With --partly.", "一部許可の開始時刻"))
    ] = None,
    to_text: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help=tr("With --partly.", "一部許可の終了時刻"))
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output", help=tr("With --partly: only these.", "一部許可する内容") + " viewing, copy, masked-copy"
        ),
    ] = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Decide a request."""
    with one_sentence():
        chosen = [name for name, wanted in (("granted", grant), ("partly", partly), ("refused", refuse)) if wanted]
        if len(chosen) != 1:
            raise CommandFailure(
                tr(
                    "Say one of --grant, --partly and --refuse.",
                    "--grant、--partly、--refuse のいずれか1つを指定してください。",
                )
            )
        body: dict[str, Any] = {"outcome": chosen[0], "reason": reason}
        if (camera or from_text or to_text or output) and not partly:
            raise CommandFailure(
                tr(
                    "Cameras, times and outputs belong to --partly.",
                    "カメラ・時刻・内容は --partly と共に指定してください。",
                )
            )
        if output:
            body["outputs"] = output
        _decide(number, body, camera, from_text, to_text, person, config, as_json)


def _decide(
    number: str,
    body: dict[str, Any],
    cameras: list[str] | None,
    from_text: str | None,
    to_text: str | None,
    person: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    from kuramori.cli.options import desk_for, show_json, site_time
    from kuramori.cli.request_view import request_rows, tell
    from kuramori.cli.zone import zone_of_site

    if cameras:
        body["cameras"] = cameras
    if from_text:
        body["from_utc_ms"] = site_time(config, from_text)
    if to_text:
        body["to_utc_ms"] = site_time(config, to_text)
    with desk_for(config, person) as desk:
        found = desk.post_json(request_path(number, "decision"), body)
    if as_json:
        show_json(found)
        return
    typer.echo(tr(f"Decided: {number}.", f"決裁しました: {number}"))
    tell(request_rows(found, zone_of_site(config)))
    if found["state"] == "granted":
        typer.echo(
            tr(
                f"Next: {found['missing_approvals']} custodians approve with: kuramori approve {number} --key KEYFILE",
                f"次の手続: 鍵管理者 {found['missing_approvals']} 名が kuramori approve {number} --key 鍵ファイル"
                " で承認します。",
            )
        )
