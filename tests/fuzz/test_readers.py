"""Whatever bytes come, a reader returns or refuses: a short campaign against each; `make fuzz` runs the long one."""

import random

import pytest

from tests.fuzz.campaign import ReaderBroke, fire
from tests.fuzz.mutation import MOST_BYTES, mutated
from tests.fuzz.target import Target
from tests.fuzz.targets import all_targets

INPUTS = 2000
SLOWEST_MS = 1000.0
MOST_GROWN_BYTES = 64 * 2**20


@pytest.mark.parametrize("target", all_targets(), ids=lambda target: target.name)
def test_a_reader_takes_or_refuses_whatever_comes(target: Target) -> None:
    """Nothing but a value or the reader's own refusal, in bounded time and memory."""
    outcome = fire(target, INPUTS, seed=7)
    assert outcome.values + outcome.refusals == INPUTS
    assert outcome.slowest_ms < SLOWEST_MS
    assert outcome.grown_bytes < MOST_GROWN_BYTES


def test_a_broken_reader_is_found_and_its_input_told() -> None:
    """A reader that trips over one byte value is caught, and what tripped it stands in the text."""
    careless = Target("careless", (b"abc",), lambda data: 1 // (data.count(b"\xff") == 0), (ValueError,))
    with pytest.raises(ReaderBroke, match=r"ZeroDivisionError.*ff"):
        fire(careless, 5000, seed=1)


def test_damage_is_repeatable_and_bounded() -> None:
    """The same generator gives the same input, and none is larger than a reader could be given."""
    seeds = (b"x" * MOST_BYTES,)
    for seed in range(50):
        first, second = (mutated(random.Random(seed), seeds) for _ in range(2))
        assert first == second
        assert len(first) <= MOST_BYTES
