"""The disks of a dead recorder, read only: which segments lie there, whose they are, and how far each can be read.

A segment that was still being written when the machine died has no footer: it is scanned without a key, and what is
whole of it counts. Nothing is repaired. This module must not know keys or requests.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from kuramori.messages import SegmentState
from kuramori.offline.fault import AnotherRecorder, EvidenceUnusable
from kuramori_segments.codes import FooterKind, SlotState
from kuramori_segments.disk import FileDisk
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.segment_scan import ScanResult, scan
from kuramori_segments.storage_fault import StorageFault, VolumeInUse, VolumeRefused
from kuramori_segments.volume import Volume

EVER_UTC_MS = 1 << 62
KINDS = {FooterKind.CLOSED: SegmentState.CLOSED, FooterKind.RECOVERED: SegmentState.RECOVERED}
STATES = {SlotState.CLOSED: SegmentState.CLOSED, SlotState.RECOVERED: SegmentState.RECOVERED}


@dataclass(frozen=True, slots=True)
class EvidenceSegment:
    """A segment on a volume."""

    volume_path: Path
    offset_bytes: int
    extent_bytes: int
    header: SegmentHeader
    state: SegmentState
    end_utc_ms: int  # of its last access unit, as far as the slot table or the chunks say
    dated_by_ms: int = 0  # what is added to the times in it: recorded without a trustworthy clock, dated later

    @property
    def start_utc_ms(self) -> int:
        """When it begins, by a trusted clock where one came later."""
        return self.header.start_utc_ms + self.dated_by_ms


class Evidence:
    """Every readable segment of some volumes, by camera."""

    def __init__(self, volumes: Sequence[Path], recorder_id: bytes) -> None:
        """Read tables and headers. Blocks. Raises EvidenceUnusable, AnotherRecorder."""
        found: list[EvidenceSegment] = []
        for path in volumes:
            with ExitStack() as closing:
                try:
                    disk = FileDisk.open(path, writable=False)
                    closing.callback(disk.close)
                    volume = Volume.open(disk, str(path))
                except (StorageFault, VolumeRefused, VolumeInUse) as fault:
                    raise EvidenceUnusable(str(path), str(fault)) from fault
                if volume.superblock.recorder_id != recorder_id:
                    raise AnotherRecorder(str(path))
                for number in volume.cameras():
                    for segment in volume.overlapping(number, 0, EVER_UTC_MS):
                        read = _read(volume, path, segment.slot)
                        if read is not None:
                            found.append(read)
        found.sort(key=lambda one: one.header.sequence)
        self.by_camera: dict[str, tuple[EvidenceSegment, ...]] = {}
        for one in found:
            name = one.header.camera_name
            self.by_camera[name] = (*self.by_camera.get(name, ()), one)
        self.by_uid = {one.header.segment_uid: one for one in found}

    @property
    def numbers(self) -> dict[str, int]:
        """The cameras' numbers, by name."""
        return {name: segments[0].header.camera_number for name, segments in self.by_camera.items()}

    def overlapping(self, camera: str, from_utc_ms: int, to_utc_ms: int) -> list[EvidenceSegment]:
        """Return the camera's segments that touch [from, to), in the order of recording."""
        return [
            one
            for one in self.by_camera.get(camera, ())
            if one.start_utc_ms < to_utc_ms and one.end_utc_ms >= from_utc_ms
        ]


def _read(volume: Volume, path: Path, slot: int) -> EvidenceSegment | None:
    """Return what stands in a slot; None where no header can be read, or nothing is whole."""
    entry = volume.entry(slot)
    offset_bytes = volume.superblock.slot_offset(slot)
    try:
        header = SegmentHeader.unpack(volume.reader(slot)(0, BLOCK_BYTES))
        if entry is not None and entry.state in STATES:
            extent_bytes = entry.extent_blocks * BLOCK_BYTES
            dated_by_ms = entry.start_utc_ms - header.start_utc_ms if header.time_unknown else 0
            state = STATES[entry.state]
            return EvidenceSegment(path, offset_bytes, extent_bytes, header, state, entry.end_utc_ms, dated_by_ms)
        scanned = scan(volume.reader(slot), volume.superblock.slot_bytes)
    except (FormatError, StorageFault):
        return None
    end_utc_ms = _end(scanned)
    if not scanned.extent_bytes or end_utc_ms is None:
        return None
    state = SegmentState.OPEN if scanned.footer is None else KINDS[scanned.footer.kind]
    return EvidenceSegment(path, offset_bytes, scanned.extent_bytes, header, state, end_utc_ms)


def _end(scanned: ScanResult) -> int | None:
    return None if scanned.tally is None else scanned.tally.last_utc_ms
