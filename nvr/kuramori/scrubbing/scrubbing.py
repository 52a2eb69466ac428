"""Reads everything back that was recorded, all the time, slowly, in a thread of its own; tells damage once (O3).

What is found goes into the ledger, so that coverage and extraction say so; the segments around it are as good as ever.
Nothing is written to a segment; what decayed of a volume's head is written anew. While the recorder is late, or a
medium gives nothing, nothing is read. This module must not know keys, sockets or texts of the command line.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event

from kuramori import log
from kuramori.places import Places
from kuramori.recorder import Recorder
from kuramori.scrubbing.damage_book import DAMAGED_EVENT, WHOLE_EVENT, DamageBook, DamagedSegment, SegmentName
from kuramori.scrubbing.damage_texts import damage_sentence
from kuramori.scrubbing.idle_reading import read_last
from kuramori.scrubbing.pace import Pace, ScrubStopped
from kuramori.scrubbing.scrub_figures import ScrubFigures
from kuramori.scrubbing.scrub_file import ScrubFile
from kuramori.scrubbing.scrub_rate import ScrubRate
from kuramori.vault_thread import WorkThread
from kuramori_segments.ledger_fault import LedgerFault
from kuramori_segments.scrub import Scrub, Verdict
from kuramori_segments.scrub_choice import MS_PER_MINUTE
from kuramori_segments.slot_table import FinishedRow
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume

REST_MINUTES = 24 * 60  # nothing is read back twice in a day
ROUND_SEGMENTS = 16  # of one volume, then the next volume's turn
LOOK_SECONDS = 30.0  # while nothing is due
FAULT_SECONDS = 60.0  # after a medium gave nothing
SAVE_SECONDS = 60.0
STOP_SECONDS = 0.5  # for the read under way
HEAD_SECONDS = 3600.0  # so often both copies of superblock and slot table are read back
HEAD_EVENT = "volume_head_decayed"
PROBLEM = "scrub"


@dataclass(frozen=True, slots=True)
class HeadNews:
    """Copies of superblock or slot table that decayed, and are written anew."""

    volume: str
    blocks: int
    first_offset: int


@dataclass(slots=True, eq=False)
class _Lane:
    """One volume with its memory of what was read back."""

    scrub: Scrub
    file: ScrubFile
    figures: ScrubFigures
    saved_at: float
    rests_until: float = 0.0
    head_due: float = 0.0


class Scrubbing:
    """The reading back of all volumes."""

    def __init__(self, recorder: Recorder, *, rest_minutes: int = REST_MINUTES) -> None:
        self.hangs = False  # after the stop: a read is under way that does not end
        self._recorder = recorder
        self._rest_minutes = rest_minutes
        self._folder = Places.of(recorder.configuration).scrub
        self._keys = {recorder.vault.signer.key_id: recorder.vault.signer.public_key}
        self._stop = Event()
        self._rate = ScrubRate(recorder.configuration.recorder.scrub_per_second.total_bytes)
        self._pace = Pace(self._bytes_per_second, self._lateness, self._stop)
        self._lanes: dict[bytes, _Lane] = {}
        self._news: asyncio.Queue[Verdict | SegmentName | HeadNews] = asyncio.Queue()

    async def run(self) -> None:
        """Read and tell until cancelled."""
        loop = asyncio.get_running_loop()
        recorder = self._recorder
        try:
            await recorder.commits.call(recorder.damage.read, recorder.vault.ledger)
        except LedgerFault as fault:
            log.get().error("damage_unread", detail=str(fault))
        self._say_problem()
        thread = WorkThread("scrub")
        working = asyncio.create_task(thread.call(self._work, loop), name="scrub thread")
        telling = asyncio.create_task(self._tell_all(), name="scrub news")
        try:
            done, _ = await asyncio.wait({working, telling}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._stop.set()
            telling.cancel()
            await asyncio.wait({working}, timeout=STOP_SECONDS)
            self.hangs = not working.done()
            thread.close(wait=False)

    def _lateness(self) -> int:
        tick = self._recorder.tick
        return tick.figures.late_ticks if tick is not None else 0

    def _bytes_per_second(self) -> float:
        written = sum(volume.statistics.data_bytes for volume in self._recorder.vault.volumes)
        return self._rate.now(written, time.monotonic())

    # ---- in the thread -----------------------------------------------------------------------------------------

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        read_last()
        try:
            while not self._stop.is_set():
                rounds = [self._round(lane, loop) for lane in self._lanes_now()]
                if not any(rounds):
                    self._stop.wait(LOOK_SECONDS)
        except ScrubStopped:
            pass
        finally:
            for lane in self._lanes.values():
                lane.file.write(lane.scrub.record)

    def _lanes_now(self) -> Iterator[_Lane]:
        for volume in self._recorder.vault.volumes:
            lane = self._lanes.get(volume.superblock.volume_id)
            if lane is None or lane.scrub.volume is not volume:
                lane = self._lanes[volume.superblock.volume_id] = self._lane(volume)
            yield lane

    def _lane(self, volume: Volume) -> _Lane:
        volume_id = volume.superblock.volume_id
        file = ScrubFile(self._folder, volume_id)
        figures = self._recorder.scrub_figures.setdefault(volume_id, ScrubFigures())
        scrub = Scrub(volume, file.read(), self._keys, self._pace.before_read)
        return _Lane(scrub, file, figures, time.monotonic())

    def _round(self, lane: _Lane, loop: asyncio.AbstractEventLoop) -> bool:
        """Read a few segments of one volume back; False where nothing was due."""
        if time.monotonic() < lane.rests_until:
            return False
        if time.monotonic() >= lane.head_due and not self._read_head(lane, loop):
            return False
        due = self._look(lane, loop)
        for row in due:
            try:
                verdict = lane.scrub.verify(row, self._recorder.now_utc_ms())
            except StorageFault as fault:
                return self._gave_nothing(lane, fault)
            lane.figures.fault = ""
            if verdict is not None:
                lane.figures.verified_segments += 1
                lane.figures.verified_bytes += row.extent_bytes
                loop.call_soon_threadsafe(self._news.put_nowait, verdict)
            if time.monotonic() - lane.saved_at >= SAVE_SECONDS:
                lane.file.write(lane.scrub.record)
                lane.saved_at = time.monotonic()
        if due:
            self._look(lane, loop)
        return bool(due)

    def _gave_nothing(self, lane: _Lane, fault: StorageFault) -> bool:
        if not lane.figures.fault:
            log.get().error("scrub_reads_nothing", detail=str(fault))
        lane.figures.fault = str(fault)
        lane.rests_until = time.monotonic() + FAULT_SECONDS
        return False

    def _read_head(self, lane: _Lane, loop: asyncio.AbstractEventLoop) -> bool:
        """Read superblocks and slot table back; False where the medium fails. What decayed is mended and told."""
        try:
            decayed = lane.scrub.verify_head()
        except StorageFault as fault:
            return self._gave_nothing(lane, fault)
        lane.head_due = time.monotonic() + HEAD_SECONDS
        if decayed:
            lane.figures.head_mended += len(decayed)
            path = self._recorder.vault.shelf.path_of(lane.scrub.volume)
            news = HeadNews(str(path), len(decayed), decayed[0])
            loop.call_soon_threadsafe(self._news.put_nowait, news)
        return True

    def _look(self, lane: _Lane, loop: asyncio.AbstractEventLoop) -> tuple[FinishedRow, ...]:
        """Bring the figures up to date and return what is due."""
        recorder, figures = self._recorder, lane.figures
        view = lane.scrub.look(recorder.now_utc_ms(), rest_minutes=self._rest_minutes, most=ROUND_SEGMENTS)
        figures.segments, figures.unverified = view.segments, view.unverified
        figures.oldest_unverified_utc_ms = view.oldest_unverified_utc_ms
        ended = lane.scrub.record.pass_ended_minute
        figures.last_pass_utc_ms = ended * MS_PER_MINUTE if ended else None
        figures.damaged = _damaged_on(lane.scrub.volume, recorder.damage)
        for segment in recorder.damage:
            if all(volume.find(*segment.name) is None for volume in recorder.vault.volumes):
                loop.call_soon_threadsafe(self._news.put_nowait, segment.name)
        return view.due

    # ---- in the loop -------------------------------------------------------------------------------------------

    async def _tell_all(self) -> None:
        while True:
            news = await self._news.get()
            if isinstance(news, Verdict):
                await self._tell(news)
            elif isinstance(news, HeadNews):
                log.get(volume=news.volume, blocks=news.blocks, offset=news.first_offset).error(HEAD_EVENT)
                await self._recorder.note(HEAD_EVENT, volume=news.volume, blocks=news.blocks, offset=news.first_offset)
            elif self._recorder.damage.get(news) is not None:
                self._recorder.damage.forget(news)  # overwritten: coverage says that it is erased
                self._say_problem()

    async def _tell(self, verdict: Verdict) -> None:
        """Tell what is news: a segment that is damaged, or damaged otherwise than before, or whole again."""
        recorder, row = self._recorder, verdict.row
        known = recorder.damage.get((row.camera_number, row.sequence))
        facts = {"camera": self._camera_name(row.camera_number), "sequence": row.sequence, "slot": row.slot}
        if verdict.is_whole:
            if known is not None:
                recorder.damage.forget(known.name)
                log.get(**facts).warning(WHOLE_EVENT)
                await recorder.note(WHOLE_EVENT, row.camera_number, sequence=row.sequence)
                self._say_problem()
            return
        what = ",".join(sorted({finding.kind.value for finding in verdict.findings}))
        found = DamagedSegment(row.camera_number, row.sequence, verdict.times, what)
        if found == known:
            return
        if known is None:
            self._figures_of(verdict).damage_found += 1
        recorder.damage.note(found)
        log.get(**facts).error(
            DAMAGED_EVENT, what=what, times_utc_ms=found.times, detail=verdict.findings[0].detail[:300]
        )
        self._say_problem()
        await recorder.note(DAMAGED_EVENT, row.camera_number, **found.facts)

    def _figures_of(self, verdict: Verdict) -> ScrubFigures:
        """The figures of the volume that the segment lies in."""
        name = verdict.row.camera_number, verdict.row.sequence
        lanes = [*self._lanes.values()]
        return next((lane.figures for lane in lanes if lane.scrub.volume.find(*name) is not None), lanes[0].figures)

    def _camera_name(self, camera_number: int) -> str:
        names = {number: name for name, number in self._recorder.numbers.items()}
        return names.get(camera_number, f"camera {camera_number}")

    def _say_problem(self) -> None:
        recorder = self._recorder
        for lane in [*self._lanes.values()]:
            lane.figures.damaged = _damaged_on(lane.scrub.volume, recorder.damage)
        damaged = list(recorder.damage)
        if not damaged:
            recorder.problems.pop(PROBLEM, None)
            return
        last = damaged[-1]
        zone = recorder.configuration.site.time_zone
        recorder.problems[PROBLEM] = damage_sentence(len(damaged), self._camera_name(last.camera_number), last, zone)


def _damaged_on(volume: Volume, damage: DamageBook) -> int:
    return sum(volume.find(*segment.name) is not None for segment in damage)
