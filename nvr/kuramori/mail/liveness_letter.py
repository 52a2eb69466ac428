"""The daily mail in words: is it recording, how far back, will it erase when it should. Pure.

The subject alone says green or red. This module must not know where the facts come from.
"""

from kuramori.camera_messages import Light
from kuramori.mail.change_letter import LISTED_MOST, given_up_lines
from kuramori.mail.letter import Letter
from kuramori.mail.liveness_facts import CameraFigures, LivenessFacts, reason_words
from kuramori.mail.speech import Speech
from kuramori.site_state import one_line

CAMERAS_LISTED_MOST = 300


def liveness_letter(speech: Speech, facts: LivenessFacts, daily_at: str, given_up: int = 0) -> Letter:
    """Return the letter of the day."""
    say = speech.say
    site = one_line(facts.site, 80)
    lines = [say(f"Site: {site}", f"拠点: {site}"), say("As of: ", "現在: ") + speech.time(facts.utc_ms), ""]
    lines += _problems(speech, facts)
    lines += _reminders(speech, facts)
    lines += _cameras(speech, facts)
    lines += _storage(speech, facts)
    lines += _custody(speech, facts)
    lines += given_up_lines(speech, given_up)
    lines += [
        "",
        say(
            f"This mail comes every day at {daily_at}. A day without it means that something is wrong: look at once.",
            f"このメールは毎日 {daily_at} に届きます。届かない日は異常のおそれがあります。直ちに確認してください。",
        ),
    ]
    return Letter(_subject(speech, site, facts), "\n".join(lines) + "\n")


def _reminders(speech: Speech, facts: LivenessFacts) -> list[str]:
    found = facts.reminders
    if not found:
        return []
    lines = [speech.say("For the office to do:", "対応が必要な事項:")]
    lines += [f"  {one_line(one.japanese if speech.japanese else one.english)}" for one in found[:LISTED_MOST]]
    more = len(found) - LISTED_MOST
    if more > 0:
        lines.append(speech.say(f"  and {more} more (kuramori status)", f"  ほか {more} 件（kuramori status）"))
    return [*lines, ""]


def _subject(speech: Speech, site: str, facts: LivenessFacts) -> str:
    count = len(facts.reminders)
    return _light_subject(speech, site, facts) + (
        speech.say(f"; to do: {count}", f"、要対応{count}件") if count else ""
    )


def _light_subject(speech: Speech, site: str, facts: LivenessFacts) -> str:
    if facts.cameras is None:
        return speech.say(
            f"RED: {site}: the recorder does not answer", f"【赤・異常】{site}: 録画プロセスの応答がありません"
        )
    count, recording = len(facts.cameras), facts.recording
    english = f"{recording} of {count} cameras recorded" if recording < count else f"all {count} cameras recorded"
    japanese = f"カメラ{count}台中{recording}台録画中" if recording < count else f"カメラ{count}台すべて録画中"
    if facts.state.light is not Light.RED:
        return speech.say(f"GREEN: {site}: {english}", f"【緑・正常】{site}: {japanese}")
    wrong = len(facts.state.problems)
    return speech.say(f"RED: {site}: {english}, problems: {wrong}", f"【赤・異常】{site}: {japanese}、異常{wrong}件")


def _problems(speech: Speech, facts: LivenessFacts) -> list[str]:
    problems = facts.state.problems
    if not problems:
        return [speech.say("Light: GREEN, nothing is wrong.", "判定: 緑（異常なし）"), ""]
    lines = [speech.say("Light: RED", "判定: 赤（異常あり）")]
    lines += [f"  {one_line(problem.text(japanese=speech.japanese))}" for problem in problems[:LISTED_MOST]]
    more = len(problems) - LISTED_MOST
    if more > 0:
        lines.append(speech.say(f"  and {more} more", f"  ほか {more} 件"))
    return [*lines, ""]


