"""Custodians come and go: proposed by the manager, signed by k in office, registered, and only then in effect.

Order of a change, each step durable before the next: proposal in `custody.db`; signatures there; register entry
*custody_changed*; the chain on disk; the recorder told. A stop in between is carried on by `catch_up`. Earlier sets
stay responsible for what is sealed to them until it was handed on and they are released. Must not know HTTP.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from kuramori import log
from kuramori.desk.custody_chain_file import ChainFile
from kuramori.desk.custody_fault import CustodyRefused, NotHandedOn, ProposalMissing, ProposalPending, refused
from kuramori.desk.custody_steps import CustodiansReleased, CustodyChanged, CustodyProposed, CustodyWithdrawn
from kuramori.desk.custody_store import CustodyStore
from kuramori.desk.fault import CustodiansUnusable, RecorderAway, RequestInvalid
from kuramori.desk.granted import one_line
from kuramori.desk.handing_on import HandingOn, Remaining
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.recorder import Recorder, asking
from kuramori.desk.request import RequestState
from kuramori.timebase import Clock
from kuramori_segments.custodian_card import CustodianCard, read_card
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.key_faults import CardRefused, ChangeRefused, SetRefused
from kuramori_segments.recovery_key import RecoveryCard, read_recovery_card
from kuramori_segments.set_change import SetChain, SetChange, check_change, read_change, with_signatures


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the manager wants to change; empty and None: as it is."""

    joining: tuple[bytes, ...] = ()  # cards
    leaving: tuple[str, ...] = ()  # names
    lost: tuple[str, ...] = ()  # names: the key is lost, so they leave too
    threshold: int | None = None
    recovery: bytes | None = None  # card
    reason: str = ""


