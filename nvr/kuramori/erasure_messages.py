"""What is asked and answered about erasures: the fate of a camera's minutes, with the signed receipts that prove it.

Values only, as in `messages`. This module must not know sockets, keys or the ledger.
"""

from dataclasses import dataclass

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
