"""`kuramori status`: recorder, cameras, volumes and desk at a glance; the exit code says whether all is well.

Must not know how anything works.
"""

from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import AsJson, Config
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.camera_messages import CameraFacts, Pause

STATES_JAPANESE = {
    "recording": "録画中",
    "connecting": "接続中",
    "waiting": "再接続待ち",
    "off": "停止",
    "paused": "一時停止中",
}


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
    light = tr("RED", "赤（異常）") if found["problems"] else tr("GREEN", "緑（正常）")
    typer.echo(f"{desk['site']}  ({desk['rule_set']})  {light}")
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
    if desk.get("complaints_waiting"):
        waiting, late = desk["complaints_waiting"], desk["complaints_overdue"]
        typer.echo(
            tr(
                f"Complaints and questions without an answer: {waiting}, of which overdue: {late}.",
                f"未回答の苦情・問合せ {waiting} 件（うち回答期限超過 {late} 件）",
            )
        )
    if found["views_not_confirmed"]:
        names = ", ".join(found["views_not_confirmed"])
        typer.echo(
            tr(
                f"Nobody has confirmed yet that no private space is visible: {names}.",
                f"私的空間が映らないことの確認が未了のカメラ: {names}",
            )
        )
    for disposal in found.get("open_disposals", ()):
        record, volume = disposal["record"], disposal["volume"]
        typer.echo(
            tr(
                f"Disposal record {record} is open: {volume}. Once destroyed: kuramori retire --complete {record}",
                f"廃棄記録 {record} が未完了です（{volume}）。廃棄後に kuramori retire --complete {record} を実行",
            )
        )
    for reminder in found.get("reminders", ()):
        said = reminder["text"]
        typer.echo(tr(f"TO DO: {said['english']}", f"要対応: {said['japanese']}"))
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
        for note in camera_notes(camera, recorder["utc_ms"], zone):
            typer.echo(f"    {note}")
    for volume in recorder["volumes"]:
        mark = tr("ok", "正常") if volume["healthy"] else tr(f"FAULT: {volume['detail']}", f"異常: {volume['detail']}")
        if volume.get("permitted"):
            mark = tr("away by permission", "許可により持出し中")
        typer.echo(f"  {volume['path']}: {mark}, {volume['slot_count'] - volume['free_slots']}/{volume['slot_count']}")
        if volume.get("scrub") is not None:
            typer.echo(f"    {scrub_note(volume['scrub'], zone)}")


def scrub_note(scrub: dict[str, Any], zone: tzinfo) -> str:
    """Return how far reading back has come on a volume, in one line. Pure."""
    from kuramori.cli.times import format_time

    if scrub["fault"]:
        return tr(
            f"read back: the medium gives nothing ({scrub['fault']})",
            f"読み返し検査: 媒体を読み取れません（{scrub['fault']}）",
        )
    parts = [
        tr(
            f"read back: {scrub['segments'] - scrub['unverified']} of {scrub['segments']} segments",
            f"読み返し検査: {scrub['segments']} 区間のうち {scrub['segments'] - scrub['unverified']} 区間が済み",
        )
    ]
    if scrub["oldest_unverified_utc_ms"] is not None:
        oldest = format_time(scrub["oldest_unverified_utc_ms"], zone)
        parts.append(tr(f"the oldest of the others is of {oldest}", f"未検査で最も古いもの {oldest}"))
    if scrub["last_pass_utc_ms"] is not None:
        passed = format_time(scrub["last_pass_utc_ms"], zone)
        parts.append(tr(f"all of it last at {passed}", f"全体の検査完了 {passed}"))
    if scrub["damaged"]:
        parts.append(tr(f"DAMAGED: {scrub['damaged']}", f"破損 {scrub['damaged']} 区間"))
    return tr(", ", "、").join(parts)


def camera_notes(camera: dict[str, Any], utc_ms: int, zone: tzinfo) -> list[str]:
    """Return what else is to be said of a camera: its pause, the card inside it, tampering, concerns. Pure."""
    from kuramori.camera_messages import CameraFacts, Pause
    from kuramori.wire import from_plain

    notes = []
    if camera.get("pause") is not None:
        notes.append(_pause_note(from_plain(Pause, camera["pause"]), zone))
    if camera.get("facts") is not None:
        notes += _fact_notes(from_plain(CameraFacts, camera["facts"]), utc_ms, zone)
    if camera.get("sound") and camera.get("audio_offered"):
        notes.append(tr(f"sound: {camera['sound']}", f"音声: {camera['sound']}"))
    if camera.get("events_dropped"):
        dropped, received = camera["events_dropped"], camera["events_received"]
        notes.append(
            tr(f"events: {received}, of which {dropped} not kept", f"通知 {received} 件（うち {dropped} 件は保存せず）")
        )
    return notes


def _pause_note(pause: "Pause", zone: tzinfo) -> str:
    from kuramori.cli.times import format_time

    until = format_time(pause.until_utc_ms, zone)
    return tr(
        f"paused until {until} by {pause.person}: {pause.reason}",
        f"{until} まで一時停止（{pause.person}: {pause.reason}）",
    )


def _fact_notes(facts: "CameraFacts", utc_ms: int, zone: tzinfo) -> list[str]:
    from kuramori.camera_texts import card_notes, light_text, tamper_text
    from kuramori.cli.times import format_time
    from kuramori.fact_book import light_of

    told = format_time(facts.utc_ms, zone)
    card = tr(", ", "、").join((light_text(light_of(facts, utc_ms)), *card_notes(facts.card)))
    evidence = tr(f" ({facts.card.evidence})", f"（{facts.card.evidence}）") if facts.card.evidence else ""
    notes = [
        tr(f"card in the camera: {card}{evidence}, as of {told}", f"カメラ内カード: {card}{evidence}、{told} 現在")
    ]
    if facts.tampered:
        kinds = tamper_text(facts.tampered)
        notes.append(tr(f"TAMPERING: {kinds}", f"妨害の疑い: {kinds}"))
    if facts.events.value == "lost":
        notes.append(tr("its events are not heard", "カメラからの通知を受信できていません"))
    return [*notes, *(tr(f"note: {concern}", f"注意: {concern}") for concern in facts.concerns)]
