"""Measures the reading side: megabytes a second of scanning, opening, and opening with NAL leaves; on one core.

Run: .venv/bin/python -m tests.bench.bench_reader
"""

import time
from collections.abc import Callable

from kuramori_segments.limits import SLOT_BYTES
from kuramori_segments.nal_tree import NalTree
from kuramori_segments.segment_reader import SegmentReader, scan
from tests.bench.bench_writer import make_group
from tests.fakes.segments import START_UTC_MS, SlotInMemory, make_data_key, make_header, make_writer


def rate(name: str, work: Callable[[], object]) -> None:
    """Print how fast one slot goes through."""
    seconds = []
    for _ in range(5):
        begin = time.process_time()
        work()
        seconds.append(time.process_time() - begin)
    print(f"{name:32} {SLOT_BYTES / min(seconds) / 1e6:7.0f} MB/s")


def main() -> None:
    """Fill a slot and read it in every way."""
    header = make_header()
    writer = make_writer(header, SLOT_BYTES)
    slot = SlotInMemory(SLOT_BYTES)
    group = make_group()
    number = 0
    while True:
        flags, payload, nal_count = group[number % len(group)]
        if len(payload) > writer.room_bytes:
            break
        utc_us = START_UTC_MS * 1000 + number * 33_333
        writer.append_access_unit(number, utc_us, number * 3000, utc_us, flags, 0, payload, nal_count)
        number += 1
        commit = writer.take_commit() if number % 30 == 0 else None
        if commit is not None:
            slot.write(commit)
    slot.write(writer.close(0, ()))

    footer = scan(slot.read_at, SLOT_BYTES).footer
    reader = SegmentReader(slot.read_at, header, make_data_key(header))
    rate("keyless scan", lambda: scan(slot.read_at, SLOT_BYTES))
    rate("open", lambda: list(reader.records()))
    rate("open, leaves, chain, root", lambda: list(reader.verified_access_units(footer, NalTree())))
    moment = START_UTC_MS + 25_000
    begin = time.process_time()
    next(SegmentReader(slot.read_at, header, make_data_key(header)).access_units(moment))
    print(f"{'first unit of a moment':32} {(time.process_time() - begin) * 1000:7.2f} ms")


if __name__ == "__main__":
    main()
