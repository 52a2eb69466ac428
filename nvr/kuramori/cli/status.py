"""`kuramori status`: recorder, cameras, volumes and desk at a glance; the exit code says whether all is well.

Must not know how anything works.
"""

from datetime import tzinfo
from typing import Any

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import AsJson, Config
from kuramori.texts import tr

STATES_JAPANESE = {"recording": "録画中", "connecting": "接続中", "waiting": "再接続待ち", "off": "停止"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", help=tr("Show recorder, cameras and desk.", "録画機・カメラ・受付の状態"))(status)


def status(config: Config = None, as_json: AsJson = False) -> None:
    """Show the state; exit with 1 where something is wrong."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.zone import zone_of_site

    with one_sentence(), desk_for(config) as desk:
        found = desk.get_json("/v1/status")
        if as_json:
            show_json(found)
        else:
            _tell(found, zone_of_site(config))
    if found["problems"]:
        raise typer.Exit(1)


def _tell(found: dict[str, Any], zone: tzinfo) -> None:
    desk, recorder = found["desk"], found["recorder"]
    typer.echo(f"{desk['site']}  ({desk['rule_set']})")
    if recorder is not None:
        _tell_recorder(recorder, zone)
    typer.echo(
        tr(
            f"Register: {desk['register_size']} entries. Open requests: {desk['open_requests']}. "
            f"Returns not reported: {desk['waiting_for_return']}.",
            f"記録簿 {desk['register_size']} 件、処理中の請求 {desk['open_requests']} 件、"
            f"消去・返却の報告待ち {desk['waiting_for_return']} 件",
        )
    )
    for problem in found["problems"]:
        typer.echo(tr(f"PROBLEM: {problem}", f"異常: {problem}"))


def _tell_recorder(recorder: dict[str, Any], zone: tzinfo) -> None:
    from kuramori.cli.times import format_time

    recording = tr("recording", "録画中") if recorder["recording"] else tr("NOT recording", "録画していません")
    keys = f"{recorder['threshold']}/{recorder['custodians']}"
    typer.echo(
        tr(
            f"Recorder: {recording}. Custodians {keys}, erasure tier {recorder['erasure_tier']}.",
            f"録画機: {recording}。鍵管理者 {keys}、消去保証区分 {recorder['erasure_tier']}",
        )
    )
    for camera in recorder["cameras"]:
        durable = camera["last_durable_utc_ms"]
        last = format_time(durable, zone) if durable is not None else "-"
        state = tr(camera["state"], STATES_JAPANESE.get(camera["state"], camera["state"]))
        reason = f" ({camera['gap_reason']})" if camera["gap_reason"] else ""
        lost = camera["lost_packets"]
        typer.echo(
            tr(
                f"  {camera['name']}: {state}{reason}, last picture on disk {last}, lost packets {lost}",
                f"  {camera['name']}: {state}{reason}、最終保存 {last}、欠損パケット {lost}",
            )
        )
    for volume in recorder["volumes"]:
        mark = tr("ok", "正常") if volume["healthy"] else tr(f"FAULT: {volume['detail']}", f"異常: {volume['detail']}")
        typer.echo(f"  {volume['path']}: {mark}, {volume['slot_count'] - volume['free_slots']}/{volume['slot_count']}")
