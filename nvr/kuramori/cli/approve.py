"""`kuramori approve`: a custodian looks at a granted request and opens own shares for it, on the own machine.

Refuses a request that is not signed by the recorder or not in its register, any recording outside the request, and
a register that does not contain what it showed before. Imports nothing that exists on Linux only and no media
library. Must not know the recorder's files.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, one_sentence
from kuramori.cli.options import AsJson, Config, NotebookFile, Undated, Yes, request_path
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori.cli.notebook import Acquaintance, Notebook
    from kuramori.desk.package import Package, Review
    from kuramori.desk.signed_note import Checkpoint
    from kuramori_segments.custodian_key import CustodianKey
    from kuramori_segments.key_faults import KeyFault


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("Approve a granted request with a custodian's key.", "許可された請求の承認(鍵管理者)")
    app.command("approve", help=text)(approve)


def approve(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    key: Annotated[Path, typer.Option("--key", help=tr("Your key file.", "鍵管理者の鍵ファイル"))],
    passphrase_file: Annotated[
        Path | None,
        typer.Option("--passphrase-file", help=tr("File whose first line is the passphrase.", "合言葉のファイル")),
    ] = None,
    undated: Undated = False,
    notebook: NotebookFile = None,
    yes: Yes = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Approve a granted request."""
    from kuramori.cli.notebook import Notebook, usual_notebook
    from kuramori.cli.options import desk_for, show_json

    with one_sentence(), desk_for(config) as desk:
        remembered = Notebook(notebook or usual_notebook())
        answer = _approve(desk, remembered, number, key, passphrase_file, undated, yes, config)
        if as_json:
            show_json(answer)
        else:
            _tell(answer)


def _approve(
    desk: DeskClient,
    notebook: "Notebook",
    number: str,
    key_path: Path,
    passphrase_file: Path | None,
    undated: bool,
    yes: bool,
    config: Path | None,
) -> Any:
    import base64
    from dataclasses import replace

    from kuramori.cli.options import confirm, now_utc_ms
    from kuramori.desk.package import PackageRefused
    from kuramori.desk.package import approve as open_shares

    content = _key_file(key_path)
    custodian_id = _custodian_id(content, key_path)
    met, first = meet(desk, notebook)
    package = _package(desk, number, custodian_id)
    try:
        reviewed, met = review_package(desk, package, met, undated)
        _show(reviewed, first, met, config)
        confirm(tr("Open your shares for this request?", "この請求のために分散鍵を開きますか。"), yes)
        opened = _open(content, key_path, passphrase_file)
        approval, signature = open_shares(reviewed, opened, now_utc_ms())
    except PackageRefused as refusal:
        raise CommandFailure(refusal.japanese if japanese_wanted() else refusal.english) from refusal
    names = {str(camera.number): camera.name for camera in reviewed.granted.cameras}
    met = replace(met, checkpoint=package.checkpoint, cameras=met.cameras | names)
    met = met.with_entry(package.decided.entry)
    notebook.remember(met)
    body = {
        "approval": base64.b64encode(approval.to_bytes()).decode("ascii"),
        "signature": base64.b64encode(signature).decode("ascii"),
    }
    answer = desk.post_json(request_path(number, "approvals"), body)
    notebook.remember(_registered(desk, number, met, reviewed, opened.custodian_id, signature))
    return answer


def _registered(
    desk: DeskClient, number: str, met: "Acquaintance", reviewed: "Review", custodian_id: bytes, signature: bytes
) -> "Acquaintance":
    """Go on from a register that is proven to hold the approval: one that forgets it is refused from now on."""
    from dataclasses import replace

    from kuramori.api.package_view import EntryProofView
    from kuramori.desk.package import DecidedProof, PackageRefused, check_approved
    from kuramori.wire import WireInvalid, from_plain

    try:
        found = from_plain(EntryProofView, desk.get_json(request_path(number, f"approvals/{custodian_id.hex()}")))
        checkpoint = follow_register(desk, met, found.checkpoint)
        proof = DecidedProof(found.entry, found.salt, found.body, found.path)
        check_approved(proof, reviewed.granted, custodian_id, signature, checkpoint)
    except WireInvalid as error:
        raise CommandFailure(tr("The desk's answer cannot be read.", "受付(desk)の応答を解釈できません。")) from error
    except PackageRefused as refusal:
        raise CommandFailure(refusal.japanese if japanese_wanted() else refusal.english) from refusal
    return replace(met, checkpoint=found.checkpoint).with_entry(found.entry)


def follow_register(desk: DeskClient, met: "Acquaintance", shown: str) -> "Checkpoint":
    """Return the checkpoint that is shown, proven to contain the one that is remembered. Raises TrustBroken."""
    import base64

    from kuramori.cli.notebook import follow

    def proof(old_size: int, size: int) -> list[bytes]:
        found = desk.get_json("/v1/register/consistency", {"old": old_size, "size": size})
        try:
            return [base64.b64decode(part, validate=True) for part in found["path"]]
        except (KeyError, TypeError, ValueError):
            return []  # which proves nothing

    return follow(met.checkpoint, shown, met.verifier, proof)


def meet(desk: DeskClient, notebook: "Notebook") -> "tuple[Acquaintance, bool]":
    """Return the recorder as known, or as met for the first time. Raises TrustBroken."""
    from kuramori.cli.notebook import Acquaintance, compare

    facts = desk.get_json("/v1/register/checkpoint")
    met = Acquaintance(facts["recorder_id"], facts["site"], facts["device_key"], facts["verifier"])
    known = notebook.known(met.recorder_id)
    first = compare(met, known)
    return (met if known is None else known), first


