"""Break-glass at the desk: registered before the package is handed out, and loud until the key is replaced.

The recovery key counts as used from the moment its sheets are about to be typed. Must not know HTTP.
"""

import asyncio
from collections.abc import Callable, Sequence

from kuramori import log
from kuramori.desk.approval_store import ApprovalStore, StoredApproval
from kuramori.desk.approving import Approving
from kuramori.desk.custody_fault import CustodyRefused
from kuramori.desk.custody_steps import RecoveryBegun, RecoveryOpened
from kuramori.desk.fault import OwnRequest, RequestInvalid
from kuramori.desk.granted import one_line
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.package import Package
from kuramori.desk.presence import Act, Presence, require_waiting
from kuramori.desk.recovery_opening import check_recovery_opening
from kuramori.desk.request import Request, recovery_id
from kuramori.timebase import Clock
from kuramori_segments.custodian_set import CustodianSet


class Recovering:
    """From a granted request to keys that no custodian opened."""

    def __init__(
        self,
        *,
        journal: Journal,
        approving: Approving,
        store: ApprovalStore,
        presence: Presence,
        on_duty: Callable[[], tuple[CustodianSet, ...]],
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._approving = approving
        self._store = store
        self._presence = presence
        self._on_duty = on_duty
        self._clock = clock

    async def begin(
        self, request_id: str, recovery_key: bytes, reason: str, present: Sequence[str], actor: Actor
    ) -> Package:
        """Register that two are about to use the recovery key, then return what for. Raises DeskFault."""
        request = self._waiting(request_id, actor)
        if not reason or not one_line(reason):
            raise RequestInvalid("reason", "a reason in one line is needed.", "理由を1行で入力してください。")
        if recovery_key not in self._keys() or request.granted is None:
            raise CustodyRefused(
                "not-our-recovery-key",
                "This card is not of a recovery key that recordings here are sealed to.",
                "この復旧カードは、この録画機の記録に用いられている復旧鍵のものではありません。",
            )
        names = self._presence.use(request, Act.RECOVERY, actor, present)
        step = RecoveryBegun(recovery_key, request.granted.digest, reason, names)
        await self._journal.write(step, actor, self._clock.utc_ms(), request_id)
        log.get().error("recovery_key_used", request=request_id)
        return await self._approving.package_for_recovery(request_id)

    async def take(self, request_id: str, document: bytes, actor: Actor) -> Request:
        """Take what the recovery key opened: keep it, register it, count it. Raises DeskFault."""
        request = self._waiting(request_id, actor)
        granted = request.granted
        if granted is None:
            raise OwnRequest(request_id)
        opening = check_recovery_opening(document, granted, self._keys())
        uids = tuple(dek.segment_uid for dek in opening.deks)
        stored = StoredApproval(recovery_id(opening.recovery_key), document, b"")
        now = self._clock.utc_ms()
        await asyncio.to_thread(self._store.put, request_id, granted.digest, stored, now)
        step = RecoveryOpened(opening.recovery_key, granted.digest, uids)
        await self._journal.write(step, actor, now, request_id)
        return self._journal.request(request_id)

    def _waiting(self, request_id: str, actor: Actor) -> Request:
        """Return a granted request that still waits, of somebody else. Raises DeskFault."""
        request = self._journal.request(request_id)
        if actor.person == request.document.requester:
            raise OwnRequest(request_id)
        require_waiting(request)
        return request

    def _keys(self) -> tuple[bytes, ...]:
        """Of the set in use, and of earlier ones that are not released: after that replaced sheets are refused."""
        return tuple(custodians.recovery.opening_key for custodians in self._on_duty())
