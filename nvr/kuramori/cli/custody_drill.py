"""`kuramori custody drill`: each custodian shows that key file and passphrase are still there. Opens nothing recorded.

`begin` writes a challenge for each into a folder; `answer` runs on a custodian's machine; `import` hands answers in.
Imports nothing that exists on Linux only and no media library.
"""

from pathlib import Path
from typing import Annotated

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.custody_common import FileIn, KeyFile, Out, PassphraseFile
from kuramori.cli.options import As, AsJson, Config
from kuramori.texts import tr

DRILLS_PATH = "/v1/custody/drills"


def register(group: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(no_args_is_help=True, help=tr("Prove that keys are there.", "鍵の訓練(所持の確認)"))
    commands.command("begin", help=tr("Write a challenge for each custodian.", "訓練の開始"))(begin)
    commands.command("answer", help=tr("Answer (custodian, own machine).", "回答の作成(鍵管理者の端末)"))(answer)
    commands.command("import", help=tr("Hand an answer in.", "回答の提出"))(take)
    group.add_typer(commands, name="drill")


def begin(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help=tr("Folder for them.", "保存先フォルダー"))],
    person: As = None,
    config: Config = None,
) -> None:
    """Write a new challenge for each custodian; earlier ones count no more."""
    import base64

    from kuramori.cli.custody_common import unwritable, write_new
    from kuramori.cli.options import desk_for

    with one_sentence(), desk_for(config, person) as desk:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(out, error) from error
        for one in desk.post_json(DRILLS_PATH)["challenges"]:
            document = base64.b64decode(one["document"])
            path = out / f"drill-{one['custodian_id'][:8]}-{document_mark(document)}.json"
            write_new(path, document)
            typer.echo(f"  {one['name']}  {path}")
        typer.echo(
            tr(
                "Each custodian answers on the own machine: "
                "kuramori custody drill answer FILE --key KEYFILE --out ANSWER",
                "各鍵管理者は自分の端末で回答します: kuramori custody drill answer FILE --key KEYFILE --out ANSWER",
            )
        )


def document_mark(document: bytes) -> str:
    """Return a few digits that tell two challenges apart."""
    import hashlib

    return hashlib.sha256(document).hexdigest()[:6]


def answer(file: FileIn, key: KeyFile, out: Out, passphrase_file: PassphraseFile = None) -> None:
    """Answer a challenge with the own key."""
    from kuramori.cli.custody_common import key_faults, open_key, read_file, write_new
    from kuramori_segments.drill import MAX_DRILL_BYTES, read_challenge
    from kuramori_segments.drill import answer as answered

    with one_sentence():
        with key_faults(file):
            challenge = read_challenge(read_file(file, MAX_DRILL_BYTES))
            found = answered(challenge, open_key(key, passphrase_file))
        write_new(out, found.to_bytes())
        typer.echo(
            tr(
                f"Answered: {out}. Bring it back: kuramori custody drill import {out}",
                f"回答を作成しました: {out}。提出: kuramori custody drill import {out}",
            )
        )


def take(file: FileIn, person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """Hand an answer in; the day is registered."""
    import base64

    from kuramori.cli.custody_common import read_file
    from kuramori.cli.options import desk_for, show_json
    from kuramori_segments.drill import MAX_DRILL_BYTES

    with one_sentence(), desk_for(config, person) as desk:
        document = base64.b64encode(read_file(file, MAX_DRILL_BYTES)).decode("ascii")
        found = desk.post_json(f"{DRILLS_PATH}/answers", {"document": document})
        if as_json:
            show_json(found)
        else:
            typer.echo(tr(f"{found['name']} has shown the key.", f"{found['name']} の鍵の所持を確認しました。"))
