"""The checker: every invariant of a volume as a named finding. It reads only, needs no secret, and judges nothing else.

Two superblocks, two tables, and for every finished segment header, chunks, padding, footer, signature and its place
in the camera's chain. Slots left open are recovery's matter and are not findings. Pure over a `read_at`, so that it
checks a file, a device, an image or the volume of a running recorder: what a slot's entry says is read again after
the slot was looked at, and a slot that was overwritten meanwhile gives no finding.
It must not know files, nor texts for people.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori_segments.block_window import ReadAt
from kuramori_segments.codes import FooterKind, SlotState
from kuramori_segments.device_key import verify_footer
from kuramori_segments.finding import Finding, FindingKind
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.forgiving_read import forgiving
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.segment_error import SignatureInvalid
from kuramori_segments.segment_scan import ScanResult, scan
from kuramori_segments.slot_entry import SLOT_ENTRY_BYTES, SlotEntry
from kuramori_segments.slot_table import LOST, SlotTable
from kuramori_segments.storage_fault import NotAVolume, StorageFault
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume_head import SUPERBLOCK_OFFSETS, TableCopies, read_superblocks, read_tables

DeviceKeys = Mapping[bytes, ec.EllipticCurvePublicKey]  # by key id: first 16 bytes of SHA-256 of the SPKI DER
Progress = Callable[[int, int], None]  # slots looked at, slots in use

_FINISHED = (SlotState.CLOSED, SlotState.RECOVERED)


@dataclass(frozen=True, slots=True)
class SegmentLink:
    """What the chain between segments needs to know of one."""

    slot: int
    header: SegmentHeader
    footer: SegmentFooter | None


def check_volume(
    read_at: ReadAt,
    size_bytes: int,
    *,
    device_keys: DeviceKeys | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Check a whole volume. Without `device_keys` signatures are not judged. Raises nothing.

    A damaged copy of a superblock or table entry is a finding although the other copy serves: the next start of
    the recorder mends it.
    """
    try:
        pair = read_superblocks(read_at, "the medium")
    except NotAVolume as fault:
        return [Finding(FindingKind.NO_SUPERBLOCK, 0, fault.detail)]
    superblock = pair.superblock
    findings = list(_check_superblocks(pair.faults, pair.copies))
    if size_bytes < superblock.volume_bytes:
        detail = f"{size_bytes} bytes are there, {superblock.volume_bytes} belong"
        findings.append(Finding(FindingKind.VOLUME_CUT, size_bytes, detail))
    tables = read_tables(read_at, superblock)
    table = SlotTable.merge(superblock.slot_count, tables.copy_a, tables.copy_b)
    findings += _check_table(superblock, tables, table)
    used = list(table.used_slots())
    links: list[SegmentLink] = []
    for number, slot in enumerate(used):
        entry = table.entry(slot)
        if entry is not None:
            found, link = check_slot(read_at, superblock, slot, entry, device_keys)
            if not found or entry_now(read_at, superblock, slot) == entry:
                findings += found
                links += [link] if link is not None else []
        if progress is not None:
            progress(number + 1, len(used))
    return [*findings, *check_chains(superblock, links)]


def entry_now(read_at: ReadAt, superblock: Superblock, slot: int) -> SlotEntry | None:
    """Return what the table on the medium says of one slot at this moment; None when both copies are lost."""
    valid: list[SlotEntry] = []
    for table_offset in (superblock.table_a_offset, superblock.table_b_offset):
        try:
            valid.append(SlotEntry.unpack(read_at(table_offset + slot * SLOT_ENTRY_BYTES, SLOT_ENTRY_BYTES)))
        except (FormatError, StorageFault):
            continue
    return max(valid, key=lambda entry: entry.generation, default=None)


def _check_superblocks(
    faults: tuple[FormatError | StorageFault | None, ...], copies: tuple[Superblock | None, ...]
) -> Iterator[Finding]:
    for offset, fault in zip(SUPERBLOCK_OFFSETS, faults, strict=True):
        if fault is not None:
            yield Finding(FindingKind.SUPERBLOCK_COPY, offset, str(fault))
    first, second = copies
    if first is not None and second is not None:
        for field in ("slot_count", "slot_bytes", "volume_id", "recorder_id", "created_utc_ms"):
            if getattr(first, field) != getattr(second, field):
                detail = f"the copies differ in {field}"
                yield Finding(FindingKind.SUPERBLOCKS_DISAGREE, SUPERBLOCK_OFFSETS[1], detail)


