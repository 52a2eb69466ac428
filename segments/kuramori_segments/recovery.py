"""After a crash or a failed write: look at every slot that may end anywhere, and end it where its bytes do.

Keyless: it scans, writes signed *recovered* footers and says per camera what the last durable access unit is, so that
the ledger can close its runs and the next segment can chain on. Every step may be interrupted and done again
(DURABILITY.md, "Recovery"). It must not know keys other than the signer, nor what happens to the pictures.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kuramori_segments.block_window import ReadAt
from kuramori_segments.catalogue import CataloguedSegment
from kuramori_segments.codes import FooterKind, Provenance, SlotState
from kuramori_segments.footer import ChunkTally, SegmentFooter, Signer, build_recovered
from kuramori_segments.footer_search import find_finished
from kuramori_segments.forgiving_read import forgiving
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.segment_scan import ScanResult, scan
from kuramori_segments.slot_change import CloseSlot, EmptySlot, OpenSlot, SlotChange, SlotWrite
from kuramori_segments.slot_entry import SlotEntry
from kuramori_segments.storage_fault import MediumFault
from kuramori_segments.volume import Volume

TRIES_ALONE = 2  # a commit may also have failed for a broken block of the table, which is given up then
SETTLING_TRIES = 4  # a broken block in each copy of the table costs two failed commits before it is given up


class Outcome(StrEnum):
    """What became of a slot that recovery looked at."""

    CLOSED = "closed"  # its footer was there; only the table did not say so yet
    RECOVERED = "recovered"  # it got a recovered footer
    DISCARDED = "discarded"  # nothing of a segment had become durable
    BAD = "bad"  # the place takes no footer: what is readable stays, nothing is written there again


@dataclass(frozen=True, slots=True)
class RecoveredSlot:
    """One slot that recovery looked at. Camera and sequence are 0 where nothing was found."""

    slot: int
    outcome: Outcome
    camera_number: int
    sequence: int
    detail: str


@dataclass(frozen=True, slots=True)
class CameraTail:
    """Where a camera's recording ends on the medium; what its next segment and the ledger go on from.

    `last_access_unit` and `last_utc_ms` end what is durable without a hole: the end of the run that was recorded when
    the crash came (`next_access_unit` - 1 where nothing of it is). `next_access_unit` is behind everything, also
    behind what a torn commit left beyond a hole. `chain_digest` is the next segment's `previous_digest`, `sequence`
    that of the last segment.
    """

    camera_number: int
    slot: int
    sequence: int
    epoch_id: bytes
    last_utc_ms: int
    last_access_unit: int
    next_access_unit: int
    chain_digest: bytes


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What recovery found and did, and where each camera's recording ends now; likewise what was filled."""

    slots: tuple[RecoveredSlot, ...]
    tails: tuple[CameraTail, ...]
    filled_tails: tuple[CameraTail, ...] = ()


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is to be done with one slot: what to adopt first, what to write, what to say in the table."""

    slot: RecoveredSlot
    found: OpenSlot | None
    end_bytes: int
    write: SlotWrite | None
    change: SlotChange


def recover(volume: Volume, signer: Signer) -> RecoveryReport:
    """Bring a volume that was just opened into a state in which every segment has its end.

    Raises StorageFault when the medium as a whole takes no writes (full, read-only).
    """
    slots = recover_slots(volume, volume.unfinished_slots(), signer)
    _settle(volume)  # step 3, enter
    looked_at = frozenset(item.slot for item in slots)
    return RecoveryReport(
        slots, _tails(volume, looked_at, Provenance.LIVE), _tails(volume, looked_at, Provenance.FILLED_FROM_CAMERA)
    )


def _tails(volume: Volume, torn: Container[int], provenance: Provenance) -> tuple[CameraTail, ...]:
    found = (camera_tail(volume, camera_number, torn, provenance) for camera_number in volume.cameras())
    return tuple(tail for tail in found if tail is not None)


def recover_slots(volume: Volume, slots: Iterable[int], signer: Signer) -> tuple[RecoveredSlot, ...]:
    """End the segments in these slots: left open by a crash, or doubtful since a failed commit. Raises StorageFault.

    All footers cost one sync. Where that fails each slot is looked at again and tried on its own, so that one
    broken place is told from the others.
    """
    wanted = list(slots)
    verdicts = [_judge(volume, slot, signer) for slot in wanted]  # step 1, look
    try:  # step 2, end
        _carry_out(volume, verdicts)
        return tuple(verdict.slot for verdict in verdicts)
    except MediumFault:
        return tuple(_recover_alone(volume, slot, signer) for slot in wanted)


def camera_tail(
    volume: Volume, camera_number: int, torn: Container[int] = (), provenance: Provenance = Provenance.LIVE
) -> CameraTail | None:
    """Return where the camera's recording ends; None where its last segment is not readable. Raises nothing.

    `torn`: the slots in which segments were left open. Only between those can access units be missing: when a segment
    was closed and the next one opened in a commit that was torn, the end of the first may be lost and the second not.
    """
    segment = volume.latest(camera_number, provenance)
    entry = volume.entry(segment.slot) if segment is not None else None
    end = _segment_end(volume, segment.slot, entry) if segment is not None and entry is not None else None
    if segment is None or entry is None or end is None:
        return None
    unbroken, current = end, end
    place: CataloguedSegment | None = segment
    while place is not None and (place.slot in torn or not current.access_units):
        place = volume.find(camera_number, place.sequence - 1)
        entry_before = volume.entry(place.slot) if place is not None else None
        before = _segment_end(volume, place.slot, entry_before) if place is not None and entry_before else None
        if before is None:
            break
        if not current.access_units or _next_access_unit(before) < current.first_access_unit:
            unbroken = before
        current = before
    return CameraTail(
        camera_number,
        segment.slot,
        segment.sequence,
        entry.epoch_id,
        unbroken.last_utc_ms,
        _next_access_unit(unbroken) - 1,
        _next_access_unit(end),
        end.chain_digest,
    )


def _next_access_unit(end: ChunkTally | SegmentFooter) -> int:
    return end.last_access_unit + 1 if end.access_units else end.first_access_unit


def _segment_end(volume: Volume, slot: int, entry: SlotEntry) -> ChunkTally | SegmentFooter | None:
    """Return the segment's footer, or where it has none what a scan adds up."""
    read_at = forgiving(volume.reader(slot))
    footer = _footer_at(read_at, entry.extent_blocks - 1)
    if footer is not None and (footer.camera_number, footer.sequence) == (entry.camera_number, entry.sequence):
        return footer
    return scan(read_at, volume.superblock.slot_bytes, look_ahead_bytes=0).tally


