"""Fills gaps from cameras' cards: one piece of one camera at a time, the newest first, while nothing else suffers.

A task in the recorder. It asks the door what a card holds, fetches a piece, seals it beside the live recording, and
writes down what was in vain. While the recorder is late, or short of memory, it waits. Whatever a card or a door does
costs no camera a frame and ends nothing but the piece. This module must not know SOAP or segments' insides.
"""

import asyncio

from kuramori import log
from kuramori.camera import Camera
from kuramori.capture.replay import ReplayAsk, ReplayRange
from kuramori.capture.source import StreamDescription
from kuramori.door_client import DoorClient, DoorFault
from kuramori.door_messages import CardStretch, FindRecordingsRequest
from kuramori.filling.camera_fill import CARD_KEPT_NS, CameraFill, clock_offset_ms, may_be_filled
from kuramori.filling.fill_book import FAILED_EVENT, FillBook
from kuramori.filling.fill_plan import LEAST_GAP_MS, PIECE_MS, Piece, Span
from kuramori.filling.filled_lane import IDLE_CLOSE_NS, FilledLane, filled_recording
from kuramori.filling.filled_sealing import FilledSealing, settled
from kuramori.filling.replay_cut import REACH_MS, ReplayCutter
from kuramori.filling.replay_fetch import MOST_BYTES_PER_DRAIN, FetchEnd, FetchResult, ReplayFetch
from kuramori.recorder import Recorder
from kuramori.segment_factory import StreamFacts
from kuramori.vault import recording_state
from kuramori.volume_lane import VolumeLane
from kuramori_config.schema import Camera as CameraTable
from kuramori_segments.codes import AudioState, Provenance, RecordSource
from kuramori_segments.ledger_fault import LedgerFault

ROUND_SECONDS = 5.0
TAIL_MS = 2_000  # asked for behind a piece, to see that it is over
REST_SECONDS = 5.0  # after a late tick the cards wait
LATE_SECONDS = 0.3  # so late a tick is late
BUDGET_SHARE = 4  # with a quarter of the memory in use, nothing is fetched
DOOR_WAIT_SECONDS = 60.0
IN_VAIN = frozenset({FetchEnd.UNREACHABLE, FetchEnd.NOT_KEPT})  # say nothing about the piece


