"""How strips are laid out and told apart: what both ends of the worker's pipe must agree on. Pure and light.

Must not know how a sheet is drawn.
"""

from hashlib import sha256

COLUMNS, ROWS = 4, 5
PICTURE_WIDTH = 480
PICTURES_MOST = 1200
SHEETS_MOST = -(-PICTURES_MOST // (COLUMNS * ROWS))
SHEET_BYTES_MOST = 4 << 20


def seconds_between(from_utc_ms: int, to_utc_ms: int) -> int:
    """Return how many seconds lie between two pictures of the strips of a range: one, of long ranges more."""
    return max(1, -(-(to_utc_ms - from_utc_ms) // (1000 * PICTURES_MOST)))


def digest_of(sheets: tuple[bytes, ...]) -> bytes:
    """Return what a confirmation is bound to: SHA-256 over the SHA-256 of each sheet, in order."""
    return sha256(b"".join(sha256(sheet).digest() for sheet in sheets)).digest()
