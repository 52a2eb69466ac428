"""One reader under fire: what it starts from, how it is called, and which refusals are its own."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz.mutation import mutated

Damage = Callable[[random.Random, tuple[bytes, ...]], bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """`read` takes any bytes and returns, or raises one of `refusals`; anything else is a defect.

    `damage` makes an input of the seeds; the default knows nothing of what they mean.
    """

    name: str
    seeds: tuple[bytes, ...]
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    damage: Damage = mutated
