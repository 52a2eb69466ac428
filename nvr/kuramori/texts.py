"""Which language a person reads: English, or Japanese where LANG says so.

Texts stand beside the code that says them, both languages in one call, so that neither is forgotten. What was said for
one reader can still be handed to another who reads the other language. This module must not know what is said.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

_LANGUAGE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def japanese_wanted() -> bool:
    """Tell whether the environment asks for Japanese (first set of LC_ALL, LC_MESSAGES, LANG)."""
    for variable in _LANGUAGE_VARIABLES:
        value = os.environ.get(variable, "")
        if value:
            return value.lower().startswith("ja")
    return False


@dataclass(frozen=True, slots=True)
class BothLanguages:
    """A text as it crosses a socket to readers of either language."""

    english: str
    japanese: str


class Said(str):
    """A text in the language of the environment that has not forgotten the other one.

    Put into a larger text it is one language only: there `.english` and `.japanese` are to be put each into its own.
    """

    __slots__ = ("english", "japanese")
    english: str
    japanese: str

    def __new__(cls, english: str, japanese: str) -> "Said":
        """Make it of both."""
        said = super().__new__(cls, japanese if japanese_wanted() else english)
        said.english, said.japanese = english, japanese
        return said

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # two texts, not one
        """Return what a copy is made of."""
        return self.english, self.japanese


def tr(english: str, japanese: str) -> Said:
    """Return the text in the language of the environment."""
    return Said(english, japanese)


def both(text: str) -> BothLanguages:
    """Return a text in both languages; one that was never said in two is the same in both."""
    return BothLanguages(text.english, text.japanese) if isinstance(text, Said) else BothLanguages(text, text)


def joined(texts: Iterable[str], english: str = " ", japanese: str = "") -> Said:
    """Return several texts as one, in each language with its own separator."""
    found = [both(text) for text in texts]
    return tr(english.join(one.english for one in found), japanese.join(one.japanese for one in found))
