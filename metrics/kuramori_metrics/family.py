"""One metric: its name, kind, labels, unit and meaning, and how samples of it become Prometheus' own values.

Names are `kuramori_<thing>_<what>_<unit>`; counters end in `_total`, times are seconds since 1970 and end in
`_timestamp_seconds`. This module must not know any particular metric.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.samples import Sample

from kuramori_metrics.statistics import HistogramStatistics

LabelValues = tuple[str, ...]


class Kind(StrEnum):
    """The kinds that are used."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. `name` is the name that is scraped, `_total` included."""

    name: str
    kind: Kind
    meaning: str  # one sentence
    labels: tuple[str, ...] = ()
    unit: str = "count"

    def metric(self, samples: Iterable[tuple[LabelValues, float]]) -> Metric:
        """Return the metric with these samples: label values in the order of `labels`, and the value."""
        metric = Metric(self.name.removesuffix("_total"), self.meaning, self.kind.value)
        name, labels = self.name, self.labels
        metric.samples = [Sample(name, dict(zip(labels, values, strict=True)), value) for values, value in samples]
        return metric

    def histogram(self, samples: Iterable[tuple[LabelValues, HistogramStatistics]]) -> Metric:
        """Return the metric with these distributions."""
        metric = HistogramMetricFamily(self.name, self.meaning, labels=self.labels)
        for values, figures in samples:
            total, buckets = 0, []
            bounds = [*(repr(float(bound)) for bound in figures.upper_bounds_seconds), "+Inf"]
            for bound, count in zip(bounds, figures.counts, strict=True):
                total += count
                buckets.append((bound, total))
            metric.add_metric(values, buckets, figures.sum_seconds)
        return metric


def seconds(utc_ms: int) -> float:
    """Return a time as Prometheus counts it."""
    return utc_ms / 1000
