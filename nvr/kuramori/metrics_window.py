"""Joins the recorder's figures with the supervisor's for the metrics page. Runs in the desk process.

So a scrape never touches the recorder's loop but for one short question, and the page still answers, and says so,
while the recorder is dead. This module must not know what the figures mean.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from kuramori import __version__
from kuramori.camera_messages import Light
from kuramori.mail.mail_report import read_report
from kuramori.recorder_client import RecorderClient, RecorderFault
from kuramori.site_state import SiteFacts, site_state
from kuramori.supervisor import REPORT_NAME
from kuramori.timebase import Clock, SystemClock
from kuramori_metrics.exporter import ReadStatistics
from kuramori_metrics.statistics import (
    CustodyStatistics,
    MailStatistics,
    ProcessStatistics,
    RecorderStatistics,
    RequestStatistics,
)

MAX_REPORT_BYTES = 65536
LIGHT_KEPT_NS = 5 * 10**9


def reader_of(
    recorder: RecorderClient,
    runtime_directory: Path,
    custody: Callable[[], CustodyStatistics | None] = lambda: None,
    clock: Clock | None = None,
    requests: Callable[[], RequestStatistics | None] = lambda: None,
) -> ReadStatistics:
    """Return the function that the exporter asks for fresh figures; `custody` and `requests` come from the desk."""
    watch = clock if clock is not None else SystemClock()
    light = _SiteLight(recorder, runtime_directory, watch)

    async def read() -> RecorderStatistics:
        processes = supervised(runtime_directory)
        try:
            figures = await recorder.statistics()
        except RecorderFault:
            figures = RecorderStatistics(version=__version__)
            processes = _recorder_down(processes)
            shown = Light.RED.value
        else:
            shown = await light.now()
        return replace(
            figures,
            processes=processes,
            custody=custody(),
            requests=requests(),
            site_light=shown,
            page_utc_ms=watch.utc_ms(),
            mail=_mail(runtime_directory),
        )

    return read


class _SiteLight:
    """The light of the status, looked at every few seconds however often the page is asked for."""

    def __init__(self, recorder: RecorderClient, runtime_directory: Path, clock: Clock) -> None:
        self._recorder = recorder
        self._runtime = runtime_directory
        self._clock = clock
        self._light = Light.UNKNOWN
        self._until_boot_ns = 0

    async def now(self) -> str:
        if self._clock.boot_ns() >= self._until_boot_ns:
            status = None
            with suppress(RecorderFault):
                status = await self._recorder.status()
            down = tuple(process.name for process in supervised(self._runtime) if not process.up)
            self._light = site_state(SiteFacts(status, processes_down=down)).light
            self._until_boot_ns = self._clock.boot_ns() + LIGHT_KEPT_NS
        return self._light.value


def _mail(runtime_directory: Path) -> MailStatistics | None:
    report = read_report(runtime_directory)
    if report is None:
        return None
    return MailStatistics(
        report.sent,
        report.failed,
        report.given_up,
        report.waiting,
        report.oldest_waiting_utc_ms,
        report.last_success_utc_ms,
        report.looked_utc_ms,
    )


def supervised(runtime_directory: Path) -> tuple[ProcessStatistics, ...]:
    """Return what the supervisor last said of its processes; nothing where no supervisor runs."""
    try:
        report = json.loads((runtime_directory / REPORT_NAME).read_bytes()[:MAX_REPORT_BYTES])
        return tuple(
            ProcessStatistics(str(name), facts["pid"] is not None, int(facts["restarts"]))
            for name, facts in report["processes"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def _recorder_down(processes: tuple[ProcessStatistics, ...]) -> tuple[ProcessStatistics, ...]:
    """The recorder does not answer, so it is not up, whatever its pid."""
    others = tuple(process for process in processes if process.name != "recorder")
    restarts = next((process.restarts for process in processes if process.name == "recorder"), 0)
    return (ProcessStatistics("recorder", up=False, restarts=restarts), *others)