def _footer_at(read_at: ReadAt, block: int) -> SegmentFooter | None:
    if block < 1:
        return None
    try:
        return SegmentFooter.unpack(read_at(block * BLOCK_BYTES, BLOCK_BYTES))
    except FormatError:
        return None


def _judge(volume: Volume, slot: int, signer: Signer) -> _Verdict:
    """Look at a slot as the medium has it, and decide. Changes nothing."""
    entry = volume.entry(slot)
    if entry is not None and entry.state is SlotState.EMPTY:
        return _discard(slot, None, "nothing was opened in it")
    acknowledged = volume.acknowledged_bytes(slot)
    if acknowledged == 0:
        return _discard(slot, entry, "nothing of it was acknowledged")
    volume.forget_cached(slot)
    read_at = forgiving(volume.reader(slot))
    if entry is None:  # both copies are lost, perhaps of the whole table
        finished = find_finished(read_at, volume.superblock.slot_bytes)
        if finished is not None:
            return _keep_footer(_open_slot(slot, finished[0]), finished[1])
        if not read_at(0, BLOCK_BYTES).strip(b"\0"):
            return _discard(slot, None, "nothing stands in it")
    # What a failed commit left behind the acknowledged bytes was sealed again elsewhere: it is nobody's.
    reach = volume.superblock.slot_bytes if acknowledged is None else acknowledged + BLOCK_BYTES
    result = scan(read_at, reach, look_ahead_bytes=0)
    header, tally = result.header, result.tally
    if header is None or tally is None:
        return _discard(slot, entry, "it holds no segment header")
    if entry is not None and (entry.camera_number, entry.sequence) != (header.camera_number, header.sequence):
        return _discard(slot, entry, "its header never became durable")
    found = _open_slot(slot, header)
    footer = result.footer
    if footer is not None and (entry is None or not result.damage):
        return _keep_footer(found, footer)
    if result.damage:  # its last commit was torn, although a chunk or the footer behind the torn place is there
        tally = _before_damage(read_at, result, tally)
    if not tally.chunks:
        return _discard(slot, entry, "no whole commit of it became durable")
    return _end_here(found, header, result.header_digest, tally, signer)


