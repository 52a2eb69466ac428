"""Custodians at the desk: what is handed to their client, and what makes their approval count.

Nothing is taken on trust from either side: the package proves itself to the client, the approval proves itself
here. Must not know HTTP; never sees an opened share.
"""

import asyncio
import hashlib
from collections.abc import Callable

from kuramori import log
from kuramori.desk.approval import check_approval, claimed_custodian, key_revoked
from kuramori.desk.approval_store import ApprovalStore, StoredApproval
from kuramori.desk.attempt_steps import ApprovalTurnedDown
from kuramori.desk.fault import ApprovalRefused, RecordingErased, RequestUnknown, SegmentChanged, TransitionRefused
from kuramori.desk.granted import GrantedRequest
from kuramori.desk.handed_segment import HandedSegment
from kuramori.desk.handing_on import HandingOn
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.package import DecidedProof, Package
from kuramori.desk.person_name import person_key
from kuramori.desk.recorder import Recorder, asking
from kuramori.desk.request import (
    APPROVAL_DAYS,
    APPROVAL_LIFETIME_MS,
    STATE_NAMES_JAPANESE,
    Request,
    require_openable,
)
from kuramori.desk.steps import Approved
from kuramori.timebase import Clock
from kuramori_segments.custodian_card import CustodianCard
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.set_change import SetChain


