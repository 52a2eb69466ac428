"""Handing on as it travels between desk and custodian: what is to be handed on, and what was made of it.

Pages of at most PAGE_SEGMENTS. `seal_page` is the custodian's side, on the own machine: it believes the chain of
signed changes and nothing else, opens the own share of each segment and seals its pieces to the new custodians; no
key is put together and no picture is opened. Imports nothing that exists on Linux only; must not know sockets or files.
"""

from dataclasses import dataclass

from kuramori.desk.handed_segment import source_binding
from kuramori.wire import WireBytes
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import ShareBinding, share_of, unseal
from kuramori_segments.hand_on import Contribution, HandOnBinding, hand_on, require_number, take_over
from kuramori_segments.key_faults import ChainBroken, ChangeOfAnotherSet, SealNotOurs
from kuramori_segments.set_change import SetChain, read_chain
from kuramori_segments.shamir import Share

PAGE_SEGMENTS = 2048


@dataclass(frozen=True, slots=True)
class HandedPiece:
    """A piece that an older custodian sealed to this one."""

    number: int  # of the older custodian's share
    piece: WireBytes


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One segment to be handed on. `sealed`: the own share in its header; else `pieces` that were handed on before."""

    segment_uid: WireBytes
    camera_number: int
    epoch_id: WireBytes
    sequence: int
    start_utc_ms: int
    header_set_id: WireBytes
    header_k: int
    header_n: int
    holder_set_id: WireBytes  # who hold it now: the set that hands on
    sealed: WireBytes = b""
    from_set_id: WireBytes = b""
    pieces: tuple[HandedPiece, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkHead:
    """For whom a file of work is, and what everything in it rests on. `chain`: bytes of the chain of sets."""

    recorder_id: WireBytes
    site: str
    custodian_id: WireBytes
    to_set_id: WireBytes
    chain: WireBytes


@dataclass(frozen=True, slots=True)
class WorkPage:
    """Rows of a file, in the order of camera number and sequence."""

    rows: tuple[WorkRow, ...]


@dataclass(frozen=True, slots=True)
class HandedRow:
    """What a custodian hands on of one segment."""

    segment_uid: WireBytes
    from_set_id: WireBytes
    number: int
    pieces: WireBytes
    signature: WireBytes

    @property
    def contribution(self) -> Contribution:
        """Return it as the vault knows it."""
        return Contribution(self.number, self.pieces, self.signature)


@dataclass(frozen=True, slots=True)
class HandedPage:
    """What a custodian made of one page."""

    custodian_id: WireBytes
    to_set_id: WireBytes
    rows: tuple[HandedRow, ...]


@dataclass(frozen=True, slots=True)
class HandOnPlan:
    """What a custodian agrees to: from which sets, to which. Shown before anything is opened."""

    head: WorkHead
    chain: SetChain
    custodians: CustodianSet  # the new set


def plan_of(head: WorkHead) -> HandOnPlan:
    """Check a file's head. Raises KeyFault: the chain does not hold, or the set is not its newest."""
    chain = read_chain(head.chain)
    if chain.current.set_id != head.to_set_id or not chain.changes:
        raise ChangeOfAnotherSet
    if chain.changes[-1].recorder_id != head.recorder_id:
        raise ChangeOfAnotherSet
    return HandOnPlan(head, chain, chain.current)


def seal_page(plan: HandOnPlan, page: WorkPage, key: CustodianKey) -> HandedPage:
    """Hand a page on with the custodian's key. Raises KeyFault."""
    mine = key.custodian_id
    if plan.head.custodian_id != mine:
        raise SealNotOurs("share")
    rows = tuple(_handed(plan, row, key, mine) for row in page.rows)
    return HandedPage(mine, plan.head.to_set_id, rows)


def _handed(plan: HandOnPlan, row: WorkRow, key: CustodianKey, mine: bytes) -> HandedRow:
    chain = plan.chain
    holder = chain.set_of(row.holder_set_id)
    if holder is None or chain.position(row.holder_set_id) >= len(chain.changes):
        raise ChainBroken(0)
    header = ShareBinding(
        plan.head.recorder_id,
        row.camera_number,
        row.epoch_id,
        row.sequence,
        row.start_utc_ms,
        row.header_set_id,
        row.header_k,
        row.header_n,
        row.segment_uid,
    )
    number = require_number(holder, mine)
    source = source_binding(header, holder)
    if row.sealed:
        if row.header_set_id != holder.set_id or (row.header_k, row.header_n) != (holder.k, holder.n):
            raise ChainBroken(0)
        share = share_of(unseal(row.sealed, key.opening_private, source.share_info(number), "share"))
    else:
        share = _taken_over(chain, row, header, holder, number, key)
    if share.x != number:
        raise SealNotOurs("share")
    made = hand_on(share, plan.custodians, source, key)
    return HandedRow(row.segment_uid, holder.set_id, made.number, made.pieces, made.signature)


def _taken_over(
    chain: SetChain, row: WorkRow, header: ShareBinding, holder: CustodianSet, number: int, key: CustodianKey
) -> Share:
    giver = chain.set_of(row.from_set_id)
    if giver is None:
        raise ChainBroken(0)
    binding = HandOnBinding.to(holder, source_binding(header, giver))
    pieces = {piece.number: piece.piece for piece in row.pieces}
    return take_over(pieces, binding, number, key.opening_private)
