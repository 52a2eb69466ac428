"""The test vectors open, or are refused, as they say: by our reader, and by a stranger's made from FORMAT.md alone."""

import ast
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kuramori_segments.cipher import segment_key
from kuramori_segments.damage import DamageKind
from kuramori_segments.device_key import verify_footer
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.nal_tree import NalTree
from kuramori_segments.record_stream import RawRecord
from kuramori_segments.segment_error import (
    ChunkForged,
    FooterMismatch,
    KeyCommitmentMismatch,
    RecordInvalid,
    SegmentDamaged,
    SegmentError,
    SignatureInvalid,
)
from kuramori_segments.segment_reader import SegmentReader
from kuramori_segments.segment_scan import ScanResult, scan
from tests.segments import stranger_reader, stranger_records
from tests.segments.make_vectors import make_vectors
from tests.segments.vector_drafts import VECTORS

INDEX = json.loads((VECTORS / "vectors.json").read_bytes())
BY_FILE = {vector["file"]: vector for vector in INDEX["vectors"]}
EVENTS: dict[type[SegmentError], str] = {
    KeyCommitmentMismatch: "wrong_keys",
    SegmentDamaged: "segment_damaged",
    ChunkForged: "chunk_forged",
    RecordInvalid: "record_refused",
    SignatureInvalid: "signature_invalid",
    FooterMismatch: "footer_mismatch",
}


def private_key(text: str) -> X25519PrivateKey:
    """Return an X25519 key from its hexadecimal bytes."""
    return X25519PrivateKey.from_private_bytes(bytes.fromhex(text))


CUSTODIANS = {number: private_key(text) for number, text in enumerate(INDEX["keys"]["custodians"], 1)}
RECOVERY = private_key(INDEX["keys"]["recovery"])
DEVICE_KEY_DER = bytes.fromhex(INDEX["keys"]["device_public_key"])


def content_of(vector: dict[str, Any]) -> bytes:
    """Return the vector's bytes."""
    return (VECTORS / vector["file"]).read_bytes()


def our_scan(vector: dict[str, Any]) -> ScanResult:
    """Scan a vector with our code."""
    content = content_of(vector)
    return scan(lambda offset, length: content[offset : offset + length], vector["slot_bytes"])


def digests(found: list[tuple[int, bytes]]) -> list[list[Any]]:
    """Return what `records` of a vector says."""
    return [[kind, sha256(payload).hexdigest()] for kind, payload in found]


