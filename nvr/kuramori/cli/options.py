"""Options that several commands share, and the client that they lead to.

Must not know any command.
"""

import json
import re
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from kuramori.cli.client import CommandFailure, DeskClient, open_desk
from kuramori.texts import tr

Config = Annotated[Path | None, typer.Option("--config", help=tr("The configuration.", "設定ファイル"))]
As = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="NAME", help=tr("Who acts; or KURAMORI_PERSON.", "操作する職員の氏名(KURAMORI_PERSON)")
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=tr("Answer for a program.", "結果をJSONで表示"))]
Cameras = Annotated[list[str], typer.Option("--camera", help=tr("A camera; repeatable.", "カメラ名(複数指定可)"))]
From = Annotated[
    str, typer.Option("--from", metavar="TIME", help=tr("Begin: 2026-11-23 14:00, 14:00 or -10m.", "開始時刻"))
]
To = Annotated[str, typer.Option("--to", metavar="TIME", help=tr("End, not included.", "終了時刻"))]
Reason = Annotated[str, typer.Option("--reason", help=tr("Why, in one line.", "理由(1行)"))]
Undated = Annotated[
    bool, typer.Option("--undated", help=tr("Also what was recorded without a known time.", "時刻不明の記録を含める"))
]
NotebookFile = Annotated[
    Path | None, typer.Option("--notebook", help=tr("What this client remembers.", "控えのファイル"))
]
WordsFrom = Annotated[
    str | None,
    typer.Option(
        "--words-from", metavar="FILE", help=tr("Automation only: sheets, one a line.", "自動処理用: 語の入力元")
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help=tr("Do not ask back.", "確認を省略"))]

REQUEST_NUMBER = re.compile(r"[0-9]{8}-[0-9]{1,9}")


def request_path(number: str, resource: str = "") -> str:
    """Return the path of a request on the desk, from the number that a person typed. Raises CommandFailure."""
    if not REQUEST_NUMBER.fullmatch(number):
        raise CommandFailure(
            tr(
                f"{number!r} is not the number of a request, which looks like 20261123-1; see: kuramori requests",
                f"{number!r} は請求番号ではありません（例: 20261123-1）。kuramori requests で確認してください。",
            )
        )
    return f"/v1/requests/{number}/{resource}".rstrip("/")


def desk_for(config: Path | None, person: str | None = None) -> DeskClient:
    """Return a client for the desk of a configuration, acting as a person. Raises CommandFailure."""
    return open_desk(configuration=config, person=person)


def site_times(config: Path | None, from_text: str, to_text: str) -> tuple[int, int, tzinfo]:
    """Return a range that a person wrote, in UTC milliseconds, and the site's zone. Raises CommandFailure."""
    from kuramori.cli.times import TimeFault, parse_range
    from kuramori.cli.zone import zone_of_site

    try:
        zone = zone_of_site(config)
        begin, end = parse_range(from_text, to_text, now_utc_ms=now_utc_ms(), zone=zone, default_span_ms=0)
    except TimeFault as fault:
        raise CommandFailure(str(fault)) from fault
    return begin, end, zone


def site_time(config: Path | None, text: str) -> int:
    """Return one time that a person wrote, in UTC milliseconds. Raises CommandFailure."""
    from kuramori.cli.times import TimeFault, parse_time
    from kuramori.cli.zone import zone_of_site

    try:
        return parse_time(text, now_utc_ms=now_utc_ms(), zone=zone_of_site(config))
    except TimeFault as fault:
        raise CommandFailure(str(fault)) from fault


def now_utc_ms() -> int:
    """Return the machine's time."""
    import time

    return time.time_ns() // 1_000_000


def show_json(value: Any) -> None:
    """Print an answer for a program."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def confirm(question: str, yes: bool) -> None:
    """Ask back unless told not to. Raises CommandFailure where the answer is no or nobody answers."""
    if yes:
        return
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        agreed = False
    if not agreed:
        raise CommandFailure(tr("Nothing was done.", "中止しました。"))
