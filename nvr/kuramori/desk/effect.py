"""Whether a call has taken effect: marked by the register the moment an entry is durable, read by whoever answers.

A call that failed without an entry changed nothing and may be made again; one that failed after an entry may not. The
mark follows the call through its tasks. Must not know calls or entries.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Effect:
    """The mark of one call."""

    is_registered: bool = False


_present: ContextVar[Effect | None] = ContextVar("effect", default=None)


@contextmanager
def watching_effect() -> Iterator[Effect]:
    """Yield the mark of everything that is done inside, also by tasks that are started there."""
    effect = Effect()
    token = _present.set(effect)
    try:
        yield effect
    finally:
        _present.reset(token)


def mark_effect() -> None:
    """Say that something is registered now."""
    effect = _present.get()
    if effect is not None:
        effect.is_registered = True
