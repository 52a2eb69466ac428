"""The site at a glance: the light that status and mails show, and when the page was made."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import LIGHTS, RecorderStatistics

LIGHT = Family(
    "kuramori_site_light",
    Kind.GAUGE,
    "1 for the light that the status shows now, 0 for the others: red where anything is wrong.",
    ("light",),
    "0 or 1",
)
PAGE = Family(
    "kuramori_page_timestamp_seconds",
    Kind.GAUGE,
    "When the figures of this page were put together; a page that is not made anew is recognised by it.",
    unit="seconds since 1970",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of the site."""
    found = statistics.site_light
    yield LIGHT.metric([] if found is None else [((light,), float(light == found)) for light in LIGHTS])
    page = statistics.page_utc_ms
    yield PAGE.metric([] if page is None else [((), seconds(page))])


COLLECTOR = Collector("site", (LIGHT, PAGE), collect)
