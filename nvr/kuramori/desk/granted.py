"""The granted request: the one document that custodians approve, signed by the recorder's device key.

Canonical JSON (RFC 8785). Its SHA-256 is what approvals and re-sealed shares are bound to, so any change of the
request, the decision or the list of segments makes every approval worthless. A custodian's client reads it with
`read_granted`, trusting nothing. Imports nothing that exists on Linux only; must not know states or registers.
"""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.desk.canonical_json import DOCUMENT_LIMIT_BYTES, JsonRefused, canonical, parse_canonical
from kuramori_segments import es256
from kuramori_segments.strict_document import DocumentRefused, StrictDocument

KIND = "granted request"
VERSION = 1
SIGNATURE_LABEL = b"kuramori/v1/granted-request\0"

REQUEST_ID = re.compile(r"\d{8}-[1-9]\d{0,5}\Z", re.ASCII)
CAMERA_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
CAMERAS_MOST = 64
SEGMENTS_MOST = 16384
TEXT_MOST = 400  # characters of one field
UTC_MS_MOST = (1 << 53) - 1
_BLANKS = " \u3000"
_UID_BYTES = 16
_KEY_BYTES = 32
_DIGEST_BYTES = 32

_RECIPIENT_NAMES = frozenset({"kind", "organisation", "title", "name", "contact", "identity_check"})
_DECISION_NAMES = frozenset({"outcome", "person", "reason", "utc_ms"})
_CAMERA_NAMES = frozenset({"name", "number", "place"})
_SEGMENT_NAMES = frozenset({"camera_number", "segment_uid", "sequence", "header_digest", "threshold"})
_HANDED_NAMES = frozenset({"custodian_set_id"})
_LIMITS = frozenset({"outputs"})  # left out: whatever the ground allows
OUTPUTS_MOST = 8
_NAMES = frozenset(
    {
        "kuramori",
        "version",
        "recorder_id",
        "site",
        "request",
        "revision",
        "cameras",
        "from_utc_ms",
        "to_utc_ms",
        "rule_set",
        "ground",
        "document_number",
        "recipient",
        "purpose",
        "conditions",
        "requester",
        "decision",
        "extraction_key",
        "segments",
    }
)

Item = TypeVar("Item")


class GrantInvalid(ValueError):
    """A document is not a granted request, or its signature is not the recorder's."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets or sees the pictures, and how their identity was checked (H5). `kind` is a RecipientKind's value."""

    kind: str
    organisation: str
    title: str
    name: str
    contact: str
    identity_check: str


@dataclass(frozen=True, slots=True)
class GrantDecision:
    """The manager's decision in writing."""

    outcome: str  # "granted", "partly"
    person: str
    reason: str
    utc_ms: int


@dataclass(frozen=True, slots=True)
class GrantedCamera:
    """One camera of the grant: its name and place as people know it, its number as segments name it."""

    name: str
    number: int
    place: str


@dataclass(frozen=True, slots=True)
class GrantedSegment:
    """One segment of the grant, by the digest of its header. `threshold` custodians of its set open it."""

    camera_number: int
    segment_uid: bytes
    sequence: int
    header_digest: bytes
    threshold: int
    custodian_set_id: bytes = b""  # to whom it was handed on (KEYS.md section 9); empty: the set in its header

    def document(self) -> dict[str, Any]:
        """Return the segment as JSON values; a set is named only where it is another than the header's."""
        handed = {"custodian_set_id": _text(self.custodian_set_id)} if self.custodian_set_id else {}
        return handed | {
            "camera_number": self.camera_number,
            "segment_uid": _text(self.segment_uid),
            "sequence": self.sequence,
            "header_digest": _text(self.header_digest),
            "threshold": self.threshold,
        }


