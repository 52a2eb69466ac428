"""A masking worker without media: checks the keys as a real one does, makes the same small copy and waits.

Keeps the contract of `RunMasking` and `WaitingCopy`; what it was handed stands in `orders`, what waits in `copies`.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from kuramori.clips.job import BundleStream, ExtractionFailed, ExtractionFault
from kuramori.masking.masking_job import Confirmation, MadeCopy, MaskingOrder, WaitingCopy
from kuramori.masking.strip_sheets import digest_of
from kuramori_segments.cipher import key_commitment
from kuramori_segments.header import SegmentHeader
from tests.fakes.fake_worker import FakeStream, packed

SHEETS = (b"\xff\xd8\xff one sheet", b"\xff\xd8\xff another sheet")


@dataclass(slots=True)
class FakeCopy:
    """A copy that waits. `closed` counts the calls of close."""

    made: MadeCopy
    sheets: tuple[bytes, ...]
    video: bytes
    closed: int = 0
    confirmations: list[Confirmation] = field(default_factory=list)
    failure: ExtractionFailed | None = None
    stream: FakeStream | None = None

    async def confirm(self, confirmation: Confirmation) -> BundleStream:
        """Pack a small archive."""
        self.confirmations.append(confirmation)
        if self.failure is not None:
            raise self.failure
        manifest = json.dumps({"register_index": confirmation.register_index}).encode()
        archive = packed({"manifest.json": manifest, "masked-copy.mp4": self.video})
        self.stream = FakeStream(archive, hashlib.sha256(manifest).digest())
        return self.stream

    async def close(self) -> None:
        """Count."""
        self.closed += 1


@dataclass(slots=True)
class FakeMaskers:
    """Makes copies. While `going` is cleared they stay in the making; `failure` ends the next ones."""

    orders: list[MaskingOrder] = field(default_factory=list)
    copies: list[FakeCopy] = field(default_factory=list)
    going: asyncio.Event = field(default_factory=asyncio.Event)
    failure: ExtractionFailed | None = None

    def __post_init__(self) -> None:
        self.going.set()

    async def run(self, order: MaskingOrder, tell: Callable[[float], None]) -> WaitingCopy:
        """Check the keys, make the copy."""
        self.orders.append(order)
        for segment in order.job.cameras[0].segments:
            header = SegmentHeader.unpack(segment.header)
            if key_commitment(segment.dek, segment.k_seg, segment.segment_uid) != header.key_commitment:
                raise ExtractionFailed(ExtractionFault.WRONG_KEYS, f"{order.job.cameras[0].camera} {segment.sequence}")
        tell(0.5)
        await self.going.wait()
        if self.failure is not None:
            raise self.failure
        video = b"masked copy %d of %s" % (order.number, order.job.request_id.encode())
        made = MadeCopy(
            hashlib.sha256(video).digest(),
            len(video),
            digest_of(SHEETS),
            tuple(len(sheet) for sheet in SHEETS),
            *(1920, 1080, 300, 0),
            *(order.job.from_utc_ms, order.job.to_utc_ms - 1, 1),
            faces_looked_for=False,
            faces=(),
        )
        copy = FakeCopy(made, SHEETS, video)
        self.copies.append(copy)
        return copy