class Filler:
    """The filling of all cameras. `run` until cancelled."""

    def __init__(self, recorder: Recorder, door: DoorClient, round_seconds: float = ROUND_SECONDS) -> None:
        self._recorder = recorder
        self._door = door
        self._round_seconds = round_seconds
        self._fills: dict[str, CameraFill] = {}
        self._late_ticks = 0
        self._rest_until = 0.0

    async def run(self) -> None:
        """Fill, piece after piece."""
        while True:
            try:
                busy = await self.one_round()
            except LedgerFault as fault:
                log.get().error("filling_waits", detail=str(fault))
                busy = False
            if not busy:
                await asyncio.sleep(self._round_seconds)

    async def one_round(self) -> bool:
        """Look at all cameras and fetch the newest piece of all; tell whether there was one. Raises LedgerFault."""
        await self._put_away()
        best: tuple[Camera, CameraFill, Piece, int] | None = None
        for camera, table in self._candidates():
            fill = self._fill_of(camera)
            offset_ms = await self._ready(camera, table, fill)
            piece = fill.wanted(offset_ms) if offset_ms is not None else None
            if offset_ms is None or piece is None:
                continue
            if best is None or piece.span.from_utc_ms > best[2].span.from_utc_ms:
                best = camera, fill, piece, offset_ms
        if best is None:
            return False
        await self._fetch(*best)
        return True

    def _candidates(self) -> list[tuple[Camera, CameraTable]]:
        recorder = self._recorder
        if recorder.assembly.time_unknown:
            return []
        found = []
        for name, camera in recorder.cameras.items():
            table = recorder.tables.get(name)
            if table is not None and may_be_filled(table) and not recorder.pauses.is_paused(name):
                found.append((camera, table))
        return found

    def _fill_of(self, camera: Camera) -> CameraFill:
        fill = self._fills.get(camera.name)
        if fill is None or fill.book.camera_number != camera.recording.camera_number:
            fill = self._fills[camera.name] = CameraFill(FillBook(camera.recording.camera_number))
            self._recorder.fill_figures[camera.name] = fill.figures
        return fill

    async def _ready(self, camera: Camera, table: CameraTable, fill: CameraFill) -> int | None:
        """Look what is missing and what the card has; return the clock's offset, None where nothing can be done."""
        recorder = self._recorder
        if recorder.clock.boot_ns() < fill.wait_until_boot_ns:
            return None
        await recorder.books.call(fill.look, recorder, camera, table)
        fill.figures.problem = ""
        if not fill.figures.pending_ms:
            return None
        offset_ms = clock_offset_ms(recorder, camera)
        if offset_ms is None:
            fill.figures.problem = "it is not known how the camera's clock stands to ours"
            return None
        known = fill.card_is_known(recorder.clock.boot_ns())
        if not known and not await self._ask_card(camera, fill, offset_ms):
            return None
        return offset_ms

    async def _ask_card(self, camera: Camera, fill: CameraFill, offset_ms: int) -> bool:
        first, last = fill.pieces[0].span.from_utc_ms, fill.pieces[-1].span.to_utc_ms
        question = FindRecordingsRequest(camera.name, first + offset_ms, last + offset_ms)
        clock = self._recorder.clock
        try:
            found = await self._door.find_recordings(question)
        except DoorFault as fault:
            fill.figures.problem = str(fault)
            fill.wait(clock.boot_ns(), DOOR_WAIT_SECONDS)
            log.get(camera=camera.name).warning("card_not_told", detail=str(fault))
            return False
        fill.stretches, fill.asked = found.stretches, Span(first, last)
        fill.card_until_boot_ns = clock.boot_ns() + CARD_KEPT_NS
        return True

    # ---- one piece -------------------------------------------------------------------------------------------

    async def _fetch(self, camera: Camera, fill: CameraFill, piece: Piece, offset_ms: int) -> None:
        stretch = fill.stretch_for(piece, offset_ms)
        if stretch is None or not self._is_here(camera):
            return
        lane = self._lane_of(camera)
        reach_ms = REACH_MS << fill.book.attempts.get(piece.minute, 0)
        cutter = _cutter(fill, lane, piece, offset_ms, reach_ms)
        wanted = ReplayRange(
            max(piece.span.from_utc_ms - reach_ms + offset_ms, stretch.from_camera_utc_ms),
            piece.span.to_utc_ms + TAIL_MS + offset_ms,
        )
        result = await self._run_fetch(camera, lane, piece, cutter, stretch, wanted)
        await settled(lane)
        fill.junction = cutter.junction if cutter.sealed_units else None
        await self._account(camera, fill, lane, piece, result)

    def _is_here(self, camera: Camera) -> bool:
        """Tell whether a camera was neither removed nor paused while others were looked at."""
        recorder = self._recorder
        return recorder.cameras.get(camera.name) is camera and not recorder.pauses.is_paused(camera.name)

    async def _run_fetch(
        self,
        camera: Camera,
        lane: FilledLane,
        piece: Piece,
        cutter: ReplayCutter,
        stretch: CardStretch,
        wanted: ReplayRange,
    ) -> FetchResult:
        recorder = self._recorder
        ask = ReplayAsk(stretch.replay_uri, wanted, MOST_BYTES_PER_DRAIN, cutter.on_replay_time)
        factory = recorder.assembly.sources.factory_for(recorder.tables[camera.name], ask)
        if factory is None:
            return FetchResult(FetchEnd.UNREACHABLE, "no address to fetch from")
        sealing = FilledSealing(recorder, lane, piece)

        def begin(description: StreamDescription) -> None:
            cutter.clock_rate_hz = description.clock_rate_hz
            lane.begin_stream(_stream_facts(description))

        def may_read() -> bool:
            return self._may_read() and self._is_here(camera)

        return await ReplayFetch(factory(cutter), cutter, begin, sealing.seal, may_read).run()

    async def _account(
        self, camera: Camera, fill: CameraFill, lane: FilledLane, piece: Piece, result: FetchResult
    ) -> None:
        """Count what was filled, and write down what was in vain."""
        claims = tuple(lane.claims.values())
        left_ms = _left_ms(piece, claims)
        filled_ms = piece.missing_ms - left_ms
        figures, boot_ns = fill.figures, self._recorder.clock.boot_ns()
        figures.filled_ms += filled_ms
        figures.pieces += filled_ms > 0
        line = log.get(camera=camera.name)
        facts = {"from_utc_ms": piece.span.from_utc_ms, "filled_ms": filled_ms, "left_ms": left_ms}
        if filled_ms and left_ms < LEAST_GAP_MS:
            fill.failures = 0
            line.info("gap_filled", **facts)
            return
        figures.failed_pieces += 1
        figures.problem = result.detail or f"the card has not all of it ({result.end.value})"
        line.warning("gap_not_filled", end=result.end.value, detail=result.detail, **facts)
        fill.wait(boot_ns)
        fill.card_until_boot_ns = 0  # perhaps it is replayed elsewhere by now
        if result.end not in IN_VAIN:
            number = camera.recording.camera_number
            await self._recorder.note(
                FAILED_EVENT, number, minute_utc_ms=piece.minute * PIECE_MS, end=result.end.value, left_ms=left_ms
            )

    def _may_read(self) -> bool:
        """Tell whether the live streams have all they need."""
        recorder, now = self._recorder, asyncio.get_running_loop().time()
        if recorder.tick is not None:
            figures = recorder.tick.figures
            if figures.late_ticks != self._late_ticks or figures.loop_lag_seconds > LATE_SECONDS:
                self._late_ticks = figures.late_ticks
                self._rest_until = now + REST_SECONDS
        budget = recorder.assembly.budget
        return now >= self._rest_until and budget.used_bytes * BUDGET_SHARE < budget.limit_bytes

    # ---- lanes -----------------------------------------------------------------------------------------------

    def _lane_of(self, camera: Camera) -> FilledLane:
        recorder, number = self._recorder, camera.recording.camera_number
        lane = recorder.filled.get(number)
        if lane is None:
            state = recorder.filled_left.pop(number, None) or recording_state(
                recorder.vault, number, Provenance.FILLED_FROM_CAMERA
            )
            lane = recorder.filled[number] = FilledLane(filled_recording(camera.recording, state, recorder.now_utc_ms))
            volume_lane = next(one for one in recorder.lanes if camera in one.cameras)
            volume_lane.filled = [*volume_lane.filled, lane]
        return lane

    async def _put_away(self) -> None:
        """End segments to which nothing came for long, and lanes of cameras that are gone."""
        recorder = self._recorder
        boot_ns = recorder.clock.boot_ns()
        present = {camera.recording.camera_number for camera in recorder.cameras.values()}
        for number, lane in list(recorder.filled.items()):
            if boot_ns - lane.last_sealed_boot_ns >= IDLE_CLOSE_NS or number not in present:
                lane.end_segment()
            if number not in present and await settled(lane):
                lane.recording.leave_slot()
                recorder.filled_left[number] = lane.recording.state
                del recorder.filled[number]
                for one in recorder.lanes:
                    _take_out(one, lane)


