"""An extraction worker without media: checks the keys as a real one does, and packs a small honest archive."""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from kuramori.clips.job import ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori_segments.cipher import key_commitment
from kuramori_segments.header import SegmentHeader

CLIP = b"not a real clip, but always the same bytes " * 4000


@dataclass(slots=True)
class FakeStream:
    """Keeps the contract of BundleStream. `break_after` bytes it fails; `closed` counts the calls of close."""

    archive: bytes
    manifest_digest: bytes
    break_after: int | None = None
    closed: int = 0

    @property
    def size_bytes(self) -> int | None:
        """Length of the archive."""
        return len(self.archive)

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the archive."""
        return self.pieces()

    async def pieces(self, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the archive from a place on, in pieces of 64 KiB."""
        for offset in range(start, len(self.archive), 65536):
            if (self.break_after is not None and offset >= self.break_after) or self.closed:
                raise ExtractionFailed(ExtractionFault.WORKER_DIED, "it was killed")
            yield self.archive[offset : offset + 65536]

    async def close(self) -> None:
        """Count."""
        self.closed += 1


@dataclass(slots=True)
class FakeWorkers:
    """Runs jobs; keeps them and their streams for the test."""

    jobs: list[ExtractionJob] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)
    failure: ExtractionFailed | None = None
    break_after: int | None = None
    files: dict[str, bytes] = field(default_factory=dict)  # further files in the archive, by name

    async def run_worker(self, job: ExtractionJob) -> FakeStream:
        """Check the keys, pack the archive."""
        self.jobs.append(job)
        if self.failure is not None:
            raise self.failure
        for camera in job.cameras:
            for segment in camera.segments:
                header = SegmentHeader.unpack(segment.header)
                if key_commitment(segment.dek, segment.k_seg, segment.segment_uid) != header.key_commitment:
                    raise ExtractionFailed(ExtractionFault.WRONG_KEYS, f"{camera.camera} {segment.sequence}")
        listed = [
            {"name": "clip.mp4", "sha256": base64.b64encode(hashlib.sha256(CLIP).digest()).decode(), "bytes": len(CLIP)}
        ]
        manifest = json.dumps({"request": job.request_id, "opening": job.opening, "files": listed}).encode()
        archive = packed({"manifest.json": manifest, "clip.mp4": CLIP, **self.files})
        stream = FakeStream(archive, hashlib.sha256(manifest).digest(), self.break_after)
        self.streams.append(stream)
        return stream


def packed(files: dict[str, bytes]) -> bytes:
    """Return a tar archive of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o600
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
