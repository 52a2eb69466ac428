"""What stands inside a backup: a list of its parts with their digests, then the parts one after another. BACKUP.md.

Only parts that are named here exist: the list is what keeps epoch keys, keystore and root out, and a stranger's backup
from writing where it likes. Pure. It must not know passphrases, paths or databases.
"""

import hashlib
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kuramori.backup.fault import BackupUnreadable
from kuramori_config.values import SECRET_NAME_PATTERN
from kuramori_segments.canonical_json import canonical
from kuramori_segments.strict_document import DocumentRefused, StrictDocument, to_base64

KIND = "backup content"
VERSION = 1
LIST_LIMIT_BYTES = 1 << 20
PARTS_MOST = 4096
PART_BYTES_MOST = 1 << 40
TEXT_MOST = 4096  # characters
UTC_MS_MOST = (1 << 53) - 1
DIGEST_BYTES = 32
RECORDER_ID_BYTES = 16

CONFIGURATION = "configuration"
NUMBERING = "numbering.json"
REQUIRED_PARTS = (
    CONFIGURATION,
    NUMBERING,
    "identity.json",
    "device_key.pem",
    "device_certificate.pem",
    "custodians.json",
    "ledger.db",
)
OPTIONAL_PARTS = (
    "custodian_chain.json",
    "register.db",
    "register_key.pem",
    "requests.db",
    "custody.db",
    "accounts.db",
    "api_key.pem",
    "api_certificate.pem",
    "streams.json",
    "acquaintances.json",
    "door_certificates.json",
    "stream_certificates.json",
    "media.json",
    "enrolled_cameras.toml",
)
SECRET_PREFIX = "secrets/"  # noqa: S105 -- no secret: then the name of a camera's password, as the configuration names it
_SECRET = re.compile(rf"{SECRET_PREFIX}(?:{SECRET_NAME_PATTERN.strip('^$')})\Z")
_LENGTH = struct.Struct("<I")
_NAMES = frozenset({"kuramori", "version", "recorder_id", "site", "created_utc_ms", "program", "origin", "parts"})
_PART_NAMES = frozenset({"name", "size_bytes", "sha256"})


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name, size and SHA-256."""

    name: str
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """The list of a backup: of which recorder, when it was made, by which version, and its parts in their order."""

    recorder_id: bytes
    site: str
    created_utc_ms: int
    program: str
    origin: str  # the path of the configuration where it was made
    parts: tuple[Part, ...]

    def to_bytes(self) -> bytes:
        """Return the canonical list."""
        return canonical(
            {
                "kuramori": KIND,
                "version": VERSION,
                "recorder_id": to_base64(self.recorder_id),
                "site": self.site,
                "created_utc_ms": self.created_utc_ms,
                "program": self.program,
                "origin": self.origin,
                "parts": [
                    {"name": part.name, "size_bytes": part.size_bytes, "sha256": to_base64(part.sha256)}
                    for part in self.parts
                ],
            }
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parts."""
        return tuple(part.name for part in self.parts)


def is_part(name: str) -> bool:
    """Tell whether a part of this name may stand in a backup."""
    return name in REQUIRED_PARTS or name in OPTIONAL_PARTS or _SECRET.match(name) is not None


def pack(content: Content, parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the plaintext of a backup: the list, then what `parts` yields, in the order of the list."""
    listed = content.to_bytes()
    yield _LENGTH.pack(len(listed)) + listed
    yield from parts


def parse_list(data: bytes) -> Content:
    """Read a list. Raises BackupUnreadable."""
    try:
        document = StrictDocument.parse(data, _NAMES, limit_bytes=LIST_LIMIT_BYTES)
        document.constant("kuramori", KIND)
        document.constant("version", VERSION)
        parts = tuple(_part(item) for item in document.items("parts", PARTS_MOST))
        content = Content(
            document.octets("recorder_id", RECORDER_ID_BYTES),
            _text(document, "site"),
            document.integer("created_utc_ms", 0, UTC_MS_MOST),
            _text(document, "program"),
            _text(document, "origin"),
            parts,
        )
    except DocumentRefused as refusal:
        raise BackupUnreadable(f"list: {refusal.field or 'document'}") from None
    if len(set(content.names)) != len(parts) or not set(REQUIRED_PARTS) <= set(content.names):
        raise BackupUnreadable("list: parts")
    return content


def _text(document: StrictDocument, name: str) -> str:
    found = document.value(name)
    if not isinstance(found, str) or not 1 <= len(found) <= TEXT_MOST or not found.isprintable():
        raise DocumentRefused(name, "one line of visible characters")
    return found


def _part(item: object) -> Part:
    part = StrictDocument(item, _PART_NAMES)
    name = part.value("name")
    if not isinstance(name, str) or not is_part(name):
        raise DocumentRefused("name", "a part of a backup")
    return Part(name, part.integer("size_bytes", 0, PART_BYTES_MOST), part.octets("sha256", DIGEST_BYTES))


def unpack(pieces: Iterable[bytes], begin: Callable[[Content], Callable[[Part, bytes], None]]) -> Content:
    """Read the whole plaintext and verify every digest. Raises BackupUnreadable.

    `begin` gets the list and returns what takes each part's bytes, in order and in pieces of any size.
    """
    stream = _Stream(iter(pieces))
    (length_bytes,) = _LENGTH.unpack(stream.exactly(_LENGTH.size, "list"))
    if length_bytes > LIST_LIMIT_BYTES:
        raise BackupUnreadable("list")
    content = parse_list(stream.exactly(length_bytes, "list"))
    take = begin(content)
    for part in content.parts:
        digest, left = hashlib.sha256(), part.size_bytes
        if not left:
            take(part, b"")
        while left:
            piece = stream.some(left, part.name)
            digest.update(piece)
            take(part, piece)
            left -= len(piece)
        if digest.digest() != part.sha256:
            raise BackupUnreadable(part.name)
    stream.require_end()
    return content


class _Stream:
    """Pieces of any size, taken in other sizes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._waiting = memoryview(b"")

    def some(self, most_bytes: int, what: str) -> bytes:
        while not self._waiting:
            piece = next(self._pieces, None)
            if piece is None:
                raise BackupUnreadable(what)
            self._waiting = memoryview(piece)
        taken, self._waiting = self._waiting[:most_bytes], self._waiting[most_bytes:]
        return bytes(taken)

    def exactly(self, size_bytes: int, what: str) -> bytes:
        found = bytearray()
        while len(found) < size_bytes:
            found += self.some(size_bytes - len(found), what)
        return bytes(found)

    def require_end(self) -> None:
        if self._waiting or any(self._pieces):
            raise BackupUnreadable("end")