def _package(desk: DeskClient, number: str, custodian_id: bytes) -> "Package":
    return package_of(desk.get_json(request_path(number, "package"), {"custodian": custodian_id.hex()}))


def package_of(found: Any) -> "Package":
    """Return the package that the desk showed. Raises CommandFailure."""
    from kuramori.api.package_view import PackageView
    from kuramori.wire import WireInvalid, from_plain

    try:
        return from_plain(PackageView, found).package()
    except (WireInvalid, ValueError) as error:
        raise CommandFailure(
            tr(
                "The desk's answer cannot be read: nothing is approved.",
                "受付(desk)の応答を解釈できません。承認しません。",
            )
        ) from error


def review_package(
    desk: DeskClient, package: "Package", met: "Acquaintance", undated: bool
) -> "tuple[Review, Acquaintance]":
    """Check register and package against what this client remembers. Raises TrustBroken, PackageRefused."""
    import base64

    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    from kuramori.cli.notebook import TrustBroken
    from kuramori.desk.package import review

    checkpoint = follow_register(desk, met, package.checkpoint)
    try:
        device_key = load_der_public_key(base64.b64decode(met.device_key))
    except ValueError:
        device_key = None
    if not isinstance(device_key, ec.EllipticCurvePublicKey):
        raise TrustBroken(tr("The recorder's key is not a P-256 key.", "録画機の鍵が不正です。"))
    reviewed = review(
        package,
        device_key=device_key,
        checkpoint=checkpoint,
        camera_names=met.camera_names,
        allow_undated=undated,
    )
    if reviewed.granted.recorder_id.hex() != met.recorder_id:
        raise TrustBroken(tr("The request is of another recorder.", "別の録画機の請求です。"))
    return reviewed, met


def _show(reviewed: "Review", first: bool, met: "Acquaintance", config: Path | None) -> None:
    """Say what is about to be opened, in full, before anything is opened."""
    from kuramori.cli.request_view import tell
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    granted, zone = reviewed.granted, zone_of_site(config)
    if first:
        typer.echo(
            tr(
                f"First approval for {met.site}: compare the fingerprint {met.fingerprint} with the recorder's.",
                f"{met.site} での初めての承認です。指紋 {met.fingerprint} を録画機の表示と照合してください。",
            )
        )
    typer.echo(tr(f"Request {granted.request_id}", f"請求 {granted.request_id}"))
    recipient = granted.recipient
    names = {camera.number: camera.name for camera in granted.cameras}
    counts = {number: sum(header.camera_number == number for header in reviewed.headers) for number in names}
    cameras = ", ".join(f"{camera.name} ({camera.place})" for camera in granted.cameras)
    tell(
        [
            (tr("cameras", "カメラ"), cameras),
            (
                tr("period", "撮影期間"),
                f"{format_time(granted.from_utc_ms, zone)} - {format_time(granted.to_utc_ms, zone)}",
            ),
            (
                tr("recipient", "提供先・閲覧者"),
                " ".join(part for part in (recipient.organisation, recipient.title, recipient.name) if part),
            ),
            (tr("purpose", "目的"), granted.purpose),
            (tr("ground, document", "根拠法令等・文書番号"), f"{granted.ground} {granted.document_number}".strip()),
            (tr("filed by", "受付者"), granted.requester),
            (
                tr("decision", "決裁"),
                f"{granted.decision.outcome}: {granted.decision.person}, {granted.decision.reason}",
            ),
            (
                tr("segments to open", "開封するセグメント"),
                ", ".join(f"{names[number]}: {count}" for number, count in counts.items()),
            ),
        ]
    )


def _key_file(path: Path) -> bytes:
    from kuramori_segments.custodian_key import MAX_KEY_FILE_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        raise CommandFailure(
            tr(
                f"The key file {path} cannot be read ({error.strerror}).",
                f"鍵ファイル {path} を読めません({error.strerror})。",
            )
        ) from error


def _custodian_id(content: bytes, path: Path) -> bytes:
    from kuramori_segments.custodian_key import read_key_file_card
    from kuramori_segments.key_faults import KeyFault

    try:
        return read_key_file_card(content).custodian_id
    except KeyFault as fault:
        raise _not_a_key(path, fault) from fault


def _open(content: bytes, path: Path, passphrase_file: Path | None) -> "CustodianKey":
    from kuramori.passphrase import PassphraseUnavailable, read_passphrase
    from kuramori_segments.custodian_key import open_key_file
    from kuramori_segments.key_faults import KeyFault

    try:
        return open_key_file(content, read_passphrase(passphrase_file))
    except PassphraseUnavailable as unavailable:
        raise CommandFailure(str(unavailable)) from unavailable
    except KeyFault as fault:
        raise _not_a_key(path, fault) from fault


def _not_a_key(path: Path, fault: "KeyFault") -> CommandFailure:
    from kuramori.key_texts import key_sentence

    return CommandFailure(f"{path}: {key_sentence(fault)}")


def _tell(found: dict[str, Any]) -> None:
    missing = found["missing_approvals"]
    if missing:
        typer.echo(
            tr(f"Approved. {missing} more custodians are needed.", f"承認しました。あと {missing} 名の承認が必要です。")
        )
    else:
        number = found["request_id"]
        typer.echo(
            tr(
                f"Approved. That is enough; {found['requester']} may open it with: kuramori clip {number}",
                f"承認しました。必要な人数がそろいました。次の手続: kuramori clip {number} ({found['requester']})",
            )
        )
