"""Joins the recorder's figures with the supervisor's for the metrics page. Runs in the desk process.

So a scrape never touches the recorder's loop but for one short question, and the page still answers, and says so,
while the recorder is dead. This module must not know what the figures mean.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kuramori import __version__
from kuramori.recorder_client import RecorderClient, RecorderFault
from kuramori.supervisor import REPORT_NAME
from kuramori_metrics.exporter import ReadStatistics
from kuramori_metrics.statistics import CustodyStatistics, ProcessStatistics, RecorderStatistics

MAX_REPORT_BYTES = 65536


def reader_of(
    recorder: RecorderClient,
    runtime_directory: Path,
    custody: Callable[[], CustodyStatistics | None] = lambda: None,
) -> ReadStatistics:
    """Return the function that the exporter asks for fresh figures; `custody` is what the desk knows of it."""

    async def read() -> RecorderStatistics:
        processes = supervised(runtime_directory)
        try:
            figures = await recorder.statistics()
        except RecorderFault:
            return RecorderStatistics(version=__version__, processes=_recorder_down(processes), custody=custody())
        return replace(figures, processes=processes, custody=custody())

    return read


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
