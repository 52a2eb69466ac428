"""The administrator recovery code: printed once for the safe, used once (O4). Pure but for its randomness.

Must not know who may use it.
"""

import secrets

from kuramori.desk.accounts.session import digest_of

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: read from paper without mistakes
_GROUPS = 6
_GROUP = 5
_MISREAD = str.maketrans("ILO", "110")


def new_code() -> str:
    """Return a fresh code: 150 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def code_digest(code: str) -> str:
    """Return what is kept of a code, however it was typed."""
    typed = "".join(sign for sign in code.upper() if sign.isalnum()).translate(_MISREAD)
    return digest_of(typed)
