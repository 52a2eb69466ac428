"""`kuramori verify`: is this bundle, or this clip, what the recorder recorded? (H8)

Works anywhere, without recorder, keys or network. One sentence says the verdict; the exit code says it to programs:
0 unchanged, 10 genuine but repacked, 11 genuine part, 20 altered, 21 of another recording, 30 not verifiable,
31 forged, 2 wrong use. It must not know how anything is verified.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.texts import tr

if TYPE_CHECKING:
    from datetime import tzinfo

    from cryptography import x509

EXIT_CODES = {
    "unchanged": 0,
    "genuine": 10,
    "genuine-part": 11,
    "altered": 20,
    "unknown": 21,
    "damaged": 30,
    "forged": 31,
}
WRONG_USE = 2
CERTIFICATE_BYTES_MOST = 64 << 10


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def verify(
        path: Annotated[Path, typer.Argument(help="The bundle: its folder, or the archive as handed over.")],
        clip: Annotated[
            Path | None, typer.Option("--clip", help="A clip that was cut or repacked since: what is it?")
        ] = None,
        certificate: Annotated[
            Path | None, typer.Option("--certificate", help="The certificate that the site publishes (PEM or DER).")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")] = False,
    ) -> None:
        """Tell whether a clip is what the recorder recorded."""
        raise typer.Exit(_verify(path, clip, certificate, as_json=as_json))


def _verify(path: Path, clip: Path | None, certificate: Path | None, *, as_json: bool) -> int:
    from kuramori.clips.verdict_report import verdict_report
    from kuramori.clips.verdict_texts import facts, verdict_sentence
    from kuramori.clips.verify import verify_bundle

    for given in (path, clip, certificate):
        if given is not None and not given.exists():
            return _wrong_use(tr(f"{given}: there is no such file.", f"{given}: ファイルがありません。"))
        if given is not None and not (given.is_file() or given.is_dir()):  # a pipe or device may never end
            return _wrong_use(tr(f"{given} is neither a file nor a folder.", f"{given} はファイルではありません。"))
    published = None
    if certificate is not None:
        published = _certificate(certificate)
        if published is None:
            return _wrong_use(tr(f"{certificate} is no certificate.", f"{certificate} は証明書ではありません。"))
    report = verify_bundle(path, certificate=published, clip=clip)
    zone = _zone(report.manifest.time_zone if report.manifest is not None else "UTC")
    if as_json:
        typer.echo(json.dumps(verdict_report(report, zone), ensure_ascii=False, indent=2))
        return EXIT_CODES[report.verdict.value]
    typer.echo(verdict_sentence(report, zone))
    for line in facts(report, zone):
        typer.echo(f"  {line}")
    return EXIT_CODES[report.verdict.value]


def _certificate(path: Path) -> "x509.Certificate | None":
    from cryptography import x509

    try:
        with path.open("rb") as file:
            content = file.read(CERTIFICATE_BYTES_MOST)
        return (
            x509.load_pem_x509_certificate(content)
            if content.lstrip().startswith(b"-----")
            else x509.load_der_x509_certificate(content)
        )
    except (ValueError, OSError, x509.InvalidVersion):
        return None


def _zone(name: str) -> "tzinfo":
    from datetime import UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _wrong_use(sentence: str) -> int:
    typer.echo(sentence, err=True)
    return WRONG_USE