class CustodyCare:
    """The custodian set of a recorder over the years."""

    def __init__(
        self,
        *,
        recorder_id: bytes,
        journal: Journal,
        recorder: Recorder,
        store: CustodyStore,
        chain_file: ChainFile,
        handing_on: HandingOn,
        clock: Clock,
    ) -> None:
        self._recorder_id = recorder_id
        self._journal = journal
        self._recorder = recorder
        self._store = store
        self._file = chain_file
        self._handing_on = handing_on
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    # ---- what is so ----------------------------------------------------------------------------------------------

    def chain(self) -> SetChain:
        """Return the chain of sets in effect. Raises CustodiansUnusable, also for a set that was exchanged."""
        chain = self._file.chain()
        known = self._journal.custody.set_id
        if known is not None and chain.set_of(known) is None:
            raise CustodiansUnusable("it is another set than the register names, and nobody signed the change")
        return chain

    def on_duty(self) -> tuple[CustodianSet, ...]:
        """Return the sets whose custodians have duties: the one in use, and earlier ones not yet released."""
        chain, released = self.chain(), self._journal.custody.released
        current = chain.current
        return (*(one for one in chain.sets if one.set_id not in released and one is not current), current)

    def cards(self) -> tuple[CustodianCard, ...]:
        """Return everybody on duty, the set in use last."""
        found = {card.custodian_id: card for custodians in self.on_duty() for card in custodians.custodians}
        return tuple(found.values())

    def proposal(self) -> SetChange:
        """Return the proposed change with its signatures so far. Raises ProposalMissing."""
        document = self._store.proposal()
        if document is None:
            raise ProposalMissing
        return read_change(document)

    # ---- a change ------------------------------------------------------------------------------------------------

    async def propose(self, wanted: Wanted, actor: Actor) -> SetChange:
        """Propose a change. Raises DeskFault."""
        async with self._one_at_a_time:
            chain = self.chain()
            if self._store.proposal() is not None:
                raise ProposalPending(len(chain.changes) + 1)
            change, joining = self._change(chain, wanted, actor)
            await self._refuse_stranding(chain, change)
            before = chain.current
            step = CustodyProposed(
                change.number,
                change.custodians.set_id,
                change.custodians.k,
                _people(change.custodians.custodians),
                _people(joining),
                _people(card for card in before.custodians if not _names(change.custodians, card)),
                tuple(wanted.lost),
                change.custodians.recovery.opening_key != before.recovery.opening_key,
                wanted.reason,
            )
            await self._journal.write(step, actor, self._clock.utc_ms())
            await asyncio.to_thread(self._store.propose, change.number, change.to_bytes())
            return change

    async def withdraw(self, reason: str, actor: Actor) -> None:
        """Take the proposal back. Raises DeskFault."""
        async with self._one_at_a_time:
            change = self.proposal()
            _require_reason(reason)
            await self._journal.write(CustodyWithdrawn(change.number, reason), actor, self._clock.utc_ms())
            await asyncio.to_thread(self._store.forget_proposal)

    async def sign(self, document: bytes, actor: Actor) -> SetChange:
        """Take signatures of the proposed change; with k of them it takes effect. Raises DeskFault."""
        async with self._one_at_a_time:
            chain, proposed = self.chain(), self.proposal()
            try:
                handed_in = read_change(document)
                if handed_in.statement() != proposed.statement():
                    raise CustodyRefused(
                        "another-change",
                        "This is not the change that is proposed now: have the present one signed.",
                        "提出された変更書は、現在提案中のものと異なります。現在の変更書に署名してください。",
                    )
                signed = with_signatures(chain, proposed, handed_in.signatures)
            except ChangeRefused as refusal:
                raise refused(refusal) from refusal
            await asyncio.to_thread(self._store.propose, signed.number, signed.to_bytes())
            if len(signed.signatures) >= chain.current.k:
                await self._adopt(chain, signed, actor)
            return signed

    async def catch_up(self) -> None:
        """Carry on what a stop interrupted; register the set that the recorder was set up with. Raises DeskFault."""
        async with self._one_at_a_time:
            chain, book = self._file.chain(), self._journal.custody
            document = self._store.proposal()
            if document is not None:
                signed = read_change(document)
                if signed.custodians.set_id == book.set_id:  # registered, perhaps not in effect
                    await self._take_effect(chain, signed)
                    return
                if signed.number == len(chain.changes) + 1 and len(signed.signatures) >= chain.current.k:
                    await self._adopt(chain, signed, None)
                    return
            if book.set_id is None:
                await self._journal.write(_changed(chain), None, self._clock.utc_ms())
            self.chain()

    async def _adopt(self, chain: SetChain, signed: SetChange, actor: Actor | None) -> None:
        await self._refuse_stranding(chain, signed)
        chain.followed_by(signed)  # checked again, before it is registered
        signers = {one.custodian_id for one in signed.signatures}
        by = _people(card for card in chain.current.custodians if card.custodian_id in signers)
        step = _changed(SetChain(chain.first, (*chain.changes, signed)), by)
        await self._journal.write(step, actor, self._clock.utc_ms())
        await self._take_effect(chain, signed)

    async def _take_effect(self, chain: SetChain, signed: SetChange) -> None:
        """Put the chain on disk and tell the recorder; both as often as it takes."""
        if chain.set_of(signed.custodians.set_id) is None:
            await asyncio.to_thread(self._file.write, chain.followed_by(signed))
        try:
            async with asking():
                in_use = await self._recorder.reload_custodians()
        except RecorderAway:
            log.get().warning("recorder_away", detail="it takes the new custodians at its start, or soon")
            return  # the proposal stays: `catch_up` asks again
        if in_use != signed.custodians.set_id:
            log.get().error("recorder_keeps_old_custodians")
            return
        await asyncio.to_thread(self._store.forget_proposal)

    # ---- the end of a set's duties -------------------------------------------------------------------------------

    async def release(self, actor: Actor) -> tuple[str, ...]:
        """Dismiss every earlier set, once nothing depends on it; return who has no duty any more. Raises DeskFault."""
        async with self._one_at_a_time:
            chain = self.chain()
            earlier = [one for one in self.on_duty() if one is not chain.current]
            if not earlier:
                return ()
            remaining = await self._handing_on.remaining()
            staying = {card.custodian_id for card in chain.current.custodians} - chain.lost
            for custodians in earlier:
                _require_openable(remaining, custodians, staying)
                self._refuse_waiting_requests(chain, custodians, staying)
            current = {card.custodian_id for card in chain.current.custodians}
            gone = {
                card.custodian_id: card
                for one in earlier
                for card in one.custodians
                if card.custodian_id not in current
            }
            names = _people(gone.values())
            step = CustodiansReleased(tuple(one.set_id for one in earlier), names)
            await self._journal.write(step, actor, self._clock.utc_ms())
            return names

    async def _refuse_stranding(self, chain: SetChain, change: SetChange) -> None:
        """A second change may not leave behind what only an earlier, unreleased set opens. Raises NotHandedOn."""
        earlier = [one for one in self.on_duty() if one is not chain.current]
        if not earlier:
            return
        remaining = await self._handing_on.remaining()
        lost = chain.lost | set(change.lost)
        staying = {card.custodian_id for card in change.custodians.custodians} - lost
        for custodians in earlier:
            _require_openable(remaining, custodians, staying)

    def _refuse_waiting_requests(self, chain: SetChain, custodians: CustodianSet, staying: set[bytes]) -> None:
        """A granted request that waits for approvals of people who leave. Raises CustodyRefused."""
        present = sum(card.custodian_id in staying for card in custodians.custodians)
        if present >= custodians.k:
            return
        for request in self._journal.requests.values():
            if request.state is not RequestState.GRANTED or request.granted is None:
                continue
            current = chain.current.set_id
            if any(segment.custodian_set_id != current for segment in request.granted.segments):
                raise CustodyRefused(
                    "request-waits",
                    f"Request {request.request_id} was granted before the hand-on and waits for approvals: have it "
                    "approved and opened first, or filed and decided anew.",
                    f"請求 {request.request_id} は引継ぎ前に決裁され、承認待ちです。先に承認・開封するか、"
                    "改めて請求・決裁してください。",
                )

    # ---- a proposed set ------------------------------------------------------------------------------------------

    def _change(self, chain: SetChain, wanted: Wanted, actor: Actor) -> tuple[SetChange, list[CustodianCard]]:
        _require_reason(wanted.reason)
        before = chain.current
        try:
            joining = [read_card(card) for card in wanted.joining]
            recovery: RecoveryCard = before.recovery
            if wanted.recovery is not None:
                recovery = read_recovery_card(wanted.recovery)
        except CardRefused as refusal:
            raise refused(refusal) from refusal
        leaving = [_one_called(before, name) for name in (*wanted.leaving, *wanted.lost)]
        lost = tuple(_one_called(before, name).custodian_id for name in wanted.lost)
        staying = [card for card in before.custodians if card not in leaving]
        try:
            custodians = CustodianSet.of(wanted.threshold or before.k, [*staying, *joining], recovery)
            custodians.require_valid(self._clock.utc_ms())
        except (SetRefused, CardRefused) as refusal:
            raise refused(refusal) from refusal
        change = SetChange(
            self._recorder_id,
            len(chain.changes) + 1,
            before.set_id,
            custodians,
            lost,
            actor.person,
            wanted.reason,
            self._clock.utc_ms(),
        )
        able = sum(card.custodian_id not in lost for card in before.custodians)
        if able < before.k:
            raise CustodyRefused(
                "too-many-lost",
                f"{able} custodians still have a key and {before.k} must sign the change: too many keys are lost.",
                f"鍵を持つ鍵管理者が {able} 名しかおらず、変更に必要な {before.k} 名の署名が得られません。",
            )
        try:
            check_change(change, chain)
        except ChangeRefused as refusal:
            raise CustodyRefused(
                "no-change",
                "This is the present set, or one that was left: a set is never taken up again as it was.",
                "現在又は過去の鍵管理者の組と同じです。同じ組を再び用いることはできません。",
            ) from refusal
        return change, joining