class Approving:
    """Packages out, approvals in, shares to the handler."""

    def __init__(
        self,
        *,
        journal: Journal,
        recorder: Recorder,
        store: ApprovalStore,
        cards: Callable[[], tuple[CustodianCard, ...]],
        chain: Callable[[], SetChain],
        handing_on: HandingOn,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._recorder = recorder
        self._store = store
        self._cards = cards  # of everybody on duty
        self._chain = chain
        self._handing_on = handing_on
        self._clock = clock

    async def package(self, request_id: str, custodian_id: bytes) -> Package:
        """Return what a custodian's client needs to judge and approve a granted request. Raises DeskFault."""
        if custodian_id in self._chain().lost:
            raise key_revoked()
        if all(card.custodian_id != custodian_id for card in self._cards()):
            raise ApprovalRefused(
                "stranger",
                "This key is not a custodian's of this recorder.",
                "この録画機の鍵管理者の鍵ではありません。",
            )
        request = self._journal.request(request_id)
        wanted = {
            segment.segment_uid: segment.custodian_set_id
            for segment in _granted(request).segments
            if segment.custodian_set_id
        }
        handed = await asyncio.to_thread(self._handing_on.handed, tuple(wanted), wanted)
        return await self._package(request, handed)

    async def package_for_recovery(self, request_id: str) -> Package:
        """Return the same for the recovery key, with whatever was handed on. Raises DeskFault."""
        request = self._journal.request(request_id)
        uids = tuple(segment.segment_uid for segment in _granted(request).segments)
        return await self._package(request, await asyncio.to_thread(self._handing_on.handed, uids))

    async def _package(self, request: Request, handed: tuple[HandedSegment, ...]) -> Package:
        granted = _granted(request)
        chain = self._chain()
        headers = tuple((await self._headers(request)).values())
        decided_at = self._journal.decided_at[request.request_id]
        proof, checkpoint = await asyncio.to_thread(self._entry_proof, decided_at)
        shown = chain.to_bytes() if handed or chain.changes else b""
        return Package(granted.to_bytes(), request.granted_signature, proof, headers, checkpoint, shown, handed)

    async def _headers(self, request: Request) -> dict[bytes, bytes]:
        """Return the header of each granted segment, by its uid, as it lies on disk now. Raises DeskFault."""
        granted, headers = _granted(request), dict[bytes, bytes]()
        for camera in granted.cameras:
            async with asking(camera.name):
                plan = await self._recorder.plan_extraction(camera.name, granted.from_utc_ms, granted.to_utc_ms)
            there = {extent.segment_uid: extent.header for extent in plan.segments}
            for segment in granted.segments:
                if segment.camera_number != camera.number:
                    continue
                header = there.get(segment.segment_uid)
                if header is None:
                    raise RecordingErased(camera.name)
                if header_digest(header) != segment.header_digest:
                    raise SegmentChanged(camera.name)
                headers[segment.segment_uid] = header
        return headers

    async def approve(self, request_id: str, document: bytes, signature: bytes, caller: Actor) -> Request:
        """Take an approval: check it, keep it, register it, count it; or register the refusal. Raises DeskFault.

        `caller` hands it in; who approves is proven by the signature.
        """
        request = self._journal.request(request_id)
        try:
            await self._take(request, document, signature, caller)
        except (ApprovalRefused, TransitionRefused) as refused:
            await self._turn_down(request_id, document, refused, caller)
            raise
        return self._journal.request(request_id)

    async def _take(self, request: Request, document: bytes, signature: bytes, caller: Actor) -> None:
        granted = _granted(request)
        approval, card = check_approval(document, signature, granted, self._cards(), self._chain().lost)
        now, number = self._clock.utc_ms(), request.request_id
        if now - approval.utc_ms > APPROVAL_LIFETIME_MS:
            raise ApprovalRefused(
                "expired",
                f"This approval was signed more than {APPROVAL_DAYS} days ago: approve request {number} anew.",
                f"署名から{APPROVAL_DAYS}日を過ぎた承認です。請求 {number} を改めて承認してください。",
            )
        uids = tuple(share.segment_uid for share in approval.shares)
        _refuse_twice(request, card, uids)
        await self._require_shares(request, card, uids)
        step = Approved(card.custodian_id, card.name, card.title, granted.digest, uids, signature)
        stored = StoredApproval(card.custodian_id, document, signature)
        await asyncio.to_thread(self._store.put, number, granted.digest, stored, now)
        actor = Actor(card.name, f"custodian's signature; {caller.identified_by}")
        await self._journal.write(step, actor, now, number)

    async def _require_shares(self, request: Request, card: CustodianCard, uids: tuple[bytes, ...]) -> None:
        """What is named has to be sealed to this custodian: in its header, or where it was handed on to a later set."""
        wanted, chain = set(uids), self._chain()
        handed = {one.segment_uid: chain.set_of(one.custodian_set_id) for one in _granted(request).segments}
        for uid, block in (await self._headers(request)).items():
            if uid not in wanted:
                continue
            later, sealed = handed[uid], SegmentHeader.unpack(block).shares
            holders = [share.custodian_id for share in sealed]
            if later is not None:
                holders = [one.custodian_id for one in later.custodians]
            if card.custodian_id not in holders:
                raise ApprovalRefused(
                    "segments",
                    f"{card.name} holds no share of some segments that this approval names.",
                    f"{card.name} が分散鍵を持たないセグメントが承認に含まれています。",
                )

    async def _turn_down(
        self, request_id: str, document: bytes, refused: ApprovalRefused | TransitionRefused, caller: Actor
    ) -> None:
        """Register the attempt, up to a number that no stranger can pass."""
        reason = refused.reason if isinstance(refused, ApprovalRefused) else refused.code
        log.get().warning("approval_refused", request=request_id, reason=reason)
        left = self._journal.attempts.left(request_id)
        if left == 0:
            return
        step = ApprovalTurnedDown(reason, claimed_custodian(document), hashlib.sha256(document).digest(), left == 1)
        await self._journal.write(step, caller, self._clock.utc_ms(), request_id)

    async def shares(self, request_id: str, actor: Actor) -> tuple[bytes, bytes, list[StoredApproval]]:
        """Return the granted request, its signature and the approvals that count, for the handler who filed it."""
        request = self._journal.request(request_id)
        require_openable(request, actor.person, self._clock.utc_ms())
        granted = _granted(request)
        counted = {approval.custodian_id for approval in request.approvals}
        kept = await asyncio.to_thread(self._store.of_request, request_id, granted.digest)
        counting = [approval for approval in kept if approval.custodian_id in counted]
        return granted.to_bytes(), request.granted_signature, counting

    async def approval_proof(self, request_id: str, custodian_id: bytes) -> tuple[DecidedProof, str]:
        """Return the entry of a custodian's newest approval, and the checkpoint that it is proven under.

        So the client knows a register from then on that holds the approval. Raises DeskFault.
        """
        self._journal.request(request_id)
        index = self._journal.approved_at.get((request_id, custodian_id))
        if index is None:
            raise RequestUnknown(request_id)
        return await asyncio.to_thread(self._entry_proof, index)

    def _entry_proof(self, index: int) -> tuple[DecidedProof, str]:
        """Return an entry, proven under the present checkpoint."""
        register = self._journal.register
        size, note = register.head
        (found,) = register.records(index, 1)
        if found.salt is None or found.body is None:
            raise ApprovalRefused(
                "not-registered", "The register no longer holds this decision.", "決裁の記録が残っていません。"
            )
        path = tuple(register.inclusion_proof(index, size))
        return DecidedProof(found.entry_bytes, found.salt, found.body, path), note


def _refuse_twice(request: Request, card: CustodianCard, uids: tuple[bytes, ...]) -> None:
    """One person approves once, also with two keys: the second one counts for what the first cannot open only."""
    for done in request.approvals:
        same_key = card.custodian_id == done.custodian_id
        if same_key or (person_key(card.name) == person_key(done.name) and not done.segment_uids.isdisjoint(uids)):
            raise ApprovalRefused(
                "twice",
                f"{card.name} has approved request {request.request_id} already.",
                f"{card.name} は請求 {request.request_id} を既に承認しています。",
            )


def _granted(request: Request) -> GrantedRequest:
    if request.granted is None:
        raise TransitionRefused(
            request.request_id,
            request.state.value,
            STATE_NAMES_JAPANESE[request.state],
            "package",
            "it has not been granted.",
            "許可されていません。",
        )
    return request.granted
