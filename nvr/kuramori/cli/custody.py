"""`kuramori custody`: custodians over the years. Shows how custody stands; the groups below change it.

Must not know keys.
"""

from typing import Any

import typer

from kuramori.cli import custody_change, custody_drill, custody_hand_on
from kuramori.cli.client import one_sentence
from kuramori.cli.options import As, AsJson, Config
from kuramori.texts import tr


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help=tr("Custodians over the years.", "鍵管理者の変更・引継ぎ・訓練"))
    group.command("show", help=tr("Show custodians and what they still hold.", "鍵管理者と引継ぎの状況"))(show)
    group.command("release", help=tr("Dismiss earlier custodians.", "前任の鍵管理者の解任"))(release)
    custody_change.register(group)
    custody_hand_on.register(group)
    custody_drill.register(group)
    app.add_typer(group, name="custody")


def show(person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show custodians, their last drills, what is proposed, and what earlier custodians still hold."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence(), desk_for(config, person) as desk:
        found = desk.get_json("/v1/custody", {"counted": "true"})
        if as_json:
            show_json(found)
        else:
            _tell(found)


def release(person: As = None, config: Config = None, as_json: AsJson = False) -> None:
    """Dismiss earlier custodians. Refused while anything depends on them."""
    from kuramori.cli.options import desk_for, show_json

    with one_sentence(), desk_for(config, person) as desk:
        found = desk.post_json("/v1/custody/release")
        if as_json:
            show_json(found)
            return
        names = tr(", ", "、").join(found["released"]) or tr("nobody", "該当者なし")
        typer.echo(tr(f"Released: {names}.", f"解任した鍵管理者: {names}"))
        if found["released"]:
            typer.echo(
                tr(
                    "They destroy their key files and all copies of them now.",
                    "解任された方は、鍵ファイルとその控えをすべて廃棄してください。",
                )
            )


def _tell(found: dict[str, Any]) -> None:
    typer.echo(tr("In office:", "現在の鍵管理者:"))
    _tell_set(found["in_use"])
    for earlier in found["earlier"]:
        typer.echo(
            tr(
                "Earlier, and still responsible for what they hold:",
                "前任の鍵管理者（引継ぎ前の記録について引き続き責任を負う）:",
            )
        )
        _tell_set(earlier)
    proposal = found["proposal"]
    if proposal is not None:
        names = tr(", ", "、").join(proposal["custodians"])
        typer.echo(
            tr(
                f"Proposed (change {proposal['number']}): {proposal['threshold']} of {names}; "
                f"{proposal['missing']} signatures missing.",
                f"提案中の変更（第{proposal['number']}号）: {names} のうち{proposal['threshold']}名。"
                f"不足している署名 {proposal['missing']} 件",
            )
        )
    typer.echo(tr(f"Recovery key: {found['recovery_fingerprint']}", f"復旧鍵の指紋: {found['recovery_fingerprint']}"))
    if found["recovery_used_utc_ms"] is not None:
        typer.echo(
            tr(
                "The recovery key has been used: replace it (kuramori recovery replace).",
                "復旧鍵が使用されました。作り直してください（kuramori recovery replace）。",
            )
        )


def _tell_set(one: dict[str, Any]) -> None:
    from kuramori.cli.custody_common import day

    count = len(one["custodians"])
    typer.echo(
        tr(
            f"  any {one['threshold']} of {count}; segments {one['segments']}, of which held {one['held']}",
            f"  {count}名のうち任意の{one['threshold']}名。セグメント {one['segments']} 件（延長 {one['held']} 件）",
        )
    )
    for person in one["custodians"]:
        until = day(person["expires_utc_ms"])
        drilled = person["last_drill_utc_ms"]
        last = day(drilled) if drilled is not None else tr("never", "未実施")
        typer.echo(
            tr(
                f"    {person['name']} ({person['title']})  last drill {last}  valid to {until}",
                f"    {person['name']}（{person['title']}）  最終訓練 {last}  有効期限 {until}",
            )
        )
