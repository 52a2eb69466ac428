"""Destroys keys on time, keeps what a hold names, erases what a person orders; every erasure leaves a signed receipt.

The rules are the vault's (`retention`, `keystore`); here they meet the clock, the ring and the ledger. Erasing always
means: new root, old root destroyed, receipt in the ledger. This module must not know sockets or the desk.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from kuramori import log
from kuramori.capacity.hold_budget import HoldBook, refusal
from kuramori.capacity_messages import HoldBudget
from kuramori.clock_trust import clock_synchronised
from kuramori.erasure_receipts import ErasureReceipts
from kuramori.erasure_texts import erasure_problem, overdue_problem
from kuramori.filling.fill_book import ERASED_EVENT
from kuramori.forgetting_values import ForgettingFigures as ForgettingFigures
from kuramori.forgetting_values import FoundSegment as FoundSegment
from kuramori.forgetting_values import HoldRefused as HoldRefused
from kuramori.hold_keys import keys_for_hold
from kuramori.messages import EraseRequest, ErasureCause, Failure, FailureCode, PlaceHoldRequest
from kuramori.out_of_reach import living_epochs, require_nothing_away, require_reach
from kuramori.recorder import Recorder
from kuramori.ring_segments import RingLook, RingSegments, UnreadSegment
from kuramori_segments.key_records import Epoch, KeepRequest, Moment
from kuramori_segments.keystore_faults import KeystoreFault
from kuramori_segments.ledger_fault import LedgerFault
from kuramori_segments.ledger_records import ErasureReceipt as LedgerReceipt
from kuramori_segments.ledger_records import Hold
from kuramori_segments.reference_time import anchored, judged_utc_ms, next_reference
from kuramori_segments.retention import (
    EPOCH_LENGTH_MS,
    ROTATION_HORIZON_MS,
    ROTATION_INTERVAL_MS,
    RetentionRules,
    plan_rotation,
    remainder_until_utc_ms,
)

NS_PER_MS = 1_000_000
GOP_REACH_MS = 20_000  # a hold reaches back so far, to a key frame before its first minute
RETRY_SECONDS = 60.0  # after a rotation that failed
NOTHING_ENDED_UTC_MS = 0  # a time before the end of every hold
NEW_EPOCH_SECONDS = 15.0  # how long an erasure of the current hour waits for the next epoch


class Forgetting:
    """Retention, holds and erasures of one recorder."""

    def __init__(self, recorder: Recorder, synchronised: Callable[[], bool] = clock_synchronised) -> None:
        self._recorder = recorder
        self._synchronised = synchronised
        self._vault = recorder.vault
        self.ring = RingSegments(recorder)
        self._receipts = ErasureReceipts(
            recorder, lambda *place: [(item.header, item.end_utc_ms) for item in self.segments(*place)]
        )
        self._one_at_a_time = asyncio.Lock()
        self._rotate_anyway = False  # once at start: what a stop interrupted is finished, and time has its reference
        self.figures = ForgettingFigures()

    # ---- on time -------------------------------------------------------------------------------------------------

    async def catch_up(self) -> None:
        """At start: destroy what became due while the recorder did not run, and name the slots that holds keep.

        A stop between a destruction and its receipt left the receipt in the keystore alone: it is entered now.
        """
        async with self._one_at_a_time:
            try:
                await self._recorder.books.call(self._receipts.enter_missing)
            except LedgerFault as fault:
                self._failed(fault)
        self._rotate_anyway = True
        await self._rotate_if_due()

    async def run(self) -> None:
        """Rotate every hour until cancelled; sooner after a failure, and while this boot has no trusted time yet."""
        while True:
            now = self._moment()
            waiting = "erasure" in self._recorder.problems or not anchored(self._vault.keystore.reference, now.boot_id)
            await asyncio.sleep(RETRY_SECONDS if waiting else ROTATION_INTERVAL_MS / 1000)
            await self._rotate_if_due()

    async def _rotate_if_due(self) -> None:
        async with self._one_at_a_time:
            try:
                await self._recorder.books.call(self._rotate_by_rule)
            except (KeystoreFault, LedgerFault) as fault:
                self._failed(fault)
                return
        if self._vault.keystore.on_fallback:
            self._failed(self._vault.keystore.main_fault)
            return
        self.figures.erasure_pending = False
        self._recorder.problems.pop("erasure", None)

    def _failed(self, fault: Exception | str) -> None:
        self.figures.failed_rotations += 1
        self.figures.erasure_pending = True
        self._recorder.problems["erasure"] = erasure_problem(str(fault), on_fallback=self._vault.keystore.on_fallback)
        log.get().error("erasure_failed", detail=str(fault))

    def _rotate_by_rule(self) -> None:
        """Blocking: holds first, so that nothing they name dies, then every epoch that is due."""
        keystore, now = self._vault.keystore, self._moment()
        keystore.find_main()
        self._renew_holds(now)
        plan = plan_rotation(keystore.epochs(), self._rules(), now, reference=keystore.reference)
        self._tell_overdue(plan.overdue)
        judged = judged_utc_ms(now, keystore.reference)
        ended = judged is not None and any(kept.until_utc_ms <= judged for kept in keystore.kept())
        wanted = keystore.rotation_wanted or self._rotate_anyway
        self._rotate_anyway = False
        if plan.destroy or ended or wanted or self._reference_is_old(now):
            holds = self._holds_in_force(now)
            held_uids = {key.segment_uid for key in keystore.kept() if key.hold_id in holds}
            cause = ErasureCause.RETENTION if plan.destroy else ErasureCause.HOLD_ENDED
            self._rotate(plan.destroy, now, cause, kept_for_holds=len(held_uids))
        if keystore.end_fallback():
            log.get().info("fallback_keystore_ended")

    def overdue(self) -> tuple[Epoch, ...]:
        """Blocking: return the epochs whose time is over by a clock that is not trusted."""
        keystore, now = self._vault.keystore, self._moment()
        return plan_rotation(keystore.epochs(), self._rules(), now, reference=keystore.reference).overdue

    async def destroy_overdue(self, later_than_utc_ms: int, order: EraseRequest) -> LedgerReceipt | None:
        """Destroy what is over at a date that k custodians vouch for. The same order again returns its first receipt.

        Raises KeystoreFault, LedgerFault.
        """
        async with self._one_at_a_time:
            return await self._ordered(self._destroy_overdue, later_than_utc_ms, order)

    def _destroy_overdue(self, later_than_utc_ms: int, order: EraseRequest) -> LedgerReceipt | None:
        known = self._vault.ledger.erasure(order.erasure_id)
        if known is not None:
            return known
        keystore, now = self._vault.keystore, self._moment()
        self._renew_holds(now)
        vouched = next_reference(keystore.reference, now, confirmed_utc_ms=later_than_utc_ms)
        plan = plan_rotation(keystore.epochs(), self._rules(), now, reference=vouched)
        receipt = self._rotate(plan.destroy, now, ErasureCause.RETENTION, order, confirmed_utc_ms=later_than_utc_ms)
        self._tell_overdue(plan.overdue)
        self._renew_holds(now)
        return receipt

    def _tell_overdue(self, overdue: Sequence[Epoch]) -> None:
        """What only an untrusted clock would have die: an alarm, and the ring takes it first."""
        self.figures.overdue_epochs = len(overdue)
        if overdue:
            self._recorder.problems["overdue"] = overdue_problem(len(overdue))
        else:
            self._recorder.problems.pop("overdue", None)
        for volume in self._vault.volumes:
            volume.take_first(
                segment.slot
                for epoch in overdue
                for segment in volume.overlapping(
                    epoch.camera_number, epoch.first_utc_ms, epoch.first_utc_ms + 2 * EPOCH_LENGTH_MS
                )
                if (entry := volume.entry(segment.slot)) is not None and entry.epoch_id == epoch.epoch_id
            )

    def _reference_is_old(self, now: Moment) -> bool:
        reference = self._vault.keystore.reference
        return now.trusted and (reference is None or reference.boot_id != now.boot_id)

    def _rules(self) -> RetentionRules:
        recorder = self._recorder
        configuration, numbers = recorder.configuration, recorder.numbers
        told = [(table.name, table.retention) for table in configuration.cameras]
        told += [(retired.name, retired.retention) for retired in configuration.retired_cameras]
        by_camera = dict(recorder.left_retention_ms)
        by_camera |= {numbers[name]: retention.seconds * 1000 for name, retention in told if name in numbers}
        return RetentionRules(by_camera, otherwise_ms=max(by_camera.values(), default=EPOCH_LENGTH_MS * 24))

    def _moment(self) -> Moment:
        boot_ns = self._recorder.clock.boot_ns()
        return Moment(
            self._recorder.anchor.utc_ms(boot_ns), boot_ns // NS_PER_MS, self._vault.boot_id, self._synchronised()
        )

    def _rotate(
        self,
        destroy: Iterable[bytes],
        now: Moment,
        cause: ErasureCause,
        order: EraseRequest | None = None,
        kept_for_holds: int = 0,
        confirmed_utc_ms: int | None = None,
    ) -> LedgerReceipt | None:
        """Blocking: destroy these epochs and write the receipt; None where nothing was destroyed."""
        keystore = self._vault.keystore
        try:
            receipts = keystore.rotate(
                frozenset(destroy),
                now.utc_ms,
                now_boot_ms=now.boot_ms,
                time_trusted=now.trusted,
                confirmed_utc_ms=confirmed_utc_ms,
            )
        except KeystoreFault:
            self._receipts.enter_missing()  # of a store that erased although another one failed
            raise
        self.figures.rotations += 1
        self.figures.last_rotation_utc_ms = now.utc_ms
        if order is None and not any(receipt.epochs or receipt.keeps for receipt in receipts):
            return None
        return self._receipts.enter(receipts, cause, order, kept_for_holds)

    def too_old(self, epochs_by_segment: Mapping[bytes, bytes]) -> frozenset[bytes]:
        """Blocking: return which segments among these (uid to epoch id) should be gone by now: they are refused.

        Their keys are there because the clock is not trusted, or their cell cannot be reached. What a hold keeps is
        not among them.
        """
        keystore, now = self._vault.keystore, self._moment()
        holds = self._holds_in_force(now)
        kept = [key for key in keystore.kept() if key.segment_uid in epochs_by_segment]
        held = {key.segment_uid for key in kept if key.hold_id in holds}
        asked = {uid: epoch_id for uid, epoch_id in epochs_by_segment.items() if uid not in held}
        named = frozenset(asked.values())
        epochs = [epoch for epoch in keystore.epochs() if epoch.epoch_id in named]
        plan = plan_rotation(epochs, self._rules(), now, next_rotation_in_ms=1, reference=keystore.reference)
        gone = plan.destroy | {epoch.epoch_id for epoch in plan.overdue}
        rests = {key.segment_uid for key in kept if key.until_utc_ms + ROTATION_HORIZON_MS <= now.utc_ms}
        return frozenset(uid for uid, epoch_id in asked.items() if epoch_id in gone or uid in rests)

    def retention_ms(self, camera_number: int) -> int:
        """Return how long a camera's pictures may exist."""
        return self._rules().of(camera_number)

    def holds_in_force(self) -> frozenset[bytes]:
        """Blocking: return the ids of the holds that keep something now."""
        return self._holds_in_force(self._moment())

    # ---- what lies in the ring -----------------------------------------------------------------------------------

    def segments(self, camera_number: int, from_utc_ms: int, to_utc_ms: int) -> tuple[FoundSegment, ...]:
        """Blocking: return the camera's segments that touch the range, in the order of recording.

        Those of a volume that does not answer are not among them.
        """
        return self.ring.look(camera_number, from_utc_ms, to_utc_ms).found

    # ---- holds ---------------------------------------------------------------------------------------------------

    async def place_hold(self, order: PlaceHoldRequest, camera_numbers: Sequence[int]) -> tuple[Hold, int]:
        """Keep the named minutes; return the hold and how many segments it keeps now. Raises HoldRefused.

        A segment that is still written and lies in the range is ended with the next tick, so that its signed footer
        is there when the minutes are opened.
        """
        if order.from_utc_ms < self._recorder.now_utc_ms():
            for number in camera_numbers:
                camera = self._recorder.camera_numbered(number)
                if camera is not None:
                    camera.recording.end_segment_since(order.to_utc_ms)
                lane = self._recorder.filled.get(number)
                if lane is not None:
                    lane.recording.end_segment_since(order.to_utc_ms)
        async with self._one_at_a_time:
            return await self._recorder.books.call(self._place_hold, order, tuple(camera_numbers))

    def _place_hold(self, order: PlaceHoldRequest, camera_numbers: tuple[int, ...]) -> tuple[Hold, int]:
        now_utc_ms = self._recorder.now_utc_ms()
        hold = Hold(
            hold_id=order.hold_id,
            camera_numbers=tuple(sorted(set(camera_numbers))),
            from_utc_ms=order.from_utc_ms,
            to_utc_ms=order.to_utc_ms,
            reason=order.reason,
            person=order.person,
            created_utc_ms=now_utc_ms,
            ends_utc_ms=order.until_utc_ms,
            request_id=order.request_id,
        )
        named = self._segments_of(hold)
        known = self._vault.ledger.hold(hold.hold_id)
        if known is None:
            self._refuse_beyond_budget(hold)
        placed = self._vault.ledger.place_hold(hold)
        if known is None:  # what became of one that was placed before is not begun again
            self._keep(placed, named)
        self._renew_holds(self._moment())
        return placed, len(named)

    def _refuse_beyond_budget(self, hold: Hold) -> None:
        before, after = self._hold_book(), self._hold_book()
        after.add(hold)
        why = refusal(self._recorder, before, after)
        if why is not None:
            raise HoldRefused(Failure(FailureCode.HOLD_BUDGET, why))

    def _hold_book(self) -> HoldBook:
        return HoldBook.of(self._recorder, self._in_force(self._moment()), GOP_REACH_MS)

    def hold_budget(self) -> HoldBudget:
        """Blocking: return how much of all rings holds may keep, and how much they do or will."""
        return self._hold_book().budget

    def _segments_of(self, hold: Hold) -> list[FoundSegment]:
        return [item for item in self._named_by(hold) if isinstance(item, FoundSegment)]

    def _named_by(self, hold: Hold) -> list[FoundSegment | UnreadSegment]:
        """Return what a hold names, and what it names on a volume that does not answer."""
        begin = hold.from_utc_ms - GOP_REACH_MS
        looks = [self.ring.look(number, begin, hold.to_utc_ms) for number in hold.camera_numbers]
        return [
            item
            for look in looks
            for item in _both(look)
            if item.end_utc_ms >= begin  # an open one has not come so far yet
        ]

    def _keep(self, hold: Hold, named: Sequence[FoundSegment]) -> None:
        keystore = self._vault.keystore
        late = self.too_old({item.header.segment_uid: item.header.epoch_id for item in named})
        keystore.keep_segment_keys(
            keys_for_hold(hold, named, keystore.epochs(), keystore.kept(), late, self.retention_ms)
        )

    def _in_force(self, now: Moment) -> tuple[Hold, ...]:
        """Return the holds in force: a wall clock alone ends none (reference_time, E1 and E2)."""
        judged = judged_utc_ms(now, self._vault.keystore.reference)
        return self._vault.ledger.holds(NOTHING_ENDED_UTC_MS if judged is None else judged)

    def _renew_holds(self, now: Moment) -> None:
        """Blocking: keep what holds in force name, segments recorded since included; free what they no longer do."""
        slots: dict[int, set[int]] = {id(volume): set() for volume in self._vault.volumes}
        in_force = self._in_force(now)
        for hold in in_force:
            named = self._named_by(hold)
            self._keep(hold, [item for item in named if isinstance(item, FoundSegment)])
            for item in named:  # a slot that cannot be read now is not overwritten either
                slots.setdefault(id(item.volume), set()).add(item.slot)
        for volume in self._vault.volumes:
            volume.hold(slots[id(volume)])
        self.figures.holds = len(in_force)
        self.figures.held_slots = sum(len(held) for held in slots.values())

    async def renew_holds(self) -> None:
        """A volume is there that was not: name what holds keep on it before anything is overwritten."""
        async with self._one_at_a_time:
            await self._recorder.books.call(lambda: self._renew_holds(self._moment()))

    async def lift_hold(self, hold_id: str, person: str, reason: str) -> None:
        """End a hold; its keys beyond their retention die with the next rotation. Raises HoldUnknown."""
        async with self._one_at_a_time:
            await self._recorder.books.call(self._lift_hold, hold_id, person, reason)
        await self._rotate_if_due()

    def _lift_hold(self, hold_id: str, person: str, reason: str) -> None:
        now_utc_ms = self._recorder.now_utc_ms()
        self._vault.ledger.lift_hold(hold_id, now_utc_ms, person, reason)
        self._vault.keystore.drop_hold(bytes.fromhex(hold_id))
        self._renew_holds(self._moment())

    def held_segments(self, hold: Hold) -> int:
        """Blocking: return how many segments a hold keeps now."""
        return len(self._segments_of(hold))

    # ---- by order ------------------------------------------------------------------------------------------------

    async def erase(self, order: EraseRequest, camera_number: int) -> LedgerReceipt | None:
        """Destroy the keys of the named range, the rest of its hours kept; None where nothing was there.

        The same order again returns its first receipt. Raises KeystoreFault, LedgerFault; OutOfReach, before anything
        is destroyed, where a volume is away that holds, or may hold, segments of its hours.
        """
        async with self._one_at_a_time:
            known = await self._recorder.books.call(self._vault.ledger.erasure, order.erasure_id)
            if known is not None:
                return known
            await self._recorder.books.call(self._look, order, camera_number)
            await self._leave_current_epoch(order, camera_number)
            await self._leave_filled_epoch(camera_number)
            return await self._ordered(self._erase, order, camera_number)

    async def _ordered(self, action: Callable[..., LedgerReceipt | None], *told: object) -> LedgerReceipt | None:
        """Destroy by order. What cannot be destroyed alarms, and is not told to whoever ordered it alone."""
        try:
            return await self._recorder.books.call(action, *told)
        except KeystoreFault as fault:
            self._failed(fault)
            raise

    async def _leave_current_epoch(self, order: EraseRequest, camera_number: int) -> None:
        """Where the running hour is named too: let the camera go on under a new epoch first."""
        camera = self._recorder.camera_numbered(camera_number)
        epoch = camera.recording.plan.current if camera is not None else None
        if camera is None or epoch is None:
            return
        first_utc_ms = self._recorder.anchor.utc_ms(epoch.first_boot_ms * NS_PER_MS)
        if order.to_utc_ms <= first_utc_ms or order.from_utc_ms >= self._recorder.now_utc_ms():
            return
        camera.recording.leave_epoch()
        deadline = asyncio.get_running_loop().time() + NEW_EPOCH_SECONDS
        while camera.recording.in_epoch(epoch.epoch_id) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.1)

    async def _leave_filled_epoch(self, camera_number: int) -> None:
        """Let what is being filled of the camera end first: a fetch that runs is given up."""
        lane = self._recorder.filled.get(camera_number)
        if lane is not None:
            lane.leave_epoch()
            deadline = asyncio.get_running_loop().time() + NEW_EPOCH_SECONDS
            while not lane.recording.is_settled and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.1)

    def _erase(self, order: EraseRequest, camera_number: int) -> LedgerReceipt | None:
        keystore, now = self._vault.keystore, self._moment()
        look = self._look(order, camera_number)
        self._renew_holds(now)
        named = {item.header.segment_uid: item for item in look.found}
        doomed = self._doomed_epochs(named.values(), camera_number)
        order_id = bytes.fromhex(order.erasure_id)
        rest = list(self._rest_of_epochs(doomed, named.keys(), order_id))  # held ones too: a hold may end before
        self._vault.ledger.record_event(  # what was never recorded of it must not be fetched from the camera later
            ERASED_EVENT,
            utc_ms=now.utc_ms,
            camera_number=camera_number,
            from_utc_ms=order.from_utc_ms,
            to_utc_ms=order.to_utc_ms,
        )
        holds = self._holds_in_force(now)
        kept = keystore.kept()
        rests = {key.hold_id for key in kept if key.segment_uid in named and key.hold_id not in holds}
        if not doomed and not rests:
            return None
        held_uids = {key.segment_uid for key in kept if key.hold_id in holds}
        keystore.keep_segment_keys(
            [
                *rest,
                *(
                    KeepRequest(key.epoch_id, key.segment_uid, key.until_utc_ms, order_id)
                    for key in kept
                    if key.hold_id in rests and key.segment_uid not in named
                ),
            ]
        )
        for left in rests - {order_id}:  # what earlier orders left over is kept by this one now, but what it names
            keystore.drop_hold(left)
        return self._rotate(doomed.keys(), now, ErasureCause.REQUEST, order, len(named.keys() & held_uids))

    def _look(self, order: EraseRequest, camera_number: int) -> RingLook:
        """Blocking: return what an order names. Raises OutOfReach where that cannot be seen whole."""
        epochs, kept, shelf = self._vault.keystore.epochs(), self._vault.keystore.kept(), self._vault.shelf
        require_nothing_away(shelf, camera_number, (*epochs, *kept))
        look = self.ring.look(camera_number, order.from_utc_ms, order.to_utc_ms)
        require_reach(shelf, look.unread, living_epochs(epochs, kept))
        return look

    def _doomed_epochs(self, named: Iterable[FoundSegment], camera_number: int) -> dict[bytes, Epoch]:
        """Return the living epochs of these segments, without the one that is recorded into."""
        camera = self._recorder.camera_numbered(camera_number)
        epoch_ids = {item.header.epoch_id for item in named}
        return {
            epoch.epoch_id: epoch
            for epoch in self._vault.keystore.epochs()
            if epoch.camera_number == camera_number
            and epoch.epoch_id in epoch_ids
            and not (camera is not None and camera.recording.in_epoch(epoch.epoch_id))
        }

    def _rest_of_epochs(
        self, doomed: Mapping[bytes, Epoch], without: Collection[bytes], order_id: bytes
    ) -> Iterator[KeepRequest]:
        """Keep the other segments of these epochs until their retention ends."""
        for epoch_id, epoch in doomed.items():
            until = remainder_until_utc_ms(epoch.first_utc_ms, self._rules().of(epoch.camera_number))
            end_utc_ms = epoch.first_utc_ms + 2 * EPOCH_LENGTH_MS
            look = self.ring.look(epoch.camera_number, epoch.first_utc_ms, end_utc_ms)
            require_reach(self._vault.shelf, look.unread, {epoch_id})
            for item in look.found:
                if item.header.epoch_id == epoch_id and item.header.segment_uid not in without:
                    yield KeepRequest(epoch_id, item.header.segment_uid, until, order_id)

    def _holds_in_force(self, now: Moment) -> frozenset[bytes]:
        return frozenset(bytes.fromhex(hold.hold_id) for hold in self._in_force(now))


def _both(look: RingLook) -> Iterator[FoundSegment | UnreadSegment]:
    yield from look.found
    yield from look.unread
