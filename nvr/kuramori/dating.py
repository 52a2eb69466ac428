"""Dates what was recorded without a trustworthy clock, as soon as this boot has one. The pictures stay as they are.

While time is unknown everything is dated by whatever the wall clock said; which UTC stood at the boot's beginning by
that clock is an event of the ledger, per camera, and another one after each step. When the clock is kept by a time
source, the true UTC of the boot's beginning is known: the difference is added to the ledger's runs and to the slot
table. Segment headers and records stay untouched, marked *time unknown*; whoever reads them adds the difference that
the slot table shows. A boot that ends without trusted time stays undated: nothing ties its clock to the next one's.

This module must not know streams or keys. What an epoch's date is, the keystore says.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kuramori import log
from kuramori.clock_trust import clock_synchronised
from kuramori.recorder import Recorder
from kuramori.texts import tr
from kuramori_segments.codes import SlotState
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.ledger_fault import LedgerFault
from kuramori_segments.ledger_records import TimelineEvent
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.slot_change import DateSlot
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume

UNKNOWN_EVENT = "time_unknown"
DATED_EVENT = "time_dated"
LOOK_SECONDS = 5.0
LEAST_SHIFT_MS = 1000  # smaller differences are drift: the clock was right, only nobody could know
EARLIEST_UTC_MS, LATEST_UTC_MS = -(1 << 52), 1 << 52


@dataclass(frozen=True, slots=True)
class Period:
    """What of one camera was dated by one word of an untrusted clock: `below_*` do not belong to it."""

    camera_number: int
    first_access_unit: int
    below_access_unit: int
    first_sequence: int
    below_sequence: int
    begin_utc_ms: int  # what that clock made of the boot's beginning
    event_id: int = 0  # the word itself


def periods_of(events: tuple[TimelineEvent, ...], ends: Mapping[int, tuple[int, int]]) -> list[Period]:
    """Return the periods that these events (of one boot, in their order) begin. Pure.

    `ends`: by camera number, the access unit and the sequence that come next.
    """
    by_camera: dict[int, list[TimelineEvent]] = {}
    for event in sorted(events, key=lambda event: event.event_id):
        by_camera.setdefault(event.camera_number or 0, []).append(event)
    found = []
    for camera_number, begins in by_camera.items():
        marks = [(_fact(event, "first_access_unit"), _fact(event, "first_sequence")) for event in begins]
        marks.append(ends.get(camera_number, marks[-1]))
        for event, (unit, sequence), (below_unit, below_sequence) in zip(begins, marks, marks[1:], strict=False):
            begin_utc_ms = _fact(event, "begin_utc_ms")
            found.append(
                Period(camera_number, unit, below_unit, sequence, below_sequence, begin_utc_ms, event.event_id)
            )
    return found


def _fact(event: TimelineEvent, name: str) -> int:
    value = event.fact(name)
    return value if isinstance(value, int) else 0


class Dating:
    """Follows the trust in the wall clock over one run of the recorder."""

    def __init__(self, recorder: Recorder, synchronised: Callable[[], bool] = clock_synchronised) -> None:
        self._recorder = recorder
        self._synchronised = synchronised

    @property
    def _boot(self) -> str:
        return self._recorder.vault.boot_id.hex()

    async def run(self) -> None:
        """Mark the beginning, then look for a trusted clock; finish what an earlier run left. Until cancelled."""
        if self._recorder.assembly.time_unknown:
            await self.begin_period()
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def begin_period(self) -> None:
        """From here on the untrusted clock says something else: at the start, and after each of its steps."""
        recorder = self._recorder
        if not recorder.assembly.time_unknown:
            return
        recorder.problems["time"] = tr(
            "The time is not known: recordings are marked so, and are dated when the clock is kept by a time source. "
            "See to the network, or to the time source.",
            "現在時刻が確認できません。録画には時刻不明と記録し、時刻同期の完了後に日時を付けます。"
            "ネットワークまたは時刻の取得元を確認してください。",
        )
        marks = [
            (
                camera.recording.camera_number,
                camera.recording.state.next_access_unit,
                camera.recording.state.next_sequence,
            )
            for camera in recorder.cameras.values()
        ]
        try:
            await recorder.commits.call(self._write_marks, marks, recorder.anchor.utc_ms(0), recorder.now_utc_ms())
        except LedgerFault as fault:
            log.get().error("ledger_unwritable", detail=str(fault))

    def _write_marks(self, marks: list[tuple[int, int, int]], begin_utc_ms: int, now_utc_ms: int) -> None:
        ledger = self._recorder.vault.ledger
        since = {}
        with ledger.batch():
            for camera_number, unit, sequence in marks:
                since[camera_number] = ledger.record_event(
                    UNKNOWN_EVENT,
                    utc_ms=now_utc_ms,
                    camera_number=camera_number,
                    boot=self._boot,
                    first_access_unit=unit,
                    first_sequence=sequence,
                    begin_utc_ms=begin_utc_ms,
                )
        self._mark_outages(since)

    def _mark_outages(self, since: Mapping[int, int]) -> None:
        tick = self._recorder.tick
        if tick is not None:
            tick.writer.undated_since = since

    async def look(self) -> None:
        """Date what is not dated, if the clock is kept by a time source now."""
        recorder = self._recorder
        if not self._synchronised():
            return
        if recorder.assembly.time_unknown:
            self._trust()
        recordings = [camera.recording for camera in recorder.cameras.values()]
        ends = {one.camera_number: (one.state.next_access_unit, one.state.next_sequence) for one in recordings}
        try:
            dated = await recorder.commits.call(self._date_runs, ends, recorder.anchor.utc_ms(0), recorder.now_utc_ms())
        except LedgerFault as fault:
            log.get().error("ledger_unwritable", detail=str(fault))
            return
        for lane in recorder.lanes:
            if lane.health.is_good:
                try:
                    await lane.thread.call(self._date_slots, lane.volume, dated)
                except StorageFault as fault:
                    log.get(volume=lane.name).error("slots_undated", detail=str(fault))

    def _trust(self) -> None:
        """From now on time is known: what follows goes into segments that say so."""
        recorder = self._recorder
        recorder.assembly.time_unknown = False
        self._mark_outages({})
        recorder.problems.pop("time", None)
        boot_ns = recorder.clock.boot_ns()
        for camera in recorder.cameras.values():
            camera.recording.time_unknown = False
            camera.recording.end_segment(boot_ns, recorder.anchor.utc_ms(boot_ns))
        log.get().warning("time_known")

    # ---- blocking ----------------------------------------------------------------------------------------------

    def _date_runs(
        self, ends: Mapping[int, tuple[int, int]], begin_utc_ms: int, now_utc_ms: int
    ) -> list[TimelineEvent]:
        """Shift the runs that are not dated yet; return what was dated in this boot, now or before."""
        ledger = self._recorder.vault.ledger
        mine = [
            event
            for event in ledger.events(EARLIEST_UTC_MS, LATEST_UTC_MS, kind=UNKNOWN_EVENT)
            if event.fact("boot") == self._boot
        ]
        dated = self._dated()
        known = {(event.camera_number, event.fact("first_access_unit")) for event in dated}
        undated = [
            period
            for period in periods_of(tuple(mine), ends)
            if (period.camera_number, period.first_access_unit) not in known
        ]
        if not undated:
            return dated
        with ledger.batch():
            for period in undated:
                by_ms = begin_utc_ms - period.begin_utc_ms
                by_ms = by_ms if abs(by_ms) >= LEAST_SHIFT_MS else 0
                ledger.shift_outages(period.camera_number, period.event_id, by_ms)
                ledger.shift_runs(period.camera_number, period.first_access_unit, period.below_access_unit, by_ms)
                ledger.record_event(
                    DATED_EVENT,
                    utc_ms=now_utc_ms,
                    camera_number=period.camera_number,
                    boot=self._boot,
                    by_ms=by_ms,
                    first_access_unit=period.first_access_unit,
                    first_sequence=period.first_sequence,
                    below_sequence=period.below_sequence,
                )
        for period in undated:
            log.get(camera_number=period.camera_number).warning(
                "time_dated", by_ms=begin_utc_ms - period.begin_utc_ms, from_sequence=period.first_sequence
            )
        return self._dated()

    def _dated(self) -> list[TimelineEvent]:
        events = self._recorder.vault.ledger.events(EARLIEST_UTC_MS, LATEST_UTC_MS, kind=DATED_EVENT)
        return [event for event in events if event.fact("boot") == self._boot]

    def _date_slots(self, volume: Volume, dated: list[TimelineEvent]) -> None:
        """Put the true times into the slot table, where they are not there yet. May be done again."""
        changes = []
        for event in dated:
            by_ms, number = _fact(event, "by_ms"), event.camera_number or 0
            if not by_ms:
                continue
            for sequence in range(_fact(event, "first_sequence"), _fact(event, "below_sequence")):
                segment = volume.find(number, sequence)
                entry = volume.entry(segment.slot) if segment is not None else None
                if segment is None or entry is None or entry.state not in (SlotState.CLOSED, SlotState.RECOVERED):
                    continue
                header = _header(volume, segment.slot)
                if header is not None and header.time_unknown and header.start_utc_ms == entry.start_utc_ms:
                    changes.append(DateSlot(segment.slot, entry.start_utc_ms + by_ms, entry.end_utc_ms + by_ms))
        if changes:
            volume.commit((), changes)


def _header(volume: Volume, slot: int) -> SegmentHeader | None:
    try:
        return SegmentHeader.unpack(volume.reader(slot)(0, BLOCK_BYTES))
    except FormatError:
        return None
