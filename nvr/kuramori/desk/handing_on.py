"""Handing on at the desk: what each custodian has still to hand on, what came back, and who holds a segment now.

A segment is held by the set in its header until k of that set handed on to another; then by that one. Exactly the
first k contributions are kept: all new custodians must add up the same. Resumable at any moment: a page that was
brought twice changes nothing. Never sees an opened share. Must not know HTTP.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from kuramori.custody_messages import CustodySegment
from kuramori.desk.custody_fault import CustodyRefused, refused
from kuramori.desk.custody_steps import HandedOn, HandOnDiscarded
from kuramori.desk.custody_store import CustodyStore, Kept, Progress
from kuramori.desk.hand_on_work import PAGE_SEGMENTS, HandedPage, HandedPiece, HandedRow, WorkHead, WorkPage, WorkRow
from kuramori.desk.handed_segment import HandedSegment, source_binding
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.recorder import Recorder, asking
from kuramori.desk.site import Site
from kuramori.timebase import Clock
from kuramori_segments.custodian_card import ID_BYTES, CustodianCard
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import RESEALED_SHARE_BYTES, ShareBinding
from kuramori_segments.hand_on import HandOnBinding, check_contribution
from kuramori_segments.key_faults import KeyFault
from kuramori_segments.set_change import SetChain

_SHARE_STRIDE = ID_BYTES + RESEALED_SHARE_BYTES


@dataclass(slots=True)
class Remaining:
    """How many living segments each set holds, and how many of them a hold keeps; by set id."""

    segments: dict[bytes, int] = field(default_factory=dict)
    held: dict[bytes, int] = field(default_factory=dict)

    def of(self, set_id: bytes) -> tuple[int, int]:
        """Return both counts of a set."""
        return self.segments.get(set_id, 0), self.held.get(set_id, 0)


@dataclass(frozen=True, slots=True)
class Work:
    """A page of work, and where the next begins (camera number, sequence); None: that was the last."""

    head: WorkHead
    page: WorkPage
    after: tuple[int, int] | None


class HandingOn:
    """From earlier custodians to those in office."""

    def __init__(
        self,
        *,
        site: Site,
        journal: Journal,
        recorder: Recorder,
        store: CustodyStore,
        chain: Callable[[], SetChain],
        clock: Clock,
    ) -> None:
        self._site = site
        self._journal = journal
        self._recorder = recorder
        self._store = store
        self._chain = chain
        self._clock = clock

    # ---- who holds what ------------------------------------------------------------------------------------------

    def holders(self, uids: Sequence[bytes]) -> dict[bytes, CustodianSet]:
        """Blocking: return to which set each of these segments was handed on, as far as any was."""
        progress = self._store.progress(uids)
        return _holders(progress, self._chain()) if progress else {}

    def handed(self, uids: Iterable[bytes], wanted: dict[bytes, bytes] | None = None) -> tuple[HandedSegment, ...]:
        """Blocking: return what was handed on of segments, to the set named for each, else to the newest."""
        found = []
        uids = tuple(uids)
        newest = {uid: holder.set_id for uid, holder in self.holders(uids).items()}
        for uid in uids:
            to_set = (wanted or {}).get(uid) or newest.get(uid)
            kept = self._store.contributions(uid, to_set) if to_set else []
            if to_set and kept:
                parts = tuple(one.contribution for one in kept)
                found.append(HandedSegment(uid, kept[0].from_set, to_set, parts))
        return tuple(found)

    async def remaining(self) -> Remaining:
        """Count what each set holds, over all living segments; also forgets what is gone. Raises DeskFault."""
        chain = self._chain()
        holders = _holders(await asyncio.to_thread(self._store.progress), chain)
        found, alive = Remaining(), set[bytes]()
        async for segment in self._living():
            alive.add(segment.segment_uid)
            holder = holders.get(segment.segment_uid)
            set_id = holder.set_id if holder is not None else segment.custodian_set_id
            found.segments[set_id] = found.segments.get(set_id, 0) + 1
            found.held[set_id] = found.held.get(set_id, 0) + segment.held
        await asyncio.to_thread(self._store.forget_others, alive)
        return found

    async def _living(self) -> AsyncIterator[CustodySegment]:
        after, more = (0, 0), True
        while more:
            async with asking():
                page = await self._recorder.custody_segments(*after)
            for segment in page.segments:
                yield segment
            after, more = (page.after_camera_number, page.after_sequence), page.more

    # ---- work out ------------------------------------------------------------------------------------------------

    async def work(self, custodian_id: bytes, after: tuple[int, int]) -> Work:
        """Return the next page of what this custodian has to hand on to the set in use. Raises DeskFault."""
        chain = self._chain()
        head = WorkHead(self._site.recorder_id, self._site.name, custodian_id, chain.current.set_id, chain.to_bytes())
        async with asking():
            page = await self._recorder.custody_segments(*after)
        rows, noted = await asyncio.to_thread(self._rows, page.segments, custodian_id, chain)
        await asyncio.to_thread(self._store.note_segments, noted)
        behind = (page.after_camera_number, page.after_sequence)
        return Work(head, WorkPage(tuple(rows)), behind if page.more else None)

    def _rows(
        self, segments: Sequence[CustodySegment], custodian_id: bytes, chain: SetChain
    ) -> tuple[list[WorkRow], list[ShareBinding]]:
        uids = [segment.segment_uid for segment in segments]
        progress = self._store.progress(uids)
        holders = _holders(progress, chain)
        begun = {one.segment_uid: one for one in progress if one.to_set == chain.current.set_id}
        rows, noted = [], []
        for segment in segments:
            holder = holders.get(segment.segment_uid) or chain.set_of(segment.custodian_set_id)
            if holder is None or holder.set_id == chain.current.set_id:
                continue
            number, there = holder.share_number(custodian_id), begun.get(segment.segment_uid)
            if number is None or (there is not None and (number in there.numbers or len(there.numbers) >= holder.k)):
                continue
            rows.append(self._row(segment, holder, number))
            noted.append(_binding(segment, self._site.recorder_id))
        return rows, noted

    def _row(self, segment: CustodySegment, holder: CustodianSet, number: int) -> WorkRow:
        sealed, from_set, pieces = b"", b"", tuple[HandedPiece, ...]()
        if holder.set_id == segment.custodian_set_id:
            start = (number - 1) * _SHARE_STRIDE + ID_BYTES
            sealed = segment.shares[start : start + RESEALED_SHARE_BYTES]
        else:
            kept = self._store.contributions(segment.segment_uid, holder.set_id)
            from_set = kept[0].from_set
            pieces = tuple(HandedPiece(one.contribution.number, one.contribution.piece(number)) for one in kept)
        return WorkRow(
            segment.segment_uid,
            segment.camera_number,
            segment.epoch_id,
            segment.sequence,
            segment.start_utc_ms,
            segment.custodian_set_id,
            segment.k,
            segment.n,
            holder.set_id,
            sealed,
            from_set,
            pieces,
        )

    # ---- work back -----------------------------------------------------------------------------------------------

    async def take(self, page: HandedPage, actor: Actor) -> int:
        """Take what a custodian handed on: check, register, keep it; return how many are new. Raises DeskFault."""
        chain = self._chain()
        card = chain.card(page.custodian_id)
        if card is None or page.to_set_id != chain.current.set_id or len(page.rows) > PAGE_SEGMENTS:
            raise _not_now()
        new = await asyncio.to_thread(self._checked, page, chain, card)
        if new:
            step = HandedOn(card.custodian_id, card.name, page.to_set_id, len(new))
            await self._journal.write(step, actor, self._clock.utc_ms())
            await asyncio.to_thread(self._store.keep, new)
        return len(new)

    def _checked(self, page: HandedPage, chain: SetChain, card: CustodianCard) -> list[Kept]:
        """Return the contributions that are new and still needed. Raises CustodyRefused for any that is not right."""
        uids = list(dict.fromkeys(row.segment_uid for row in page.rows))
        if len(uids) != len(page.rows):
            raise _not_now()
        known, progress = self._store.segments(uids), self._store.progress(uids)
        begun = {one.segment_uid: one for one in progress if one.to_set == page.to_set_id}
        holders = _holders([one for one in progress if one.to_set != page.to_set_id], chain)
        new = []
        for row in page.rows:
            header = known.get(row.segment_uid)
            if header is None:
                continue  # its keys are destroyed meanwhile
            holder = holders.get(row.segment_uid) or chain.set_of(header.custodian_set_id)
            self._check(row, header, holder, chain, card)
            there = begun.get(row.segment_uid)
            needed = holder is not None and (there is None or len(there.numbers) < holder.k)
            if needed and (there is None or row.number not in there.numbers):
                new.append(Kept(row.segment_uid, page.to_set_id, row.from_set_id, row.contribution))
        return new

    def _check(
        self, row: HandedRow, header: ShareBinding, holder: CustodianSet | None, chain: SetChain, card: CustodianCard
    ) -> None:
        if holder is None or row.from_set_id != holder.set_id or holder.share_number(card.custodian_id) != row.number:
            raise _not_now()
        try:
            binding = HandOnBinding.to(chain.current, source_binding(header, holder))
            check_contribution(row.contribution, binding, card)
        except KeyFault as fault:
            raise refused(fault) from fault

    async def discard(self, name: str, reason: str, actor: Actor) -> int:
        """Throw away what one custodian handed on to the set in use, to be done anew. Raises DeskFault."""
        chain = self._chain()
        to_set = chain.current.set_id
        mine = [
            (custodians, number, card)
            for custodians in chain.sets[:-1]
            for number, card in enumerate(custodians.custodians, start=1)
            if name in (card.name, card.custodian_id.hex())
        ]
        if not mine:
            raise _not_now()
        card = mine[0][2]
        count = sum(1 for one in await asyncio.to_thread(self._store.progress) if _concerns(one, to_set, mine))
        step = HandOnDiscarded(card.custodian_id, card.name, to_set, count, reason)
        await self._journal.write(step, actor, self._clock.utc_ms())
        places = [(custodians.set_id, number) for custodians, number, _ in mine]
        return await asyncio.to_thread(self._store.discard, to_set, places)


def _concerns(one: Progress, to_set: bytes, mine: Sequence[tuple[CustodianSet, int, CustodianCard]]) -> bool:
    return one.to_set == to_set and any(
        one.from_set == custodians.set_id and number in one.numbers for custodians, number, _ in mine
    )


def _holders(progress: Iterable[Progress], chain: SetChain) -> dict[bytes, CustodianSet]:
    """Return the newest set that each segment was wholly handed on to."""
    found: dict[bytes, CustodianSet] = {}
    sets = {custodians.set_id: (place, custodians) for place, custodians in enumerate(chain.sets)}
    for one in progress:
        giver, receiver = sets.get(one.from_set), sets.get(one.to_set)
        if giver is None or receiver is None or len(one.numbers) != giver[1].k:
            continue
        known = found.get(one.segment_uid)
        if known is None or sets[known.set_id][0] < receiver[0]:
            found[one.segment_uid] = receiver[1]
    return found


def _binding(segment: CustodySegment, recorder_id: bytes) -> ShareBinding:
    return ShareBinding(
        recorder_id,
        segment.camera_number,
        segment.epoch_id,
        segment.sequence,
        segment.start_utc_ms,
        segment.custodian_set_id,
        segment.k,
        segment.n,
        segment.segment_uid,
    )


def _not_now() -> CustodyRefused:
    return CustodyRefused(
        "another-hand-on",
        "This was not handed on to the custodians now in office by one who holds it: export the work anew.",
        "現在の鍵管理者への引継ぎデータではありません。作業ファイルを改めて出力してください。",
    )
