"""`kuramori present`: the second member of staff confirms being there at a viewing or a hand-over (H4).

By the own sign-in on the own machine; or, at the handler's desk, by typing password and code (`witnessed`). Must not
know what is looked at or handed over.
"""

import sys
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from kuramori.cli.client import DeskClient, DeskProblem, one_sentence
from kuramori.cli.options import As, AsJson, Config, request_path
from kuramori.texts import tr

PRESENCE_MISSING = "presence-missing"  # the code of the desk's problem

Taken = TypeVar("Taken")

For = Annotated[
    str,
    typer.Option(
        "--for", metavar="ACT", help=tr("view, release or recovery.", "view(閲覧)、release(提供)又は recovery")
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("present", help=tr("Confirm being present at a request.", "立会いの確認"))(present)


def present(
    number: Annotated[str, typer.Argument(metavar="REQUEST", help=tr("Its number.", "請求番号"))],
    act: For,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Confirm being present, as who is signed in here."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence(), desk_for(config, person) as desk:
        found = desk.post_json(request_path(number, "presence"), {"act": act})
        if as_json:
            show_json(found)
        else:
            _tell(found)


def witnessing(desk: DeskClient, number: str, act: str, names: list[str], take: Callable[[], Taken]) -> Taken:
    """Do what needs a second person; whoever of those named has not confirmed yet does it at this terminal first."""
    try:
        return take()
    except DeskProblem as problem:
        if problem.code != PRESENCE_MISSING or not names or not sys.stdin.isatty():
            raise
        absent = [str(name) for name in problem.facts.get("needed", names)]
    witnessed(desk, number, act, absent)
    return take()


def witnessed(desk: DeskClient, number: str, act: str, names: list[str]) -> None:
    """Have people at this desk type password and code, one after another. Raises CommandFailure."""
    from kuramori.cli.sign_in import typed

    for name in names:
        typer.echo(tr(f"{name} confirms being present:", f"{name} の立会い確認"), err=True)
        proof = {
            "person": name,
            "password": typed(None, tr("Password: ", "パスワード: ")),
            "code": typed(None, tr("Code: ", "確認コード: ")),
        }
        _tell(desk.post_json(request_path(number, "presence"), {"act": act, "proof": proof}))


def _tell(found: dict[str, Any]) -> None:
    minutes = -(-int(found["left_seconds"]) // 60)
    typer.echo(
        tr(
            f"{found['person']} is present; good for {minutes} minutes, once.",
            f"{found['person']} の立会いを確認しました({minutes}分間・1回限り有効)。",
        ),
        err=True,
    )
