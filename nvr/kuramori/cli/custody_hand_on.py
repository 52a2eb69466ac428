"""`kuramori custody hand-on`: custodians who held recordings so far hand their shares on to those in office now.

`export` writes what one custodian has to do into a file; `seal` does it on that custodian's own machine; `import` hands
the result in. No picture is opened, no key is put together. Each step can be broken off and begun again. A file is
lines of JSON: head, pages, an end with the number of segments. Imports nothing that exists on Linux only.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from kuramori.cli.client import CommandFailure, one_sentence
from kuramori.cli.custody_common import FileIn, KeyFile, Out, PassphraseFile
from kuramori.cli.options import As, AsJson, Config, Reason, Yes
from kuramori.texts import tr

if TYPE_CHECKING:
    from io import BufferedReader

    from kuramori.desk.hand_on_work import HandOnPlan

HAND_ON_PATH = "/v1/custody/hand-on"
LINE_LIMIT_BYTES = 64 * 1024 * 1024

Kind = TypeVar("Kind")
Custodian = Annotated[
    str, typer.Option("--custodian", metavar="NAME", help=tr("Who hands on.", "引き継ぐ鍵管理者の氏名"))
]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(no_args_is_help=True, help=tr("Hand recordings on to new custodians.", "新任者への引継ぎ"))
    commands.command("export", help=tr("Write a custodian's work into a file.", "引継ぎ作業ファイルの出力"))(export)
    commands.command("seal", help=tr("Hand on (custodian, own machine).", "引継ぎの実施(鍵管理者の端末)"))(seal)
    commands.command("import", help=tr("Hand the result in.", "引継ぎ結果の提出"))(take)
    commands.command("discard", help=tr("Throw one's part away, to be done anew.", "引継ぎのやり直し"))(discard)
    group.add_typer(commands, name="hand-on")


def export(custodian: Custodian, out: Out, person: As = None, config: Config = None) -> None:
    """Write what a custodian has still to hand on into a file."""
    from kuramori.cli.custody_common import unwritable
    from kuramori.cli.options import desk_for

    with one_sentence(), desk_for(config, person) as desk:
        custodian_id = _find(desk.get_json("/v1/custody"), custodian)
        count, after = 0, [0, 0]
        head: Any = None
        try:
            with out.open("xb") as file:
                while after is not None:
                    where: dict[str, str | int] = {"custodian": custodian_id, "camera": after[0], "sequence": after[1]}
                    found = desk.get_json(HAND_ON_PATH, where)
                    if head is None:
                        head = found["head"]
                        _put(file, {"head": head})
                    if found["head"]["to_set_id"] != head["to_set_id"]:
                        raise CommandFailure(tr("The custodians changed: begin anew.", "鍵管理者が変更されました。"))
                    if found["page"]["rows"]:
                        _put(file, {"page": found["page"]})
                    count += len(found["page"]["rows"])
                    after = found["after"]
                _put(file, {"end": count})
        except OSError as error:
            raise unwritable(out, error) from error
        typer.echo(
            tr(
                f"{count} segments for {custodian}: {out}. On the own machine: "
                f"kuramori custody hand-on seal {out} --key KEYFILE --out HANDED",
                f"{custodian} の引継ぎ対象は {count} 件です: {out}。本人の端末での操作: "
                f"kuramori custody hand-on seal {out} --key KEYFILE --out HANDED",
            )
        )


def seal(file: FileIn, key: KeyFile, out: Out, passphrase_file: PassphraseFile = None, yes: Yes = False) -> None:
    """Hand on with the own key. Broken off, the same command goes on behind the last whole page."""
    from kuramori.cli.custody_change import tell_chain
    from kuramori.cli.custody_common import key_card, key_faults, open_key, unwritable
    from kuramori.cli.options import confirm
    from kuramori.desk.hand_on_work import WorkHead, WorkPage, plan_of, seal_page
    from kuramori.wire import to_plain

    with one_sentence():
        lines = _lines(file)
        with key_faults(file):
            plan = plan_of(_value(WorkHead, next(lines, {}).get("head"), file))
        _require_mine(plan, key_card(key).custodian_id)
        typer.echo(tr(f"Recordings of {plan.head.site} are handed on to:", f"{plan.head.site} の記録の引継ぎ先:"))
        tell_chain(plan.chain)
        confirm(tr("Hand your shares on to them?", "分散鍵を引き継ぎますか。"), yes)
        opened, count = open_key(key, passphrase_file), 0
        done = _done(out)
        try:
            with out.open("ab") as target, key_faults(file):
                for number, line in enumerate(lines):
                    if "end" in line:
                        _require_whole(file, line["end"], count)
                        _put(target, {"end": count})
                        break
                    page = _value(WorkPage, line.get("page"), file)
                    count += len(page.rows)
                    if number >= done:
                        _put(target, {"page": to_plain(seal_page(plan, page, opened))})
                else:
                    raise _cut(file)
        except OSError as error:
            raise unwritable(out, error) from error
        typer.echo(
            tr(
                f"{count} segments handed on: {out}. Bring it back: kuramori custody hand-on import {out}",
                f"{count} 件を引き継ぎました: {out}。提出: kuramori custody hand-on import {out}",
            )
        )


def take(file: FileIn, person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """Hand in what a custodian made. The same file again changes nothing."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence(), desk_for(config, person) as desk:
        new = count = 0
        for line in _lines(file):
            if "end" in line:
                _require_whole(file, line["end"], count)
                break
            page = line.get("page")
            if not isinstance(page, dict) or not isinstance(page.get("rows"), list):
                raise _cut(file)
            count += len(page["rows"])
            new += desk.post_json(HAND_ON_PATH, page)["new"]
        else:
            raise _cut(file)
        if as_json:
            show_json({"segments": count, "new": new})
        else:
            typer.echo(
                tr(
                    f"{count} segments taken, {new} of them new. See: kuramori custody show",
                    f"{count} 件を受け付けました（うち新規 {new} 件）。状況: kuramori custody show",
                )
            )