@dataclass(frozen=True, slots=True)
class GrantedRequest:
    """What was granted: exactly these segments of these cameras, for this recipient, to this extraction key."""

    recorder_id: bytes
    site: str
    request_id: str
    revision: int
    cameras: tuple[GrantedCamera, ...]
    from_utc_ms: int
    to_utc_ms: int
    rule_set: str
    ground: str
    document_number: str
    recipient: Recipient
    purpose: str
    conditions: str
    requester: str
    decision: GrantDecision
    extraction_key: bytes  # X25519, 32 bytes, one-time
    segments: tuple[GrantedSegment, ...]
    outputs: tuple[str, ...] = ()  # values of Output (grounds): what may be made of it; empty: what the ground allows

    def document(self) -> dict[str, Any]:
        """Return the document as JSON values."""
        recipient, decision = self.recipient, self.decision
        limits: dict[str, Any] = {"outputs": list(self.outputs)} if self.outputs else {}
        return limits | {
            "kuramori": KIND,
            "version": VERSION,
            "recorder_id": _text(self.recorder_id),
            "site": self.site,
            "request": self.request_id,
            "revision": self.revision,
            "cameras": [
                {"name": camera.name, "number": camera.number, "place": camera.place} for camera in self.cameras
            ],
            "from_utc_ms": self.from_utc_ms,
            "to_utc_ms": self.to_utc_ms,
            "rule_set": self.rule_set,
            "ground": self.ground,
            "document_number": self.document_number,
            "recipient": {name: getattr(recipient, name) for name in sorted(_RECIPIENT_NAMES)},
            "purpose": self.purpose,
            "conditions": self.conditions,
            "requester": self.requester,
            "decision": {name: getattr(decision, name) for name in sorted(_DECISION_NAMES)},
            "extraction_key": _text(self.extraction_key),
            "segments": [segment.document() for segment in self.segments],
        }

    def to_bytes(self) -> bytes:
        """Return the canonical bytes that are digested and signed."""
        return canonical(self.document())

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes: what approvals are bound to."""
        return hashlib.sha256(self.to_bytes()).digest()


def read_granted(document: bytes) -> GrantedRequest:
    """Read a granted request from bytes of any origin. Raises GrantInvalid."""
    try:
        value = parse_canonical(document, DOCUMENT_LIMIT_BYTES)
        names = _NAMES | (_LIMITS & value.keys()) if isinstance(value, dict) else _NAMES
        return _granted(StrictDocument(value, names))
    except JsonRefused as refusal:
        raise GrantInvalid(refusal.detail) from None
    except DocumentRefused as refusal:
        raise GrantInvalid(str(refusal)) from None


def sign_granted(document: bytes, device_key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the ES256 signature (64 bytes) of the device key over a granted request's bytes."""
    return es256.sign(device_key, SIGNATURE_LABEL + document)


def check_signature(document: bytes, signature: bytes, device_key: ec.EllipticCurvePublicKey) -> None:
    """Raise GrantInvalid unless the device key signed these bytes as a granted request."""
    if not es256.verify(device_key, signature, SIGNATURE_LABEL + document):
        raise GrantInvalid("its signature is not this recorder's")


def one_line(text: object, most: int = TEXT_MOST) -> bool:
    """Tell whether a text is empty or one line that shows as it is written: NFC, nothing invisible, no odd blanks."""
    if not isinstance(text, str) or len(text) > most or text != text.strip():
        return False
    if text != unicodedata.normalize("NFC", text):
        return False
    return all(letter in _BLANKS or unicodedata.category(letter)[0] not in "CZ" for letter in text)


