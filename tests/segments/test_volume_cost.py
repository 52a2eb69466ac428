"""What recording costs the medium: bytes written per byte received, syncs per tick; and what a start reads."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kuramori_segments.block_layout import BytesLike
from kuramori_segments.codes import SlotState
from kuramori_segments.limits import BLOCK_BYTES, SLOT_BYTES
from kuramori_segments.slot_change import CloseSlot, OpenSlot, SlotChange, SlotWrite
from kuramori_segments.slot_entry import SlotEntry
from kuramori_segments.superblock import Superblock, table_bytes
from kuramori_segments.volume import Volume

CAMERAS = 32
TICK_BYTES = 4_000_000 // 8  # 4 Mbit/s
SLOTS = 256
SECONDS = 600
WARM_UP_SECONDS = 60  # the first slots are filled in part, so that cameras do not all change slots at once
NOW = 1_800_000_000_000


@dataclass
class CountingDisk:
    """Remembers its head, and of the rest only how much was written."""

    size_bytes: int
    head_bytes: int
    written_bytes: int = 0
    read_bytes: int = 0
    syncs: int = 0
    cached_bytes: int = 0  # written and not let go of
    unsynced_bytes: int = 0
    head: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self.head = bytearray(self.head_bytes)

    def read_at(self, offset_bytes: int, length_bytes: int) -> bytes:
        assert offset_bytes + length_bytes <= self.head_bytes, "reads behind the head"
        self.read_bytes += length_bytes
        return bytes(self.head[offset_bytes : offset_bytes + length_bytes])

    def write_at(self, offset_bytes: int, buffers: Sequence[BytesLike]) -> int:
        length = sum(map(len, buffers))
        self.written_bytes += length
        self.unsynced_bytes += length
        self.cached_bytes += length
        if offset_bytes < self.head_bytes:
            self.head[offset_bytes : offset_bytes + length] = b"".join(buffers)
        return length

    def sync(self) -> None:
        self.syncs += 1
        self.unsynced_bytes = 0

    def forget_cached(self, offset_bytes: int, length_bytes: int) -> None:
        assert not self.unsynced_bytes, "what is not durable yet cannot leave the cache"
        self.cached_bytes -= length_bytes

    def close(self) -> None:
        """Nothing is held."""


def make(slots: int) -> tuple[CountingDisk, Volume]:
    geometry = Superblock(slots, bytes(16), bytes(16), NOW)
    disk = CountingDisk(geometry.volume_bytes, geometry.data_offset)
    volume = Volume.create(disk, slot_count=slots, volume_id=bytes(16), recorder_id=bytes(16), created_utc_ms=NOW)
    disk.written_bytes = disk.syncs = disk.read_bytes = 0
    return disk, volume


class Load:
    """Thirty-two cameras that fill slot after slot, each taking its next slot one tick ahead."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.block = bytes(TICK_BYTES + -TICK_BYTES % BLOCK_BYTES)
        self.slots = [-1] * CAMERAS
        self.next_slots = [self.take(camera) for camera in range(CAMERAS)]
        self.ends = [SLOT_BYTES] * CAMERAS
        self.sequence = 0

    def take(self, camera: int) -> int:
        taken = self.volume.take_slot(camera + 1, plans={}, now_utc_ms=NOW + 10**9)
        assert taken is not None
        return taken.slot

    def tick(self, second: int) -> int:
        """Commit a second of every camera; return the syncs that took."""
        batch: list[SlotWrite] = []
        changes: list[SlotChange] = []
        for camera in range(CAMERAS):
            first_offset = camera * SLOT_BYTES // CAMERAS // BLOCK_BYTES * BLOCK_BYTES
            if self.ends[camera] + len(self.block) + BLOCK_BYTES > SLOT_BYTES:
                if self.slots[camera] >= 0:
                    footer = SlotWrite(self.slots[camera], self.ends[camera], [bytes(BLOCK_BYTES)])
                    batch.append(footer)
                    blocks = self.ends[camera] // BLOCK_BYTES + 1
                    changes.append(CloseSlot(self.slots[camera], NOW + second, blocks))
                self.slots[camera], self.sequence = self.next_slots[camera], self.sequence + 1
                changes.append(OpenSlot(self.slots[camera], camera + 1, self.sequence, bytes(16), NOW + second))
                start = bytes(BLOCK_BYTES + (first_offset if second == 0 else 0))  # spread over time from the start
                batch.append(SlotWrite(self.slots[camera], 0, [start]))
                self.ends[camera] = len(start)
                if self.ends[camera] + len(self.block) + BLOCK_BYTES > SLOT_BYTES:
                    self.next_slots[camera] = -1
                    continue
                self.next_slots[camera] = -1
            batch.append(SlotWrite(self.slots[camera], self.ends[camera], [self.block]))
            self.ends[camera] += len(self.block)
        syncs = self.volume.commit(batch, changes).syncs
        for camera in range(CAMERAS):
            if self.next_slots[camera] < 0:
                self.next_slots[camera] = self.take(camera)
        return syncs


def test_bytes_written_per_byte_received_and_syncs() -> None:
    """32 cameras of 4 Mbit/s, ten minutes, a ring overwritten many times: at most 1.05, and one sync a second."""
    disk, volume = make(SLOTS)
    load = Load(volume)
    for second in range(WARM_UP_SECONDS):
        load.tick(second)
    before = replace(volume.statistics)
    disk.written_bytes = disk.syncs = 0
    syncs = [load.tick(WARM_UP_SECONDS + second) for second in range(SECONDS)]
    received = CAMERAS * TICK_BYTES * SECONDS
    table_bytes_written = volume.statistics.table_bytes - before.table_bytes
    assert volume.statistics.data_bytes - before.data_bytes + table_bytes_written == disk.written_bytes
    assert disk.written_bytes / received < 1.05
    assert table_bytes_written / received < 0.001
    assert set(syncs) == {1}
    assert disk.syncs == SECONDS


def test_a_start_reads_the_head_once() -> None:
    """65,536 slots, all in use: two superblocks and two tables are read, nothing of any slot."""
    slots = 65_536
    disk, volume = make(slots)
    superblock = volume.superblock
    entries = bytearray()
    for slot in range(slots):
        entry = SlotEntry(SlotState.CLOSED, slot % 32 + 1, slot, bytes(16), NOW + slot, NOW + slot + 1, 4096, 1)
        entries += entry.pack()
    for offset in (superblock.table_a_offset, superblock.table_b_offset):
        disk.head[offset : offset + len(entries)] = entries
    again = Volume.open(disk)
    assert disk.read_bytes == 2 * BLOCK_BYTES + 2 * table_bytes(slots)
    assert len(again.overlapping(1, 0, 1 << 60)) == slots // 32
    assert again.usage().closed == slots


def test_recording_leaves_no_pictures_in_the_page_cache() -> None:
    """After each commit only blocks of the slot table stay: the next one uses the pages of the one before."""
    disk, volume = make(SLOTS)
    load = Load(volume)
    for second in range(WARM_UP_SECONDS):
        load.tick(second)
    assert disk.cached_bytes <= volume.statistics.table_bytes + disk.head_bytes
    volume.close()
