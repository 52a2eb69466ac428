"""One camera's recording: which segment, which slot, which epoch, and what becomes of what cannot be written."""

import contextlib
import itertools
import struct
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.camera_messages import CameraEvent
from kuramori.capture.source import Codec
from kuramori.epoch_plan import EPOCH_CLOSE_NS, NS_PER_SECOND
from kuramori.memory_budget import MemoryBudget
from kuramori.recording import CameraRecording
from kuramori.recording_values import Batch, RecordingState, Unit
from kuramori.segment_factory import SegmentFactory, StreamFacts
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.cipher import segment_key
from kuramori_segments.codes import AudioState, RecordSource, Suite
from kuramori_segments.commit_reader import records_of_commits
from kuramori_segments.device_key import DeviceSigner
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.records import FLAG_KEY_FRAME, CameraEventRecord
from kuramori_segments.segment_error import AccessUnitTooLarge, SegmentFull
from kuramori_segments.slot_change import CloseSlot, OpenSlot, TakenSlot
from kuramori_segments.volume import Volume
from tests.fakes.key_holders import CREATED_UTC_MS, custodian_set

SLOT_BYTES = 256 * 1024
FRAME_NS = NS_PER_SECOND // 30
START_NS = 1_000 * NS_PER_SECOND
STREAM = StreamFacts(Codec.H264, 90_000, (), RecordSource.NATIVE, AudioState.NONE_OFFERED, "none offered")