def _open_slot(slot: int, header: SegmentHeader) -> OpenSlot:
    return OpenSlot(slot, header.camera_number, header.sequence, header.epoch_id, header.start_utc_ms)


def _before_damage(read_at: ReadAt, result: ScanResult, tally: ChunkTally) -> ChunkTally:
    """Return what stands in whole commits before the first damage."""
    first = min(damage.offset_bytes for damage in result.damage)
    if first >= tally.end_bytes:
        return tally
    return scan(read_at, first + BLOCK_BYTES, look_ahead_bytes=0).tally or tally


def _discard(slot: int, entry: SlotEntry | None, why: str) -> _Verdict:
    camera_number, sequence = (0, 0) if entry is None else (entry.camera_number, entry.sequence)
    report = RecoveredSlot(slot, Outcome.DISCARDED, camera_number, sequence, why)
    return _Verdict(report, None, 0, None, EmptySlot(slot))


def _keep_footer(found: OpenSlot, footer: SegmentFooter) -> _Verdict:
    closed = footer.kind is FooterKind.CLOSED
    report = RecoveredSlot(
        found.slot, Outcome.CLOSED, found.camera_number, found.sequence, "its footer was durable already"
    )
    change = CloseSlot(
        found.slot,
        footer.last_utc_ms,
        footer.extent_blocks,
        SlotState.CLOSED if closed else SlotState.RECOVERED,
    )
    return _Verdict(report, found, footer.extent_blocks * BLOCK_BYTES, None, change)


def _end_here(found: OpenSlot, header: SegmentHeader, digest: bytes, tally: ChunkTally, signer: Signer) -> _Verdict:
    footer = build_recovered(header, digest, tally, signer)
    report = RecoveredSlot(
        found.slot,
        Outcome.RECOVERED,
        found.camera_number,
        found.sequence,
        f"ends after chunk {tally.chunks - 1}, access unit {tally.last_access_unit}",
    )
    change = CloseSlot(found.slot, footer.last_utc_ms, footer.extent_blocks, SlotState.RECOVERED)
    write = SlotWrite(found.slot, tally.end_bytes, [footer.pack()])
    return _Verdict(report, found, tally.end_bytes, write, change)


def _carry_out(volume: Volume, verdicts: Sequence[_Verdict]) -> None:
    for verdict in verdicts:
        if verdict.found is not None:
            volume.adopt(verdict.found, verdict.end_bytes)
    writes = [verdict.write for verdict in verdicts if verdict.write is not None]
    volume.commit(writes, [verdict.change for verdict in verdicts])


def _recover_alone(volume: Volume, slot: int, signer: Signer) -> RecoveredSlot:
    """Recover one slot; where its place takes no footer, say so in the table and leave it as it is."""
    for left in range(TRIES_ALONE - 1, -1, -1):
        verdict = _judge(volume, slot, signer)
        try:
            _carry_out(volume, [verdict])
            break
        except MediumFault as fault:
            if not left:
                return _mark_bad(volume, _judge(volume, slot, signer), str(fault))
    return verdict.slot


def _mark_bad(volume: Volume, verdict: _Verdict, detail: str) -> RecoveredSlot:
    """Say in the table that nothing is written there any more; what is readable keeps its camera and time."""
    slot = verdict.slot.slot
    found = verdict.found or OpenSlot(slot, 0, 0, bytes(16), 0)
    last_utc_ms = verdict.change.end_utc_ms if isinstance(verdict.change, CloseSlot) else 0
    bad = CloseSlot(slot, last_utc_ms, verdict.end_bytes // BLOCK_BYTES, SlotState.BAD)
    for left in range(SETTLING_TRIES - 1, -1, -1):
        volume.adopt(found, verdict.end_bytes)
        try:
            volume.commit((), [bad])
            break
        except MediumFault:
            if not left:
                raise
    return RecoveredSlot(slot, Outcome.BAD, found.camera_number, found.sequence, detail)


def _settle(volume: Volume) -> None:
    """Bring both copies of table and superblock up to date, past blocks that are broken. Raises StorageFault."""
    for left in range(SETTLING_TRIES - 1, -1, -1):
        try:
            volume.flush()
            volume.mend_superblock()
            return
        except MediumFault:
            if not left:
                raise
