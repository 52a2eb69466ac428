"""A recorder in small: real sealed segments of several cameras, written through a volume, and what became durable.

It keeps what the volume acknowledged, so that a test can ask afterwards whether all of it opens. Keys are no secret.
"""

import random
from dataclasses import dataclass, field, replace

from kuramori_segments.cipher import data_key, key_commitment, segment_key
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.nal_tree import NalTree
from kuramori_segments.records import FLAG_KEY_FRAME, CodecConfig
from kuramori_segments.recovery import CameraTail, camera_tail
from kuramori_segments.segment_error import SegmentFull
from kuramori_segments.segment_reader import SegmentReader
from kuramori_segments.segment_writer import SegmentWriter
from kuramori_segments.slot_change import CloseSlot, OpenSlot, SlotChange, SlotWrite
from kuramori_segments.slot_entry import SlotEntry
from kuramori_segments.volume import Volume
from tests.fakes.segments import DEK, EPOCH_KEY, NAL_SALT, SIGNER, length_prefixed, make_header, make_uid

RECORDER_ID = make_uid("recorder")
UNIT_MS = 100
GOP = 10


@dataclass
class CameraScript:
    """One camera: its segment in the making, and the numbers of the access units that were acknowledged."""

    number: int
    sequence: int = 0
    next_unit: int = 0
    previous_digest: bytes = bytes(32)
    acknowledged: int = 0  # access units below this number are durable
    writer: SegmentWriter | None = None
    slot: int = -1
    next_slot: int | None = None
    unit_utc_ms: int = 0


@dataclass
class Batch:
    """What one tick hands to a commit."""

    writes: list[SlotWrite] = field(default_factory=list)
    changes: list[SlotChange] = field(default_factory=list)
    durable_after: dict[int, int] = field(default_factory=dict)  # camera -> next access unit


