"""What is asked and answered about erasures: orders, receipts, and the proven fate of a camera's minutes.

Values only, as in `messages`. This module must not know sockets, keys or the ledger.
"""

from dataclasses import dataclass
from enum import StrEnum

from kuramori.wire import WireBytes
from kuramori_segments.erasure_proof import Proven

PROOF_LIMIT_MS = 62 * 86_400_000


@dataclass(frozen=True, slots=True)
class ErasureProofRequest:
    """What became of these minutes of a camera? At most PROOF_LIMIT_MS."""

    camera: str
    from_utc_ms: int
    to_utc_ms: int


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt as it was signed: canonical JSON, and the device key's ES256 over it (erasure_statement)."""

    number: int
    document: str
    signature: WireBytes


@dataclass(frozen=True, slots=True)
class ErasureProof:
    """The fate of every moment, and the receipts that are named."""

    recorder_id: WireBytes
    camera: str
    camera_number: int
    from_utc_ms: int
    to_utc_ms: int
    utc_ms: int  # when this was said
    tier: str  # of the keystore now
    spans: tuple[Proven, ...]
    receipts: tuple[SignedReceipt, ...]


@dataclass(frozen=True, slots=True)
class OverdueRequest:
    """Whose time is over by a clock that is not trusted, so that it could not be destroyed?"""


@dataclass(frozen=True, slots=True)
class OverdueHours:
    """What is overdue of one camera; `to_utc_ms` is the latest that its last frame can be."""

    camera: str
    keys: int
    from_utc_ms: int
    to_utc_ms: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """All that is overdue, and the time that the recorder's clock shows."""

    utc_ms: int
    cameras: tuple[OverdueHours, ...]


@dataclass(frozen=True, slots=True)
class ConfirmTimeRequest:
    """k custodians vouch that it is later than a date: destroy what is over by it. Answered with an Erasure.

    `erasure_id` is the statement's id; the same again returns the first receipt.
    """

    erasure_id: str  # 32 hexadecimal digits
    confirmations: tuple[WireBytes, ...]  # kuramori_segments.time_statement
    person: str


@dataclass(frozen=True, slots=True)
class EraseRequest:
    """Destroy the keys of everything of this camera in this range now, held minutes excepted.

    The same `erasure_id` again returns the first receipt. Segments that lie in the range only in part go too: what is
    really erased stands in the receipt. The recorder cannot open a closed segment, and so cannot cut one.
    """

    erasure_id: str  # 32 hexadecimal digits, chosen by the desk
    camera: str
    from_utc_ms: int
    to_utc_ms: int
    person: str
    reason: str


class ErasureCause(StrEnum):
    """Why keys were destroyed."""

    RETENTION = "retention"
    REQUEST = "request"
    HOLD_ENDED = "hold_ended"


@dataclass(frozen=True, slots=True)
class ErasedRange:
    """A time that nothing opens any more."""

    from_utc_ms: int
    to_utc_ms: int


@dataclass(frozen=True, slots=True)
class ErasedKeys:
    """What one erasure destroyed of one camera."""

    camera: str
    keys: int  # epoch keys and kept segment keys
    from_utc_ms: int  # first frame that they opened
    to_utc_ms: int  # last frame
    ranges: tuple[ErasedRange, ...] = ()  # what is really gone of it: whole segments, what lives on left out


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt of one destruction of keys: the moment the old root was gone."""

    number: int  # counts up from 1 in the recorder, never reused
    erasure_id: str  # of the request, else empty
    utc_ms: int
    cause: ErasureCause
    tier: str  # "E0", "E2": how strong it is
    erased: tuple[ErasedKeys, ...]
    kept_for_holds: int  # segment keys that a hold keeps


@dataclass(frozen=True, slots=True)
class ErasuresRequest:
    """Which erasures happened after this number? At most 1000, oldest first."""

    after_number: int = 0


@dataclass(frozen=True, slots=True)
class Erasures:
    """The answer."""

    erasures: tuple[Erasure, ...]
