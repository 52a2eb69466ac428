"""`kuramori recovery open` and `replace`: break-glass for a granted request, and a new recovery key afterwards.

The use is registered before anything is given out. The key exists in this process's memory only, from the last sheet
typed to the last segment sealed to the request's extraction key. Imports nothing that exists on Linux only and no media
library. Must not know the recorder's files.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.custody_common import Out
from kuramori.cli.options import As, AsJson, Config, NotebookFile, Reason, Undated, WordsFrom, Yes, request_path
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori_segments.recovery_key import RecoveryCard

CardOption = Annotated[Path, typer.Option("--card", metavar="CARD", help=tr("The recovery card.", "復旧カード"))]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("open", help=tr("Break-glass: open a granted request.", "非常時: 決裁済み請求の開封"))(open_request)
    group.command("replace", help=tr("Propose a new recovery key.", "復旧鍵の入替えの提案"))(replace)


def open_request(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    card: CardOption,
    reason: Reason,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help=tr("Staff present; repeatable.", "立会職員(複数可)"))
    ] = None,
    words_from: WordsFrom = None,
    undated: Undated = False,
    notebook: NotebookFile = None,
    yes: Yes = False,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Open a granted request with the recovery sheets, when custodians cannot."""
    import base64

    from kuramori.cli.approve import meet, package_of, review_package
    from kuramori.cli.notebook import Notebook, usual_notebook
    from kuramori.cli.options import confirm, desk_for, now_utc_ms, show_json
    from kuramori.cli.present import witnessing
    from kuramori.cli.recovery import read_card
    from kuramori.desk.package import PackageRefused
    from kuramori.desk.recovery_opening import open_with_recovery

    with one_sentence(), desk_for(config, person) as desk:
        found = read_card(card)
        confirm(
            tr(
                "Break the glass? It is registered now, and the recovery key has to be replaced afterwards.",
                "復旧鍵を使用しますか。直ちに記録簿に登録され、使用後は復旧鍵の作り直しが必要です。",
            ),
            yes,
        )
        remembered = Notebook(notebook or usual_notebook())
        met, _ = meet(desk, remembered)
        opening_key = base64.b64encode(found.opening_key).decode("ascii")
        body = {"recovery_key": opening_key, "reason": reason, "present": witness or []}
        begin = request_path(number, "recovery/begin")
        package = package_of(witnessing(desk, number, "recovery", witness or [], lambda: desk.post_json(begin, body)))
        try:
            reviewed, _ = review_package(desk, package, met, undated)
            opening = open_with_recovery(reviewed, found, _private(found, words_from), now_utc_ms())
        except PackageRefused as refusal:
            raise CommandFailure(refusal.japanese if japanese_wanted() else refusal.english) from refusal
        document = base64.b64encode(opening.to_bytes()).decode("ascii")
        answer = desk.post_json(request_path(number, "recovery"), {"opening": document})
        if as_json:
            show_json(answer)
        else:
            _tell(answer)


def replace(card: CardOption, reason: Reason, out: Out, person: As = None, config: Config = None) -> None:
    """Propose the new recovery key; custodians in office sign it like any change."""
    from kuramori.cli.custody_change import hand_in, proposal_body

    with one_sentence():
        hand_in(proposal_body(reason, recovery=card), out, config, person)


def _private(card: "RecoveryCard", words_from: str | None) -> bytes:
    """Return the private half from typed sheets; the caller lets go of it at once. Raises CommandFailure."""
    from kuramori.cli.custody_common import key_faults
    from kuramori.cli.recovery import typed_sheets
    from kuramori_segments.recovery_key import restore

    typed = typed_sheets(card, words_from)
    with key_faults(tr("recovery sheets", "復旧用紙")):
        return restore(card, typed)


def _tell(found: dict[str, Any]) -> None:
    number = found["request_id"]
    typer.echo(
        tr(
            f"Opened by the recovery key; {found['requester']} may take it with: kuramori clip {number}\n"
            "Now make a new recovery key (kuramori recovery new), replace this one (kuramori recovery replace), and "
            "destroy the old sheets.",
            f"復旧鍵で開封しました。次の手続: kuramori clip {number} ({found['requester']})\n"
            "続けて新しい復旧鍵を作成し(kuramori recovery new)、入れ替え(kuramori recovery replace)、"
            "古い用紙を廃棄してください。",
        )
    )