def discard(custodian: Custodian, reason: Reason, person: As = None, config: Config = None) -> None:
    """Throw away what a custodian handed on to those in office, so that they or another do it anew."""
    from kuramori.cli.options import desk_for

    with one_sentence(), desk_for(config, person) as desk:
        found = desk.post_json(f"{HAND_ON_PATH}/discard", {"custodian": custodian, "reason": reason})
        typer.echo(tr(f"{found['new']} segments discarded.", f"{found['new']} 件を取り消しました。"))


def _find(found: dict[str, Any], name: str) -> str:
    """Return the id of a custodian on duty. Raises CommandFailure."""
    people = {
        person["custodian_id"]: person["name"]
        for one in (*found["earlier"], found["in_use"])
        for person in one["custodians"]
    }
    fitting = [str(custodian_id) for custodian_id, called in people.items() if name in (called, custodian_id)]
    if len(fitting) != 1:
        known = tr(", ", "、").join(sorted(set(people.values())))
        raise CommandFailure(
            tr(f"{name!r} is not one custodian on duty: {known}.", f"{name} は鍵管理者として特定できません: {known}")
        )
    return fitting[0]


def _put(file: Any, document: dict[str, Any]) -> None:
    file.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n")
    file.flush()


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file that travelled. Raises CommandFailure for one that is not whole."""
    try:
        with path.open("rb") as file:
            yield from _parsed(file, path)
    except OSError as error:
        raise CommandFailure(
            tr(f"{path} cannot be read ({error.strerror}).", f"{path} を読み取れません（{error.strerror}）。")
        ) from error


def _parsed(file: "BufferedReader", path: Path) -> Iterator[dict[str, Any]]:
    while line := file.readline(LINE_LIMIT_BYTES):
        try:
            document = json.loads(line) if line.endswith(b"\n") else None
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise _cut(path)
        yield document


def _done(path: Path) -> int:
    """Return how many whole pages a broken-off file holds; cut what is behind them."""
    if not path.exists():
        return 0
    pages = whole = 0
    with path.open("rb") as file:
        while (line := file.readline(LINE_LIMIT_BYTES)).endswith(b"\n"):
            if line.startswith(b'{"end"'):
                raise CommandFailure(tr(f"{path} is finished already.", f"{path} は既に完了しています。"))
            pages, whole = pages + 1, file.tell()
    with path.open("r+b") as file:
        file.truncate(whole)
    return pages


def _value(kind: type[Kind], plain: object, path: Path) -> Kind:
    from kuramori.wire import WireInvalid, from_plain

    try:
        return from_plain(kind, plain)
    except (WireInvalid, ValueError) as error:
        raise _cut(path) from error


def _require_mine(plan: "HandOnPlan", custodian_id: bytes) -> None:
    if plan.head.custodian_id != custodian_id:
        raise CommandFailure(tr("This file is another custodian's work.", "このファイルは別の鍵管理者の作業用です。"))


def _require_whole(path: Path, end: object, count: int) -> None:
    if end != count:
        raise _cut(path)


def _cut(path: Path) -> CommandFailure:
    return CommandFailure(
        tr(
            f"{path} is not whole or not a file of handing on: export or copy it again.",
            f"{path} は引継ぎファイルではないか、途中で切れています。改めて出力・複写してください。",
        )
    )
