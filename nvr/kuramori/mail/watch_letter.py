"""The daily mail of the machine that watches: that it still does, and what it sees. Pure."""

from collections.abc import Sequence

from kuramori.mail.change_letter import LISTED_MOST, given_up_lines
from kuramori.mail.letter import Letter
from kuramori.mail.page_judgement import PageFigures
from kuramori.mail.speech import Speech
from kuramori.site_state import SiteProblem, one_line


def watch_letter(
    speech: Speech,
    name: str,
    utc_ms: int,
    problems: Sequence[SiteProblem],
    figures: PageFigures | None,
    read_utc_ms: int | None,
    given_up: int,
) -> Letter:
    """Return the letter of the day."""
    say, name = speech.say, one_line(name, 80)
    lines = [
        say(f"Watched from outside: {name}", f"外部からの監視: {name}"),
        say("As of: ", "現在: ") + speech.time(utc_ms),
    ]
    last = speech.time(read_utc_ms) if read_utc_ms is not None else "-"
    lines += [say(f"Metrics page last read: {last}", f"状態ページの最終確認: {last}"), ""]
    if figures is not None:
        well, count = sum(good for _, good in figures.cameras), len(figures.cameras)
        lines.append(
            say(
                f"Cameras recorded, or paused: {well} of {count}", f"録画中（保守停止を含む）のカメラ: {well}/{count}台"
            )
        )
    if problems:
        lines += [one_line(problem.text(japanese=speech.japanese)) for problem in problems[:LISTED_MOST]]
        subject = say(
            f"RED: {name}: watched, problems: {len(problems)}", f"【赤・異常】{name}: 監視中、異常{len(problems)}件"
        )
    else:
        lines.append(say("Nothing is wrong: green.", "異常はありません（緑）。"))
        subject = say(f"GREEN: {name}: watched, and well", f"【緑・正常】{name}: 監視中、異常なし")
    lines += given_up_lines(speech, given_up)
    lines += [
        "",
        say(
            "This mail comes from the watching machine every day. A day without it means that nobody watches.",
            "このメールは監視側の装置から毎日届きます。届かない日は監視が止まっています。",
        ),
    ]
    return Letter(subject, "\n".join(lines) + "\n")
