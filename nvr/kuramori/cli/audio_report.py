"""`kuramori audio-report`: what sound each camera offered, what was chosen, what its card keeps, what was decided (R3).

Every line has its evidence and its time; what nobody tells is unknown. Exit code 1 where something is recorded that
should not be. Must not know how the facts are found.
"""

from datetime import tzinfo
from typing import Any

import typer

from kuramori.cli.client import one_sentence
from kuramori.cli.options import AsJson, Config
from kuramori.texts import tr

VERDICTS = {
    "silent": ("silent: the stream offers no sound", "無音: 映像に音声は含まれない"),
    "not_recorded": (
        "not recorded: sound is offered and never asked for",
        "取得なし: 音声が提供されるが、要求していない",
    ),
    "recorded": ("RECORDED, by written decision", "録音中（書面による決定あり）"),
    "decided": ("decided in writing, none comes", "書面による決定あり（音声は届いていない）"),
    "violated": ("VIOLATION: sound is set up without a decision", "違反: 決定がないのに音声を取得している"),
    "unknown": ("unknown: the stream was not seen yet", "不明: 映像に未接続"),
}
SILENCES = {
    "chosen": ("a profile without sound was chosen", "音声のないプロファイルを選択"),
    "made": ("a profile without sound was made and read back", "音声のないプロファイルを作成し、読み返して確認"),
    "edited": ("sound was taken out of a profile, read back", "プロファイルから音声を外し、読み返して確認"),
    "not_silent": ("the profile carries sound, which is never set up", "プロファイルに音声があるが、取得しない"),
    "not_told": ("the camera does not tell", "カメラが回答しない"),
}

RECORDS = {
    True: ("records", "録画あり"),
    False: ("does not record", "録画なし"),
    None: ("recording not told", "録画不明"),
}
SOUND = {True: ("WITH SOUND", "音声あり"), False: ("without sound", "音声なし"), None: ("sound not told", "音声不明")}


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = tr("State for each camera what is known of its sound.", "カメラごとの音声の取扱状況")
    app.command("audio-report", help=text)(audio_report)


def audio_report(config: Config = None, as_json: AsJson = False) -> None:
    """Report on sound; exit with 1 where it is recorded without a decision, by us or by a camera's card."""
    from kuramori.cli.options import desk_for, show_json
    from kuramori.cli.zone import zone_of_site

    with one_sentence(), desk_for(config) as desk:
        found = desk.get_json("/v1/audio-report")
        if as_json:
            show_json(found)
        else:
            tell_report(found, zone_of_site(config))
    if any(is_wrong(line) for line in found["lines"]):
        raise typer.Exit(1)


def is_wrong(line: dict[str, Any]) -> bool:
    """Tell whether sound is kept that nobody decided to keep."""
    return line["verdict"] == "violated" or (bool(line["card"]["records_audio"]) and line["decision"] is None)


def tell_report(found: dict[str, Any], zone: tzinfo) -> None:
    """Print the report."""
    from kuramori.cli.times import format_time

    when = format_time(found["utc_ms"], zone)
    typer.echo(tr(f"Sound: {found['site']}, as of {when}", f"音声の取扱状況: {found['site']}（{when}現在）"))
    for line in found["lines"]:
        typer.echo("")
        typer.echo(f"{line['camera']}  {line['place']}")
        for english, japanese in _sentences(line, zone):
            typer.echo(tr(f"  {english}", f"  {japanese}"))
    for problem in found["problems"]:
        typer.echo(tr(f"PROBLEM: {problem}", f"異常: {problem}"))


def _sentences(line: dict[str, Any], zone: tzinfo) -> list[tuple[str, str]]:
    from kuramori.cli.times import format_time

    def at(utc_ms: int | None) -> tuple[str, str]:
        return (f" [{format_time(utc_ms, zone)}]",) * 2 if utc_ms is not None else ("", "")

    verdict = VERDICTS.get(line["verdict"], (line["verdict"],) * 2)
    silence = SILENCES.get(line["silence"], (line["silence"],) * 2)
    stream, told = at(line["stream_utc_ms"]), at(line["facts_utc_ms"])
    offered = _listed(line["stream_offered"])
    setups = _listed(line["stream_setups"])
    profiles = _listed(line["profiles_with_audio"], line["profile_encodings"])
    evidence = f" ({line['evidence']})" if line["evidence"] else ""
    chosen = line["chosen_profile"] or "-"
    card = _card(line["card"])
    sentences = [
        verdict,
        (
            f"offered by the stream: {offered[0]}; set up: {setups[0]}{stream[0]}",
            f"映像側の提供: {offered[1]}、取得: {setups[1]}{stream[1]}",
        ),
        (
            f"profiles with sound: {profiles[0]}; in use: {chosen}, {silence[0]}{evidence}{told[0]}",
            f"音声を含むプロファイル: {profiles[1]}、使用中: {chosen}、{silence[1]}{evidence}{told[1]}",
        ),
        (f"its own card: {card[0]}{told[0]}", f"カメラ内のカード: {card[1]}{told[1]}"),
    ]
    decision = line["decision"]
    if decision is not None:
        words = f"{decision['who']}, {decision['date']}: {decision['reason']}"
        sentences.append((f"decision: {words}", f"決定: {words}"))
    return sentences


def _listed(names: list[str], beside: list[str] | None = None) -> tuple[str, str]:
    if not names:
        return "none", "なし"
    text = ", ".join(names) + (f" ({', '.join(beside)})" if beside else "")
    return text, text


def _card(card: dict[str, Any]) -> tuple[str, str]:
    """Return what is known of the card, its light first: green, red or unknown (K8)."""
    lights = {"green": ("green", "緑"), "red": ("RED", "赤"), "unknown": ("unknown", "不明")}
    light = lights.get(card["light"], (card["light"],) * 2)
    parts = [light, RECORDS[card["records"]], SOUND[card["records_audio"]]]
    evidence = f" ({card['evidence']})" if card["evidence"] else ""
    return ", ".join(part[0] for part in parts) + evidence, "、".join(part[1] for part in parts) + evidence
