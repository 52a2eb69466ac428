"""One-time codes by time (RFC 6238 over RFC 4226). Pure: no clock, no store.

A code is six digits for 30 seconds, HMAC-SHA-1, because that is what every authenticator takes. Must not know people.
"""

import base64
import hmac
import secrets

SECRET_BYTES = 20  # RFC 4226, section 4, R6
STEP_MS = 30_000
DIGITS = 6
STEPS_AROUND = 1  # a telephone's clock may be off by so many steps


def new_secret() -> bytes:
    """Return a fresh secret."""
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Return a secret as it is typed into an authenticator: base32 in groups of four."""
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def code_of(secret: bytes, step: int, digits: int = DIGITS, digest: str = "sha1") -> str:
    """Return the code of a time step (RFC 4226, section 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), digest)
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_of(utc_ms: int) -> int:
    """Return the time step of a time."""
    return max(0, utc_ms // STEP_MS)


def matching_step(secret: bytes, code: str, utc_ms: int, after_step: int) -> int | None:
    """Return the step whose code this is, later than `after_step`: no code is taken twice (RFC 6238, 5.2). Or None."""
    typed = "".join(code.split())
    if not typed.isascii():
        return None
    now = step_of(utc_ms)
    found = None
    for step in range(max(0, now - STEPS_AROUND), now + STEPS_AROUND + 1):
        if hmac.compare_digest(code_of(secret, step), typed) and step > after_step and found is None:
            found = step
    return found
