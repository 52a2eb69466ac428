"""One metric: its name, kind, labels, unit and meaning, and how samples of it become lines that Prometheus reads.

Names are `kuramori_<thing>_<what>_<unit>`; counters end in `_total`, times are seconds since 1970 and end in
`_timestamp_seconds`. Lines are made one by one, when they are taken: whoever writes a page can pause between any two.
This module must not know any particular metric.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.utils import floatToGoString

from kuramori_metrics.statistics import HistogramStatistics

LabelValues = tuple[str, ...]
_WHOLE: dict[float, str] = {number: f"{number}.0" for number in range(1000)}  # most figures are small and whole


class Kind(StrEnum):
    """The kinds that are used."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as of one moment; its lines can be taken once."""

    family: "Family"
    lines: Iterator[str]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. `name` is the name that is scraped, `_total` included."""

    name: str
    kind: Kind
    meaning: str  # one sentence
    labels: tuple[str, ...] = ()
    unit: str = "count"

    @property
    def head(self) -> str:
        """The two lines that stand once, before the first sample."""
        meaning = self.meaning.replace("\\", r"\\").replace("\n", r"\n")
        return f"# HELP {self.name} {meaning}\n# TYPE {self.name} {self.kind.value}\n"

    def metric(self, samples: Iterable[tuple[LabelValues, float]]) -> Metric:
        """Return the metric with these samples: label values in the order of `labels`, and the value."""
        return Metric(self, _lines(self.name, self.labels, samples))

    def histogram(self, samples: Iterable[tuple[LabelValues, HistogramStatistics]]) -> Metric:
        """Return the metric with these distributions."""
        return Metric(self, self._distributions(samples))

    def _distributions(self, samples: Iterable[tuple[LabelValues, HistogramStatistics]]) -> Iterator[str]:
        for values, figures in samples:
            total = 0
            bounds = [*(repr(float(bound)) for bound in figures.upper_bounds_seconds), "+Inf"]
            for bound, count in zip(bounds, figures.counts, strict=True):
                total += count
                yield from _lines(f"{self.name}_bucket", (*self.labels, "le"), [((*values, bound), total)])
            yield from _lines(f"{self.name}_count", self.labels, [(values, total)])
            yield from _lines(f"{self.name}_sum", self.labels, [(values, figures.sum_seconds)])


def seconds(utc_ms: int) -> float:
    """Return a time as Prometheus counts it."""
    return utc_ms / 1000


def _lines(name: str, labels: tuple[str, ...], samples: Iterable[tuple[LabelValues, float]]) -> Iterator[str]:
    """Yield a line for each sample, its labels in the order of their names."""
    if len(labels) == 1:  # nearly all of a page
        start = f'{name}{{{labels[0]}="'
        for (label,), value in samples:
            yield f'{start}{_escaped(label)}"}} {_number(value)}\n'
        return
    for values, value in samples:
        pairs = sorted(zip(labels, values, strict=True))
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in pairs)
        yield f"{name}{{{inside}}} {_number(value)}\n" if pairs else f"{name} {_number(value)}\n"


def _number(value: float) -> str:
    return _WHOLE.get(value) or str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _escaped(text: str) -> str:
    if '"' in text or "\\" in text or "\n" in text:
        return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return text
