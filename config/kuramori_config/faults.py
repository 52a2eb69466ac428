"""What can be wrong with a configuration or a secret, as values that carry the facts.

The tree: `ConfigurationFault` (one file, every problem found in it at once) and `SecretRefused`. Each problem names
the file, the key, what stands there and what was expected, in English and Japanese. This file must not know the
schema, nor how a terminal shows a text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Wording(NamedTuple):
    """One sentence in both languages."""

    english: str
    japanese: str

    def text(self, *, japanese: bool = False) -> str:
        """Return the sentence in the language asked for."""
        return self.japanese if japanese else self.english


NOT_SHOWN = Wording("(not shown)", "(表示しません)")


class Unfit(ValueError):
    """A value does not have the shape that its key asks for; raised while the schema is read.

    `expected` says the shape. `found`, where given, replaces the value in messages (to keep a secret out of them).
    """

    def __init__(self, expected: Wording, found: Wording | None = None) -> None:
        super().__init__(expected.english)
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what stands there, what was expected."""

    key: str  # as a person finds it in the file: camera[gate].rtsp
    found: Wording
    expected: Wording

    def text(self, *, japanese: bool = False) -> str:
        """Return one line, without the file's name."""
        found, expected = self.found.text(japanese=japanese), self.expected.text(japanese=japanese)
        if japanese:
            return f"{self.key}: 現在の記載は {found}。正しい記載: {expected}"
        return f"{self.key}: found {found}; expected {expected}"


class ConfigurationFault(Exception):
    """The configuration file cannot be used; `problems` holds everything that was found wrong in it."""

    def __init__(self, file: Path, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = problems
        super().__init__(self.text())

    def text(self, *, japanese: bool = False) -> str:
        """Return one line per problem, each beginning with the file's name."""
        return "\n".join(f"{self.file}: {problem.text(japanese=japanese)}" for problem in self.problems)


class SecretRefused(Exception):
    """A secret cannot be read safely: `name` of the secret, `path` looked at (None: no place), `reason`."""

    def __init__(self, name: str, path: Path | None, reason: Wording) -> None:
        self.name = name
        self.path = path
        self.reason = reason
        super().__init__(self.text())

    def text(self, *, japanese: bool = False) -> str:
        """Return one sentence that says what to do; never a part of the secret."""
        place = f" ({self.path})" if self.path else ""
        if japanese:
            return f"秘密情報「{self.name}」{place}: {self.reason.japanese}"
        return f"secret {self.name!r}{place}: {self.reason.english}"