def payload_of(size_bytes: int, *, key: bool = True, mark: int = 7) -> bytes:
    """One NAL unit of about that size behind its length."""
    nal = bytes([0x65 if key else 0x41]) + mark.to_bytes(4, "big") * (size_bytes // 4)
    return struct.pack(">I", len(nal)) + nal


@dataclass(frozen=True)
class Epoch:
    epoch_id: bytes
    first_boot_ms: int


@dataclass
class Ring:
    """A real volume that gives its slots; `closed` makes it give none."""

    volume: Volume
    closed: bool = False
    taken: list[int] = field(default_factory=list)

    def give_back(self, slot: int) -> None:
        self.volume.give_back(slot)

    def take(self, camera_number: int, now_utc_ms: int) -> TakenSlot | None:
        if self.closed:
            return None
        slot = self.volume.take_slot(camera_number, plans={}, now_utc_ms=now_utc_ms)
        if slot is not None:
            self.taken.append(slot.slot)
        return slot


@dataclass
class Bench:
    """A recording with everything around it, and a camera that sends one unit after another."""

    recording: CameraRecording
    ring: Ring
    boot_ns: int = START_NS
    numbers: list[int | None] = field(default_factory=list)

    @property
    def utc_ms(self) -> int:
        return CREATED_UTC_MS + self.boot_ns // 1_000_000

    def send(self, units: int, size_bytes: int = 4000, gop: int = 30) -> None:
        for _ in range(units):
            key = len(self.numbers) % gop == 0
            payload = payload_of(size_bytes, key=key, mark=len(self.numbers))
            unit = Unit(self.utc_ms * 1000, len(self.numbers) * 3000, self.boot_ns // 1000, key, 0, payload, 1)
            self.numbers.append(self.recording.append(unit._replace(flags=FLAG_KEY_FRAME * key), self.boot_ns))
            self.boot_ns += FRAME_NS

    def collect(self) -> Batch:
        batch = self.recording.collect(self.boot_ns, self.utc_ms)
        assert batch is not None
        return batch

    def commit(self, batch: Batch) -> None:
        self.ring.volume.commit(batch.writes, batch.changes)
        self.recording.acknowledge(batch)
        batch.release()

    def epoch(self) -> Epoch:
        epoch = Epoch(bytes([len(self.ring.taken) + 1]) * 16, self.boot_ns // 1_000_000)
        self.recording.plan.arrived(epoch)
        return epoch


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A recording on a small volume."""
    return make_bench(tmp_path)


def make_bench(folder: Path) -> Bench:
    """A recording on a small volume, its stream begun and its first epoch ready."""
    volume = Volume.create_file(
        folder / "volume",
        size_bytes=24 * SLOT_BYTES + (1 << 20),
        volume_id=bytes(16),
        recorder_id=bytes(range(16)),
        created_utc_ms=CREATED_UTC_MS,
        slot_bytes=SLOT_BYTES,
    )
    while not volume.zero_fill_step(1 << 22).done:
        pass
    custodians = custodian_set()
    signer = DeviceSigner(ec.generate_private_key(ec.SECP256R1()))
    factory = SegmentFactory(bytes(range(16)), custodians, signer, Suite.AES_256_GCM, SLOT_BYTES, ChunkBuffers())
    ring = Ring(volume)
    recording = CameraRecording(
        camera_number=3,
        camera_name="gate",
        factory=factory,
        slots=ring,
        segment_key=lambda epoch_id, uid: segment_key(epoch_id * 2, uid),
        budget=MemoryBudget(1 << 20),
        state=RecordingState(),
    )
    bench = Bench(recording, ring)
    bench.epoch()
    recording.begin_stream(STREAM, bench.boot_ns, bench.utc_ms)
    return bench


def headers(batches: list[Batch]) -> list[SegmentHeader]:
    """The headers that these batches begin, in order."""
    writes = [write for batch in batches for write in batch.writes if write.offset_bytes == 0]
    return [SegmentHeader.unpack(b"".join(write.buffers)[:BLOCK_BYTES]) for write in writes]


def test_access_units_are_numbered_without_holes(bench: Bench) -> None:
    """The first is 1, each next one more, over several segments."""
    bench.send(200)
    assert bench.numbers == list(range(1, 201))


def test_a_segment_ends_when_its_slot_is_full_and_the_next_names_its_digest(bench: Bench) -> None:
    """Slots of 256 KiB take some sixty units of 4 kB; each segment is chained to the one before."""
    batches = []
    for _ in range(10):
        bench.send(20)
        batches.append(bench.collect())
        bench.commit(batches[-1])
    opened = [change for batch in batches for change in batch.changes if isinstance(change, OpenSlot)]
    closed = [change for batch in batches for change in batch.changes if isinstance(change, CloseSlot)]
    found = headers(batches)
    assert len(opened) == len(found) >= 3
    assert [change.slot for change in closed] == [change.slot for change in opened][: len(closed)]
    assert [header.sequence for header in found] == list(range(1, len(found) + 1))
    assert found[0].previous_digest == bytes(32)
    assert len({header.previous_digest for header in found}) == len(found)


def test_a_reconnect_changes_no_segment(bench: Bench) -> None:
    """The camera comes back with the same codec, ten times: still the same slot."""
    for _ in range(10):
        bench.send(3)
        bench.recording.begin_stream(STREAM, bench.boot_ns, bench.utc_ms)
    assert len(bench.ring.taken) == 1


def test_another_codec_begins_another_segment(bench: Bench) -> None:
    """The header names the codec, so a change of it ends the segment."""
    bench.send(5)
    other = StreamFacts(Codec.H265, 90_000, (), RecordSource.NATIVE, AudioState.NONE_OFFERED, "")
    bench.recording.begin_stream(other, bench.boot_ns, bench.utc_ms)
    bench.send(5)
    assert [header.codec.text for header in headers([bench.collect()])] == ["h264", "h265"]


def test_a_segment_ends_with_its_epoch_at_a_key_frame(bench: Bench) -> None:
    """After the hour the next key frame begins a segment of the next epoch."""
    bench.send(35)
    bench.boot_ns = START_NS + EPOCH_CLOSE_NS
    second = bench.epoch()
    bench.send(20)  # the running GOP stays together
    bench.send(10)
    found = headers([bench.collect()])
    assert [header.epoch_id for header in found] == [bytes([1]) * 16, second.epoch_id]
    assert found[1].first_access_unit == 61
    assert not found[1].continues


def test_without_an_epoch_units_wait_and_none_is_lost(bench: Bench) -> None:
    """A keystore that is late holds the segment back, not the camera."""
    bench.recording.plan.ready = None
    bench.send(10)
    assert bench.recording.waiting_units == 10
    assert bench.recording.waiting_since_us == (
        CREATED_UTC_MS * 1000 + START_NS // 1000,
        START_NS // 1000,
    )
    bench.epoch()
    bench.send(10)
    batch = bench.collect()
    assert bench.recording.waiting_units == 0
    assert batch.mark is not None
    assert batch.mark.access_unit == 20
    assert bench.recording.budget.used_bytes == 0


def test_with_neither_slot_nor_memory_units_are_dropped_and_counted(bench: Bench) -> None:
    """The bound holds: what does not fit is said to be lost, and numbers stay without holes."""
    bench.ring.closed = True
    bench.send(400)
    kept = [number for number in bench.numbers if number is not None]
    assert kept == list(range(1, len(kept) + 1))
    assert bench.recording.dropped_units == 400 - len(kept) > 0
    assert bench.recording.budget.used_bytes <= bench.recording.budget.limit_bytes
    bench.ring.closed = False
    bench.send(1)
    assert bench.collect().mark is not None


def test_what_could_not_be_written_is_sealed_again_elsewhere(bench: Bench) -> None:
    """A failed commit: the same units under fresh keys in other slots, in order, none twice."""
    bench.send(20)
    first = bench.collect()
    bench.commit(first)
    bench.send(70)
    failed = bench.collect()
    bench.send(5)  # came while the medium failed
    assert bench.recording.seal_again(failed)
    failed.release()
    again = bench.collect()
    lost = {write.slot for write in failed.writes}
    assert not lost & {write.slot for write in again.writes}
    assert again.mark is not None
    assert again.mark.access_unit == 95
    (new, *_) = headers([again])
    assert new.first_access_unit == 21
    assert new.segment_uid not in {header.segment_uid for header in headers([first, failed])}
    bench.commit(again)
    assert bench.recording.budget.used_bytes == 0


def test_a_unit_that_no_segment_takes_is_refused_and_changes_nothing(bench: Bench) -> None:
    """Larger than a slot: named, and the recording goes on with the next number."""
    bench.send(2)
    with pytest.raises(AccessUnitTooLarge):
        bench.send(1, size_bytes=2 * SLOT_BYTES)
    bench.send(1)
    assert bench.numbers == [1, 2, 3]


def test_leaving_an_epoch_ends_the_segment_as_soon_as_the_next_is_ready(bench: Bench) -> None:
    """Erasing the running hour: the camera goes on under another key without losing a unit."""
    bench.send(10)
    bench.recording.leave_epoch()
    assert bench.recording.in_epoch(bytes([1]) * 16)
    bench.epoch()
    bench.collect()
    assert not bench.recording.in_epoch(bytes([1]) * 16)
    bench.send(10)
    assert bench.numbers == list(range(1, 21))


def test_the_next_slot_is_taken_one_commit_ahead(bench: Bench) -> None:
    """In the last quarter of a slot the next one is reserved, so that opening it costs no second sync."""
    for _ in itertools.count():
        bench.send(5)
        bench.commit(bench.collect())
        if len(bench.ring.taken) == 2:
            break
    assert len(headers([])) == 0
    before = bench.ring.volume.statistics.syncs
    bench.send(40)
    bench.commit(bench.collect())
    assert bench.ring.volume.statistics.syncs == before + 1


def report(bench: Bench, kind: str = "motion") -> None:
    """The camera reports something now."""
    event = CameraEvent(kind, "topic", True, None, bench.utc_ms)
    bench.recording.events.offer([event], bench.utc_ms, bench.boot_ns)


def sealed_events(batches: list[Batch]) -> list[CameraEventRecord]:
    """The events that lie in these batches, opened with the segments' keys."""
    return [
        record
        for batch in batches
        for commit, begun in batch.commits
        for record in records_of_commits([commit], begun.header, begun.data_key)
        if isinstance(record, CameraEventRecord)
    ]


def test_an_event_is_sealed_with_the_pictures_of_its_tick(bench: Bench) -> None:
    """It opens with them and with nothing else."""
    bench.send(5)
    report(bench)
    batch = bench.collect()
    assert [event.kind for event in sealed_events([batch])] == ["motion"]
    assert not any(b"motion" in bytes(buffer) for write in batch.writes for buffer in write.buffers)


def test_an_event_without_pictures_costs_no_block(bench: Bench) -> None:
    """It waits for the next picture; a camera that only reports fills no slot."""
    report(bench)
    assert bench.recording.collect(bench.boot_ns, bench.utc_ms) is None
    bench.send(5)
    first = bench.collect()
    report(bench)
    assert bench.recording.collect(bench.boot_ns, bench.utc_ms) is None
    bench.send(1)
    assert len(sealed_events([first, bench.collect()])) == 2


def test_an_event_in_a_failed_commit_is_sealed_again(bench: Bench) -> None:
    """It goes the way of the pictures."""
    bench.send(5)
    report(bench, "tamper")
    failed = bench.collect()
    assert bench.recording.seal_again(failed)
    failed.release()
    bench.send(1)
    assert [event.kind for event in sealed_events([bench.collect()])] == ["tamper"]


def test_an_event_that_does_not_fit_any_more_goes_into_the_next_segment(bench: Bench) -> None:
    """A full slot keeps its footer; the event is not lost."""
    bench.send(1)
    assert bench.recording._segment is not None
    with contextlib.suppress(SegmentFull):
        while True:
            bench.recording._segment.writer.append_timeline("full", 1)
    report(bench)
    assert sealed_events([bench.collect()]) == []
    bench.send(2)
    assert len(sealed_events([bench.collect()])) == 1


def test_events_are_sealed_at_the_stop(bench: Bench) -> None:
    """What was reported in the last second is not lost."""
    bench.send(2)
    report(bench)
    batch = bench.recording.finish(bench.boot_ns, bench.utc_ms)
    assert batch is not None
    assert len(sealed_events([batch])) == 1
    assert bench.recording.is_settled