def _cameras(speech: Speech, facts: LivenessFacts) -> list[str]:
    if facts.cameras is None:
        return []
    lines = [speech.say("Cameras:", "カメラ:")]
    for camera in facts.cameras[:CAMERAS_LISTED_MOST]:
        lines += _camera(speech, camera)
    more = len(facts.cameras) - CAMERAS_LISTED_MOST
    if more > 0:
        lines.append(speech.say(f"  and {more} more", f"  ほか {more} 台"))
    return [*lines, ""]


def _camera(speech: Speech, camera: CameraFigures) -> list[str]:
    say = speech.say
    recording = say("recorded: yes", "録画: ○") if camera.recording else say("recorded: NO", "録画: ×")
    if camera.paused:
        recording = say("recorded: no, paused for maintenance", "録画: 保守のため一時停止中")
    durable = speech.time(camera.durable_utc_ms) if camera.durable_utc_ms is not None else "-"
    lines = [
        f"  {camera.name}  {recording}" + say(f", last picture on disk {durable}", f"、最終保存 {durable}"),
        "    " + _kept(speech, camera),
    ]
    if camera.gaps is None:
        lines.append("    " + say("gaps yesterday: not known", "昨日の欠落: 不明"))
    elif not camera.gaps.count:
        lines.append("    " + say("gaps yesterday: none", "昨日の欠落: なし"))
    else:
        total, words = (
            speech.duration(camera.gaps.total_ms),
            reason_words(camera.gaps.reasons, japanese=speech.japanese),
        )
        count = camera.gaps.count
        lines.append(
            "    "
            + say(f"gaps yesterday: {count}, {total} in all ({words})", f"昨日の欠落: {count}回、計{total}（{words}）")
        )
    return lines


def _kept(speech: Speech, camera: CameraFigures) -> str:
    promised = speech.duration(camera.promised_ms)
    if camera.oldest_utc_ms is None:
        return speech.say(f"nothing kept yet (retention {promised})", f"保存なし（保存期間 {promised}）")
    oldest = speech.minute(camera.oldest_utc_ms)
    kept = speech.say(f"oldest {oldest}, retention {promised}", f"最も古い録画 {oldest}（保存期間 {promised}）")
    if camera.next_erasure_utc_ms is not None:
        erasure = speech.minute(camera.next_erasure_utc_ms)
        kept += speech.say(f", next erasure by {erasure}", f"、次の消去期限 {erasure}")
    return kept


def _storage(speech: Speech, facts: LivenessFacts) -> list[str]:
    if facts.cameras is None:
        return []
    say = speech.say
    lines = [say("Storage:", "記録媒体:")]
    for path, healthy in facts.volumes:
        lines.append(f"  {one_line(path)}  " + (say("GREEN", "緑（正常）") if healthy else say("RED", "赤（異常）")))
    clock = say("kept by a time source", "時刻同期あり") if facts.clock_trusted else say("NOT kept", "時刻同期なし")
    lines.append(
        say(f"Erasure tier {facts.erasure_tier}. Clock: {clock}", f"消去保証区分 {facts.erasure_tier}、時計: {clock}")
    )
    return [*lines, ""]


def _custody(speech: Speech, facts: LivenessFacts) -> list[str]:
    if facts.drill_oldest_utc_ms is None:
        return [speech.say("Custodians' keys: not known", "鍵管理者の鍵の確認: 不明")]
    shown = speech.minute(facts.drill_oldest_utc_ms)
    age = speech.duration(facts.utc_ms - facts.drill_oldest_utc_ms)
    line = speech.say(
        f"Custodians: {facts.custodians}. The key longest not shown: since {shown} ({age})",
        f"鍵管理者 {facts.custodians}名、最も長く確認のない鍵: {shown} 以来（{age}）",
    )
    if facts.never_drilled:
        line += speech.say(f"; never in a drill: {facts.never_drilled}", f"、訓練未実施 {facts.never_drilled}名")
    return [line]
