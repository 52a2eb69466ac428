"""The keyless scan: what stands in a slot, where exactly it ends, and what is damaged (FORMAT.md, "Keyless scan").

Works on any bytes. A torn segment ends with its last whole commit; bytes of an earlier lap are never taken for
new ones. This module must not know keys, and it changes nothing.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256

from kuramori_segments.block_window import BlockWindow, ReadAt
from kuramori_segments.chunk_search import ChunkPlace, ChunkSearch, NoChunk
from kuramori_segments.codes import FooterKind
from kuramori_segments.damage import Damage, DamageKind
from kuramori_segments.footer import MAGIC as FOOTER_MAGIC
from kuramori_segments.footer import ChunkTally, SegmentFooter
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.limits import BLOCK_BYTES, CHUNK_AUTHENTICATED_BYTES, TAG_BYTES

_U32_MAX = 0xFFFFFFFF
_OWN_CHUNK_DAMAGED = (DamageKind.CHUNK_ORDER, DamageKind.CHUNK_CUT, DamageKind.CHUNK_CHECKSUM)


class ScanState(StrEnum):
    """What a slot holds, as far as its own bytes tell."""

    EMPTY = "empty"  # no header, all zeros
    UNREADABLE = "unreadable"  # something, but not a header
    TORN = "torn"  # a segment without footer
    CLOSED = "closed"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What the scan found. For a torn segment, the recovered footer belongs at `tally.end_bytes`."""

    state: ScanState
    header: SegmentHeader | None
    header_digest: bytes  # 32 bytes; empty without header
    tally: ChunkTally | None  # the unbroken run from the first chunk to the last whole commit
    footer: SegmentFooter | None  # its signature is not checked here
    damage: tuple[Damage, ...]

    @property
    def extent_bytes(self) -> int:
        """Return the length from the slot's start through the footer, or through the last commit if torn."""
        if self.footer is not None:
            return self.footer.extent_blocks * BLOCK_BYTES
        return self.tally.end_bytes if self.tally is not None else 0


def read_header(block: bytes | bytearray | memoryview) -> SegmentHeader:
    """Return the header in a slot's first 4096 bytes. Raises FormatError."""
    return SegmentHeader.unpack(block)


def scan(read_at: ReadAt, slot_bytes: int, *, look_ahead_bytes: int | None = None) -> ScanResult:
    """Scan one slot without a key. Raises nothing but what `read_at` raises.

    Where no chunk stands at the end, the search goes on for chunks or a footer behind a hole: through the whole
    slot, or through `look_ahead_bytes`, which recovery of many slots keeps small.
    """
    window = BlockWindow(read_at, slot_bytes)
    block = bytes(window.look(0, BLOCK_BYTES))
    if not block.strip(b"\0"):
        return ScanResult(ScanState.EMPTY, None, b"", None, None, ())
    try:
        header = SegmentHeader.unpack(block)
    except FormatError as fault:
        damage = Damage(DamageKind.HEADER, 0, None, str(fault))
        return ScanResult(ScanState.UNREADABLE, None, b"", None, None, (damage,))
    ahead = slot_bytes if look_ahead_bytes is None else look_ahead_bytes
    return _SegmentScan(window, header, header_digest(block), ahead).run()


