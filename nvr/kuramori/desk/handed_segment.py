"""A segment that was handed on to a later custodian set, as it travels to a client: what opens it, and the proof.

`check_handed` trusts nobody: the chain of sets leads from the set in the segment's header to the set that holds it
now, and each contribution is signed by the custodian it names. Imports nothing that exists on Linux only; must not
know sockets or files.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import ShareBinding
from kuramori_segments.hand_on import Contribution, HandOnBinding, check_contribution
from kuramori_segments.header import SegmentHeader
from kuramori_segments.key_faults import ChainBroken, HandOnForged, SharesTooFew
from kuramori_segments.set_change import SetChain


@dataclass(frozen=True, slots=True)
class HandedSegment:
    """What k old custodians handed on of one segment."""

    segment_uid: bytes
    from_set: bytes
    to_set: bytes
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class Handed:
    """A handed-on segment, checked."""

    binding: HandOnBinding
    custodians: CustodianSet  # who hold it now
    contributions: tuple[Contribution, ...]

    def pieces(self, place: int) -> dict[int, bytes]:
        """Return the pieces for new custodian 1..n', or for the recovery key (0), by old share number."""
        return {one.number: one.piece(place) for one in self.contributions}


def source_binding(header: ShareBinding, custodians: CustodianSet) -> ShareBinding:
    """Return a segment's binding as a set holds it: its header's, or one that it was handed on to."""
    return replace(header, custodian_set_id=custodians.set_id, k=custodians.k, n=custodians.n)


def check_handed(found: HandedSegment, header: SegmentHeader, chain: SetChain) -> Handed:
    """Check what was handed on of a segment. Raises ChainBroken, HandOnForged, SharesTooFew."""
    giver, receiver = chain.set_of(found.from_set), chain.set_of(found.to_set)
    in_header = chain.position(header.custodian_set_id)
    if giver is None or receiver is None:
        raise ChainBroken(0)
    if not in_header <= chain.position(found.from_set) < chain.position(found.to_set):
        raise ChainBroken(0)
    binding = HandOnBinding.to(receiver, source_binding(ShareBinding.of(header), giver))
    numbers = {one.number for one in found.contributions}
    if len(numbers) != giver.k or len(found.contributions) != giver.k:
        raise SharesTooFew(len(numbers), giver.k)
    for one in found.contributions:
        if not 1 <= one.number <= giver.n:
            raise HandOnForged("?")
        check_contribution(one, binding, giver.custodians[one.number - 1])
    return Handed(binding, receiver, found.contributions)


def by_uid(found: Iterable[HandedSegment]) -> dict[bytes, HandedSegment]:
    """Return them by segment."""
    return {one.segment_uid: one for one in found}
