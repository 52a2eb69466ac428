"""Measures the segment writer: CPU milliseconds per camera-minute at 4 Mbit/s, by step; and its memory.

Run: .venv/bin/python -m tests.bench.bench_writer [camera-minutes]
A camera-minute is 1800 access units, 30 MB, one NAL unit each except key frames (four), a commit a second.
"""

import random
import sys
import time
import tracemalloc
from hashlib import sha256

from kuramori_segments.records import FLAG_KEY_FRAME
from kuramori_segments.segment_writer import SegmentWriter
from tests.fakes.segments import length_prefixed, make_header, make_nal, make_writer

FRAMES_PER_SECOND = 30
GROUP_FRAMES = 60
BYTES_PER_SECOND = 500_000
KEY_FRAME_BYTES = 120_000
SLOT_BYTES = 16 << 20


def make_group() -> list[tuple[int, memoryview, int]]:
    """Return one group of pictures (2 s): flags, payload, NAL count."""
    delta_bytes = (2 * BYTES_PER_SECOND - KEY_FRAME_BYTES) // (GROUP_FRAMES - 1)
    units = [(0x67, 30), (0x68, 10), (0x06, 40), (0x65, KEY_FRAME_BYTES)]
    nals = [make_nal(first, size, first) for first, size in units]
    group = [(FLAG_KEY_FRAME, memoryview(length_prefixed(*nals)), len(nals))]
    spread = random.Random(1)
    for number in range(1, GROUP_FRAMES):
        size = int(delta_bytes * spread.uniform(0.6, 1.4))
        group.append((0, memoryview(length_prefixed(make_nal(0x41, size, number))), 1))
    return group


class Camera:
    """One camera's writer, rolled over as a recorder would."""

    def __init__(self) -> None:
        self.number = 0
        self.sequence = 0
        self.segments = 0
        self.written_bytes = 0
        self.writer = self._begin()

    def _begin(self) -> SegmentWriter:
        self.sequence += 1
        header = make_header(uid=str(self.sequence), sequence=self.sequence, first_access_unit=self.number)
        return make_writer(header, SLOT_BYTES)

    def append(self, flags: int, payload: memoryview, nal_count: int) -> None:
        """Append, rolling over where the segment is full."""
        if len(payload) > self.writer.room_bytes:
            last = self.writer.close(0, ())
            self.written_bytes += last.length_bytes
            last.release()
            self.segments += 1
            self.writer = self._begin()
        utc_us = 1_750_000_000_000_000 + self.number * 33_333
        number = self.number
        self.writer.append_access_unit(number, utc_us, number * 3000, utc_us, flags, 0, payload, nal_count)
        self.number += 1

    def commit(self) -> None:
        """Take and release what a tick would write."""
        commit = self.writer.take_commit()
        if commit is not None:
            self.written_bytes += commit.length_bytes
            commit.release()


def run(camera: Camera, group: list[tuple[int, memoryview, int]], seconds: int) -> float:
    """Record that many seconds; return the CPU seconds they took."""
    begin = time.process_time()
    for second in range(seconds):
        start = second % 2 * FRAMES_PER_SECOND
        for flags, payload, nal_count in group[start : start + FRAMES_PER_SECOND]:
            camera.append(flags, payload, nal_count)
        camera.commit()
    return time.process_time() - begin


def hashing_floor(group: list[tuple[int, memoryview, int]]) -> float:
    """Return the CPU seconds of SHA-256 alone over a camera-minute."""
    begin = time.process_time()
    for _ in range(30):
        for _, payload, _ in group:
            sha256(payload).digest()
    return time.process_time() - begin


def main() -> None:
    """Print the figures."""
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    group = make_group()
    camera = Camera()
    run(camera, group, 60)
    best = min(run(camera, group, 60) for _ in range(minutes))
    floor = min(hashing_floor(group) for _ in range(3))
    received = camera.number / len(group) * sum(len(payload) for _, payload, _ in group)
    print(f"writer           {best * 1000:6.1f} ms CPU per camera-minute (best of {minutes})")
    print(f"SHA-256 alone    {floor * 1000:6.1f} ms")
    print(f"write overhead   {camera.written_bytes / received:6.4f} bytes written per byte received")
    tracemalloc.start()
    fresh = Camera()
    run(fresh, group, 10)
    _, peak = tracemalloc.get_traced_memory()
    print(f"memory           {peak / 1e6:6.2f} MB at most for one camera with a pool of its own")


if __name__ == "__main__":
    main()
