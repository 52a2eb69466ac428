"""`kuramori check`: read a volume and say everything that is not as it must be; exit code 1 when there is something.

Needs no secret and no running recorder, and changes nothing: 0 clean, 1 findings, 2 a volume could not be read. It
must not know what is checked.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.client import CommandFailure
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori_segments.check import DeviceKeys, Progress
    from kuramori_segments.finding import Finding

EXIT_FINDINGS = 1
EXIT_UNREADABLE = 2
MAX_CERTIFICATE_BYTES = 65536
PIPE_WIDTH = 160  # characters where no terminal says how wide it is
SHOWN_AT_MOST = 200  # rows of the table; --json has all


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Check what is recorded: every block, digest and signature.", "記録領域の検査（破損・改ざんの確認）")
    app.command("check", help=text)(check)


def check(
    config: Annotated[
        Path | None, typer.Option("--config", help=tr("Check all volumes of this configuration.", "設定ファイル"))
    ] = None,
    volume: Annotated[
        list[Path] | None, typer.Option("--volume", help=tr("Check this volume; repeatable.", "記録領域(複数指定可)"))
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", help=tr("The device certificate that signed (PEM).", "録画機の証明書(PEM)")),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=tr("Findings for a program.", "結果をJSONで表示"))] = False,
) -> None:
    """Check volumes and print what is wrong with them."""
    try:
        volumes, certificate = _volumes(config, tuple(volume or ()), certificate)
        keys = _device_keys(certificate)
        found = [(path, _check_one(path, keys)) for path in volumes]
    except CommandFailure as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(EXIT_UNREADABLE) from None
    if as_json:
        typer.echo(_as_json(found))
    else:
        _show(found, signatures=keys is not None)
    raise typer.Exit(EXIT_FINDINGS if any(findings for _, findings in found) else 0)


def _volumes(
    config: Path | None, volumes: tuple[Path, ...], certificate: Path | None
) -> tuple[tuple[Path, ...], Path | None]:
    """Return which volumes to check, and the certificate that goes with them."""
    from kuramori.cli.config import DEFAULT_FILE
    from kuramori.places import Places
    from kuramori_config.faults import ConfigurationFault
    from kuramori_config.load import load_configuration

    if volumes and config is None:
        return volumes, certificate
    try:
        places = Places.of(load_configuration(config or DEFAULT_FILE))
    except ConfigurationFault as fault:
        raise CommandFailure(fault.text(japanese=japanese_wanted())) from None
    return volumes or places.volumes, certificate or places.device_certificate


def _device_keys(certificate: Path | None) -> "DeviceKeys | None":
    """Return the public key of a certificate by its id; None where no certificate was named."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    from kuramori_segments.device_key import device_key_id

    if certificate is None:
        return None
    try:
        with certificate.open("rb") as file:
            key = x509.load_pem_x509_certificate(file.read(MAX_CERTIFICATE_BYTES)).public_key()
    except (OSError, ValueError, x509.InvalidVersion) as fault:
        english = f"{certificate} is not a readable certificate: {fault}"
        raise CommandFailure(tr(english, f"{certificate}: 証明書を読み取れません: {fault}")) from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        english = f"{certificate} is not the certificate of a device key."
        raise CommandFailure(tr(english, f"{certificate}: 録画機の証明書ではありません。"))
    return {device_key_id(key): key}


def _check_one(path: Path, keys: "DeviceKeys | None") -> "list[Finding]":
    from kuramori_segments.check import check_volume
    from kuramori_segments.disk import FileDisk
    from kuramori_segments.storage_fault import StorageFault

    try:
        disk = FileDisk.open(path, writable=False)
    except StorageFault as fault:
        english = f"{path} cannot be opened: {fault}"
        raise CommandFailure(tr(english, f"{path} を開けません: {fault}")) from None
    try:
        with _progress(path) as progress:
            return check_volume(disk.read_at, disk.size_bytes, device_keys=keys, progress=progress)
    finally:
        disk.close()


@contextmanager
def _progress(path: Path) -> "Iterator[Progress]":
    """Show a bar on the error output while it lasts; a pipe sees nothing."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(tr(f"Checking {path.name}", f"検査中 {path.name}"), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(found: "list[tuple[Path, list[Finding]]]", *, signatures: bool) -> None:
    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
    for path, findings in found:
        if findings:
            console.print(_table(path, findings[:SHOWN_AT_MOST]))
            count = len(findings)
            words = tr(f"{path}: findings: {count}", f"{path}: 問題 {count}件")
        else:
            words = tr(f"{path}: nothing is wrong.", f"{path}: 問題はありません。")
        console.print(words, markup=False, highlight=False)
    if not signatures:
        note = tr(
            "Signatures were not checked: name the device certificate with --certificate or --config.",
            "署名は確認していません。--certificate または --config で録画機の証明書を指定してください。",
        )
        console.print(note, markup=False, highlight=False)


def _table(path: Path, findings: "list[Finding]") -> object:
    from rich.table import Table
    from rich.text import Text

    from kuramori.finding_texts import FINDING_TEXTS

    table = Table(title=Text(str(path)))
    for heading in (
        tr("slot", "スロット"),
        tr("camera", "カメラ"),
        tr("segment", "セグメント番号"),
        tr("what", "内容"),
        tr("byte", "位置"),
        tr("details", "詳細"),
    ):
        table.add_column(heading)
    for finding in findings:
        numbers = (finding.slot, finding.camera_number, finding.sequence)
        table.add_row(
            *("" if number is None else str(number) for number in numbers),
            Text(f"{FINDING_TEXTS[finding.kind].words} [{finding.kind.value}]"),
            str(finding.offset_bytes),
            Text(finding.detail),
        )
    return table


def _as_json(found: "list[tuple[Path, list[Finding]]]") -> str:
    volumes = [
        {
            "volume": str(path),
            "findings": [
                {
                    "kind": one.kind.value,
                    "slot": one.slot,
                    "camera_number": one.camera_number,
                    "sequence": one.sequence,
                    "offset_bytes": one.offset_bytes,
                    "detail": one.detail,
                }
                for one in findings
            ],
        }
        for path, findings in found
    ]
    return json.dumps({"volumes": volumes}, ensure_ascii=False, indent=1)
