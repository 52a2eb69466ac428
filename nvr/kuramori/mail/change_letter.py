"""The mail on a red state: what became red, what is well again, what stands; red or green stands first in the subject.

Lists are short: what does not fit is counted. Pure; must not know where problems come from.
"""

from collections.abc import Sequence

from kuramori.mail.alarm_ledger import News, Told
from kuramori.mail.letter import Letter
from kuramori.mail.speech import Speech
from kuramori.site_state import one_line

LISTED_MOST = 40


def change_letter(speech: Speech, site: str, news: News, utc_ms: int, given_up: int = 0) -> Letter:
    """Return the letter. `given_up`: mails before this one that no server took in time."""
    say = speech.say
    site = one_line(site, 80)
    lines = [say(f"Site: {site}", f"拠点: {site}"), say("As of: ", "現在: ") + speech.time(utc_ms), ""]
    lines += _listed(speech, say("RED since:", "【赤・異常】"), news.red)
    lines += _listed(speech, say("WELL AGAIN (red since):", "【緑・復旧】（発生時刻）"), news.mended)
    lines += _listed(speech, say("Came and went meanwhile (red since):", "この間に発生し復旧したもの"), news.passed)
    if news.uncounted:
        lines += [
            say(
                f"and {news.uncounted} more that are not listed.",
                f"ほかに一覧にない異常が {news.uncounted} 件あります。",
            ),
            "",
        ]
    if news.standing:
        lines.append(say(f"Problems that stand now: {news.standing}", f"現在続いている異常: {news.standing} 件"))
    else:
        lines.append(say("Nothing is wrong now: green.", "現在、異常はありません（緑）。"))
    lines += given_up_lines(speech, given_up)
    lines += ["", say("More: kuramori status", "詳細: kuramori status")]
    return Letter(_subject(speech, site, news), "\n".join(lines) + "\n")


def given_up_lines(speech: Speech, given_up: int) -> list[str]:
    """Return the sentence on mails that nobody got, if there are any."""
    if not given_up:
        return []
    return [
        "",
        speech.say(
            f"{given_up} earlier mails could not be delivered and were given up.",
            f"これ以前のメール {given_up} 通は配信できず、破棄しました。",
        ),
    ]


def _subject(speech: Speech, site: str, news: News) -> str:
    if news.red:
        first, more = news.red[0].problem.text(japanese=speech.japanese), len(news.red) + news.uncounted - 1
        also = speech.say(f" (and {more} more)", f"（ほか{more}件）") if more else ""
        return speech.say(
            f"RED: {site}: {one_line(first, 70)}{also}", f"【赤・異常】{site}: {one_line(first, 50)}{also}"
        )
    ended = len(news.mended) or len(news.passed)
    if news.standing:
        return speech.say(
            f"RED: {site}: {ended} well again, {news.standing} still wrong",
            f"【赤・異常】{site}: {ended}件復旧、{news.standing}件継続中",
        )
    return speech.say(f"GREEN: {site}: all is well again", f"【緑・正常】{site}: 復旧しました")


def _listed(speech: Speech, heading: str, items: Sequence[Told]) -> list[str]:
    if not items:
        return []
    listed = [(speech.minute(told.since_utc_ms), told.problem.text(japanese=speech.japanese)) for told in items]
    lines = [heading, *(f"  {since}  {one_line(text)}" for since, text in listed[:LISTED_MOST])]
    more = len(items) - LISTED_MOST
    if more > 0:
        lines.append(speech.say(f"  and {more} more", f"  ほか {more} 件"))
    return [*lines, ""]
