"""Which desk the options before the sub-command name. Must not know how it is reached."""

from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Chosen:
    """`--url` and `--certificate`; nothing is chosen without them."""

    url: str = ""
    certificate: Path | None = None


CHOSEN: ContextVar[Chosen] = ContextVar("chosen_desk", default=Chosen())  # noqa: B039 - it is frozen
