"""`kuramori custodian`: a custodian makes, shows and tests the own key, on the own machine.

The recorder never sees the key file; it gets the public card. Imports nothing that exists on Linux only and no media
library. Must not know the recorder.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.custody_common import PassphraseFile, read_file
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori_segments.custodian_card import CustodianCard
    from kuramori_segments.custodian_key import CustodianKey

USUAL_VALIDITY_YEARS = 3  # a term of office
MAX_VALIDITY_YEARS = 10
YEAR_MS = 365 * 24 * 3600 * 1000
SHORT_ID_CHARACTERS = 8


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help=tr("A custodian's key and public card.", "鍵管理者の鍵とカード"))
    group.command("new", help=tr("Make a key file and a public card.", "鍵ファイルと公開カードの作成"))(new)
    group.command("show", help=tr("Check a card and show it.", "カードの検証と表示"))(show)
    group.command("check", help=tr("Prove that the passphrase opens a key.", "合言葉で鍵が開くことの確認"))(check)
    app.add_typer(group, name="custodian")


def new(
    name: Annotated[str, typer.Option("--name", help=tr("Your name.", "氏名"))],
    title: Annotated[str, typer.Option("--title", help=tr("Your office title.", "職名"))],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help=tr("Where both files go.", "保存先"))],
    valid_years: Annotated[
        int,
        typer.Option("--valid-years", min=1, max=MAX_VALIDITY_YEARS, help=tr("How long it is valid.", "有効年数")),
    ] = USUAL_VALIDITY_YEARS,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a key file under a passphrase, and the public card."""
    from kuramori.cli.options import now_utc_ms
    from kuramori.key_texts import key_sentence
    from kuramori.passphrase import PassphraseUnavailable, read_new_passphrase
    from kuramori_segments import custodian_key
    from kuramori_segments.key_faults import KeyFault

    with one_sentence():
        created_utc_ms = now_utc_ms()
        try:
            key = custodian_key.new_custodian_key(name, title, created_utc_ms, created_utc_ms + valid_years * YEAR_MS)
            passphrase = read_new_passphrase(
                passphrase_file,
                custodian_key.LEAST_PASSPHRASE_CHARACTERS,
                custodian_key.LEAST_DIFFERENT_CHARACTERS,
            )
            sealed = custodian_key.seal_key_file(key, passphrase)
        except PassphraseUnavailable as missing:
            raise CommandFailure(str(missing)) from missing
        except KeyFault as fault:
            raise CommandFailure(_name_sentence(fault) or key_sentence(fault)) from fault
        key_path, card_path = _write(out, key, sealed)
        _tell_new(key, key_path, card_path)


def show(card: Annotated[Path, typer.Argument(metavar="CARD", help=tr("A card.", "カード"))]) -> None:
    """Check a card's proofs and show it."""
    from kuramori.key_texts import key_sentence
    from kuramori_segments.custodian_card import MAX_CARD_BYTES, read_card
    from kuramori_segments.key_faults import KeyFault

    with one_sentence():
        try:
            found = read_card(read_file(card, MAX_CARD_BYTES))
        except KeyFault as fault:
            raise CommandFailure(f"{card}: {key_sentence(fault)}") from fault
        typer.echo(tr("This card is whole and was made by the holder of its keys.", "カードの証明は正当です。"))
        _tell_card(found)
        typer.echo(
            tr(
                "Whether that is really this person, compare the fingerprint with them, in person.",
                "本人のものであることは、指紋を本人と対面で照合して確認してください。",
            )
        )


def check(
    key_file: Annotated[Path, typer.Argument(metavar="KEYFILE", help=tr("Your key file.", "鍵ファイル"))],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open a key file, and say whose it is."""
    from kuramori.key_texts import key_sentence
    from kuramori.passphrase import PassphraseUnavailable, read_passphrase
    from kuramori_segments.custodian_key import MAX_KEY_FILE_BYTES, open_key_file, read_key_file_card
    from kuramori_segments.key_faults import KeyFault

    with one_sentence():
        content = read_file(key_file, MAX_KEY_FILE_BYTES)
        try:
            read_key_file_card(content)  # before a passphrase is asked for in vain
            key = open_key_file(content, read_passphrase(passphrase_file))
        except PassphraseUnavailable as missing:
            raise CommandFailure(str(missing)) from missing
        except KeyFault as fault:
            raise CommandFailure(f"{key_file}: {key_sentence(fault)}") from fault
        typer.echo(tr("The passphrase opens this key.", "合言葉で鍵を開けました。"))
        _tell_card(key.card)


def _name_sentence(fault: Exception) -> str | None:
    """Return the sentence for a name or title that cannot stand on a card; None for any other fault."""
    from kuramori_segments.custodian_card import MAX_NAME_CHARACTERS
    from kuramori_segments.key_faults import CardUnreadable

    if not isinstance(fault, CardUnreadable):
        return None
    option = "--title" if fault.field == "title" else "--name"
    return tr(
        f"{option} must be one line of 1 to {MAX_NAME_CHARACTERS} visible characters without blanks at its ends.",
        f"{option} は前後に空白のない1行、1～{MAX_NAME_CHARACTERS}文字としてください。",
    )


def _write(out: Path, key: "CustodianKey", sealed: bytes) -> tuple[Path, Path]:
    from kuramori.new_file import PUBLIC_MODE, write_new_file

    stem = f"custodian-{key.custodian_id.hex()[:SHORT_ID_CHARACTERS]}"
    key_path, card_path = out / f"{stem}.key.json", out / f"{stem}.card.json"
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new_file(key_path, sealed)
        write_new_file(card_path, key.card.to_bytes(), PUBLIC_MODE)
    except OSError as error:
        raise CommandFailure(
            tr(
                f"{error.filename or out} cannot be written ({error.strerror}).",
                f"{error.filename or out} に保存できません（{error.strerror}）。",
            )
        ) from error
    return key_path, card_path


def _tell_new(key: "CustodianKey", key_path: Path, card_path: Path) -> None:
    _tell_card(key.card)
    typer.echo(tr(f"  key file     {key_path}", f"  鍵ファイル   {key_path}"))
    typer.echo(tr(f"  card         {card_path}", f"  公開カード   {card_path}"))
    typer.echo(
        tr(
            "Keep the key file and a copy of it to yourself, apart from the passphrase; your share needs both.\n"
            "Give the card to the manager, who compares the fingerprint with you in person.",
            "鍵ファイルとその控えは本人だけが保管し、合言葉とは別にしてください。失うと分散鍵も失われます。\n"
            "公開カードは管理責任者に渡し、指紋を対面で照合してください。",
        )
    )


def _tell_card(card: "CustodianCard") -> None:
    from kuramori.cli.options import now_utc_ms

    expired = tr("   (expired)", "（期限切れ）") if card.expired(now_utc_ms()) else ""
    typer.echo(tr(f"  name         {card.name}", f"  氏名         {card.name}"))
    typer.echo(tr(f"  title        {card.title}", f"  職名         {card.title}"))
    typer.echo(
        tr(
            f"  valid        {_date(card.created_utc_ms)} to {_date(card.expires_utc_ms)}{expired}",
            f"  有効期間     {_date(card.created_utc_ms)}～{_date(card.expires_utc_ms)}{expired}",
        )
    )
    typer.echo(tr(f"  fingerprint  {card.fingerprint}", f"  指紋         {card.fingerprint}"))


def _date(utc_ms: int) -> str:
    """Return a date in UTC; a card from far away may name any time."""
    from datetime import UTC, datetime, timedelta

    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=utc_ms)).date().isoformat()
    except OverflowError:
        return f"{utc_ms} ms"
