"""Who this recorder is: the id that every segment names, the site, and when it was set up.

`identity.json` is the last file that `kuramori init` makes; whoever finds none finds no recorder. This module must not
know keys.
"""

import json
from dataclasses import dataclass
from pathlib import Path

RECORDER_ID_BYTES = 16
MAX_IDENTITY_BYTES = 16384
MAX_UTC_MS = (1 << 53) - 1


class IdentityFault(Exception):
    """The identity cannot be read. `path` names the file."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path


class NotSetUp(IdentityFault):
    """There is no identity: nothing is set up here."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, f"nothing is set up in {path.parent}: run `kuramori init` first")


class IdentityDamaged(IdentityFault):
    """The file is there and is not an identity; restore it from a copy, never make a new one."""

    def __init__(self, path: Path, field: str) -> None:
        super().__init__(path, f"{path} is damaged ({field}): restore it from a copy")
        self.field = field


@dataclass(frozen=True, slots=True)
class Identity:
    """A recorder's identity. Not secret."""

    recorder_id: bytes  # 16 random bytes
    created_utc_ms: int
    site: str  # its name when it was set up

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        document = {
            "kuramori": "identity",
            "version": 1,
            "recorder_id": self.recorder_id.hex(),
            "created_utc_ms": self.created_utc_ms,
            "site": self.site,
        }
        return json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8") + b"\n"


def read_identity(path: Path) -> Identity:
    """Read an identity. Raises NotSetUp, IdentityDamaged; OSError where the file cannot be read."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_IDENTITY_BYTES + 1)
    except FileNotFoundError:
        raise NotSetUp(path) from None
    return parse_identity(content, path)


def parse_identity(content: bytes, path: Path) -> Identity:
    """Return the identity that stands in a file's content. Raises IdentityDamaged."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise IdentityDamaged(path, "not JSON") from None
    if not isinstance(document, dict) or document.get("kuramori") != "identity" or document.get("version") != 1:
        raise IdentityDamaged(path, "kind and version")
    recorder_id, created, site = (document.get(name) for name in ("recorder_id", "created_utc_ms", "site"))
    try:
        identifier = bytes.fromhex(recorder_id) if isinstance(recorder_id, str) else b""
    except ValueError:
        identifier = b""
    if len(identifier) != RECORDER_ID_BYTES:
        raise IdentityDamaged(path, "recorder_id")
    if type(created) is not int or not 0 <= created <= MAX_UTC_MS:
        raise IdentityDamaged(path, "created_utc_ms")
    if not isinstance(site, str) or not site:
        raise IdentityDamaged(path, "site")
    return Identity(identifier, created, site)
