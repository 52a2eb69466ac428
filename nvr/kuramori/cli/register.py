"""`kuramori register`: what happened, entry by entry; `--verify` checks all of it on this machine.

Verifying trusts the desk for nothing: entries, bodies, tree and checkpoint are computed here, and compared with the
checkpoint that this client saw last. Must not know the desk's files.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, one_sentence
from kuramori.cli.options import As, AsJson, Config, NotebookFile, Yes
from kuramori.cli.register_papers import (
    FormFormat,
    Sealed,
    delete_over,
    period_of,
    show_over,
    write_checkpoint_page,
    write_form,
)
from kuramori.kind_texts import kind_text
from kuramori.texts import tr

Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help=tr("From then on.", "この日時以後"))]
Before = Annotated[str | None, typer.Option("--to", metavar="TIME", help=tr("Before then.", "この日時より前"))]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("register", help=tr("Show and verify the register.", "閲覧等記録簿の表示・検証"))(show)


def show(
    verify: Annotated[bool, typer.Option("--verify", help=tr("Check all of it here.", "全件を検証"))] = False,
    number: Annotated[
        str | None, typer.Option("--request", metavar="REQUEST", help=tr("Only this request.", "この請求のみ"))
    ] = None,
    sealed: Annotated[
        Sealed | None,
        typer.Option(
            "--sealed",
            metavar="ENTRIES:ROOT",
            parser=Sealed.parse,
            help=tr("With --verify: compare with a sealed page.", "封印した検証値と照合(--verifyと併用)"),
        ),
    ] = None,
    form: Annotated[
        Path | None, typer.Option("--form", metavar="FILE", help=tr("Write the form.", "様式をファイルに出力"))
    ] = None,
    shape: Annotated[
        FormFormat, typer.Option("--format", help=tr("As what --form is written.", "様式の出力形式"))
    ] = FormFormat.PDF,
    checkpoint_page: Annotated[
        Path | None,
        typer.Option("--checkpoint-page", metavar="FILE", help=tr("Write the page to seal.", "封印用の検証値を出力")),
    ] = None,
    over: Annotated[
        bool, typer.Option("--over", help=tr("List requests past their five years.", "保存期間を満了した請求を表示"))
    ] = False,
    delete_bodies: Annotated[
        bool, typer.Option("--delete-over", help=tr("Delete what --over lists.", "満了した請求の記録本文を廃棄"))
    ] = False,
    since: Since = None,
    before: Before = None,
    yes: Yes = False,
    notebook: NotebookFile = None,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show the register, verify it, or write its papers."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence(), desk_for(config, person) as desk:
        period = period_of(config, since, before)
        if form is not None:
            write_form(desk, form, shape, period)
        if checkpoint_page is not None:
            write_checkpoint_page(desk, checkpoint_page)
        if delete_bodies:
            delete_over(desk, yes)
        elif over:
            show_over(desk)
        if verify or sealed is not None:
            result = _verify(desk, notebook, sealed)
            if as_json:
                show_json(result)
            else:
                _tell_verified(result)
        if verify or over or delete_bodies or sealed is not None or form is not None or checkpoint_page is not None:
            return
        begin, end = period
        entries = [
            entry for entry in _entries(desk) if number in (None, entry["request"]) and begin <= entry["utc_ms"] < end
        ]
        if as_json:
            show_json(entries)
        else:
            _tell(entries, config)


def _entries(desk: DeskClient) -> Iterator[dict[str, Any]]:
    """Yield all entries, page by page."""
    start = 0
    while True:
        page = desk.get_json("/v1/register", {"start": start})
        yield from page["entries"]
        start += len(page["entries"])
        if start >= page["size"] or not page["entries"]:
            return


def _verify(desk: DeskClient, notebook: Path | None, sealed: Sealed | None) -> dict[str, Any]:
    from dataclasses import replace

    from kuramori.cli.notebook import (
        Acquaintance,
        Notebook,
        RegisterRewritten,
        TrustBroken,
        compare,
        follow,
        usual_notebook,
    )
    from kuramori.desk.register_check import RegisterWrong, check_entries

    facts = desk.get_json("/v1/register/checkpoint")
    met = Acquaintance(facts["recorder_id"], facts["site"], facts["device_key"], facts["verifier"])
    remembered = Notebook(notebook or usual_notebook())
    known = remembered.known(met.recorder_id)
    first = compare(met, known)
    met = met if known is None else known
    checkpoint = follow("", facts["checkpoint"], met.verifier, lambda _old, _size: [])
    try:
        checked = check_entries(_entries(desk), checkpoint)
    except RegisterWrong as wrong:
        raise TrustBroken(
            tr(f"The register does not verify: {wrong}.", f"記録簿の検証に失敗しました: {wrong}")
        ) from wrong
    if met.checkpoint:  # the tree is at hand: no proof needs to be asked for
        follow(met.checkpoint, facts["checkpoint"], met.verifier, checked.tree.consistency_proof)
    if sealed is not None and not sealed.is_contained_in(checked.tree):
        raise RegisterRewritten(sealed.entries, checkpoint.size)
    remembered.remember(replace(met, checkpoint=facts["checkpoint"]))
    return {
        "entries": checkpoint.size,
        "root": checkpoint.root.hex(),
        "bodies_deleted": checked.bodies_deleted,
        "first_meeting": first,
        "fingerprint": met.fingerprint,
    }


def _tell_verified(result: dict[str, Any]) -> None:
    if result["first_meeting"]:
        typer.echo(
            tr(
                f"First meeting: compare the fingerprint {result['fingerprint']} with the recorder's.",
                f"初めての確認です。指紋 {result['fingerprint']} を録画機の表示と照合してください。",
            )
        )
    typer.echo(
        tr(
            f"Verified: {result['entries']} entries, none changed or removed; root {result['root'][:16]}.",
            f"検証しました。{result['entries']} 件、改変・削除はありません。ルート {result['root'][:16]}",
        )
    )


def _tell(entries: list[dict[str, Any]], config: Path | None) -> None:
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    zone = zone_of_site(config)
    if not entries:
        raise CommandFailure(tr("The register holds nothing of this.", "該当する記録はありません。"))
    for entry in entries:
        kind = kind_text(entry["kind"])
        who = entry["person"] or tr("the recorder", "録画機")
        line = f"{entry['index']:>5}  {format_time(entry['utc_ms'], zone)}  {kind}  {entry['request'] or '-'}  {who}"
        typer.echo(line)
