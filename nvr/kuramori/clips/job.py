"""What the desk hands to an extraction worker, and what it gets back: the seam between `desk` and `clips`.

The desk has checked the request, counted the approvals and written *opened*; the worker decrypts, verifies, cuts
and packs. Nothing here acts, and nothing here is ever written to disk: DEKs and K_seg stand in these values.

    stream = await kuramori.clips.extraction.run_worker(job)   # ExtractionFailed, or everything verified
    ...register *released* with stream.manifest_digest...
    async for piece in stream.pieces(start): ...               # a tar archive, file modes 0600; as often as wanted
    await stream.close()                                       # ends the worker: the spool's key is gone with it
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from kuramori.messages import CoverageSpan, SegmentState

# Names inside the archive: a plain file, or one folder deep (a folder for each camera of several).
BUNDLE_NAME = re.compile(r"(?:[a-z0-9][a-z0-9-]{0,31}/)?[a-zA-Z0-9][a-zA-Z0-9._-]{0,79}\Z")
BUNDLE_FILES_MOST = 512
BUNDLE_MEDIA_TYPE = "application/x-tar"


@dataclass(frozen=True, slots=True)
class SegmentInput:
    """One sealed segment: where it lies, and both halves of its key."""

    volume_path: Path
    offset_bytes: int
    extent_bytes: int  # of an OPEN one: through its last durable commit
    state: SegmentState
    header: bytes  # the 4096 bytes that the custodians saw; the worker reads the disk and compares
    segment_uid: bytes
    sequence: int
    dek: bytes = field(repr=False)  # 32 bytes, put together from k custodians' shares
    k_seg: bytes = field(repr=False)  # 32 bytes, released by the recorder
    dated_by_ms: int = 0  # what is added to the times in it: recorded without a trustworthy clock, dated later


@dataclass(frozen=True, slots=True)
class CameraExtraction:
    """One camera of a request. `segments` in order of sequence; `spans` is the coverage of the asked range."""

    camera: str
    camera_number: int
    place: str
    segments: tuple[SegmentInput, ...]
    spans: tuple[CoverageSpan, ...]


@dataclass(frozen=True, slots=True)
class ExtractionJob:
    """Everything a worker needs; it opens no socket and asks nobody."""

    request_id: str
    opening: int  # 1 for the first bundle of this request, 2 for the next: every copy is counted (K7)
    cameras: tuple[CameraExtraction, ...]
    from_utc_ms: int
    to_utc_ms: int
    granted_document: bytes  # canonical JSON of the granted request (RFC 8785), for manifest and form
    granted_signature: bytes  # ES256 r||s of the device key over it (desk.granted)
    conditions: str  # told to the recipient with the clip (H6)
    opened_index: int  # register entry of this opening
    register_checkpoint: str  # signed note that covers it
    opened_utc_ms: int
    recorder_id: bytes
    site_name: str
    time_zone: str  # IANA name, for clip.srt and printed times
    device_key_path: Path
    device_certificate_path: Path
    spool_directory: Path  # for a bundle spooled under a key in the worker's memory


class ExtractionFault(StrEnum):
    """Why there is no bundle. Stable: the API shows it as a problem code."""

    NOTHING_IN_RANGE = "nothing-in-range"
    WRONG_KEYS = "wrong-keys"  # the key commitment does not match: DEK or K_seg is not this segment's
    DAMAGED = "damaged"  # a segment does not verify
    WORKER_DIED = "worker-died"
    SPOOL_FULL = "spool-full"


class ExtractionFailed(Exception):
    """The worker made no bundle; `detail` is one sentence without secrets."""

    def __init__(self, fault: ExtractionFault, detail: str) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail


class BundleStream(Protocol):
    """A finished, verified bundle that waits in its sealed spool, to be taken once or again, until it is closed.

    Iterating raises ExtractionFailed when the worker dies midway; then the tar ends without its end blocks. One taker
    at a time.
    """

    @property
    def manifest_digest(self) -> bytes:
        """SHA-256 of manifest.json as it stands in the bundle (of all of them concatenated where several)."""

    @property
    def size_bytes(self) -> int | None:
        """Length of the whole archive, where known."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the archive, piece by piece."""

    def pieces(self, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the archive from a place on."""

    async def close(self) -> None:
        """End the worker and forget the spool. May be called twice, and before the last piece."""


RunWorker = Callable[[ExtractionJob], Awaitable[BundleStream]]
