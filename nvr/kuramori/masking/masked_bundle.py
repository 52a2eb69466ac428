"""From a masking order to a masked copy that waits, and from a confirmation to its bundle.

Runs inside the worker, in memory and a sealed spool file. Must not know pipes or processes.
"""

from collections.abc import Callable
from hashlib import sha256
from zoneinfo import ZoneInfo

from kuramori.clips.archive import Archive, ArchiveFile, file_of
from kuramori.clips.bundle import MANIFEST, RECEIPT, SIGNATURE, Bundle, device_key
from kuramori.clips.chosen_units import chosen_units
from kuramori.clips.cms import sign_detached
from kuramori.clips.grant_check import check_grant
from kuramori.clips.job import ExtractionFailed, ExtractionFault
from kuramori.clips.manifest import BundleFile
from kuramori.clips.sealed_segment import ClipSource
from kuramori.clips.spool import SpoolDamaged, SpoolFile, SpoolFull, SpoolKey
from kuramori.masking.boxes import Drawing
from kuramori.masking.encoding import EncodingFailed
from kuramori.masking.faces import FaceDetector, LookingForFaces
from kuramori.masking.masked_copy import CopyFacts, CopyMaker, CopyOrder
from kuramori.masking.masking_job import Confirmation, MadeCopy, MaskingOrder
from kuramori.masking.papers import VIDEO, CopyPapers, instructions_of, manifest_of, receipt_of
from kuramori.masking.strip_sheets import SHEET_BYTES_MOST, digest_of

INSTRUCTIONS = "instructions.txt"


class MaskedBundle:
    """One masked copy in its worker."""

    def __init__(self, order: MaskingOrder, drawing: Drawing, threads: int, detector: FaceDetector | None) -> None:
        """Check the grant. Raises ExtractionFailed."""
        self._order = order
        self._drawing = drawing
        self._threads = threads
        self._detector = detector
        self._key, self._certificate = device_key(order.job)
        self._granted = check_grant(order.job, self._key.public_key())
        self._zone = ZoneInfo(order.job.time_zone)
        self._video = SpoolFile(order.job.spool_directory, SpoolKey())
        self._made: MadeCopy | None = None

    def make(self, tell: Callable[[float], None]) -> tuple[MadeCopy, tuple[bytes, ...]]:
        """Make the copy and its sheets. Raises ExtractionFailed."""
        try:
            return self._make(tell)
        except SpoolFull as fault:
            detail = "the disk of the recorder's state directory is full"
            raise ExtractionFailed(ExtractionFault.SPOOL_FULL, detail) from fault
        except SpoolDamaged as fault:
            raise ExtractionFailed(ExtractionFault.DAMAGED, "the spool's disk returned other bytes") from fault
        except EncodingFailed as fault:
            raise ExtractionFailed(ExtractionFault.DAMAGED, f"the pictures cannot be encoded ({fault})") from fault

    def _make(self, tell: Callable[[float], None]) -> tuple[MadeCopy, tuple[bytes, ...]]:
        job, order = self._order.job, self._order
        camera = job.cameras[0]
        source = ClipSource(camera.camera, camera.camera_number, job.recorder_id, self._key.public_key())
        span = job.from_utc_ms, job.to_utc_ms
        copy = CopyOrder(order.number, job.request_id, self._drawing, *span, self._zone)
        looking = LookingForFaces(self._detector) if self._detector is not None else None
        maker = CopyMaker(copy, self._video, self._threads, tell, looking.look_at if looking is not None else None)
        found = maker.make(chosen_units(camera, source, span))
        if found is None:
            detail = f"{camera.camera}: no picture that can be shown lies in the named range"
            raise ExtractionFailed(ExtractionFault.NOTHING_IN_RANGE, detail)
        facts, sheets = found
        if any(len(sheet) > SHEET_BYTES_MOST for sheet in sheets):
            raise ExtractionFailed(ExtractionFault.DAMAGED, "a strip of its pictures is too large")
        self._made = self._copy_of(facts, sheets, looking)
        return self._made, sheets

    def _copy_of(self, facts: CopyFacts, sheets: tuple[bytes, ...], looking: LookingForFaces | None) -> MadeCopy:
        return MadeCopy(
            video_sha256=self._video.finish(),
            video_bytes=self._video.size_bytes,
            sheets_sha256=digest_of(sheets),
            sheet_bytes=tuple(len(sheet) for sheet in sheets),
            width=facts.width,
            height=facts.height,
            pictures=facts.pictures,
            undecodable=facts.undecodable,
            first_utc_ms=facts.first_utc_us // 1000,
            last_utc_ms=facts.last_utc_us // 1000,
            seconds_between=facts.seconds_between,
            faces_looked_for=looking is not None,
            faces=looking.found if looking is not None else (),
        )

    def confirmed(self, confirmation: Confirmation) -> Bundle:
        """Return the bundle of the copy that was made and looked through."""
        job, made = self._order.job, self._made
        if made is None:
            raise ExtractionFailed(ExtractionFault.WORKER_DIED, "nothing was made")
        drawn = sha256(self._order.drawing).digest()
        papers = CopyPapers(job, self._granted, self._order.number, self._drawing, drawn, made, confirmation)
        video = BundleFile(VIDEO, made.video_bytes, made.video_sha256)
        receipt, instructions = receipt_of(papers, (video,), self._zone).encode(), instructions_of(papers).encode()
        small = ((INSTRUCTIONS, instructions), (RECEIPT, receipt))
        facts = [BundleFile(name, len(content), sha256(content).digest()) for name, content in small]
        manifest = manifest_of(papers, (video, *facts))
        signature = sign_detached(manifest, self._certificate, self._key)
        files = (
            file_of(MANIFEST, manifest),
            file_of(SIGNATURE, signature),
            *(file_of(name, content) for name, content in small),
            ArchiveFile(VIDEO, made.video_bytes, self._video.pieces),
        )
        return Bundle(Archive(files, confirmation.utc_ms // 1000), sha256(manifest).digest(), 0)
