"""Checks a proof of erasure from a file: each receipt's signature, and that the proof claims no more than they do.

Trusts nothing but the recorder's certificate. Must not know the recorder, the desk or the terminal.
"""

import base64
import binascii
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.texts import tr
from kuramori_segments.canonical_json import JsonRefused, parse_strict
from kuramori_segments.erasure_proof import Fate
from kuramori_segments.erasure_statement import KIND, VERSION, is_stated_by
from kuramori_segments.time_ranges import joined, without

MAX_PROOF_BYTES = 64 * 1024 * 1024


class ProofRefused(Exception):
    """The file proves nothing, and why."""

    def __init__(self, english: str, japanese: str) -> None:
        super().__init__(tr(f"This proves nothing: {english}", f"証明になりません: {japanese}"))


def certificate_key(path: Path) -> ec.EllipticCurvePublicKey:
    """Return the key of a certificate (PEM). Raises ProofRefused, OSError."""
    try:
        key = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
    except ValueError:
        raise ProofRefused(f"{path} is no certificate", f"{path} は証明書ではありません") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ProofRefused(f"{path} has no P-256 key", f"{path} は P-256 の鍵ではありません")
    return key


def check_proof(data: bytes, key: ec.EllipticCurvePublicKey) -> int:
    """Return how many receipts were checked. Raises ProofRefused."""
    try:
        proof = parse_strict(data, limit_bytes=MAX_PROOF_BYTES)
        recorder_id, number = str(proof["recorder_id"]), int(proof["camera_number"])
        gone = {int(one["number"]): _destroyed(one, key, recorder_id, number) for one in proof["receipts"]}
        claimed = [span for span in proof["spans"] if span["fate"] == Fate.DESTROYED.value]
        for span in claimed:
            when, rule, tier, ranges = gone[int(span["receipt"])]
            if (when, rule, tier) != (span["erased_utc_ms"], span["rule"], span["tier"]):
                raise ProofRefused("a receipt says something else", "受領証の内容と一致しません")
            if without([(span["from_utc_ms"], span["to_utc_ms"])], ranges):
                raise ProofRefused("more is claimed than the receipts say", "受領証にない消去が含まれています")
    except (JsonRefused, KeyError, TypeError, ValueError, binascii.Error) as fault:
        raise ProofRefused(f"it cannot be read ({fault})", f"読み取れません（{fault}）") from None
    return len(gone)


def _destroyed(
    one: dict[str, Any], key: ec.EllipticCurvePublicKey, recorder_id: str, number: int
) -> tuple[int, str, str, tuple[tuple[int, int], ...]]:
    """Return when, by which rule, how strongly, and what of the camera one signed receipt destroyed."""
    document = parse_strict(str(one["document"]).encode(), limit_bytes=MAX_PROOF_BYTES)
    signature = base64.b64decode(one["signature"], validate=True)
    if document["kuramori"] != KIND or document["version"] != VERSION or document["recorder_id"] != recorder_id:
        raise ProofRefused("a receipt is not this recorder's", "受領証がこの録画機のものではありません")
    if document["number"] != one["number"] or not is_stated_by(key, document, signature):
        raise ProofRefused("a signature is not this recorder's", "署名がこの録画機のものではありません")
    mine = [part for part in document["cameras"] if part["camera_number"] == number]
    ids = [span for part in mine for span in (*part["epochs"], *part["segments"])]
    kept = [span for part in mine for span in part["kept"]]
    ranges = without(joined(map(_range, ids)), joined(map(_range, kept)))
    return document["erased_utc_ms"], document["rule"], document["tier"], ranges


def _range(span: dict[str, Any]) -> tuple[int, int]:
    return int(span["from_utc_ms"]), int(span["to_utc_ms"])
