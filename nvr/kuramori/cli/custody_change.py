"""`kuramori custody change`: other custodians, another threshold: proposed by the manager, signed by k in office.

`propose`, `export`, `import`, `withdraw` speak to the desk; `show` and `sign` run on a custodian's own machine, with
nothing but a file and the own key. Imports nothing that exists on Linux only and no media library.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, one_sentence
from kuramori.cli.custody_common import FileIn, KeyFile, Out, PassphraseFile
from kuramori.cli.options import As, AsJson, Config, Reason, Yes
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori_segments.set_change import SetChain, SetChange

PROPOSAL_PATH = "/v1/custody/proposal"
Join = Annotated[
    list[Path] | None, typer.Option("--join", metavar="CARD", help=tr("Who joins: a card.", "就任する者のカード"))
]
Leave = Annotated[list[str] | None, typer.Option("--leave", metavar="NAME", help=tr("Who leaves.", "退任する者の氏名"))]
Lost = Annotated[
    list[str] | None, typer.Option("--lost", metavar="NAME", help=tr("Whose key is lost.", "鍵を失った者の氏名"))
]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    change = typer.Typer(no_args_is_help=True, help=tr("Change custodians.", "鍵管理者の変更"))
    change.command("propose", help=tr("Propose a change (manager).", "変更の提案(管理責任者)"))(propose)
    change.command("show", help=tr("Show a proposal's file.", "変更書の表示"))(show)
    change.command("export", help=tr("Write the proposal into a file.", "変更書の出力"))(export)
    change.command("sign", help=tr("Sign a proposal's file (custodian).", "変更書への署名(鍵管理者)"))(sign)
    change.command("import", help=tr("Hand a signed file in.", "署名済み変更書の提出"))(take)
    change.command("withdraw", help=tr("Take the proposal back (manager).", "提案の取下げ(管理責任者)"))(withdraw)
    group.add_typer(change, name="change")


def propose(
    reason: Reason,
    out: Out,
    join: Join = None,
    leave: Leave = None,
    lost: Lost = None,
    threshold: Annotated[int | None, typer.Option("--threshold", help=tr("How many open.", "開封に必要な人数"))] = None,
    recovery: Annotated[
        Path | None, typer.Option("--recovery", metavar="CARD", help=tr("New recovery card.", "新しい復旧カード"))
    ] = None,
    person: As = None,
    config: Config = None,
) -> None:
    """Propose a change and write it into a file for the custodians."""
    with one_sentence():
        body = proposal_body(reason, join or (), leave or (), lost or (), threshold, recovery)
        hand_in(body, out, config, person)


def proposal_body(
    reason: str,
    join: Any = (),
    leave: Any = (),
    lost: Any = (),
    threshold: int | None = None,
    recovery: Path | None = None,
) -> dict[str, Any]:
    """Return what the desk is asked to propose. Raises CommandFailure."""
    import base64

    from kuramori.cli.custody_common import read_file
    from kuramori_segments.custodian_card import MAX_CARD_BYTES

    def text(path: Path) -> str:
        return base64.b64encode(read_file(path, MAX_CARD_BYTES)).decode("ascii")

    return {
        "reason": reason,
        "joining": [text(card) for card in join],
        "leaving": list(leave),
        "lost": list(lost),
        "threshold": threshold,
        "recovery": text(recovery) if recovery is not None else None,
    }


def hand_in(body: dict[str, Any], out: Path, config: Path | None, person: str | None) -> None:
    """Propose, then write the proposal into a file. Raises CommandFailure."""
    from kuramori.cli.options import desk_for

    if out.exists():
        raise CommandFailure(tr(f"{out} is there already.", f"{out} は既に存在します。"))
    with desk_for(config, person) as desk:
        desk.post_json(PROPOSAL_PATH, body)
        _export(desk, out)


def export(out: Out, person: As = None, config: Config = None) -> None:
    """Write the proposal, with the signatures so far, into a file."""
    from kuramori.cli.options import desk_for

    with one_sentence(), desk_for(config, person) as desk:
        _export(desk, out)


def show(file: FileIn) -> None:
    """Show what a file proposes, with the fingerprints to compare."""
    with one_sentence():
        _tell(_change(file))


def sign(file: FileIn, key: KeyFile, out: Out, passphrase_file: PassphraseFile = None, yes: Yes = False) -> None:
    """Sign a proposal with the own key. Nothing is sent anywhere."""
    from dataclasses import replace

    from kuramori.cli.custody_common import key_card, key_faults, open_key, write_new
    from kuramori.cli.options import confirm

    with one_sentence():
        change, card = _change(file), key_card(key)
        _tell(change)
        typer.echo(
            tr(
                "Compare each new custodian's fingerprint with that person before you sign.",
                "署名の前に、就任する鍵管理者の指紋を本人と照合してください。",
            )
        )
        confirm(tr(f"Sign as {card.name}?", f"{card.name} として署名しますか。"), yes)
        with key_faults(key):
            mine = change.sign(open_key(key, passphrase_file))
        others = tuple(one for one in change.signatures if one.custodian_id != mine.custodian_id)
        write_new(out, replace(change, signatures=(*others, mine)).to_bytes())
        typer.echo(
            tr(
                f"Signed: {out}. Bring it back: kuramori custody change import {out}",
                f"署名しました: {out}。提出: kuramori custody change import {out}",
            )
        )


def take(file: FileIn, person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """Hand a signed proposal in; with enough signatures it takes effect."""
    import base64

    from kuramori.cli.custody_common import read_file
    from kuramori.cli.options import desk_for, show_json
    from kuramori_segments.set_change import MAX_CHANGE_BYTES

    with one_sentence(), desk_for(config, person) as desk:
        document = base64.b64encode(read_file(file, MAX_CHANGE_BYTES)).decode("ascii")
        found = desk.post_json(f"{PROPOSAL_PATH}/signatures", {"document": document})
        if as_json:
            show_json(found)
        elif found["in_effect"]:
            names = tr(", ", "、").join(found["custodians"])
            typer.echo(
                tr(
                    f"In effect: {found['threshold']} of {names}. From the next segment on it is sealed to them. "
                    "Next: kuramori custody hand-on export",
                    f"変更が発効しました: {names} のうち{found['threshold']}名。"
                    "次のセグメントから新しい組に封印されます。次の手続: kuramori custody hand-on export",
                )
            )
        else:
            typer.echo(
                tr(
                    f"Taken. {found['missing']} more signatures are needed.",
                    f"受け付けました。あと {found['missing']} 名の署名が必要です。",
                )
            )


def withdraw(reason: Reason, person: As = None, config: Config = None) -> None:
    """Take the proposal back."""
    from kuramori.cli.options import desk_for

    with one_sentence(), desk_for(config, person) as desk:
        desk.post_json(f"{PROPOSAL_PATH}/withdrawal", {"reason": reason})
        typer.echo(tr("Withdrawn.", "取り下げました。"))


def _export(desk: DeskClient, out: Path) -> None:
    import base64

    from kuramori.cli.custody_common import write_new

    found = desk.get_json(PROPOSAL_PATH)
    write_new(out, base64.b64decode(found["document"]))
    typer.echo(
        tr(
            f"Written: {out}. {found['missing']} custodians in office sign it, each on the own machine: "
            f"kuramori custody change sign {out} --key KEYFILE --out SIGNED",
            f"出力しました: {out}。現在の鍵管理者 {found['missing']} 名が各自の端末で署名します: "
            f"kuramori custody change sign {out} --key KEYFILE --out SIGNED",
        )
    )


def _change(path: Path) -> "SetChange":
    from kuramori.cli.custody_common import key_faults, read_file
    from kuramori_segments.set_change import MAX_CHANGE_BYTES, read_change

    with key_faults(path):
        return read_change(read_file(path, MAX_CHANGE_BYTES))


def _tell(change: "SetChange") -> None:
    from kuramori.cli.custody_common import day, tell_card

    custodians = change.custodians
    typer.echo(
        tr(
            f"Change {change.number}, proposed by {change.person} on {day(change.utc_ms)}: {change.reason}",
            f"変更第{change.number}号　提案者 {change.person}（{day(change.utc_ms)}）　理由: {change.reason}",
        )
    )
    typer.echo(tr(f"Any {custodians.k} of:", f"次のうち任意の{custodians.k}名:"))
    for card in custodians.custodians:
        tell_card(card, "-")
    typer.echo(tr(f"Recovery key: {custodians.recovery.fingerprint}", f"復旧鍵: {custodians.recovery.fingerprint}"))
    typer.echo(tr(f"Signatures so far: {len(change.signatures)}", f"署名 {len(change.signatures)} 件"))


def tell_chain(chain: "SetChain") -> None:
    """Show the newest set of a chain with its fingerprints."""
    _tell(chain.changes[-1])
