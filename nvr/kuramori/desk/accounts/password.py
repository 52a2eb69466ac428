"""Passwords: what a new one must be, and how it is kept (Argon2id, PHC string). Blocking: one check takes its time.

Must not know people or stores.
"""

import os
import secrets
import unicodedata

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

LEAST_CHARACTERS = 12
LEAST_DIFFERENT = 6
MOST_CHARACTERS = 200
SALT_BYTES = 16
HASH_BYTES = 32
MEMORY_KIB = 64 * 1024  # RFC 9106, section 4, second choice
ITERATIONS = 3
LANES = 1
_START_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is mistaken on paper
_START_GROUPS = 5
_START_GROUP = 4


def fits(password: str) -> bool:
    """Tell whether a new password is long and varied enough."""
    return LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS and len(set(password)) >= LEAST_DIFFERENT


def hashed(password: str, memory_kib: int = MEMORY_KIB, iterations: int = ITERATIONS) -> str:
    """Return what is kept of a password."""
    salt = os.urandom(SALT_BYTES)
    function = Argon2id(salt=salt, length=HASH_BYTES, iterations=iterations, lanes=LANES, memory_cost=memory_kib)
    return function.derive_phc_encoded(_bytes(password))


def matches(password: str, kept: str) -> bool:
    """Tell whether this is the password."""
    try:
        Argon2id.verify_phc_encoded(_bytes(password), kept)
    except InvalidKey:
        return False
    return True


def new_start_password() -> str:
    """Return a password for the first sign-in, to be told on paper: 99 bits."""
    groups = ("".join(secrets.choice(_START_ALPHABET) for _ in range(_START_GROUP)) for _ in range(_START_GROUPS))
    return "-".join(groups)


def _bytes(password: str) -> bytes:
    """The same bytes from every keyboard: NFKC, because Japanese input has two forms of much."""
    return unicodedata.normalize("NFKC", password[:MOST_CHARACTERS]).encode("utf-8", "surrogatepass")