class _SegmentScan:
    """One pass over one segment."""

    def __init__(self, window: BlockWindow, header: SegmentHeader, digest: bytes, ahead_bytes: int) -> None:
        self._window = window
        self._header = header
        self._digest = digest
        self._ahead_bytes = ahead_bytes
        self._search = ChunkSearch(window, header.segment_uid, window.limit_bytes - BLOCK_BYTES)
        start = header.start_utc_ms
        first = header.first_access_unit
        self._run = ChunkTally(digest, 0, BLOCK_BYTES, start, start, first, first)
        self._committed = self._run
        self._broken = False  # behind a hole: nothing adds to the run any more
        self._behind_hole = 0
        self._damage: list[Damage] = []

    def run(self) -> ScanResult:
        """Walk the chunks to the end."""
        offset, index = BLOCK_BYTES, 0
        while True:
            found = self._search.expect(offset, index, with_checksum=True)
            step = self._resume(offset, index, found) if isinstance(found, NoChunk) else found
            if not isinstance(step, ChunkPlace):
                return self._torn() if step is None else self._with_footer(step)
            self._add(step)
            offset, index = step.end_bytes, step.head.index + 1
            if step.head.final:
                footer = self._own_footer(offset)
                self._note_unreadable_footer(footer, offset)
                return self._torn() if footer is None else self._with_footer(footer)

    def _resume(self, offset_bytes: int, index: int, missing: NoChunk) -> ChunkPlace | SegmentFooter | None:
        """Return where it goes on, although the expected chunk is not here: the end, or behind a hole."""
        footer = self._own_footer(offset_bytes)
        if footer is not None:
            return footer
        behind = self._behind(offset_bytes, index)
        if behind is not None:
            self._broken = True
        if behind is not None or missing.kind in _OWN_CHUNK_DAMAGED:
            self._damage.append(Damage(missing.kind, offset_bytes, index, missing.detail))
        return behind

    def _add(self, place: ChunkPlace) -> None:
        """Count a chunk into the run, or behind the hole."""
        head = place.head
        padding_is_zero = self._search.padding_is_zero(place)
        if not padding_is_zero:
            detail = "bytes behind the chunk are not zero"
            self._damage.append(Damage(DamageKind.PADDING, place.offset_bytes, head.index, detail))
        if self._broken:
            self._behind_hole += 1
            return
        run = self._run
        chunk = self._search.chunk_bytes(place)
        link = (run.chain_digest, chunk[:CHUNK_AUTHENTICATED_BYTES], chunk[-TAG_BYTES:])
        run = replace(
            run,
            chain_digest=sha256(b"".join(link)).digest(),
            chunks=run.chunks + 1,
            end_bytes=place.end_bytes,
            lost_packets=min(run.lost_packets + head.lost_packets, _U32_MAX),
            final_seen=head.final,
        )
        if head.access_units:
            first_of_all = not run.access_units
            run = replace(
                run,
                first_utc_ms=head.first_utc_ms if first_of_all else min(run.first_utc_ms, head.first_utc_ms),
                last_utc_ms=head.last_utc_ms if first_of_all else max(run.last_utc_ms, head.last_utc_ms),
                first_access_unit=head.first_access_unit if first_of_all else run.first_access_unit,
                last_access_unit=head.first_access_unit + head.access_units - 1,
                access_units=run.access_units + head.access_units,
            )
        self._run = run
        if head.commit_end and padding_is_zero:
            self._committed = run

    def _own_footer(self, offset_bytes: int) -> SegmentFooter | None:
        """Return this segment's footer if it stands there."""
        block = self._window.look(offset_bytes, BLOCK_BYTES)
        if block[: len(FOOTER_MAGIC)] != FOOTER_MAGIC:
            return None
        try:
            footer = SegmentFooter.unpack(block)
        except FormatError:
            return None
        own = footer.segment_uid == self._header.segment_uid and footer.header_digest == self._digest
        return footer if own and footer.extent_blocks * BLOCK_BYTES == offset_bytes + BLOCK_BYTES else None

    def _note_unreadable_footer(self, footer: SegmentFooter | None, offset_bytes: int) -> None:
        block = self._window.look(offset_bytes, BLOCK_BYTES)
        if footer is None and block[: len(FOOTER_MAGIC)] == FOOTER_MAGIC:
            detail = "the block behind the final chunk is no footer of this segment"
            self._damage.append(Damage(DamageKind.FOOTER, offset_bytes, None, detail))

    def _behind(self, offset_bytes: int, index: int) -> ChunkPlace | SegmentFooter | None:
        """Return the first thing of this segment that stands behind a place where its next chunk is not."""
        end = min(offset_bytes + BLOCK_BYTES + self._ahead_bytes, self._window.limit_bytes)
        for offset in range(offset_bytes, end, BLOCK_BYTES):
            found = self._search.whole_chunk_at(offset, index) or self._own_footer(offset)
            if found is not None:
                return found
        return None

    def _torn(self) -> ScanResult:
        unfinished = self._run.chunks - self._committed.chunks
        if unfinished:
            detail = f"{unfinished} chunks of a commit that was never whole"
            place = self._committed.end_bytes
            self._damage.append(Damage(DamageKind.UNFINISHED_COMMIT, place, self._committed.chunks, detail))
        if self._behind_hole:
            detail = f"{self._behind_hole} chunks of this segment stand behind a hole"
            self._damage.append(Damage(DamageKind.CHUNKS_BEHIND_END, self._run.end_bytes, None, detail))
        return self._result(ScanState.TORN, None, self._committed)

    def _with_footer(self, footer: SegmentFooter) -> ScanResult:
        closed = footer.kind is FooterKind.CLOSED
        place = footer.extent_blocks * BLOCK_BYTES - BLOCK_BYTES
        if not self._broken:
            for field in _contradictions(footer, self._header, self._run):
                detail = f"the footer's {field} contradicts the chunks"
                self._damage.append(Damage(DamageKind.FOOTER_MISMATCH, place, None, detail))
            if closed and not self._run.final_seen:
                detail = "a closed segment without its final chunk"
                self._damage.append(Damage(DamageKind.FINAL_MISSING, place, self._run.chunks, detail))
        return self._result(ScanState.CLOSED if closed else ScanState.RECOVERED, footer, self._run)

    def _result(self, state: ScanState, footer: SegmentFooter | None, tally: ChunkTally) -> ScanResult:
        return ScanResult(state, self._header, self._digest, tally, footer, tuple(self._damage))


def _contradictions(footer: SegmentFooter, header: SegmentHeader, tally: ChunkTally) -> list[str]:
    """Return the footer's fields that header and chunks tell otherwise."""
    told: dict[str, object] = {
        "camera_number": header.camera_number,
        "recorder_id": header.recorder_id,
        "sequence": header.sequence,
        "chain_digest": tally.chain_digest,
        "chunks": tally.chunks,
        "extent_blocks": tally.end_bytes // BLOCK_BYTES + 1,
        "access_units": tally.access_units,
        "lost_packets": tally.lost_packets,
        "first_utc_ms": tally.first_utc_ms,
        "last_utc_ms": tally.last_utc_ms,
        "first_access_unit": tally.first_access_unit,
        "last_access_unit": tally.last_access_unit,
    }
    return [field for field, value in told.items() if getattr(footer, field) != value]
