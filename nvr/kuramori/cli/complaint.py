"""`kuramori complaint`: take a complaint or question, answer it, list them; those that wait too long are marked.

Must not know how they are kept.
"""

from datetime import tzinfo
from enum import StrEnum
from typing import Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, one_sentence
from kuramori.cli.options import As, AsJson, Config
from kuramori.texts import tr

PAGE = 500


class Which(StrEnum):
    """Which of them are listed."""

    ALL = "all"
    WAITING = "waiting"
    OVERDUE = "overdue"


Number = Annotated[str, typer.Argument(metavar="COMPLAINT", help=tr("Its number.", "受付番号"))]
When = Annotated[str, typer.Option("--on", metavar="TIME", help=tr("When; now without it.", "日時(省略時は現在)"))]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    text = tr("Complaints and questions, with their answers.", "苦情・問合せの受付と回答")
    group = typer.Typer(no_args_is_help=True, help=text)
    group.command("add", help=tr("Write one down.", "受付の記録"))(add)
    group.command("answer", help=tr("Write the answer down.", "回答の記録"))(answer)
    group.command("list", help=tr("List them, or show one.", "一覧・表示"))(listing)
    app.add_typer(group, name="complaint")


def add(
    subject: Annotated[str, typer.Option("--subject", help=tr("About what, in one line.", "件名"))],
    content: Annotated[str, typer.Option("--content", help=tr("What was said.", "内容"))],
    from_whom: Annotated[str, typer.Option("--from", metavar="NAME", help=tr("Who.", "申出人"))] = "",
    contact: Annotated[str, typer.Option("--contact", help=tr("How to reach them.", "連絡先"))] = "",
    camera: Annotated[str, typer.Option("--camera", help=tr("Which camera.", "対象のカメラ"))] = "",
    received_by: Annotated[str, typer.Option("--received-by", help=tr("Who took it.", "受付者"))] = "",
    question: Annotated[bool, typer.Option("--question", help=tr("It is a question.", "問合せとして記録"))] = False,
    on: When = "now",
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write a complaint or question down."""
    from kuramori.cli.options import desk_for, site_time

    body = {
        "kind": "question" if question else "complaint",
        "received_utc_ms": 0,
        "received_by": received_by,
        "from_whom": from_whom,
        "contact": contact,
        "camera": camera,
        "subject": subject,
        "content": content,
    }
    with one_sentence(), desk_for(config, person) as desk:
        body["received_utc_ms"] = site_time(config, on)
        _show_one(desk.post_json("/v1/complaints", body), config, as_json)


def answer(
    number: Number,
    text: Annotated[str, typer.Option("--text", help=tr("What was answered.", "回答内容"))],
    measures: Annotated[str, typer.Option("--measures", help=tr("What was changed.", "講じた措置"))] = "",
    on: When = "now",
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the answer down; the manager or a deputy does."""
    from kuramori.cli.options import desk_for, site_time

    with one_sentence(), desk_for(config, person) as desk:
        body = {"answered_utc_ms": site_time(config, on), "answer": text, "measures": measures}
        _show_one(desk.post_json(f"{_path(number)}/answer", body), config, as_json)


def listing(
    number: Annotated[str | None, typer.Argument(metavar="[COMPLAINT]", help=tr("Its number.", "受付番号"))] = None,
    which: Annotated[Which, typer.Option("--which", help=tr("Which of them.", "対象"))] = Which.ALL,
    person: As = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List complaints and questions, or show one."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.zone import zone_of_site

    with one_sentence(), desk_for(config, person) as desk:
        if number is not None:
            _show_one(desk.get_json(_path(number)), config, as_json)
            return
        found = list(all_complaints(desk, which))
        if as_json:
            show_json(found)
        elif not found:
            typer.echo(tr("There are none.", "該当する苦情・問合せはありません。"))
        for one in () if as_json else found:
            typer.echo(line_of(one, zone_of_site(config)))


def all_complaints(desk: DeskClient, which: Which) -> list[dict[str, Any]]:
    """Return all of a kind, page by page. Raises CommandFailure."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = desk.get_json("/v1/complaints", {"which": which.value, "limit": PAGE, "cursor": cursor})
        found += page["complaints"]
        cursor = page["next"]
        if not cursor:
            return found


def line_of(one: dict[str, Any], zone: tzinfo) -> str:
    """Return one in a line."""
    from kuramori.cli.times import format_time

    state = tr("answered", "回答済み") if one["answered_utc_ms"] is not None else tr("waits", "未回答")
    if one["overdue"]:
        state = tr("OVERDUE", "回答期限超過")
    return f"{one['complaint']}  {format_time(one['received_utc_ms'], zone)}  {state}  {one['subject']}"


def _path(number: str) -> str:
    if not number.isalnum() and not number.replace("-", "").isalnum():
        raise CommandFailure(
            tr(
                "That is not the number of a complaint, which looks like C20261123-1; see: kuramori complaint list",
                "受付番号ではありません（例: C20261123-1）。kuramori complaint list で確認してください。",
            )
        )
    return f"/v1/complaints/{number}"


def _show_one(one: dict[str, Any], config: Any, as_json: bool) -> None:
    from kuramori.cli.options import show_json
    from kuramori.cli.times import format_time
    from kuramori.cli.zone import zone_of_site

    if as_json:
        show_json(one)
        return
    zone = zone_of_site(config)
    typer.echo(line_of(one, zone))
    rows = [
        (tr("taken by", "受付者"), one["received_by"]),
        (tr("from", "申出人"), " ".join(part for part in (one["from_whom"], one["contact"]) if part)),
        (tr("camera", "カメラ"), one["camera"]),
        (tr("content", "内容"), one["content"]),
    ]
    if one["answered_utc_ms"] is not None:
        when = format_time(one["answered_utc_ms"], zone)
        rows += [
            (tr("answered", "回答"), f"{when}  {one['answered_by']}"),
            (tr("answer", "回答内容"), one["answer"]),
            (tr("measures", "講じた措置"), one["measures"]),
        ]
    for label, value in rows:
        if value:
            typer.echo(f"    {label}: {value}")
