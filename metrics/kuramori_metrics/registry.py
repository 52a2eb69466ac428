"""All collectors, in the order of the page. One file per collector; a metric that two of them claim is an error.

This module must not know what a metric means.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kuramori_metrics.family import Family, Metric
from kuramori_metrics.statistics import RecorderStatistics


@dataclass(frozen=True, slots=True)
class Collector:
    """What one file offers: the metrics it makes, and how. Every family is yielded, with or without samples."""

    name: str
    families: tuple[Family, ...]
    collect: Callable[[RecorderStatistics], Iterator[Metric]]


class MetricClaimedTwice(ValueError):
    """Two collectors make a metric of the same name."""

    def __init__(self, name: str, first: str, second: str) -> None:
        self.name = name
        super().__init__(f"{name} is made by {first} and by {second}")


def checked(collectors: Iterable[Collector]) -> tuple[Collector, ...]:
    """Return the collectors; raises MetricClaimedTwice."""
    owners: dict[str, str] = {}
    found = tuple(collectors)
    for collector in found:
        for family in collector.families:
            if family.name in owners:
                raise MetricClaimedTwice(family.name, owners[family.name], collector.name)
            owners[family.name] = collector.name
    return found
