"""`kuramori request`: file a request for recordings, or change one that was filed.

Makes the one-time extraction key on the handler's machine. Must not know the rules; the desk judges.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.options import As, AsJson, Cameras, Config, From, To, request_path
from kuramori.texts import japanese_wanted, tr

Kind = Annotated[
    str,
    typer.Option(
        "--recipient-kind",
        help="authority, public-body, legal, lawyer, person-filmed, staff, private. "
        + tr("Default: as usual for the ground.", "省略時は根拠による"),
    ),
]
MatterOption = Annotated[
    str,
    typer.Option(
        "--matter",
        help=tr("Of a private person: ", "個人の場合の用件: ")
        + "crime, missing-person, dispute, own-picture, records.",
    ),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        help="viewing, copy, masked-copy. " + tr("Default: as the ground allows.", "省略時は根拠による(複数可)"),
    ),
]
EraseBy = Annotated[
    str | None,
    typer.Option("--erase-by", metavar="TIME", help=tr("Agreed date of erasure.", "消去・返却の約束の期限")),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr(
        "File a request for recordings; its minutes are held.", "画像の閲覧・提供の請求を受け付け(該当時間を保存)"
    )
    app.command("request", help=text)(request)


def request(
    camera: Cameras,
    from_text: From,
    to_text: To,
    recipient: Annotated[str, typer.Option(help=tr("Who gets or sees the pictures: name.", "提供先・閲覧者の氏名"))],
    purpose: Annotated[str, typer.Option(help=tr("What for.", "目的"))],
    out_key: Annotated[
        Path, typer.Option("--out-key", help=tr("New file for the extraction key; keep it.", "抽出鍵の保存先(要保管)"))
    ],
    ground: Annotated[str, typer.Option(help=tr("The ground; --ground help lists them.", "根拠(help で一覧)"))] = "",
    document: Annotated[str, typer.Option(help=tr("Number of the document.", "文書番号"))] = "",
    organisation: Annotated[str, typer.Option(help=tr("The recipient's organisation.", "所属機関"))] = "",
    title: Annotated[str, typer.Option(help=tr("The recipient's title.", "職"))] = "",
    contact: Annotated[str, typer.Option(help=tr("The recipient's contact.", "連絡先"))] = "",
    identity_check: Annotated[
        str, typer.Option("--identity-check", help=tr("How identity was checked.", "身分の確認方法"))
    ] = "",
    recipient_kind: Kind = "",
    conditions: Annotated[str, typer.Option(help=tr("Conditions for the recipient.", "提供・閲覧の条件"))] = "",
    place: Annotated[str, typer.Option(help=tr("Where it is handed over or viewed.", "提供・閲覧場所"))] = "",
    other: Annotated[str, typer.Option(help=tr("Other.", "その他"))] = "",
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help=tr("Staff present; repeatable.", "立会職員(複数可)"))
    ] = None,
    matter: MatterOption = "",
    output: Outputs = None,
    erase_by: EraseBy = None,
    amend: Annotated[
        str | None, typer.Option("--amend", metavar="REQUEST", help=tr("Change this request.", "請求の変更"))
    ] = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """File a request."""
    with one_sentence():
        body: dict[str, Any] = {
            "cameras": camera,
            "ground": ground,
            "document_number": document,
            "recipient": {
                "kind": recipient_kind,
                "organisation": organisation,
                "title": title,
                "name": recipient,
                "contact": contact,
                "identity_check": identity_check,
            },
            "purpose": purpose,
            "conditions": conditions or _usual_conditions(),
            "place": place,
            "other": other,
            "witnesses": witness or [],
            "matter": matter,
            "outputs": output or [],
        }
        if erase_by:
            body["erase_by_utc_ms"] = _site_time(config, erase_by)
        _request(body, from_text, to_text, out_key, amend, person, config, as_json)


def _request(
    body: dict[str, Any],
    from_text: str,
    to_text: str,
    out_key: Path,
    amend: str | None,
    person: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    import base64

    from kuramori.cli.options import desk_for, show_json, site_times
    from kuramori.desk.extraction_key import ExtractionKey, ExtractionKeyFault, write_key

    begin, end, zone = site_times(config, from_text, to_text)
    path = request_path(amend, "amendment") if amend else "/v1/requests"
    key = ExtractionKey.new()
    with desk_for(config, person) as desk:
        body["recipient"]["kind"] = body["recipient"]["kind"] or _usual_recipient(desk, body["ground"])
        body |= {
            "from_utc_ms": begin,
            "to_utc_ms": end,
            "extraction_key": base64.b64encode(key.public_bytes).decode("ascii"),
        }
        try:
            write_key(out_key, key)
        except ExtractionKeyFault as fault:
            raise CommandFailure(fault.japanese if japanese_wanted() else fault.english) from fault
        try:
            answer = desk.post_json(path, body)
        except BaseException:
            out_key.unlink(missing_ok=True)  # no request, no key
            raise
    if as_json:
        show_json(answer)
        return
    from kuramori.cli.request_view import tell_filed

    tell_filed(answer, out_key, zone)


def _site_time(config: Path | None, text: str) -> int:
    from kuramori.cli.options import site_time

    return site_time(config, text)


def _usual_recipient(desk: Any, ground: str) -> str:
    """Who usually asks on this ground; with `--ground help`, print the grounds and end."""
    found = desk.get_json("/v1/grounds")["grounds"]
    if ground == "help":
        from kuramori.cli.request_view import tell_grounds

        tell_grounds(found)
        raise typer.Exit
    for known in found:
        if known["code"] == ground:
            return str(known["usual_recipient"])
    return "authority"


def _usual_conditions() -> str:
    return tr(
        "Manage pictures and medium properly; erase, return or destroy them as soon as the purpose is met or cannot be "
        "met, and report it; tell nobody what they show.",
        "画像及び記録媒体を適正に管理し、目的を達成したとき又は達成できないことが判明したときは速やかに消去、返却又は破砕し、"
        "その旨を報告すること。画像から知り得た情報を他に漏らさないこと。",
    )
