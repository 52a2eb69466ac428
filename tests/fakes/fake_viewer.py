"""A viewing worker without media: checks the keys as a real one does, and shows the same small picture all the time."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import av

from kuramori.clips.job import ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.viewing.picture_wire import STORYBOARD_CELL_MS, Ask, Detail, Picture, Piece
from kuramori_segments.cipher import key_commitment
from kuramori_segments.header import SegmentHeader

FULL_MS = 500  # from one picture to the next


@cache
def jpeg(width: int = 96, height: int = 54) -> bytes:
    """Return a JPEG as the worker makes them."""
    codec = av.CodecContext.create("mjpeg", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt, codec.time_base = width, height, "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame(width, height, "yuvj420p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in codec.encode(frame))


@dataclass(slots=True)
class FakeViewer:
    """Keeps the contract of Viewer; `closed` counts the calls of close."""

    asks: list[Ask] = field(default_factory=list)
    failure: ExtractionFailed | None = None
    closed: int = 0

    async def show(self, ask: Ask) -> Piece:
        """Show one picture after the other."""
        self.asks.append(ask)
        if self.failure is not None:
            raise self.failure
        step = STORYBOARD_CELL_MS if ask.detail is Detail.STORYBOARD else FULL_MS
        end = min(ask.to_utc_ms, ask.from_utc_ms + ask.detail.piece_ms_most)
        times = range(ask.from_utc_ms, end, step)
        return Piece(tuple(Picture(utc_ms * 1000, 96, 54, jpeg()) for utc_ms in times), end)

    async def close(self) -> None:
        """Count."""
        self.closed += 1


@dataclass(slots=True)
class FakeViewers:
    """Starts viewers; keeps them and their jobs for the test."""

    jobs: list[ExtractionJob] = field(default_factory=list)
    started: list[FakeViewer] = field(default_factory=list)

    async def start(self, job: ExtractionJob) -> FakeViewer:
        """Check the keys, as the real worker does."""
        self.jobs.append(job)
        for camera in job.cameras:
            for segment in camera.segments:
                header = SegmentHeader.unpack(segment.header)
                if key_commitment(segment.dek, segment.k_seg, segment.segment_uid) != header.key_commitment:
                    raise ExtractionFailed(ExtractionFault.WRONG_KEYS, f"{camera.camera} {segment.sequence}")
        self.started.append(FakeViewer())
        return self.started[-1]
