"""Which language a person reads: English, or Japanese where LANG says so.

Texts stand beside the code that says them, both languages in one call, so that neither is forgotten.
This module must not know what is said.
"""

import os

_LANGUAGE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def japanese_wanted() -> bool:
    """Tell whether the environment asks for Japanese (first set of LC_ALL, LC_MESSAGES, LANG)."""
    for variable in _LANGUAGE_VARIABLES:
        value = os.environ.get(variable, "")
        if value:
            return value.lower().startswith("ja")
    return False


def tr(english: str, japanese: str) -> str:
    """Return the text in the language of the environment."""
    return japanese if japanese_wanted() else english
