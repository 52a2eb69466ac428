"""Mails to the office: how many went, how many wait, when one was last taken. Absent where no mail is configured."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

SENT = Family("kuramori_mail_sent_total", Kind.COUNTER, "Mails that the mail server took.", unit="mails")
FAILED = Family(
    "kuramori_mail_failed_total",
    Kind.COUNTER,
    "Attempts at which the mail server did not take a mail.",
    unit="attempts",
)
GIVEN_UP = Family(
    "kuramori_mail_given_up_total",
    Kind.COUNTER,
    "Mails that nobody got: too many waited, or the server refused them for good.",
    unit="mails",
)
WAITING = Family("kuramori_mail_waiting", Kind.GAUGE, "Mails that wait until the mail server takes them.", unit="mails")
OLDEST = Family(
    "kuramori_mail_oldest_waiting_timestamp_seconds",
    Kind.GAUGE,
    "When the oldest waiting mail was written; absent while none waits.",
    unit="seconds since 1970",
)
SUCCESS = Family(
    "kuramori_mail_last_success_timestamp_seconds",
    Kind.GAUGE,
    "When the mail server last took a mail; absent before the first.",
    unit="seconds since 1970",
)
LOOKED = Family(
    "kuramori_mail_looked_timestamp_seconds",
    Kind.GAUGE,
    "When the messenger last looked at the recorder.",
    unit="seconds since 1970",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of mail."""
    mail = statistics.mail
    if mail is None:
        yield from (family.metric([]) for family in FAMILIES)
        return
    yield SENT.metric([((), mail.sent)])
    yield FAILED.metric([((), mail.failed)])
    yield GIVEN_UP.metric([((), mail.given_up)])
    yield WAITING.metric([((), mail.waiting)])
    times = ((OLDEST, mail.oldest_waiting_utc_ms), (SUCCESS, mail.last_success_utc_ms), (LOOKED, mail.looked_utc_ms))
    for family, utc_ms in times:
        yield family.metric([] if utc_ms is None else [((), seconds(utc_ms))])


FAMILIES = (SENT, FAILED, GIVEN_UP, WAITING, OLDEST, SUCCESS, LOOKED)
COLLECTOR = Collector("mail", FAMILIES, collect)
