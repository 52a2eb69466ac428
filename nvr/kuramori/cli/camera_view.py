"""How cameras are shown on the command line: what one offers, whether the volumes suffice, which there are.

Must not know where the facts come from.
"""

from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import typer

from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori.camera_trial import OfferedProfile, Trial
    from kuramori_config.schema import Configuration

TABLE_COLUMNS = 200  # addresses are copied: never folded
UNKNOWN = "-"
_WHY = {
    "configured": ("as named", "指定どおり"),
    "silent": ("the best one without sound", "音声のない最良のもの"),
    "video_only": (
        "the best one; all carry sound, of which nothing is taken",
        "最良のもの（いずれも音声を含むが、音声は取得しない）",
    ),
}


def show_trial(trial: "Trial") -> None:
    """Print what a camera is and offers."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    known = " ".join(word for word in (trial.vendor, trial.model, trial.firmware, trial.serial) if word)
    typer.echo(tr(f"The camera answers: {known or UNKNOWN}", f"カメラが応答しました: {known or UNKNOWN}"))
    table = Table(box=None, pad_edge=False)
    for heading in (
        "",
        tr("profile", "プロファイル"),
        tr("name", "名称"),
        tr("picture", "画像"),
        tr("codec", "符号化"),
        tr("rate", "ビットレート"),
        tr("sound", "音声"),
    ):
        table.add_column(heading, overflow="fold")
    for profile in trial.profiles:
        mark = "*" if profile.token == trial.proposed and profile.usable else ""
        table.add_row(*(escape(word) for word in (mark, *_words(profile))))
    Console(width=TABLE_COLUMNS).print(table)
    if trial.proposed:
        english, japanese = _WHY.get(trial.why, (trial.why, trial.why))
        typer.echo(tr(f"* proposed: {trial.proposed} ({english})", f"* 推奨: {trial.proposed}（{japanese}）"))
    for oddity in trial.oddities:
        typer.echo(tr(f"Note: {oddity}", f"備考: {oddity}"))


def _words(profile: "OfferedProfile") -> tuple[str, ...]:
    size = f"{profile.width}x{profile.height}" if profile.width and profile.height else UNKNOWN
    frames = f" {profile.frames_per_second:g}/s" if profile.frames_per_second else ""
    rate = f"{profile.bitrate_kbps} kbit/s" if profile.bitrate_kbps else UNKNOWN
    sound = {
        True: profile.audio_encoding or tr("yes", "あり"),
        False: tr("none", "なし"),
        None: tr("not told", "不明"),
    }[profile.audio]
    return (profile.token or UNKNOWN, profile.name, size + frames, profile.codec or UNKNOWN, rate, sound)


def capacity_facts(configuration: "Configuration") -> dict[str, Any]:
    """Return whether the volumes hold what is asked, for a program."""
    from kuramori_config.capacity import plan_of, shortfall

    plan, missing = plan_of(configuration), shortfall(configuration)
    return {
        "fits": missing is None,
        "needed_bytes": plan.needed_bytes,
        "volume_bytes": sum(volume.size.total_bytes for volume in configuration.volumes),
        "shortfall": missing.text(japanese=japanese_wanted()) if missing is not None else "",
    }


def capacity_text(configuration: "Configuration") -> str:
    """Return whether the volumes hold what is asked, as a sentence (K3)."""
    from kuramori_config.quantities import Size

    facts = capacity_facts(configuration)
    if not facts["fits"]:
        return tr(f"WARNING: {facts['shortfall']}", f"警告: {facts['shortfall']}")
    share = facts["needed_bytes"] / max(1, facts["volume_bytes"])
    needed, there = Size(facts["needed_bytes"] >> 20 << 20), Size(facts["volume_bytes"])
    count = len(configuration.cameras)
    return tr(
        f"Capacity: {count} cameras with their retention need {needed} of {there} ({share:.0%}).",
        f"容量: カメラ{count}台の保存期間分として {there} のうち {needed} を使用します（{share:.0%}）。",
    )


def camera_rows(found: dict[str, Any], facts: dict[str, Any], zone: tzinfo) -> list[tuple[str, ...]]:
    """Return the rows of the list: name, place, state, view, stills, card."""
    from kuramori.cli.status import STATES_JAPANESE
    from kuramori.cli.times import format_time

    known = {one["camera"]: one for one in facts["cameras"]}
    rows: list[tuple[str, ...]] = []
    for camera in found["cameras"]:
        about = known.get(camera["name"], {})
        recorder = about.get("recorder") or {}
        state = recorder.get("state", UNKNOWN)
        shown = tr(state, STATES_JAPANESE.get(state, state))
        if camera["paused_until_utc_ms"] is not None:
            until = format_time(camera["paused_until_utc_ms"], zone)
            shown = tr(f"paused until {until}", f"{until} まで一時停止")
        confirmed = camera["confirmed_utc_ms"]
        view = (
            f"{format_time(confirmed, zone)[:10]} {camera['confirmed_by']}"
            if confirmed is not None
            else tr("NOT confirmed", "未確認")
        )
        card = ((about.get("facts") or {}).get("card") or {}).get("light", "unknown")
        lights = {"green": tr("green", "緑"), "red": tr("RED", "赤"), "unknown": tr("unknown", "不明")}
        stills = f"{camera['aims']}/{camera['aims_most']}"
        rows.append((camera["name"], camera["place"], shown, view, stills, lights.get(card, card)))
    return rows


def show_cameras(rows: list[tuple[str, ...]], removed: list[dict[str, Any]]) -> None:
    """Print the list."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in (
        tr("name", "カメラ名"),
        tr("place", "設置場所"),
        tr("state", "状態"),
        tr("no private space visible", "画角確認"),
        tr("stills", "静止画"),
        tr("its card", "カード"),
    ):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(escape(word) for word in row))
    Console(width=TABLE_COLUMNS).print(table)
    if removed:
        names = ", ".join(camera["name"] for camera in removed)
        typer.echo(tr(f"Removed: {names}", f"撤去済み: {names}"))
