"""How mail stands, in a small file of the runtime directory: the messenger writes it, metrics page and status read it.

This module must not know what mails say.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kuramori.texts import tr
from kuramori.wire import WireInvalid, from_plain, to_plain

REPORT_NAME = "messenger.json"
REPORT_BYTES_MOST = 65536
TROUBLE_AFTER_MS = 10 * 60 * 1000  # a mail that waits longer than this is a problem


@dataclass(frozen=True, slots=True)
class MailReport:
    """Counters since the memory file was made, and what waits now."""

    looked_utc_ms: int
    sent: int
    failed: int
    given_up: int
    waiting: int
    oldest_waiting_utc_ms: int | None = None
    last_success_utc_ms: int | None = None
    fault: str = ""  # the last answer of the server, or why there was none; empty after a success


def write_report(runtime: Path, report: MailReport) -> None:
    """Replace the file as a whole. Raises OSError."""
    target = runtime / REPORT_NAME
    interim = target.with_suffix(".new")
    interim.write_text(json.dumps(to_plain(report)), encoding="utf-8")
    interim.replace(target)


def remove_report(runtime: Path) -> None:
    """Nothing is mailed any more, so nothing waits."""
    with suppress(OSError):
        (runtime / REPORT_NAME).unlink()


def read_report(runtime: Path) -> MailReport | None:
    """Return the last report; None where no messenger has run."""
    try:
        with (runtime / REPORT_NAME).open("rb") as file:
            return from_plain(MailReport, json.loads(file.read(REPORT_BYTES_MOST)))
    except (OSError, ValueError, WireInvalid, RecursionError):
        return None


def mail_trouble(report: MailReport | None, utc_ms: int) -> str:
    """Return the sentence for the status where mails do not get away; empty where they do."""
    if report is None or report.oldest_waiting_utc_ms is None:
        return ""
    if utc_ms - report.oldest_waiting_utc_ms < TROUBLE_AFTER_MS:
        return ""
    return tr(
        f"The mail server does not take mails, {report.waiting} wait ({report.fault or '-'}); see kuramori mail test.",
        f"メールサーバーがメールを受け付けず、{report.waiting} 通が送信待ちです（{report.fault or '-'}）。"
        "kuramori mail test で確認してください。",
    )
