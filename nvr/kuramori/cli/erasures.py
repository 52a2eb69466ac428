"""`kuramori erasures`: what was destroyed; for any minute of a camera: kept, held, or destroyed when and by which rule.

Signatures are checked here, with the recorder's certificate, and with nothing that the recorder says of them. Must not
know keys or cells.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.options import As, AsJson, Config
from kuramori.texts import tr

MAX_FILE_BYTES = 64 * 1024 * 1024

Camera = Annotated[str | None, typer.Option("--camera", help=tr("The camera.", "カメラ名"))]
Begin = Annotated[str | None, typer.Option("--from", metavar="TIME", help=tr("Begin.", "開始時刻"))]
End = Annotated[str | None, typer.Option("--to", metavar="TIME", help=tr("End, not included.", "終了時刻"))]
Out = Annotated[
    Path | None, typer.Option("--out", help=tr("Write the proof into this new file.", "証明を保存する新しいファイル"))
]
Check = Annotated[Path | None, typer.Option("--check", help=tr("Check a proof from a file.", "証明ファイルを検証"))]
Certificate = Annotated[
    Path | None, typer.Option("--certificate", help=tr("The recorder's certificate.", "録画機の証明書"))
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Show and prove what was erased, when and by which rule.", "消去の記録と証明(いつ・どの規則で消去したか)")
    app.command("erasures", help=text)(erasures)


def erasures(
    camera: Camera = None,
    from_text: Begin = None,
    to_text: End = None,
    out: Out = None,
    check: Check = None,
    certificate: Certificate = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Without a camera: the receipts. With camera and times: the fate of every moment. With --check: what it proves."""
    with one_sentence():
        if check is not None:
            _check(check, certificate, config, as_json)
        elif camera is None:
            _receipts(person, config, as_json)
        elif from_text is None or to_text is None:
            raise CommandFailure(tr("Name --from and --to too.", "--from と --to も指定してください。"))
        else:
            _prove(camera, (from_text, to_text), out, person, config, as_json)


def _receipts(person: str | None, config: Path | None, as_json: bool) -> None:
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    with desk_for(config, person) as desk:
        found: list[dict[str, Any]] = []
        while page := desk.get_json("/v1/erasures", {"after_number": found[-1]["number"] if found else 0})["erasures"]:
            found += page
    if as_json:
        show_json({"erasures": found})
        return
    zone = zone_of_site(config)
    for one in found:
        cameras = ", ".join(f"{part['camera']} ({part['keys']})" for part in one["erased"]) or "-"
        typer.echo(
            f"{one['number']}  {format_time(one['utc_ms'], zone)}  {rule_text(one['cause'])}  {one['tier']}  {cameras}"
        )
    if not found:
        typer.echo(tr("Nothing was erased yet.", "消去の記録はまだありません。"))


def _prove(
    camera: str, times: tuple[str, str], out: Path | None, person: str | None, config: Path | None, as_json: bool
) -> None:
    from kuramori.cli.options import desk_for, show_json, site_times

    begin, end, zone = site_times(config, *times)
    with desk_for(config, person) as desk:
        asked: dict[str, str | int] = {"camera": camera, "from_utc_ms": begin, "to_utc_ms": end}
        proof = desk.get_json("/v1/erasures/proof", asked)
    if out is not None:
        from kuramori.new_file import PUBLIC_MODE, write_new_file

        try:
            write_new_file(out, json.dumps(proof, ensure_ascii=False, indent=2).encode() + b"\n", PUBLIC_MODE)
        except OSError as error:
            raise CommandFailure(f"{out}: {error.strerror}") from error
    if as_json:
        show_json(proof)
        return
    from kuramori.cli.erasure_view import proof_lines

    for line in proof_lines(proof, zone):
        typer.echo(line)


def _check(file: Path, certificate: Path | None, config: Path | None, as_json: bool) -> None:
    """Check each receipt of a proof, and that the proof says no more of what is destroyed than they do."""
    from kuramori.cli.options import show_json
    from kuramori.erasure_check import ProofRefused, certificate_key, check_proof

    try:
        key = certificate_key(certificate if certificate is not None else _own_certificate(config))
        with file.open("rb") as stream:
            checked = check_proof(stream.read(MAX_FILE_BYTES), key)
    except OSError as error:
        raise CommandFailure(f"{error.filename}: {error.strerror}") from error
    except ProofRefused as refused:
        raise CommandFailure(str(refused)) from refused
    if as_json:
        show_json({"receipts": checked})
        return
    typer.echo(
        tr(
            f"The signatures of {checked} receipts are this recorder's; what the proof calls destroyed stands in them.",
            f"受領証 {checked} 件の署名はこの録画機のものです。消去済みとされた時間はすべて受領証に記載されています。",
        )
    )


def _own_certificate(config: Path | None) -> Path:
    from kuramori.cli.camera_common import config_path
    from kuramori.places import Places
    from kuramori_config.faults import ConfigurationFault
    from kuramori_config.load import load_configuration

    try:
        return Places.of(load_configuration(config_path(config))).device_certificate
    except ConfigurationFault as fault:
        raise CommandFailure(str(fault)) from fault


def rule_text(rule: str) -> str:
    """Return why keys were destroyed, in words."""
    return {
        "retention": tr("end of retention", "保存期間の満了"),
        "request": tr("by order", "消去の指示"),
        "hold_ended": tr("end of a hold", "保存期間延長の終了"),
    }.get(rule, rule)
