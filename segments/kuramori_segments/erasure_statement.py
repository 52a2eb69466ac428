"""What the device key signs when keys were destroyed: one erasure receipt as canonical JSON, and its check.

Whoever has a receipt, its signature and the recorder's certificate can tell, with this and nothing else, that this
recorder stated it: when, by which rule, in which cell and tier, which keys of which camera and time are gone, and which
of these hours' segments live on. It states what the recorder did; that a root is gone from a chip or a medium is as
true as the recorder and its tier are. This module must not know keys, cells or the ledger.
"""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori_segments import es256
from kuramori_segments.canonical_json import canonical
from kuramori_segments.ledger_records import ErasureReceipt, KeySpan
from kuramori_segments.strict_document import to_base64

KIND = "erasure receipt"
VERSION = 1
LABEL = b"kuramori/v1/erasure-receipt\0"


def receipt_document(recorder_id: bytes, receipt: ErasureReceipt, names: Mapping[int, str]) -> dict[str, Any]:
    """Return what is signed, as JSON values; `names` of the cameras by number."""
    return {
        "kuramori": KIND,
        "version": VERSION,
        "recorder_id": to_base64(recorder_id),
        "number": receipt.erasure_number,
        "erased_utc_ms": receipt.erased_utc_ms,
        "rule": receipt.rule,
        "tier": receipt.tier,
        "cell": receipt.cell,
        "erasure_id": receipt.erasure_id,
        "person": receipt.person,
        "reason": receipt.reason,
        "cameras": [
            {
                "camera": names.get(part.camera_number, ""),
                "camera_number": part.camera_number,
                "epochs": [_span(span) for span in part.epochs],
                "segments": [_span(span) for span in part.segments],
                "kept": [_span(span) for span in part.kept],
            }
            for part in receipt.erased
        ],
    }


def _span(span: KeySpan) -> dict[str, Any]:
    return {"id": to_base64(span.key_id), "from_utc_ms": span.from_utc_ms, "to_utc_ms": span.to_utc_ms}


def statement(document: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed. Raises JsonRefused."""
    return LABEL + canonical(dict(document))


def is_stated_by(key: ec.EllipticCurvePublicKey, document: Mapping[str, Any], signature: bytes) -> bool:
    """Tell whether the recorder of this device key signed exactly this receipt. Raises JsonRefused."""
    return es256.verify(key, signature, statement(document))
