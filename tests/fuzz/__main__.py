"""`make fuzz`: fires at every reader of foreign bytes, each in a process of its own, and writes the table.

Environment: KURAMORI_FUZZ_INPUTS (200000 for each reader), KURAMORI_FUZZ_SEED (1).
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.bench.__main__ import write_section
from tests.fuzz.campaign import Outcome
from tests.fuzz.targets import fire_at, names

INPUTS = 200_000
MIB = 2**20


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes as a Markdown table."""
    lines = [
        "| reader | inputs tried | taken | refused | slowest, ms | memory grown, MiB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {one.name} | {one.inputs:,} | {one.values:,} | {one.refusals:,} | {one.slowest_ms:.1f} "
            f"| {one.grown_bytes / MIB:.1f} |"
            for one in outcomes
        ),
        (
            f"| **all** | {sum(one.inputs for one in outcomes):,} | {sum(one.values for one in outcomes):,} "
            f"| {sum(one.refusals for one in outcomes):,} | {max(one.slowest_ms for one in outcomes):.1f} "
            f"| {max(one.grown_bytes for one in outcomes) / MIB:.1f} |"
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Fire and report; a reader that breaks ends it with the input in the text."""
    inputs = int(os.environ.get("KURAMORI_FUZZ_INPUTS", INPUTS))
    seed = int(os.environ.get("KURAMORI_FUZZ_SEED", "1"))
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), max_tasks_per_child=1) as pool:
        outcomes = list(pool.map(fire_at, names(), [inputs] * len(names()), [seed] * len(names())))
    text = table(outcomes)
    print(text)
    if "--no-report" not in sys.argv:
        write_section("fuzzing", text)


if __name__ == "__main__":
    main()