def _granted(document: StrictDocument) -> GrantedRequest:
    document.constant("kuramori", KIND)
    document.constant("version", VERSION)
    from_utc_ms = document.integer("from_utc_ms", 0, UTC_MS_MOST - 1)
    recipient = document.part("recipient", _RECIPIENT_NAMES)
    decision = document.part("decision", _DECISION_NAMES)
    cameras = _each(document, "cameras", CAMERAS_MOST, _CAMERA_NAMES, _camera)
    segments = _each(document, "segments", SEGMENTS_MOST, _SEGMENT_NAMES, _segment, _HANDED_NAMES)
    granted = GrantedRequest(
        recorder_id=document.octets("recorder_id", _UID_BYTES),
        site=_line(document, "site"),
        request_id=_line(document, "request"),
        revision=document.integer("revision", 1, 1 << 20),
        cameras=cameras,
        from_utc_ms=from_utc_ms,
        to_utc_ms=document.integer("to_utc_ms", from_utc_ms + 1, UTC_MS_MOST),
        rule_set=_line(document, "rule_set"),
        ground=_line(document, "ground"),
        document_number=_line(document, "document_number"),
        recipient=Recipient(**{name: _line(recipient, name) for name in _RECIPIENT_NAMES}),
        purpose=_line(document, "purpose"),
        conditions=_line(document, "conditions"),
        requester=_line(document, "requester"),
        decision=GrantDecision(
            _line(decision, "outcome"),
            _line(decision, "person"),
            _line(decision, "reason"),
            decision.integer("utc_ms", 0, UTC_MS_MOST),
        ),
        extraction_key=document.octets("extraction_key", _KEY_BYTES),
        segments=segments,
        outputs=_outputs(document),
    )
    _check_whole(granted)
    return granted


def _check_whole(granted: GrantedRequest) -> None:
    """What several fields must be together."""
    if not REQUEST_ID.match(granted.request_id):
        raise DocumentRefused("request", "a request number such as 20260101-1")
    if granted.decision.outcome not in ("granted", "partly"):
        raise DocumentRefused("decision.outcome", "granted or partly")
    numbers = {camera.number for camera in granted.cameras}
    names = {camera.name for camera in granted.cameras}
    if not granted.cameras or len(numbers) != len(granted.cameras) or len(names) != len(granted.cameras):
        raise DocumentRefused("cameras", "different cameras, at least one")
    if not {segment.camera_number for segment in granted.segments} <= numbers:
        raise DocumentRefused("segments", "segments of the granted cameras only")
    if not granted.segments or len({segment.segment_uid for segment in granted.segments}) != len(granted.segments):
        raise DocumentRefused("segments", "different segments, at least one")


def _camera(camera: StrictDocument) -> GrantedCamera:
    name = _line(camera, "name")
    if not CAMERA_NAME.match(name):
        raise DocumentRefused("name", "the name of a camera")
    return GrantedCamera(name, camera.integer("number", 1, (1 << 32) - 1), _line(camera, "place"))


def _segment(segment: StrictDocument) -> GrantedSegment:
    return GrantedSegment(
        segment.integer("camera_number", 1, (1 << 32) - 1),
        segment.octets("segment_uid", _UID_BYTES),
        segment.integer("sequence", 0, UTC_MS_MOST),
        segment.octets("header_digest", _DIGEST_BYTES),
        segment.integer("threshold", 2, 16),
        segment.octets("custodian_set_id", _UID_BYTES) if segment.has("custodian_set_id") else b"",
    )


def _each(
    document: StrictDocument,
    name: str,
    most: int,
    names: frozenset[str],
    read: Callable[[StrictDocument], Item],
    optional: frozenset[str] = frozenset(),
) -> tuple[Item, ...]:
    found: list[Item] = []
    for number, value in enumerate(document.items(name, most)):
        try:
            allowed = names | (optional & value.keys()) if isinstance(value, dict) else names
            found.append(read(StrictDocument(value, allowed)))
        except DocumentRefused as refusal:
            raise DocumentRefused(f"{name}[{number}].{refusal.field}", refusal.expected) from None
    return tuple(found)


def _outputs(document: StrictDocument) -> tuple[str, ...]:
    """Return the outputs where they are limited: at least one, each a line, none twice."""
    if not document.has("outputs"):
        return ()
    found = document.items("outputs", OUTPUTS_MOST)
    if not found or not all(text and one_line(text) for text in found) or len(set(found)) != len(found):
        raise DocumentRefused("outputs", f"1 to {OUTPUTS_MOST} different outputs")
    return tuple(found)


def _line(document: StrictDocument, name: str) -> str:
    text = document.value(name)
    if not one_line(text):
        raise DocumentRefused(name, f"one line of at most {TEXT_MOST} visible characters")
    return str(text)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
