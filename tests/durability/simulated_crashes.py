"""Thousands of power cuts of a disk in memory, at every kind of step, with writes lost, torn, reordered or garbage."""

import os
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.crash.test_growth_crashes import random_growth_crash
from tests.crash.test_ring_crashes import random_crash
from tests.durability.tally import Tally

PORTION = 250
FAULT = (
    "power cut, simulated: any step of commit, withdrawal, zero-filling, recovery; unsynced sectors lost, torn, mixed"
)
GROWN_FAULT = "power cut, simulated: any step of growing a volume, of the start after it, and of recording on it"


def crash(first_seed: int, times: int, grown: bool = False) -> Tally:
    """Crash so many times; a crash that costs what was acknowledged is told, with its seed in the text."""
    rng = random.Random(first_seed)
    tally = Tally(GROWN_FAULT if grown else FAULT)
    choose = random_growth_crash if grown else random_crash
    for _ in range(times):
        once = choose(rng)
        try:
            tally.note(once())
        except AssertionError as error:
            tally.note((), [str(error).splitlines()[0] if str(error) else "an assertion failed"])
    return tally


def campaign(times: int, *, grown: bool = False) -> Tally:
    """Crash at least so many times, on all cores."""
    portions = -(-times // PORTION)
    whole = Tally(GROWN_FAULT if grown else FAULT)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for tally in pool.map(crash, range(portions), [PORTION] * portions, [grown] * portions):
            whole.take(tally)
    return whole
