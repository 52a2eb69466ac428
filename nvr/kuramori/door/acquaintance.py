"""Which camera is which: the identity and last address of each camera that the door has met, kept on disk.

So a camera whose address changed is known again (O5), also when everything lost power at once. Holds no secrets.
The book blocks, and is small; what is decided from it is pure and stands in `following`.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from kuramori.durable_file import write_file

VERSION = 1
MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What is known of a camera's identity. Empty texts: not known."""

    configured_url: str  # the address in the configuration when it was met: another one makes it a stranger
    url: str  # where it answered last
    endpoint_id: str = ""
    serial: str = ""
    shunned_firmware: str = ""  # with which a silent profile that we made streamed nothing


class AcquaintanceBook:
    """The acquaintances by camera name. An unreadable file counts as empty: the cameras are met again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Acquaintance] = {}
        try:
            document = json.loads(path.read_bytes()[:MOST_BYTES])
            if document["version"] == VERSION:
                self._known = {str(name): _read(facts) for name, facts in document["cameras"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            self._known = {}

    def of(self, camera: str, configured_url: str) -> Acquaintance | None:
        """Return what is known of a camera that is configured at this address; None of a stranger."""
        known = self._known.get(camera)
        return known if known is not None and known.configured_url == configured_url else None

    def note(self, camera: str, acquaintance: Acquaintance) -> bool:
        """Remember; tell whether anything is new. Raises OSError when it cannot be written."""
        if self._known.get(camera) == acquaintance:
            return False
        self._known[camera] = acquaintance
        document = {"version": VERSION, "cameras": {name: asdict(one) for name, one in self._known.items()}}
        write_file(self._path, json.dumps(document, indent=1, ensure_ascii=False).encode())
        return True


def _read(facts: dict[str, object]) -> Acquaintance:
    known = Acquaintance(*(str(facts[name]) for name in ("configured_url", "url", "endpoint_id", "serial")))
    return replace(known, shunned_firmware=str(facts.get("shunned_firmware", "")))