def _changed(chain: SetChain, signed_by: tuple[str, ...] = ()) -> CustodyChanged:
    current = chain.current
    return CustodyChanged(
        current.set_id,
        current.k,
        _people(current.custodians),
        len(chain.changes),
        tuple(card.custodian_id for card in current.custodians),
        signed_by,
        current.recovery.opening_key,
    )


def _require_openable(remaining: Remaining, custodians: CustodianSet, staying: set[bytes]) -> None:
    """Raises NotHandedOn where living segments are held by a set of which too few stay."""
    segments, held = remaining.of(custodians.set_id)
    present = sum(card.custodian_id in staying for card in custodians.custodians)
    if segments and present < custodians.k:
        raise NotHandedOn(segments, held, present, custodians.k)


def _one_called(custodians: CustodianSet, name: str) -> CustodianCard:
    found = [card for card in custodians.custodians if name in (card.name, card.custodian_id.hex())]
    if len(found) != 1:
        known = ", ".join(card.name for card in custodians.custodians)
        shown = name[:64] if one_line(name[:64]) else "?"
        raise RequestInvalid(
            "custodian",
            f"{shown} is not one custodian in office; they are: {known}.",
            f"{shown} は現在の鍵管理者として特定できません。現在の鍵管理者: {known}",
        )
    return found[0]


def _names(custodians: CustodianSet, card: CustodianCard) -> bool:
    return custodians.share_number(card.custodian_id) is not None


def _people(cards: Iterable[CustodianCard]) -> tuple[str, ...]:
    return tuple(f"{card.name} ({card.title})" for card in cards)


def _require_reason(reason: str) -> None:
    if not reason or not one_line(reason):
        raise RequestInvalid("reason", "a reason in one line is needed.", "理由を1行で入力してください。")
