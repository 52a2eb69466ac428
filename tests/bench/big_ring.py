"""A volume of 65,536 slots that carry real headers and footers, as a sparse file: what lies between them are holes.

Slots of the default length; 1 TiB by its length, 0.5 GiB on the medium. Start-up, rebuilding and choosing slots look
at heads, tables, headers and footers only; what reads pictures (the scrub) is measured elsewhere. It must not know
recorders.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kuramori_segments.codes import FooterKind, SlotState
from kuramori_segments.footer import SegmentFooter, Signer
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.limits import BLOCK_BYTES, SLOT_BYTES
from kuramori_segments.slot_entry import SlotEntry
from kuramori_segments.superblock import SUPERBLOCK_A_OFFSET, SUPERBLOCK_B_OFFSET, Superblock
from tests.fakes.segments import make_header

SLOTS = 65_536
CAMERAS = 64
SEGMENT_MS = 33_000  # 16 MiB at 4 Mbit/s
UNITS_PER_SEGMENT = 990
DROP_CACHES = Path("/proc/sys/vm/drop_caches")


def camera_name(position: int) -> str:
    """Return the name of a camera of the ring, from 0."""
    return f"cam-{position}"


def make_big_ring(
    path: Path, *, recorder_id: bytes, signer: Signer, now_utc_ms: int, free_slots: int = 0, slots: int = SLOTS
) -> None:
    """Write the volume; the last `free_slots` are empty. Overwrites what is there."""
    superblock = Superblock(slots, secrets.token_bytes(16), recorder_id, now_utc_ms, filled_slots=slots)
    header = replace(make_header(), recorder_id=recorder_id)
    entries = bytearray()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.ftruncate(descriptor, superblock.volume_bytes)
        used = slots - free_slots
        rounds = -(-used // CAMERAS)
        for slot in range(slots):
            if slot >= used:
                entries += SlotEntry(SlotState.EMPTY, generation=1).pack()
                continue
            sequence, camera = divmod(slot, CAMERAS)
            start_utc_ms = now_utc_ms - (rounds - sequence) * SEGMENT_MS - 60_000
            its = _header(header, camera + 1, sequence + 1, start_utc_ms)
            entries += _write(descriptor, superblock.slot_offset(slot), its, signer)
        for offset in (superblock.table_a_offset, superblock.table_b_offset):
            os.pwrite(descriptor, entries, offset)
        for offset in (SUPERBLOCK_A_OFFSET, SUPERBLOCK_B_OFFSET):
            os.pwrite(descriptor, superblock.pack(), offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _header(header: SegmentHeader, camera_number: int, sequence: int, start_utc_ms: int) -> SegmentHeader:
    return replace(
        header,
        camera_number=camera_number,
        camera_name=camera_name(camera_number - 1),
        sequence=sequence,
        segment_uid=secrets.token_bytes(16),
        epoch_id=secrets.token_bytes(16),
        start_utc_ms=start_utc_ms,
        first_access_unit=1 + (sequence - 1) * UNITS_PER_SEGMENT,
    )


def _write(descriptor: int, slot_offset: int, header: SegmentHeader, signer: Signer) -> bytes:
    """Write header and footer of one slot; return its table entry."""
    block = header.pack()
    end_utc_ms = header.start_utc_ms + SEGMENT_MS - 40
    footer = SegmentFooter(
        kind=FooterKind.CLOSED,
        camera_number=header.camera_number,
        recorder_id=header.recorder_id,
        segment_uid=header.segment_uid,
        sequence=header.sequence,
        header_digest=header_digest(block),
        chain_digest=secrets.token_bytes(32),
        nal_root=secrets.token_bytes(32),
        nal_leaves=UNITS_PER_SEGMENT,
        chunks=SLOT_BYTES >> 16,
        extent_blocks=SLOT_BYTES // BLOCK_BYTES,
        first_utc_ms=header.start_utc_ms,
        last_utc_ms=end_utc_ms,
        first_access_unit=header.first_access_unit,
        last_access_unit=header.first_access_unit + UNITS_PER_SEGMENT - 1,
        access_units=UNITS_PER_SEGMENT,
        key_frames=33,
        lost_packets=0,
        end_boot_ms=1,
        device_key_id=signer.key_id,
    ).signed_by(signer)
    os.pwrite(descriptor, block, slot_offset)
    os.pwrite(descriptor, footer.pack(), slot_offset + SLOT_BYTES - BLOCK_BYTES)
    entry = SlotEntry(
        SlotState.CLOSED,
        header.camera_number,
        header.sequence,
        header.epoch_id,
        header.start_utc_ms,
        end_utc_ms,
        SLOT_BYTES // BLOCK_BYTES,
        1,
    )
    return entry.pack()


def lose_tables(path: Path) -> None:
    """Destroy both copies of the slot table."""
    with path.open("r+b") as file:
        superblock = Superblock.unpack(file.read(BLOCK_BYTES))
        file.seek(superblock.table_a_offset)
        file.write(b"\xa5" * (superblock.data_offset - superblock.table_a_offset))
        file.flush()
        os.fsync(file.fileno())


def forget_everything() -> bool:
    """Let nothing of any file stay in memory; tell whether that was allowed (root)."""
    os.sync()
    try:
        DROP_CACHES.write_text("3")
    except OSError:
        return False
    return True


def size_on_medium(paths: Sequence[Path]) -> int:
    """Return what files take on the medium."""
    return sum(path.stat().st_blocks * 512 for path in paths)