def _check_table(superblock: Superblock, tables: TableCopies, table: SlotTable) -> Iterator[Finding]:
    for offset in tables.unreadable_offsets:
        yield Finding(FindingKind.TABLE_UNREADABLE, offset, "the medium does not give this block")
    end = superblock.slot_count * SLOT_ENTRY_BYTES
    copies = ((superblock.table_a_offset, tables.copy_a), (superblock.table_b_offset, tables.copy_b))
    for start, copy in copies:
        if copy[end:].strip(b"\0"):
            yield Finding(FindingKind.TABLE_PADDING, start + end, "bytes behind the last entry are not zero")
    if tables.copy_a != tables.copy_b or table.states.count(LOST):
        for slot in range(superblock.slot_count):
            yield from _check_copies(slot, copies)
    for slot in range(superblock.slot_count):
        entry = table.entry(slot)
        why = _implausible(entry, superblock.slot_bytes // BLOCK_BYTES) if entry is not None else None
        if why is not None:
            place = superblock.table_a_offset + slot * SLOT_ENTRY_BYTES
            yield Finding(FindingKind.ENTRY_IMPLAUSIBLE, place, why, slot)


def _check_copies(slot: int, copies: tuple[tuple[int, bytes], ...]) -> Iterator[Finding]:
    start = slot * SLOT_ENTRY_BYTES
    pieces = [copy[start : start + SLOT_ENTRY_BYTES] for _, copy in copies]
    faults = [_entry_fault(piece) for piece in pieces]
    places = [table_offset + start for table_offset, _ in copies]
    if all(faults):
        yield Finding(FindingKind.ENTRY_LOST, places[0], f"{faults[0]}; {faults[1]}", slot)
        return
    for place, fault in zip(places, faults, strict=True):
        if fault is not None:
            yield Finding(FindingKind.ENTRY_COPY, place, fault, slot)
    if not any(faults) and pieces[0] != pieces[1]:
        one, two = (SlotEntry.unpack(piece) for piece in pieces)
        if one.generation == two.generation:
            yield Finding(FindingKind.ENTRIES_DISAGREE, places[1], f"both of generation {one.generation}", slot)


def _entry_fault(piece: bytes) -> str | None:
    try:
        SlotEntry.unpack(piece)
    except FormatError as fault:
        return str(fault)
    return None


def _implausible(entry: SlotEntry, slot_blocks: int) -> str | None:
    """Return what a valid entry says that cannot be, or None."""
    state, blocks = entry.state, entry.extent_blocks
    if state is SlotState.EMPTY:
        silent = entry == SlotEntry(SlotState.EMPTY, generation=entry.generation)
        return None if silent else "an empty slot with a segment's facts"
    if state is SlotState.BAD:
        return None if blocks <= slot_blocks else f"{blocks} blocks in a slot of {slot_blocks}"
    if not entry.camera_number:
        return "a segment of no camera"
    if state is SlotState.OPEN:
        return None if not entry.end_utc_ms and not blocks else "an open segment with an end"
    if not entry.end_utc_ms:
        return "a finished segment without an end"
    return None if 2 <= blocks <= slot_blocks else f"{blocks} blocks in a slot of {slot_blocks}"


def check_slot(
    read_at: ReadAt, superblock: Superblock, slot: int, entry: SlotEntry, device_keys: DeviceKeys | None = None
) -> tuple[list[Finding], SegmentLink | None]:
    """Check what a slot's entry claims against the slot; also what the scrub calls, slot by slot. Raises nothing."""
    return _SlotCheck(read_at, superblock, slot, entry, device_keys).run()


class _SlotCheck:
    """One slot under examination."""

    def __init__(
        self, read_at: ReadAt, superblock: Superblock, slot: int, entry: SlotEntry, device_keys: DeviceKeys | None
    ) -> None:
        self._start = superblock.slot_offset(slot)
        self._read_at = read_at
        self._superblock = superblock
        self._slot = slot
        self._entry = entry
        self._device_keys = device_keys
        self._findings: list[Finding] = []

    def run(self) -> tuple[list[Finding], SegmentLink | None]:
        """Return the findings, and the segment's place in the chain where it is known."""
        if self._entry.state is SlotState.BAD:
            self._note(FindingKind.SLOT_BAD, 0, "the place takes no writes any more; replace the medium")
        if self._entry.state not in _FINISHED:
            return self._findings, None
        try:
            extent_bytes = self._entry.extent_blocks * BLOCK_BYTES
            result = scan(forgiving(self._read_slot, extent_bytes), self._superblock.slot_bytes)
        except StorageFault as fault:
            self._note(FindingKind.SLOT_UNREADABLE, 0, str(fault))
            return self._findings, None
        header = result.header
        if header is None:
            detail = result.damage[0].detail if result.damage else "nothing stands there"
            self._note(FindingKind.HEADER, 0, detail)
            return self._findings, None
        if not self._is_of_entry(header):
            return self._findings, None
        for damage in result.damage:
            self._note(FindingKind.of_damage(damage.kind), damage.offset_bytes, damage.detail)
        self._check_end(header, result)
        return self._findings, SegmentLink(self._slot, header, result.footer)

    def _read_slot(self, offset_bytes: int, length_bytes: int) -> bytes:
        return self._read_at(self._start + offset_bytes, length_bytes)

    def _note(self, kind: FindingKind, offset_bytes: int, detail: str) -> None:
        entry = self._entry
        place = self._start + offset_bytes
        self._findings.append(Finding(kind, place, detail, self._slot, entry.camera_number, entry.sequence))

    def _is_of_entry(self, header: SegmentHeader) -> bool:
        entry = self._entry
        if header.recorder_id != self._superblock.recorder_id:
            self._note(FindingKind.RECORDER_OF_ANOTHER, 0, f"made by recorder {header.recorder_id.hex()}")
        same = (header.camera_number, header.sequence, header.epoch_id) == (
            entry.camera_number,
            entry.sequence,
            entry.epoch_id,
        )
        if not same:
            detail = f"the header is of camera {header.camera_number}, segment {header.sequence}"
            self._note(FindingKind.HEADER_OF_ANOTHER, 0, detail)
        elif header.start_utc_ms != entry.start_utc_ms and not header.time_unknown:
            self._note(FindingKind.TIMES_DISAGREE, 0, f"the header says it starts at {header.start_utc_ms}")
        return same

    def _check_end(self, header: SegmentHeader, result: ScanResult) -> None:
        entry, footer = self._entry, result.footer
        if footer is None:
            self._note(FindingKind.FOOTER_ABSENT, result.extent_bytes, "the segment has no footer of its own")
            return
        place = footer.extent_blocks * BLOCK_BYTES - BLOCK_BYTES
        if footer.extent_blocks != entry.extent_blocks:
            detail = f"it ends at block {footer.extent_blocks}, the table says {entry.extent_blocks}"
            self._note(FindingKind.EXTENT_DISAGREES, place, detail)
        if (footer.kind is FooterKind.CLOSED) != (entry.state is SlotState.CLOSED):
            detail = f"{footer.kind.name} in the footer, {entry.state.name} in the table"
            self._note(FindingKind.STATE_DISAGREES, place, detail)
        if footer.access_units and entry.end_utc_ms > footer.last_utc_ms and not header.time_unknown:
            self._note(FindingKind.TIMES_DISAGREE, place, f"the footer says it ends at {footer.last_utc_ms}")
        if self._device_keys is not None:
            self._check_signature(footer, place, self._device_keys)

    def _check_signature(self, footer: SegmentFooter, place: int, keys: DeviceKeys) -> None:
        key = keys.get(footer.device_key_id)
        if key is None:
            self._note(FindingKind.DEVICE_KEY_UNKNOWN, place, f"signed by {footer.device_key_id.hex()}")
            return
        try:
            verify_footer(footer, key)
        except SignatureInvalid as fault:
            self._note(FindingKind.SIGNATURE, place, str(fault))


def check_chains(superblock: Superblock, links: list[SegmentLink]) -> Iterator[Finding]:
    """Check that each segment goes on from the one before it, where both stand in the ring."""
    by_camera: dict[int, list[SegmentLink]] = {}
    seen: dict[bytes, int] = {}
    for link in links:
        by_camera.setdefault(link.header.camera_number, []).append(link)
        first = seen.setdefault(link.header.segment_uid, link.slot)
        if first != link.slot:
            yield _chain_finding(superblock, FindingKind.SEGMENT_TWICE, link, f"it stands in slot {first} too")
    for camera_links in by_camera.values():
        camera_links.sort(key=lambda link: link.header.sequence)
        for before, link in pairwise(camera_links):
            if link.header.sequence == before.header.sequence:
                detail = f"slot {before.slot} has the same number"
                yield _chain_finding(superblock, FindingKind.SEQUENCE_TWICE, link, detail)
            elif link.header.sequence == before.header.sequence + 1 and not _goes_on(before, link):
                detail = f"it does not name the end of segment {before.header.sequence} in slot {before.slot}"
                yield _chain_finding(superblock, FindingKind.CHAIN_BROKEN, link, detail)


def _chain_finding(superblock: Superblock, kind: FindingKind, link: SegmentLink, detail: str) -> Finding:
    header = link.header
    return Finding(kind, superblock.slot_offset(link.slot), detail, link.slot, header.camera_number, header.sequence)


def _goes_on(before: SegmentLink, link: SegmentLink) -> bool:
    """Tell whether a header names the end of the segment before it, where that end is known.

    A recovered segment was torn: the next one may name an end that never became durable (both stood in the same
    commit), or an earlier one (recovery found more of a segment durable than was acknowledged before a failed write).
    """
    footer = before.footer
    unknown = footer is None or footer.kind is FooterKind.RECOVERED
    return unknown or (footer is not None and footer.chain_digest == link.header.previous_digest)
