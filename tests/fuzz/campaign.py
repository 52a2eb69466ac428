"""Fires damaged inputs at one reader and counts what it does with them."""

import random
import resource
import time
from dataclasses import dataclass

from tests.fuzz.target import Target


class ReaderBroke(AssertionError):
    """A reader did something else than return or refuse. The input is in the text, to become a test."""

    def __init__(self, target: str, data: bytes, error: BaseException) -> None:
        super().__init__(f"{target} raised {type(error).__name__}: {error}; input {data[:4096].hex()}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a campaign saw. `grown_bytes`: how far the process grew; the slowest input by its processor time, in ms."""

    name: str
    inputs: int
    values: int
    refusals: int
    slowest_ms: float
    grown_bytes: int


def fire(target: Target, inputs: int, seed: int) -> Outcome:
    """Try so many inputs. Raises ReaderBroke at the first that the reader neither takes nor refuses."""
    rng = random.Random(f"{target.name} {seed}")
    for sound in target.seeds:  # a reader that refuses its own seeds would be fuzzed in vain
        target.read(sound)
    before_bytes = _peak_bytes()
    values = refusals = 0
    slowest_ns = 0
    for _ in range(inputs):
        data = target.damage(rng, target.seeds)
        began_ns = time.thread_time_ns()
        try:
            target.read(data)
            values += 1
        except target.refusals:
            refusals += 1
        except Exception as error:
            raise ReaderBroke(target.name, data, error) from error
        slowest_ns = max(slowest_ns, time.thread_time_ns() - began_ns)
    return Outcome(target.name, inputs, values, refusals, slowest_ns / 1e6, _peak_bytes() - before_bytes)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
