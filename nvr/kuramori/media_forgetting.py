"""Forgetting, and what a medium that leaves for good adds to it: which holds are on it, and the end of its keys (K6).

This module must not know how a volume is taken out of use, or who orders it.
"""

from collections.abc import Collection

from kuramori.forgetting import Forgetting
from kuramori.lost_medium import LostMedium
from kuramori.messages import EraseRequest, ErasureCause
from kuramori.out_of_reach import living_epochs, require_reach
from kuramori_segments.header import SegmentHeader
from kuramori_segments.ledger_records import ErasureReceipt as LedgerReceipt
from kuramori_segments.volume import Volume


class MediaForgetting(Forgetting):
    """Retention, holds and erasures of one recorder, whole media included."""

    def held_on(self, volume: Volume) -> int:
        """Blocking: return how many segments on a volume are named by holds in force."""
        named = {
            (id(item.volume), item.slot) for hold in self._in_force(self._moment()) for item in self._named_by(hold)
        }
        return sum(place == id(volume) for place, _ in named)

    async def destroy_lost(
        self, order: EraseRequest, lost: LostMedium, in_use: Collection[bytes]
    ) -> LedgerReceipt | None:
        """Destroy the keys of all that is on a volume that left the shelf; None where there was none.

        The same order again returns its first receipt. Raises KeystoreFault, LedgerFault; OutOfReach where another
        volume does not answer, whose segments of the same hours must live on.
        """
        async with self._one_at_a_time:
            return await self._recorder.books.call(self._destroy_lost, order, lost, in_use)

    def _destroy_lost(self, order: EraseRequest, lost: LostMedium, in_use: Collection[bytes]) -> LedgerReceipt | None:
        known = self._vault.ledger.erasure(order.erasure_id)
        if known is not None:
            return known
        keystore, now = self._vault.keystore, self._moment()
        self._renew_holds(now)
        doomed = lost.doomed(
            keystore,
            self._vault.volumes,
            self._headers,
            holds=self._holds_in_force(now),
            in_use=in_use,
            retention_ms=self._rules().of,
            now_utc_ms=now.utc_ms,
            keep_id=bytes.fromhex(order.erasure_id),
        )
        if not doomed.epoch_ids and not doomed.dropped_holds:
            return None
        keystore.keep_segment_keys(list(doomed.keeps))
        for hold_id in doomed.dropped_holds:
            keystore.drop_hold(hold_id)
        return self._rotate(doomed.epoch_ids, now, ErasureCause.REQUEST, order)

    def _headers(self, camera_number: int, from_utc_ms: int, to_utc_ms: int) -> list[SegmentHeader]:
        """Return the headers of what stays. Raises OutOfReach."""
        epochs, kept = self._vault.keystore.epochs(), self._vault.keystore.kept()
        look = self.ring.look(camera_number, from_utc_ms, to_utc_ms)
        require_reach(self._vault.shelf, look.unread, living_epochs(epochs, kept))
        return [item.header for item in look.found]
