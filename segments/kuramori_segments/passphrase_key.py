"""A key from a passphrase: Argon2id (RFC 9106) with a cost between a floor and a ceiling. For key files and backups.

The parameters come with the file, and a file may come from anywhere: without a ceiling it could ask for 100 GB of
memory, without a floor somebody could weaken it unnoticed. This module must not know files or what a key opens, and
it imports nothing that exists on Linux only.
"""

import unicodedata
from dataclasses import dataclass

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from kuramori_segments.key_faults import KeyFileCostly, KeyFileWeak, PassphraseWeak

LEAST_PASSPHRASE_CHARACTERS = 15  # NIST SP 800-63B-4 for a secret that stands alone
LEAST_DIFFERENT_CHARACTERS = 8
MAX_PASSPHRASE_BYTES = 1024
SALT_BYTES = 16
STRETCHED_BYTES = 32


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What guessing one passphrase costs: memory, passes over it, lanes in parallel (RFC 9106 section 3.1)."""

    memory_kib: int
    iterations: int
    lanes: int


LEAST_COST = Argon2Cost(memory_kib=64 * 1024, iterations=3, lanes=1)  # RFC 9106 section 4, second choice
USUAL_COST = Argon2Cost(memory_kib=256 * 1024, iterations=3, lanes=4)  # below a second on an office machine
MOST_COST = Argon2Cost(memory_kib=1024 * 1024, iterations=10, lanes=16)


def check_passphrase(passphrase: str) -> None:
    """Refuse a new passphrase that is too easy to guess. Raises PassphraseWeak."""
    material = material_of(passphrase)
    text = material.decode("utf-8")
    long_enough = len(text) >= LEAST_PASSPHRASE_CHARACTERS and len(material) <= MAX_PASSPHRASE_BYTES
    if not long_enough or len(set(text)) < LEAST_DIFFERENT_CHARACTERS:
        raise PassphraseWeak(LEAST_PASSPHRASE_CHARACTERS, LEAST_DIFFERENT_CHARACTERS)


def check_cost(cost: Argon2Cost) -> None:
    """Refuse a cost that exhausts the machine, or protects nothing. Raises KeyFileCostly, KeyFileWeak."""
    for name in ("memory_kib", "iterations", "lanes"):
        value, least, most = getattr(cost, name), getattr(LEAST_COST, name), getattr(MOST_COST, name)
        if value > most:
            raise KeyFileCostly(name, value, most)
        if value < least:
            raise KeyFileWeak(name, value, least)


def material_of(passphrase: str) -> bytes:
    """Return what is stretched: NFKC, as a Japanese keyboard writes the same letters full or half width.

    Empty for a text that is no text (half a character), which never opens anything.
    """
    try:
        return unicodedata.normalize("NFKC", passphrase).encode("utf-8")
    except UnicodeEncodeError:
        return b""


def stretch(material: bytes, salt: bytes, cost: Argon2Cost) -> bytes:
    """Return the key (32 bytes, secret) of a passphrase. Slow by intention."""
    return Argon2id(
        salt=salt,
        length=STRETCHED_BYTES,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    ).derive(material)