class SegmentMaker:
    """Records made-up access units of some cameras into a volume, one commit per tick."""

    def __init__(self, volume: Volume, cameras: int, rng: random.Random, now_utc_ms: int) -> None:
        self.volume = volume
        self.rng = rng
        self.now_utc_ms = self.began_utc_ms = now_utc_ms
        self.cameras = [CameraScript(number) for number in range(1, cameras + 1)]
        self.not_owed: dict[int, set[int]] = {camera.number: set() for camera in self.cameras}
        self._units: dict[tuple[int, int], set[int]] = {}  # by camera and sequence

    def go_on(self, volume: Volume, ends: tuple[CameraTail, ...]) -> None:
        """After a restart: go on behind what is durable. Units behind a hole of a torn commit are owed to nobody."""
        self.volume = volume
        for tail in ends:
            self.not_owed[tail.camera_number] |= set(range(tail.last_access_unit + 1, tail.next_access_unit))
        for camera in self.cameras:
            camera.writer = camera.next_slot = None
            tail = camera_tail(volume, camera.number)
            if tail is not None:
                camera.sequence = max(camera.sequence, tail.sequence)
                camera.next_unit = tail.next_access_unit
                camera.previous_digest = tail.chain_digest

    def tick(self, *, close: bool = False) -> None:
        """Make every camera's access units of one tick durable. Raises what the volume raises."""
        batch = Batch()
        self.now_utc_ms += 1000
        for camera in self.cameras:
            self._append(camera, batch)
            if close:
                self._close(camera, batch)
        self.volume.commit(batch.writes, batch.changes)
        for camera in self.cameras:
            camera.acknowledged = max(camera.acknowledged, batch.durable_after.get(camera.number, 0))

    def _append(self, camera: CameraScript, batch: Batch) -> None:
        for _ in range(self.rng.randint(1, 6)):
            if camera.writer is None and not self._open(camera, batch):
                return
            payload = length_prefixed(b"\x65" + self.rng.randbytes(self.rng.randint(200, 6000)))
            try:
                self._unit(camera, payload)
            except SegmentFull:
                self._close(camera, batch)
                if not self._open(camera, batch):
                    return
                self._unit(camera, payload)
        self._take_commit(camera, batch)
        if self.rng.random() < 0.5 and camera.next_slot is None:
            camera.next_slot = self._take(camera)

    def _unit(self, camera: CameraScript, payload: bytes) -> None:
        number = camera.next_unit
        flags = FLAG_KEY_FRAME if number % GOP == 0 else 0
        camera.unit_utc_ms = max(camera.unit_utc_ms + UNIT_MS, self.now_utc_ms)
        utc_us = camera.unit_utc_ms * 1000
        assert camera.writer is not None
        camera.writer.append_access_unit(number, utc_us, number * 3600, utc_us, flags, 0, payload, 1)
        self._units.setdefault((camera.number, camera.sequence), set()).add(number)
        camera.next_unit += 1

    def _take(self, camera: CameraScript) -> int | None:
        taken = self.volume.take_slot(camera.number, plans={}, now_utc_ms=self.now_utc_ms)
        if taken is None:
            return None
        gone = taken.displaced
        if gone is not None:
            self.not_owed[gone.camera_number] |= self._units.get((gone.camera_number, gone.sequence), set())
        return taken.slot

    def _open(self, camera: CameraScript, batch: Batch) -> bool:
        slot = camera.next_slot if camera.next_slot is not None else self._take(camera)
        camera.next_slot = None
        if slot is None:
            return False
        camera.slot = slot
        camera.sequence += 1
        camera.writer = self.begin_segment(camera)
        batch.changes.append(OpenSlot(slot, camera.number, camera.sequence, make_uid("epoch"), self.now_utc_ms))
        return True

    def begin_segment(self, camera: CameraScript) -> SegmentWriter:
        """Return a writer for the camera's next segment."""
        header = make_camera_header(camera, self.now_utc_ms)
        config = CodecConfig(header.codec, 90_000, (b"\x67", b"\x68"), NAL_SALT)
        slot_bytes = self.volume.superblock.slot_bytes
        return SegmentWriter(header, key_of(header), codec_config=config, signer=SIGNER, slot_bytes=slot_bytes)

    def _take_commit(self, camera: CameraScript, batch: Batch) -> None:
        commit = camera.writer.take_commit() if camera.writer is not None else None
        if commit is not None:
            batch.writes.append(SlotWrite(camera.slot, commit.offset_bytes, commit.buffers))
            batch.durable_after[camera.number] = camera.next_unit

    def _close(self, camera: CameraScript, batch: Batch) -> None:
        if camera.writer is None:
            return
        commit = camera.writer.close(0, ())
        batch.writes.append(SlotWrite(camera.slot, commit.offset_bytes, commit.buffers))
        blocks = (commit.offset_bytes + commit.length_bytes) // BLOCK_BYTES
        last_utc_ms = commit.last_utc_ms if commit.last_utc_ms is not None else self.now_utc_ms
        batch.changes.append(CloseSlot(camera.slot, last_utc_ms, blocks))
        batch.durable_after[camera.number] = camera.next_unit
        camera.previous_digest = camera.writer.chain_digest
        camera.writer = None


def make_camera_header(camera: CameraScript, now_utc_ms: int) -> SegmentHeader:
    """Return the header of a camera's next segment; its uid follows from camera, sequence and time."""
    uid = f"{camera.number} {camera.sequence} {now_utc_ms}"
    header = make_header(
        uid=uid,
        sequence=camera.sequence,
        first_access_unit=camera.next_unit,
        start_utc_ms=now_utc_ms,
        previous_digest=camera.previous_digest,
    )
    return replace(
        header,
        camera_number=camera.number,
        key_commitment=key_commitment(DEK, segment_key(EPOCH_KEY, header.segment_uid), header.segment_uid),
    )


def key_of(header: SegmentHeader) -> bytes:
    """Return the data key of any header made here."""
    return data_key(DEK, segment_key(EPOCH_KEY, header.segment_uid), header_digest(header.pack()))


def opened_units(volume: Volume, slot: int, entry: SlotEntry) -> list[int]:
    """Decrypt and verify a segment to its end and return the numbers of its access units. Raises SegmentError."""
    read_at = volume.reader(slot)
    header = SegmentHeader.unpack(read_at(0, BLOCK_BYTES))
    extent_bytes = entry.extent_blocks * BLOCK_BYTES
    footer = SegmentFooter.unpack(read_at(extent_bytes - BLOCK_BYTES, BLOCK_BYTES))
    reader = SegmentReader(read_at, header, key_of(header), extent_bytes=extent_bytes)
    return [unit.number for unit in reader.verified_access_units(footer, NalTree())]
