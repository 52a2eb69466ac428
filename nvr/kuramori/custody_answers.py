"""Answers what the desk asks about custody: which living segments are sealed to whom; and takes over a new set.

A new set counts from the next segment of each camera on: what is being written keeps the set of its header. Reading
headers happens in the books thread. This module must not know who may change custodians.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from kuramori import log
from kuramori.custodian_office import CHANGE_EVENT
from kuramori.custody_messages import (
    CUSTODY_PAGE_SEGMENTS,
    CustodiansInUse,
    CustodySegment,
    CustodySegments,
    CustodySegmentsRequest,
    ReloadCustodiansRequest,
)
from kuramori.recorder import Recorder
from kuramori_segments.header import SegmentHeader
from kuramori_segments.ledger_records import Hold
from kuramori_segments.volume import Volume

EVER_UTC_MS = 1 << 62
PROBLEM = "custody"


class CustodyAnswers:
    """The part of the handler behind recorder.sock that is about custody."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._vault = recorder.vault
        self._tell_trouble()

    @property
    def handlers(self) -> Mapping[type[Any], Callable[[Any], Awaitable[Any]]]:
        """What answers which question."""
        return {CustodySegmentsRequest: self._segments, ReloadCustodiansRequest: self._reload}

    # ---- another set ---------------------------------------------------------------------------------------------

    async def _reload(self, _question: ReloadCustodiansRequest) -> CustodiansInUse:
        recorder, office = self._recorder, self._vault.office
        before = office.current.set_id
        current = await recorder.commits.call(office.reload, self._vault.ledger, recorder.now_utc_ms())
        self._tell_trouble()
        if current.set_id != before:
            for recording in self._recordings():
                recording.factory = replace(recording.factory, custodians=current)
            log.get().warning("custodians_changed", threshold=current.k, custodians=current.n)
            await recorder.note(CHANGE_EVENT, custodian_set_id=current.set_id.hex())
        return CustodiansInUse(current.set_id)

    def _recordings(self) -> list[Any]:
        live = [camera.recording for camera in self._recorder.cameras.values()]
        return live + [lane.recording for lane in self._recorder.filled.values()]

    def _tell_trouble(self) -> None:
        if self._vault.office.trouble:
            self._recorder.problems[PROBLEM] = self._vault.office.trouble
        else:
            self._recorder.problems.pop(PROBLEM, None)

    # ---- what is sealed to whom ----------------------------------------------------------------------------------

    async def _segments(self, question: CustodySegmentsRequest) -> CustodySegments:
        return await self._recorder.books.call(self._read, question)

    def _read(self, question: CustodySegmentsRequest) -> CustodySegments:
        """Blocking: read the headers of one page. What cannot be opened any more is left out."""
        after = (question.after_camera_number, question.after_sequence)
        listed = self._listed(after)
        page = listed[:CUSTODY_PAGE_SEGMENTS]
        keystore = self._vault.keystore
        alive = {epoch.epoch_id for epoch in keystore.epochs()}
        kept = {key.segment_uid for key in keystore.kept()}
        holds = self._vault.ledger.holds(self._recorder.now_utc_ms())
        found = []
        for number, sequence, volume, slot in page:
            (header,) = self._recorder.headers.headers(volume, (slot,))
            if not isinstance(header, SegmentHeader) or (header.camera_number, header.sequence) != (number, sequence):
                continue
            if header.epoch_id in alive or header.segment_uid in kept:
                found.append(_segment(header, header.segment_uid in kept or _is_held(header, holds)))
        last = page[-1][:2] if page else after
        return CustodySegments(tuple(found), len(listed) > len(page), *last)

    def _listed(self, after: tuple[int, int]) -> list[tuple[int, int, Volume, int]]:
        """Return where segments lie behind this place, enough for a page and one more, in order."""
        numbers = sorted({number for volume in self._vault.volumes for number in volume.cameras()})
        found: list[tuple[int, int, Volume, int]] = []
        for number in numbers:
            if number < after[0] or len(found) > CUSTODY_PAGE_SEGMENTS:
                continue
            mine = [
                (number, segment.sequence, volume, segment.slot)
                for volume in self._vault.volumes
                for segment in volume.overlapping(number, 0, EVER_UTC_MS)
                if (number, segment.sequence) > after
            ]
            found += sorted(mine, key=lambda item: item[1])
        return found


def _segment(header: SegmentHeader, held: bool) -> CustodySegment:
    return CustodySegment(
        header.camera_number,
        header.sequence,
        header.segment_uid,
        header.epoch_id,
        header.start_utc_ms,
        header.custodian_set_id,
        header.k,
        header.n,
        b"".join(share.custodian_id + share.sealed for share in header.shares),
        header.recovery_seal,
        held,
    )


def _is_held(header: SegmentHeader, holds: tuple[Hold, ...]) -> bool:
    return any(
        header.camera_number in hold.camera_numbers and hold.from_utc_ms <= header.start_utc_ms < hold.to_utc_ms
        for hold in holds
    )
