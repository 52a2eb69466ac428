"""Holds and erasures: told to the recorder after the register says so, and told again until it is so.

The register is the truth, the recorder follows. `reconcile` compares the two and is run at start, after the
recorder was away, and every half minute; it also brings the recorder's receipts of destroyed keys into the
register. Must not know HTTP.
"""

import asyncio
import secrets

from kuramori.desk.fault import DeskFault, ErasureWaits, HoldRefused, HoldUnknown, RecorderAway, RecorderDeclined
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.recorder import Recorder, asking
from kuramori.desk.steps import Erased, EraseOrdered, HoldLifted, HoldPlaced, TimeConfirmed
from kuramori.desk.steps import HoldRefused as HoldRefusedStep
from kuramori.erasure_messages import ConfirmTimeRequest
from kuramori.messages import EraseRequest, Erasure, FailureCode, Hold, PlaceHoldRequest
from kuramori.texts import tr
from kuramori.timebase import Clock


class Keeping:
    """What is kept longer and what goes earlier."""

    def __init__(self, journal: Journal, recorder: Recorder, clock: Clock) -> None:
        self._journal = journal
        self._recorder = recorder
        self._clock = clock
        self._following = asyncio.Lock()
        self._waiting: set[str] = set()  # ids of erasures that the recorder cannot carry out wholly yet

    async def place(self, hold: HoldPlaced, actor: Actor, request_id: str = "") -> Hold:
        """Register a hold and have it placed. Raises RecorderAway (it follows later), HoldRefused (registered)."""
        await self._journal.write(hold, actor, self._clock.utc_ms(), request_id)
        return await self._place(self._journal.holds.placed[hold.hold_id])

    async def lift(self, hold_id: str, reason: str, actor: Actor) -> None:
        """Register the end of a hold and have it lifted. Raises DeskFault."""
        hold = self._journal.holds.placed.get(hold_id)
        if hold is None:
            raise HoldUnknown(hold_id)
        await self._journal.write(HoldLifted(hold_id, reason), actor, self._clock.utc_ms(), hold.request_id)
        await self._lift(hold_id, actor.person, reason)

    async def lift_for_request(self, request_id: str, actor: Actor, reason: str, *, but: str = "") -> None:
        """Lift the holds of a request but one; if the recorder is away it follows later."""
        for hold in self._journal.holds.of_request(request_id):
            if hold.hold_id != but:
                await self.lift_if_there(hold.hold_id, reason, actor)

    async def lift_if_there(self, hold_id: str, reason: str, actor: Actor) -> None:
        """Lift a hold where there is one; if the recorder is away it follows later."""
        try:
            await self.lift(hold_id, reason, actor)
        except (HoldUnknown, RecorderAway):
            return

    async def erase(self, order: EraseOrdered, actor: Actor) -> Erasure:
        """Register the order, have the keys destroyed, register the receipt. Raises DeskFault."""
        await self._journal.write(order, actor, self._clock.utc_ms())
        try:
            receipt = await self._erase(self._journal.holds.ordered[order.erasure_id])
            await self._fetch_receipts()
        except RecorderAway as error:
            raise RecorderAway(
                "The erasure is ordered and will be carried out when the recorder is back.",
                "消去の指示は登録済みで、録画機の復旧後に実行されます。",
            ) from error
        return receipt

    def waiting_orders(self) -> tuple[str, ...]:
        """Return one sentence for the cameras of which an ordered erasure waits for a volume."""
        ordered = self._journal.holds.ordered
        cameras = sorted({ordered[one].camera for one in self._waiting if one in ordered})
        if not cameras:
            return ()
        named = ", ".join(cameras)
        return (
            tr(
                f"An erasure that was ordered is not carried out yet: {named}. It is, as soon as each volume that may "
                "hold these pictures is back or retired.",
                f"指示済みの消去がまだ実行されていません: {named}。対象の保存領域が復旧または廃棄され次第、"
                "自動で実行されます。",
            ),
        )

    async def confirm_time(self, step: TimeConfirmed, actor: Actor) -> Erasure:
        """Register what custodians vouch for, have what is overdue by it destroyed. Raises DeskFault."""
        await self._journal.write(step, actor, self._clock.utc_ms())
        async with asking():
            receipt = await self._recorder.confirm_time(self._journal.holds.confirmed[step.erasure_id])
        await self._fetch_receipts()
        return receipt

    async def reconcile(self) -> None:
        """Make the recorder follow the register, and the register know the recorder's receipts.

        Raises RecorderAway, RegisterAway; what was done until then stays done.
        """
        book = self._journal.holds
        async with asking():
            there = {hold.hold_id for hold in (await self._recorder.holds()).holds}
        for hold in book.in_force(self._clock.utc_ms()):
            if hold.hold_id not in there:
                await self._place_again(hold)
        for hold_id, step in list(book.lifted.items()):
            if hold_id in there:
                await self._lift(hold_id, "", step.reason)
            book.lifted.pop(hold_id, None)
        for order in list(book.ordered.values()):
            await self._erase_again(order)
        for confirmed in list(book.confirmed.values()):
            await self._confirm_again(confirmed)
        await self._fetch_receipts()

    async def _place(self, hold: PlaceHoldRequest) -> Hold:
        try:
            async with asking():
                return await self._recorder.place_hold(hold)
        except (HoldRefused, RecorderDeclined) as fault:
            step = HoldRefusedStep(hold.hold_id, fault.english)
            await self._journal.write(step, None, self._clock.utc_ms(), hold.request_id)
            raise

    async def _place_again(self, hold: PlaceHoldRequest) -> None:
        try:
            await self._place(hold)
        except (HoldRefused, RecorderDeclined):
            return  # registered as refused

    async def _lift(self, hold_id: str, person: str, reason: str) -> None:
        try:
            async with asking():
                await self._recorder.lift_hold(hold_id, person, reason)
        except RecorderDeclined as declined:
            if declined.reason != FailureCode.UNKNOWN_HOLD:  # it ended by itself, or was never placed
                raise

    async def _erase(self, order: EraseRequest) -> Erasure:
        try:
            async with asking(order.camera):
                erasure = await self._recorder.erase(order)
        except ErasureWaits:
            self._waiting.add(order.erasure_id)
            raise
        self._waiting.discard(order.erasure_id)
        return erasure

    async def _erase_again(self, order: EraseRequest) -> None:
        try:
            await self._erase(order)
        except RecorderAway:
            raise
        except DeskFault:
            return  # the recorder said why when it was ordered; it stays ordered and visible

    async def _confirm_again(self, confirmed: ConfirmTimeRequest) -> None:
        try:
            async with asking():
                await self._recorder.confirm_time(confirmed)
        except RecorderAway:
            raise
        except DeskFault:
            return  # as for erasures: it stays registered and is tried again

    async def _fetch_receipts(self) -> None:
        async with self._following:
            while True:
                last = self._journal.holds.last_erasure_number
                async with asking():
                    found = (await self._recorder.erasures(last)).erasures
                for receipt in sorted(found, key=lambda receipt: receipt.number):
                    if receipt.number > last:
                        await self._journal.write(Erased(receipt), None, self._clock.utc_ms())
                if self._journal.holds.last_erasure_number == last:
                    return


def new_id() -> str:
    """Return a new id for a hold or an erasure: 32 hexadecimal digits."""
    return secrets.token_hex(16)
