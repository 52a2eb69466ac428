"""Opens everything that a recorder holds, as k custodians together could: for tests that must prove what is there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from kuramori.messages import SegmentExtent
from kuramori_segments import custody
from kuramori_segments.audio_track import AudioRecord
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.nal_tree import NalTree
from kuramori_segments.records import AccessUnitRecord, CameraEventRecord
from kuramori_segments.segment_reader import SegmentReader
from tests.end_to_end.installation import Installation

FOREVER_UTC_MS = 1 << 52
BATCH = 64


@dataclass(frozen=True, slots=True)
class OpenedSegment:
    """A segment with everything verified that it lets verify."""

    header: SegmentHeader
    units: tuple[AccessUnitRecord, ...]
    events: tuple[CameraEventRecord, ...] = ()  # what the camera itself reported
    sound: tuple[AudioRecord, ...] = ()  # only by written decision (R3)
    audio_text: str = ""  # what the segment says of the camera's sound


def dek_of(installation: Installation, header: SegmentHeader) -> bytes:
    """Put the DEK together from the first k custodians' shares."""
    if installation.custodians is None:
        raise ValueError("the installation was not made here")
    binding = custody.ShareBinding.of(header)
    shares = [
        custody.open_share(header.shares, key.card.custodian_id, key.opening_private, binding)
        for key in installation.custodians.keys[: header.k]
    ]
    return custody.combine(shares, header.k)


async def opened(installation: Installation, camera: str) -> list[OpenedSegment]:
    """Open and verify every segment of a camera whose key is alive, in order. Raises where one does not verify."""
    plan = await installation.recorder.plan_extraction(camera, 0, FOREVER_UTC_MS)
    found = []
    alive = [segment for segment in plan.segments if segment.epoch_alive]
    for start in range(0, len(alive), BATCH):
        batch = alive[start : start + BATCH]
        keys = await installation.recorder.release_keys("test", tuple(segment.segment_uid for segment in batch))
        for segment, key in zip(batch, keys.keys, strict=True):
            found.append(_open(installation, segment, key.k_seg))
    return found


def _open(installation: Installation, segment: SegmentExtent, k_seg: bytes) -> OpenedSegment:
    header = SegmentHeader.unpack(segment.header)
    with open(segment.volume_path, "rb") as volume:

        def read_at(offset_bytes: int, length_bytes: int) -> bytes:
            return os.pread(volume.fileno(), length_bytes, segment.offset_bytes + offset_bytes)

        reader = SegmentReader.open(read_at, dek_of(installation, header), k_seg, extent_bytes=segment.extent_bytes)
        footer = None
        if segment.state != "open":
            footer = SegmentFooter.unpack(read_at(segment.extent_bytes - BLOCK_BYTES, BLOCK_BYTES))
        records = tuple(reader.verified_records(footer, NalTree()))
        return OpenedSegment(
            header,
            tuple(record for record in records if isinstance(record, AccessUnitRecord)),
            tuple(record for record in records if isinstance(record, CameraEventRecord)),
            tuple(record for record in records if isinstance(record, AudioRecord)),
            reader.config.audio,
        )


def numbers(segments: list[OpenedSegment]) -> Iterator[int]:
    """Yield the numbers of all access units."""
    return (unit.number for segment in segments for unit in segment.units)
