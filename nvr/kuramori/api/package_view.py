"""A custodian's package on the wire: shown by the desk, read by the client, which needs nothing else of the API.

Imports nothing that exists on Linux only; must not know HTTP.
"""

from dataclasses import dataclass

from kuramori.desk.handed_segment import HandedSegment
from kuramori.desk.package import DecidedProof, Package
from kuramori.wire import WireBytes
from kuramori_segments.hand_on import Contribution


@dataclass(frozen=True, slots=True)
class ContributionView:
    """What one earlier custodian handed on of a segment."""

    number: int
    pieces: WireBytes
    signature: WireBytes


@dataclass(frozen=True, slots=True)
class HandedView:
    """What was handed on of one segment (kuramori.desk.handed_segment)."""

    segment_uid: WireBytes
    from_set: WireBytes
    to_set: WireBytes
    contributions: tuple[ContributionView, ...]

    @classmethod
    def of(cls, one: HandedSegment) -> "HandedView":
        """Return the view of a handed-on segment."""
        parts = tuple(ContributionView(part.number, part.pieces, part.signature) for part in one.contributions)
        return cls(one.segment_uid, one.from_set, one.to_set, parts)

    def segment(self) -> HandedSegment:
        """Return the handed-on segment."""
        parts = tuple(Contribution(part.number, part.pieces, part.signature) for part in self.contributions)
        return HandedSegment(self.segment_uid, self.from_set, self.to_set, parts)


@dataclass(frozen=True, slots=True)
class EntryProofView:
    """An entry of the register with its body, and the proof that the checkpoint covers it."""

    entry: WireBytes
    salt: WireBytes
    body: WireBytes
    path: tuple[WireBytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class PackageView:
    """What a custodian's client judges (kuramori.desk.package)."""

    granted: WireBytes
    signature: WireBytes
    decided_entry: WireBytes
    decided_salt: WireBytes
    decided_body: WireBytes
    decided_path: tuple[WireBytes, ...]
    headers: tuple[WireBytes, ...]
    checkpoint: str
    chain: WireBytes = b""
    handed: tuple[HandedView, ...] = ()

    @classmethod
    def of(cls, found: Package) -> "PackageView":
        """Return the view of a package."""
        decided = found.decided
        return cls(
            found.granted,
            found.signature,
            decided.entry,
            decided.salt,
            decided.body,
            decided.path,
            found.headers,
            found.checkpoint,
            found.chain,
            tuple(HandedView.of(one) for one in found.handed),
        )

    def package(self) -> Package:
        """Return the package, as the client judges it."""
        proof = DecidedProof(self.decided_entry, self.decided_salt, self.decided_body, self.decided_path)
        handed = tuple(one.segment() for one in self.handed)
        return Package(self.granted, self.signature, proof, self.headers, self.checkpoint, self.chain, handed)