def _take_out(volume_lane: VolumeLane, lane: FilledLane) -> None:
    volume_lane.filled = [other for other in volume_lane.filled if other is not lane]


def _cutter(fill: CameraFill, lane: FilledLane, piece: Piece, offset_ms: int, reach_ms: int) -> ReplayCutter:
    junction = fill.junction
    if junction is not None:
        since_ms = piece.span.from_utc_ms - junction.utc_us // 1000
        if not lane.goes_on or not 0 <= since_ms <= LEAST_GAP_MS:
            junction = None
    return ReplayCutter(piece, offset_ms=offset_ms, reach_ms=reach_ms, junction=junction)


def _stream_facts(description: StreamDescription) -> StreamFacts:
    offered = ", ".join(description.audio_offered)
    return StreamFacts(
        codec=description.codec,
        clock_rate_hz=description.clock_rate_hz,
        parameter_sets=description.parameter_sets,
        source=RecordSource.NATIVE,
        audio=AudioState.OFFERED_NOT_SET_UP if offered else AudioState.NONE_OFFERED,
        audio_text=f"offered ({offered}), not set up" if offered else "none offered",
    )


def _left_ms(piece: Piece, claims: tuple[Span, ...]) -> int:
    """Return how much of a piece no claim covers."""
    left = list(piece.gaps)
    for claim in claims:
        left = [rest for one in left for rest in one.without(claim)]
    return sum(span.duration_ms for span in left)
