"""Media over their life: retired with a disposal record that stays open until it is filled in (K6), permitted to leave
their place, and missed without a permit (K7).

The order is registered before the recorder acts, and what the recorder did is registered when it answered; a stop
between is made up by `follow`, under the same number. Must not know HTTP, keys or disks.
"""

import datetime
from collections.abc import Callable
from contextlib import suppress

from kuramori.desk.ending_fault import DisposalUnknown, MediumKept, VolumeUnknown
from kuramori.desk.ending_steps import (
    DisposalCompleted,
    MediumAccepted,
    MediumBack,
    MediumMissed,
    MediumPermitted,
    RetirementOrdered,
    VolumeRetired,
)
from kuramori.desk.fault import RecorderAway, RecorderDeclined, RequestInvalid
from kuramori.desk.granted import one_line
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.media_book import Disposal, MediaBook, Permit
from kuramori.desk.recorder import Recorder, asking
from kuramori.ending_messages import MediumStatus, PermitMediumRequest, RetiredVolume, RetireVolumeRequest
from kuramori.messages import FailureCode
from kuramori.storage_health.medium_report import MediumReport
from kuramori.timebase import Clock

PERMIT_MOST_MS = 31 * 24 * 3600 * 1000  # a medium that is away longer is permitted anew
DATE_LENGTH = 10


