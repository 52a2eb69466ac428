"""Seals one piece into its camera's lane, under a key that dies as if it had been made when the pictures were filmed.

The key of a filmed hour is made when its first picture comes; before another hour begins, everything under the one
before is durable, so that no picture is ever sealed again under the wrong hour. This module must not know cameras'
cards, or where pictures come from.
"""

import asyncio
from collections.abc import Sequence

from kuramori import log
from kuramori.filling.fill_plan import Piece, filming_hour_utc_ms
from kuramori.filling.filled_lane import FilledLane, FilmedEpoch, FilmedPlan
from kuramori.filling.replay_cut import Cut, FilledUnit, NewParameterSets
from kuramori.recorder import Recorder
from kuramori_segments.key_faults import CustodiansExpired
from kuramori_segments.keystore_faults import KeystoreFault
from kuramori_segments.retention import EPOCH_LENGTH_MS
from kuramori_segments.segment_error import AccessUnitMalformed, AccessUnitTooLarge, RecordInvalid

NS_PER_US = 1000
NS_PER_MS = 1_000_000
SETTLE_SECONDS = 30.0
SETTLE_CHECK_SECONDS = 0.1


class FilledSealing:
    """One piece on its way into a lane."""

    def __init__(self, recorder: Recorder, lane: FilledLane, piece: Piece) -> None:
        self._recorder = recorder
        self._lane = lane
        self._piece = piece
        self._placed = False  # segment and epoch fit this piece
        lane.begin_piece()

    async def seal(self, cuts: Sequence[Cut]) -> bool:
        """Seal what has become certain; False: it could not be kept, and nothing more should come."""
        try:
            for cut in cuts:
                if not await self._seal_one(cut):
                    return False
        except (KeystoreFault, CustodiansExpired) as fault:
            log.get(camera=self._lane.recording.camera_name).error("filling_refused", detail=str(fault))
            return False
        return not self._lane.failed

    async def _seal_one(self, cut: Cut) -> bool:
        lane = self._lane
        try:
            if isinstance(cut, FilledUnit):
                if not self._placed:
                    await self._find_place(cut)
                    self._placed = True
                return not lane.failed and lane.seal(cut, self._filmed_boot_ns(cut.utc_us), self._boot_ns())
            if isinstance(cut, NewParameterSets):
                lane.change_parameter_sets(cut.parameter_sets)
            else:
                lane.end_run(cut.utc_ms)
        except (AccessUnitTooLarge, AccessUnitMalformed, RecordInvalid):
            return False  # no segment takes it: what the camera replays is not what a camera may send
        return True

    def _boot_ns(self) -> int:
        return self._recorder.clock.boot_ns()

    def _filmed_boot_ns(self, utc_us: int) -> int:
        """What CLOCK_BOOTTIME said, or would have said, at that time."""
        boot_ns = self._boot_ns()
        return boot_ns - (self._recorder.anchor.utc_us(boot_ns) - utc_us) * NS_PER_US

    async def _find_place(self, first: FilledUnit) -> None:
        """Raises KeystoreFault."""
        lane, plan = self._lane, self._lane.recording.plan
        begins_ns = self._filmed_boot_ns(first.utc_us)
        ends_ns = self._filmed_boot_ns(self._piece.span.to_utc_ms * 1000)
        if isinstance(plan, FilmedPlan) and plan.serves(begins_ns, ends_ns):
            if first.begins_run and lane.goes_back(first.utc_us):
                lane.end_segment()
            return
        lane.end_segment()
        await settled(lane)
        first_utc_ms = self._epoch_begin_utc_ms(first.utc_us // 1000)
        first_boot_ms = self._filmed_boot_ns(first_utc_ms * 1000) // NS_PER_MS
        recorder = self._recorder
        epoch = await recorder.books.call(
            recorder.vault.keystore.new_filmed_epoch,
            lane.recording.camera_number,
            first_utc_ms,
            first_boot_ms if first_boot_ms >= 0 else None,
        )
        plan.arrived(FilmedEpoch(epoch.epoch_id, first_boot_ms))

    def _epoch_begin_utc_ms(self, first_utc_ms: int) -> int:
        """The hour of the piece, or, where its first picture lies before that hour, as little earlier as possible."""
        hour_utc_ms = min(filming_hour_utc_ms(self._piece.span.from_utc_ms), first_utc_ms)
        if hour_utc_ms + EPOCH_LENGTH_MS <= self._piece.span.to_utc_ms:
            return first_utc_ms
        return hour_utc_ms


async def settled(lane: FilledLane) -> bool:
    """Wait until everything in the lane is durable; False when that takes too long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLE_SECONDS
    while not lane.is_durable:
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(SETTLE_CHECK_SECONDS)
    return True