@pytest.fixture(params=BY_FILE)
def vector(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One vector after the other."""
    chosen: dict[str, Any] = BY_FILE[request.param]
    return chosen


def test_the_generator_reproduces_every_vector_byte_for_byte() -> None:
    """What lies in segments/vectors is what make_vectors makes, no more and no less (custody has its own maker)."""
    made = make_vectors()
    made.files["vectors.json"] = made.index_file()
    stored = {path.name: path.read_bytes() for path in VECTORS.iterdir() if path.name != "custody.json"}
    assert stored == made.files


def test_the_scan_says_what_the_vector_says(vector: dict[str, Any]) -> None:
    """State, damage, counts, end and chain of the keyless scan are the expected ones."""
    result = our_scan(vector)
    assert (result.state.value, [item.kind.value for item in result.damage]) == (vector["state"], vector["damage"])
    if "chunks" in vector:
        assert result.tally is not None
        told = result.tally.chunks, result.tally.access_units, result.tally.end_bytes, result.tally.chain_digest.hex()
        assert told == tuple(vector[name] for name in ("chunks", "access_units", "end_bytes", "chain_digest"))


def our_records(vector: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
    """Open a vector with our reader, custodians 1 and 3; raise a SegmentError for what is refused."""
    content = content_of(vector)

    def read_at(offset: int, length: int) -> bytes:
        return content[offset : offset + length]

    result = our_scan(vector)
    header = result.header
    assert header is not None
    shown = stranger_reader.Header(content[:4096])
    dek = stranger_reader.dek_from_custodians(shown, {number: CUSTODIANS[number] for number in (1, 3)})
    k_seg = segment_key(bytes.fromhex(vector["epoch_key"]), header.segment_uid)
    reader = SegmentReader.open(read_at, dek, k_seg, extent_bytes=result.extent_bytes)
    raw: list[RawRecord] = list(reader.raw_records())
    tree = NalTree()
    footer: SegmentFooter | None = result.footer
    if footer is not None:
        public_key = load_der_public_key(DEVICE_KEY_DER)
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        verify_footer(footer, public_key)
    for item in result.damage:
        if item.kind is DamageKind.FOOTER_MISMATCH:
            raise FooterMismatch(item.detail)
    list(reader.verified_access_units(footer, tree))
    list(reader.records())
    yield from ((record.record_type, record.payload) for record in raw)


def our_outcome(vector: dict[str, Any]) -> tuple[str, list[list[Any]] | None]:
    """Return the event and, where it opens, the digests of the records, by our reader."""
    if our_scan(vector).header is None:
        return "header_refused", None
    try:
        return "yes", digests(list(our_records(vector)))
    except SegmentError as fault:
        return EVENTS[type(fault)], None
    except stranger_reader.Refused as fault:
        return fault.event, None


def test_our_reader_opens_or_refuses_as_the_vector_says(vector: dict[str, Any]) -> None:
    """Our reader gives exactly the expected records, or the expected refusal."""
    assert our_outcome(vector) == (vector["opens"], vector.get("records"))


def strangers_outcome(vector: dict[str, Any], dek_of: Any) -> tuple[str, list[list[Any]] | None]:
    """Return the same by the stranger's reader, for one way to the DEK."""
    epoch_key = bytes.fromhex(vector["epoch_key"])
    arguments = content_of(vector), vector["slot_bytes"], dek_of, epoch_key, DEVICE_KEY_DER
    try:
        return "yes", digests(stranger_reader.open_segment(*arguments))
    except stranger_reader.Refused as fault:
        return fault.event, None


def test_a_stranger_scans_and_opens_as_the_vector_says(vector: dict[str, Any]) -> None:
    """A reader written from FORMAT.md alone comes to the same state, damage, records and refusals."""
    content = content_of(vector)
    result = stranger_reader.Scan(content, vector["slot_bytes"])
    assert (result.state, result.damage) == (vector["state"], vector["damage"])
    if "chunks" in vector:
        told = result.run.chunks, result.run.units, result.run.end, result.run.chain.hex()
        assert told == tuple(vector[name] for name in ("chunks", "access_units", "end_bytes", "chain_digest"))

    def by_custodians(header: stranger_reader.Header) -> bytes:
        return stranger_reader.dek_from_custodians(header, {number: CUSTODIANS[number] for number in (2, 3)})

    def by_recovery(header: stranger_reader.Header) -> bytes:
        return stranger_reader.dek_from_recovery(header, RECOVERY)

    for dek_of in (by_custodians, by_recovery):
        assert strangers_outcome(vector, dek_of) == (vector["opens"], vector.get("records"))


def test_the_stranger_uses_none_of_our_code() -> None:
    """The stranger's reader imports the standard library, cryptography, crc32c and its own other file, nothing else."""
    sources = [ast.parse(Path(module.__file__).read_text()) for module in (stranger_reader, stranger_records)]
    imported = {
        name.removeprefix("tests.segments.").split(".")[0]
        for source in sources
        for node in ast.walk(source)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    allowed = {"ast", "base64", "collections", "dataclasses", "hashlib", "hmac", "json", "struct", "typing"}
    assert imported <= allowed | {"crc32c", "cryptography", "stranger_records"}


def test_every_kind_of_refusal_has_a_vector() -> None:
    """No event of section 12 is without an example."""
    assert {vector["opens"] for vector in INDEX["vectors"]} == {
        "yes",
        "header_refused",
        "shares_refused",
        *EVENTS.values(),
    }
