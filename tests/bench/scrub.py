"""How fast reading back is on one core. `python -m tests.bench --only scrub`.

A volume of full 16 MiB segments by the real writer is verified as the scrub does it, without its pace: with the pages
in memory (what one core can do), and from the medium.
"""

import os
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from kuramori_segments.footer import SegmentFooter
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES, SLOT_BYTES
from kuramori_segments.scrub import Scrub
from kuramori_segments.scrub_record import ScrubRecord
from kuramori_segments.segment_writer import SegmentWriter
from kuramori_segments.slot_change import CloseSlot, OpenSlot, SlotWrite
from kuramori_segments.volume import Volume
from tests.bench.bench_writer import make_group
from tests.bench.big_ring import forget_everything
from tests.fakes.segments import SIGNER, make_header, make_uid, make_writer

SEGMENTS = 48
NOW = 1_790_000_000_000
ROUNDS = 3
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the volume."""

    size_bytes: int
    seconds: float
    cpu_seconds: float


def make_volume(path: Path) -> Volume:
    """Record full segments into a new volume."""
    size = (SEGMENTS + 2) * SLOT_BYTES
    recorder_id = make_uid("recorder")
    volume = Volume.create_file(path, size_bytes=size, volume_id=b"v" * 16, recorder_id=recorder_id, created_utc_ms=NOW)
    pictures, previous, number = cycle(make_group()), bytes(32), 0
    for sequence in range(1, SEGMENTS + 1):
        header = make_header(uid=str(sequence), sequence=sequence, first_access_unit=number, previous_digest=previous)
        writer = make_writer(header, SLOT_BYTES)
        flags, payload, nal_count = next(pictures)
        while len(payload) <= writer.room_bytes:
            utc_us = header.start_utc_ms * 1000 + number * 33_333
            writer.append_access_unit(number, utc_us, number * 3000, utc_us, flags, 0, payload, nal_count)
            number += 1
            flags, payload, nal_count = next(pictures)
        previous = _write(volume, header, writer)
    volume.flush()
    return volume


def _write(volume: Volume, header: SegmentHeader, writer: SegmentWriter) -> bytes:
    """Put a whole segment into the next slot; return what the next one chains on."""
    taken = volume.take_slot(header.camera_number, plans={}, now_utc_ms=NOW)
    commits = [writer.take_commit(), writer.close(0, ())]
    if taken is None or commits[0] is None or commits[1] is None:
        raise RuntimeError("nothing to write, or nowhere")
    writes = [SlotWrite(taken.slot, commit.offset_bytes, commit.buffers) for commit in commits if commit is not None]
    extent = (commits[1].offset_bytes + commits[1].length_bytes) // BLOCK_BYTES
    opened = OpenSlot(taken.slot, header.camera_number, header.sequence, header.epoch_id, header.start_utc_ms)
    volume.commit(writes, [opened])
    end_utc_ms = SegmentFooter.unpack(volume.reader(taken.slot)((extent - 1) * BLOCK_BYTES, BLOCK_BYTES)).last_utc_ms
    volume.commit((), [CloseSlot(taken.slot, end_utc_ms, extent)])
    for commit in commits:
        if commit is not None:
            commit.release()
    return writer.chain_digest


def one_pass(volume: Volume, *, cold: bool) -> Pass:
    """Verify everything once."""
    scrub = Scrub(volume, ScrubRecord(b"v" * 16), {SIGNER.key_id: SIGNER.public_key}, lambda _length: None)
    due = scrub.look(NOW + DAY_MS, rest_minutes=1, most=SEGMENTS).due
    if cold:
        forget_everything()
    else:
        volume.forget_cached = lambda _slot: None  # type: ignore[method-assign]
        for row in due:
            volume.reader(row.slot)(0, SLOT_BYTES)
    began, cpu = time.perf_counter(), time.process_time()
    verdicts = [scrub.verify(row, NOW + DAY_MS) for row in due]
    took, used = time.perf_counter() - began, time.process_time() - cpu
    if len(due) != SEGMENTS or any(verdict is None or not verdict.is_whole for verdict in verdicts):
        raise RuntimeError("a segment does not verify")
    return Pass(sum(row.extent_bytes for row in due), took, used)


def measure(_output: Path) -> str:
    """Return the table."""
    lines = ["| pages | verified, MB | seconds | MB/s | MB per CPU second |", "|---|---|---|---|---|"]
    place = os.environ.get("KURAMORI_BENCH_DIRECTORY")
    with tempfile.TemporaryDirectory(prefix="kuramori-bench-", dir=place) as folder:
        volume = make_volume(Path(folder) / "volume")
        cold = [one_pass(volume, cold=True) for _ in range(ROUNDS)]
        warm = [one_pass(volume, cold=False) for _ in range(ROUNDS)]
        volume.close()
    for what, passes in (("in memory", warm), ("from the medium", cold)):
        middle = sorted(passes, key=lambda one: one.seconds)[len(passes) // 2]
        size = middle.size_bytes / 1e6
        rates = f"{size / middle.seconds:.0f} | {size / middle.cpu_seconds:.0f}"
        lines.append(f"| {what} | {size:.0f} | {middle.seconds:.2f} | {rates} |")
    return "\n".join(lines)
