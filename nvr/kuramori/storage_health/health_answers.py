"""Puts the watch over media together for a recorder, and answers what the desk asks about them.

This module must not know who may ask.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kuramori import log
from kuramori.messages import Failure, FailureCode
from kuramori.places import Places
from kuramori.recorder import Recorder
from kuramori.storage_health.health_watch import HealthWatch
from kuramori.storage_health.medium_history import MediumHistory
from kuramori.storage_health.medium_report import AcceptMediumRequest, MediaHealth, MediaHealthRequest, MediumReport
from kuramori.storage_health.sysfs_medium import Sources
from kuramori.storage_health.watched_volumes import WatchedVolumes
from kuramori.storage_watch import StorageWatch


def health_watch(
    recorder: Recorder, storage: StorageWatch, noted: Callable[[str, Mapping[str, str]], None]
) -> HealthWatch:
    """Return the watch over the media of a recorder; nothing runs yet."""
    places = Places.of(recorder.configuration)
    watched = WatchedVolumes(recorder, storage, places.state)
    watch = HealthWatch(
        watched,
        MediumHistory(places.storage_health),
        Sources(recorder.configuration.storage.smart_directory),
        recorder.clock,
        recorder.now_utc_ms,
        recorder.vault.boot_id.hex(),
        recorder.problems,
        noted,
    )
    watched.watch = watch
    return watch


class HealthAnswers:
    """The part of the handler behind recorder.sock that is about the health of media."""

    def __init__(self, recorder: Recorder, watch: HealthWatch) -> None:
        self._recorder = recorder
        self._watch = watch

    @property
    def handlers(self) -> Mapping[type[Any], Callable[[Any], Awaitable[Any]]]:
        """What answers which question."""
        return {MediaHealthRequest: self._health, AcceptMediumRequest: self._accept}

    async def _health(self, _question: MediaHealthRequest) -> MediaHealth:
        return MediaHealth(self._recorder.now_utc_ms(), self._watch.reports)

    async def _accept(self, order: AcceptMediumRequest) -> MediumReport | Failure:
        report = self._watch.accept(order.volume, order.identity)
        if report is None:
            return Failure(FailureCode.UNKNOWN_MEDIUM, f"no such medium lies at {order.volume} now")
        log.get(volume=order.volume, identity=report.identity).warning("medium_accepted")
        facts = {"volume": order.volume, "identity": report.identity, "person": order.person}
        await self._recorder.note("medium_accepted", None, **facts)
        return report
