"""Whether two written names are one person's: 田中 次郎 and 田中次郎 are. Pure; must not know who has duties."""

import unicodedata


def person_key(name: str) -> str:
    """Return what is the same for every usual spelling of a name: width, capitals and blanks do not matter."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