class MediaCare:
    """Retiring and permitting. Use from one event loop."""

    def __init__(
        self,
        *,
        journal: Journal,
        recorder: Recorder,
        volumes: Callable[[], tuple[str, ...]],
        today: Callable[[int], datetime.date],
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._recorder = recorder
        self._volumes = volumes
        self._today = today
        self._clock = clock

    @property
    def book(self) -> MediaBook:
        """Disposal records and permits as the register has them."""
        return self._journal.media

    # ---- retiring ------------------------------------------------------------------------------------------------

    async def retire(self, volume: str, reason: str, actor: Actor) -> Disposal:
        """Destroy the keys of all that lies on a volume, and open its disposal record. Raises DeskFault."""
        self._require_volume(volume)
        _require_line(reason, "reason")
        under_way = self.book.under_way(volume)
        if under_way is None:
            await self._require_willing(volume)
            order = RetirementOrdered(self.book.next_record(), volume, reason)
            await self._journal.write(order, actor, self._clock.utc_ms())
            under_way = self.book.disposals[order.record]
        await self._carry_out(under_way)
        return self.book.disposals[under_way.record]

    async def _require_willing(self, volume: str) -> None:
        """Ask first, so that no order is registered that holds would keep from being carried out."""
        async with asking():
            media = {medium.volume: medium for medium in (await self._recorder.media()).media}
        medium = media.get(volume)
        if medium is not None and medium.kept_because:
            raise MediumKept(medium.kept_because, medium.kept_because)

    async def _carry_out(self, disposal: Disposal) -> None:
        done = await self._ask(disposal)
        step = VolumeRetired(
            disposal.record,
            done.volume,
            done.volume_id,
            done.size_bytes,
            done.epochs,
            done.segment_keys,
            done.erasure_number,
            done.tier,
        )
        await self._journal.write(step, None, self._clock.utc_ms())

    async def _ask(self, disposal: Disposal) -> RetiredVolume:
        order = RetireVolumeRequest(disposal.volume, disposal.record, disposal.ordered_by, disposal.reason)
        try:
            async with asking():
                return await self._recorder.retire_volume(order)
        except RecorderDeclined as declined:
            if declined.reason == FailureCode.MEDIUM_KEPT:
                raise MediumKept(declined.english, declined.japanese) from declined
            raise

    async def complete(self, record: int, method: str, date: str, person: str, witness: str, actor: Actor) -> Disposal:
        """Fill a disposal record in: it is closed for good. Raises RequestInvalid, DisposalUnknown."""
        for field, text in (("method", method), ("person", person), ("witness", witness)):
            _require_line(text, field)
        if person.strip() == witness.strip():
            raise RequestInvalid(
                "witness", "the witness is another person than who did it.", "立会人は実施者と別の人としてください。"
            )
        disposal = self.book.disposals.get(record)
        if disposal is None or disposal.retired is None or not disposal.is_open:
            raise DisposalUnknown(record)
        self._require_day(date, disposal)
        step = DisposalCompleted(record, method, date, person, witness)
        await self._journal.write(step, actor, self._clock.utc_ms())
        return self.book.disposals[record]

    def _require_day(self, text: str, disposal: Disposal) -> None:
        try:
            day = datetime.date.fromisoformat(text) if len(text) == DATE_LENGTH else None
        except ValueError:
            day = None
        first, last = self._today(disposal.retired_utc_ms), self._today(self._clock.utc_ms())
        if day is None or not first <= day <= last:
            raise RequestInvalid(
                "date",
                f"a day from {first} (when the keys were destroyed) to today, like 2026-11-23.",
                f"{first}（鍵の破棄日）から本日までの日付（例: 2026-11-23）としてください。",
            )

    # ---- leaving by permission -----------------------------------------------------------------------------------

    async def permit(self, volume: str, carrier: str, until_utc_ms: int, reason: str, actor: Actor) -> Permit:
        """Let a medium be away until then. Raises DeskFault; a recorder that is away is told later."""
        self._require_volume(volume)
        _require_line(reason, "reason")
        _require_line(carrier, "carrier")
        now = self._clock.utc_ms()
        if not now < until_utc_ms <= now + PERMIT_MOST_MS:
            raise RequestInvalid(
                "until_utc_ms", "a permit ends in the future, within 31 days.", "許可の期限は31日以内としてください。"
            )
        step = MediumPermitted(self.book.next_permit(), volume, carrier, until_utc_ms, reason)
        await self._journal.write(step, actor, now)
        with suppress(RecorderAway):  # `follow` tells it; the permit counts from its entry on
            await self._tell(self.book.permits[step.permit])
        return self.book.permits[step.permit]

    async def _tell(self, permit: Permit) -> None:
        async with asking():
            await self._recorder.permit_medium(PermitMediumRequest(permit.volume, permit.permit, permit.until_utc_ms))

    # ---- exchanged -----------------------------------------------------------------------------------------------

    async def accept(self, volume: str, actor: Actor) -> MediumReport:
        """Say that the medium which lies there now is the right one: registered, then told. Raises DeskFault.

        Where no other one lies there than before, nothing is registered.
        """
        async with asking():
            reports = {report.volume: report for report in (await self._recorder.media_health()).media}
        report = reports.get(volume)
        if report is None:
            raise VolumeUnknown(volume, tuple(reports))
        if report.swapped:
            step = MediumAccepted(volume, report.identity, report.accepted_identity)
            await self._journal.write(step, actor, self._clock.utc_ms())
        async with asking():
            return await self._recorder.accept_medium(volume, actor.person, report.identity)

    # ---- housekeeping --------------------------------------------------------------------------------------------

    async def follow(self) -> None:
        """Carry out what a stop left undone, and register which media are missed and back. Raises DeskFault."""
        async with asking():
            media = (await self._recorder.media()).media
        for disposal in self.book.open_disposals():
            if disposal.retired is None:
                try:
                    await self._carry_out(disposal)
                except MediumKept:
                    continue  # a hold came between: it stays ordered and visible
        for medium in media:
            await self._follow_one(medium)

    async def _follow_one(self, medium: MediumStatus) -> None:
        now = self._clock.utc_ms()
        permit = self.book.in_force(medium.volume, now)
        if permit is not None and permit.permit != medium.permit:
            await self._tell(permit)
        missed = self.book.missed.get(medium.volume)
        if medium.missing_since_utc_ms is None or medium.retired_record:
            if missed is not None:
                await self._journal.write(MediumBack(medium.volume), None, now)
            return
        number = permit.permit if permit is not None else 0
        if missed is None or (missed.permit and not number):  # gone, or away longer than was permitted
            step = MediumMissed(medium.volume, number, medium.missing_since_utc_ms)
            await self._journal.write(step, None, now)

    def _require_volume(self, volume: str) -> None:
        known = self._volumes()
        if volume not in known:
            raise VolumeUnknown(volume, known)


def _require_line(text: str, field: str) -> None:
    if not text.strip() or not one_line(text):
        raise RequestInvalid(field, "one line of text is needed.", "1行の文字列を入力してください。")
