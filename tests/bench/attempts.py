"""Attempts at the desk: how many attacks of each kind the live API was given, and how each of them ended.

The desk is served over TLS 1.3 with everybody signed in; the attackers stand in `tests.fakes.siege`. Environment:
KURAMORI_ATTEMPTS_CASES (3): schemathesis cases for each operation, person and mode.
"""

import asyncio
import logging
import os
import tempfile
from pathlib import Path

from kuramori.api.patience import BodyInTime, PatientProtocol
from kuramori.lean_structlog import structlog
from tests.fakes.siege import EVERYBODY, Attempts, besieged

PARALLEL_CLIENTS, CALLS_EACH = 200, 10
SLOW_CALLERS = 60
HUGE_ROUNDS = 3
PATIENCE_SECONDS = 2.0  # shorter than in service, so that the table is made in minutes


def measure() -> str:
    """Return the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    PatientProtocol.head_seconds = PatientProtocol.take_seconds = PATIENCE_SECONDS
    BodyInTime.body_seconds = PATIENCE_SECONDS
    return table(asyncio.run(_attack()))


async def _attack() -> list[Attempts]:
    cases = int(os.environ.get("KURAMORI_ATTEMPTS_CASES", "3"))
    with tempfile.TemporaryDirectory(prefix="kuramori-siege-") as folder:
        async with besieged(Path(folder)) as siege:
            return [
                await siege.injections(),
                await siege.huge(HUGE_ROUNDS),
                await siege.parallel(PARALLEL_CLIENTS, CALLS_EACH),
                await siege.slow(SLOW_CALLERS),
                await siege.schemas(cases, EVERYBODY),
            ]


def table(attacks: list[Attempts]) -> str:
    """Lay the counts out; an attack that something was wrong with says what."""
    rows = [
        "| attack | attempts | answered 2xx | refused 4xx | 5xx, documented | cut off | wrong |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in attacks:
        ends = one.ends
        rows.append(
            f"| {one.name} | {one.count:,} | {ends['2xx']:,} | {ends['4xx']:,} | {ends['5xx']:,} | {ends['cut']:,} "
            f"| {len(one.wrong):,} |"
        )
    rows += [f"\nWrong: {text}" for one in attacks for text in one.wrong[:5]]
    return "\n".join(rows)


if __name__ == "__main__":
    print(measure())
