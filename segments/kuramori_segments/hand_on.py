"""Hands a segment on to another custodian set: shares of shares, so that the key itself is never put together.

Each of k old custodians splits the own share of the DEK for the new set (Desmedt and Jajodia 1997: redistribution by
Shamir's scheme) and seals each piece to one new custodian; `info` names the segment as the old set knew it, the old
share number, the new set and the new share number. A new custodian adds the k pieces up with the Lagrange weights of
the old share numbers: the sum is the own share of the same DEK. The old share goes whole to the new set's recovery
key. A contribution is signed by the old custodian. What a liar hands on shows when the segment is opened (the key
commitment), not before.

Every new custodian must add up the same k contributions: whoever keeps them keeps exactly k and no more. Nothing here
waits, reads a clock or touches a file, and it imports nothing that exists on Linux only. Layouts: KEYS.md section 9.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kuramori_segments import es256, shamir
from kuramori_segments.custodian_card import CustodianCard
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import RESEALED_SHARE_BYTES, ShareBinding, plain_of, seal, share_of, unseal
from kuramori_segments.key_faults import HandOnForged, NotACustodian, SealNotOurs, SharesTooFew
from kuramori_segments.shamir import Share

PIECE_LABEL = b"kuramori/v1/hand-on"
RECOVERY_PIECE_LABEL = b"kuramori/v1/hand-on-recovery"
SIGNATURE_LABEL = b"kuramori/v1/hand-on-signature\0"
PIECE_BYTES = RESEALED_SHARE_BYTES  # enc, x, y, tag
RECOVERY_PLACE = 0  # pieces: the recovery key's first, then those of the new custodians 1..n


@dataclass(frozen=True, slots=True)
class HandOnBinding:
    """One segment as the old set holds it, and the new set that it goes to."""

    source: ShareBinding  # names the old set, and its k and n
    set_id: bytes  # of the new set, 16 bytes
    k: int
    n: int

    @classmethod
    def to(cls, custodians: CustodianSet, source: ShareBinding) -> "HandOnBinding":
        """Return the binding for a new set."""
        return cls(source, custodians.set_id, custodians.k, custodians.n)

    def piece_info(self, old_number: int, new_number: int) -> bytes:
        """Return the HPKE info of the piece that old custodian 1..n seals to new custodian 1..n'."""
        return PIECE_LABEL + self._facts(old_number, new_number)

    def recovery_info(self, old_number: int) -> bytes:
        """Return the HPKE info of an old share that goes whole to the new recovery key."""
        return RECOVERY_PIECE_LABEL + self._facts(old_number, RECOVERY_PLACE)

    def statement(self, old_number: int, pieces: bytes) -> bytes:
        """Return what the old custodian signs."""
        return SIGNATURE_LABEL + self._facts(old_number, RECOVERY_PLACE) + pieces

    def _facts(self, old_number: int, new_number: int) -> bytes:
        return self.source.facts(old_number) + self.set_id + bytes((self.k, self.n, new_number))


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one old custodian hands on of one segment."""

    number: int  # the old share's
    pieces: bytes  # (1 + n') x 81: to the recovery key, then to the new custodians in order
    signature: bytes  # 64 bytes

    def piece(self, place: int) -> bytes:
        """Return the piece for new custodian 1..n', or for the recovery key (0)."""
        return self.pieces[place * PIECE_BYTES : (place + 1) * PIECE_BYTES]


def hand_on(share: Share, custodians: CustodianSet, source: ShareBinding, key: CustodianKey) -> Contribution:
    """Split an old custodian's opened share for a new set, seal the pieces, sign them. Raises SealNotOurs."""
    binding = HandOnBinding.to(custodians, source)
    whole = seal(plain_of(share), custodians.recovery.opening_key, binding.recovery_info(share.x))
    parts = shamir.split(share.y, custodians.k, custodians.n)
    sealed = (
        seal(plain_of(part), card.opening_key, binding.piece_info(share.x, part.x))
        for card, part in zip(custodians.custodians, parts, strict=True)
    )
    pieces = whole + b"".join(sealed)
    return Contribution(share.x, pieces, key.sign(binding.statement(share.x, pieces)))


def check_contribution(contribution: Contribution, binding: HandOnBinding, card: CustodianCard) -> None:
    """Check length and signature; what is inside only the receivers can see. Raises HandOnForged."""
    number, pieces = contribution.number, contribution.pieces
    if not 1 <= number <= binding.source.n or len(pieces) != (1 + binding.n) * PIECE_BYTES:
        raise HandOnForged(card.name)
    if not es256.verify(card.public_signing_key(), contribution.signature, binding.statement(number, pieces)):
        raise HandOnForged(card.name)


def take_over(pieces: Mapping[int, bytes], binding: HandOnBinding, new_number: int, opening_private: bytes) -> Share:
    """Return the new custodian's share of the DEK from the pieces of exactly k old ones, by old share number.

    Raises SealNotOurs, SharesTooFew.
    """
    opened = []
    for old_number, piece in sorted(pieces.items()):
        part = share_of(unseal(piece, opening_private, binding.piece_info(old_number, new_number), "piece"))
        if part.x != new_number:
            raise SealNotOurs("piece")
        opened.append(Share(old_number, part.y))
    return Share(new_number, shamir.combine(_exactly(opened, binding.source.k), binding.source.k))


def recover_handed_on(pieces: Mapping[int, bytes], binding: HandOnBinding, recovery_private: bytes) -> bytes:
    """Return the DEK with the recovery key of the new set (break-glass). Raises SealNotOurs, SharesTooFew."""
    opened = []
    for old_number, piece in sorted(pieces.items()):
        share = share_of(unseal(piece, recovery_private, binding.recovery_info(old_number), "recovery key"))
        if share.x != old_number:
            raise SealNotOurs("recovery key")
        opened.append(share)
    return shamir.combine(_exactly(opened, binding.source.k), binding.source.k)


def require_number(custodians: CustodianSet, custodian_id: bytes) -> int:
    """Return which share (1..n) a custodian of a set holds. Raises NotACustodian."""
    number = custodians.share_number(custodian_id)
    if number is None:
        raise NotACustodian(custodian_id)
    return number


def _exactly(shares: Sequence[Share], k: int) -> Sequence[Share]:
    """Pieces of more than k do not fit what others added up: they would give another share."""
    if len(shares) != k:
        raise SharesTooFew(len(shares), k)
    return shares
