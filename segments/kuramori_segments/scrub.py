"""Reads finished segments of a volume back and verifies them without keys: checksums, digest chain, signature (O3).

Everything comes from the medium, not from what the system keeps in memory. One segment at a time; what was overwritten
meanwhile gives no verdict, and neither does a medium that gives nothing any more: that is a storage fault, not damage
of each segment on it. Nothing is written to segments; a copy of the head that decayed is written anew from what was
acknowledged. It must not know files, cameras' names or the clock; the
caller sets the pace in `before_read`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori_segments.block_window import ReadAt
from kuramori_segments.check import SegmentLink, check_chains, check_slot
from kuramori_segments.damaged_time import TimeRange, damaged_times
from kuramori_segments.finding import Finding, FindingKind
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.scrub_choice import MS_PER_MINUTE, ScrubView, look
from kuramori_segments.scrub_record import ScrubRecord
from kuramori_segments.slot_table import FinishedRow
from kuramori_segments.superblock import table_bytes
from kuramori_segments.volume import Volume

HEAD_STEP_BLOCKS = 16  # a commit waits for so many reads of each table copy at the most
NO_DAMAGE = frozenset({FindingKind.DEVICE_KEY_UNKNOWN})  # signed before the device key was replaced: not judged here


@dataclass(frozen=True, slots=True)
class Verdict:
    """What reading one segment back showed. Without findings it is whole."""

    row: FinishedRow
    findings: tuple[Finding, ...]
    times: tuple[TimeRange, ...]  # what the findings concern; empty without findings

    @property
    def is_whole(self) -> bool:
        return not self.findings


class Scrub:
    """The reading back of one volume; for one thread."""

    def __init__(
        self,
        volume: Volume,
        record: ScrubRecord,
        device_keys: Mapping[bytes, ec.EllipticCurvePublicKey],
        before_read: Callable[[int], None],
    ) -> None:
        """`before_read` is called with the number of bytes before each read; what it raises goes through."""
        self.volume = volume
        self.record = record
        self._device_keys = device_keys
        self._before_read = before_read
        self._links: dict[int, SegmentLink] = {}  # the segment of each camera that was verified last

    def look(self, now_utc_ms: int, *, rest_minutes: int, most: int) -> ScrubView:
        """Look over the volume and return what is due; where a pass is over, the next begins."""
        rows = self.volume.finished_rows()
        view = look(rows, self.record, now_utc_ms, rest_minutes=rest_minutes, most=most)
        if view.pass_is_over and view.segments:
            minute = now_utc_ms // MS_PER_MINUTE
            if self.record.pass_began_minute < minute:
                self.record.note_pass(minute, minute if self.record.pass_began_minute else 0)
        return view

    def verify_head(self) -> list[int]:
        """Read both copies of superblock and slot table back; return where they decayed. Raises StorageFault."""
        volume = self.volume
        blocks = table_bytes(volume.superblock.slot_count) // BLOCK_BYTES
        self._before_read(2 * BLOCK_BYTES)
        decayed = volume.scrub_superblocks()
        for first in range(0, blocks, HEAD_STEP_BLOCKS):
            self._before_read(2 * HEAD_STEP_BLOCKS * BLOCK_BYTES)
            decayed += volume.scrub_table(first, HEAD_STEP_BLOCKS)
        return decayed

    def verify(self, row: FinishedRow, now_utc_ms: int) -> Verdict | None:
        """Read one segment back; None when it was overwritten meanwhile. Raises StorageFault where nothing is read."""
        volume, superblock = self.volume, self.volume.superblock
        entry = volume.entry(row.slot)
        if entry is None or entry.generation != row.generation:
            return None
        start = superblock.slot_offset(row.slot)
        read_slot = self._paced(volume.reader(row.slot))
        volume.forget_cached(row.slot)
        found, link = check_slot(
            lambda offset, length: read_slot(offset - start, length), superblock, row.slot, entry, self._device_keys
        )
        if link is not None and not found:
            before = self._links.get(row.camera_number)
            found = list(check_chains(superblock, [before, link])) if before is not None else []
            self._links[row.camera_number] = link
        findings = tuple(finding for finding in found if finding.kind not in NO_DAMAGE)
        times: tuple[TimeRange, ...] = ()
        if findings:
            volume.require_readable()
            times = damaged_times(read_slot, superblock.slot_bytes, entry, {finding.kind for finding in findings})
        volume.forget_cached(row.slot)
        after = volume.entry(row.slot)
        if after is None or after.generation != row.generation:
            return None
        self.record.note(row.slot, row.generation, now_utc_ms // MS_PER_MINUTE)
        return Verdict(row, findings, times)

    def _paced(self, read_at: ReadAt) -> ReadAt:
        def read(offset_bytes: int, length_bytes: int) -> bytes:
            self._before_read(length_bytes)
            return read_at(offset_bytes, length_bytes)

        return read
