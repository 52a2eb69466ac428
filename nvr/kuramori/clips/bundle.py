"""From a job to a finished bundle: every camera's clip, the papers, the manifest and its signature.

Runs inside the worker, in memory and sealed spool files. Must not know pipes or processes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from hashlib import sha256
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kuramori.clips.archive import Archive, ArchiveFile, file_of
from kuramori.clips.camera_clip import CameraClip, CameraExtractor
from kuramori.clips.cms import sign_detached
from kuramori.clips.grant_check import check_grant
from kuramori.clips.handover_mark import CameraSigns, HandOverMark
from kuramori.clips.handover_texts import ReceivedSound, TrueRange, conditions_text, printed, receipt_text
from kuramori.clips.instructions import instructions_text
from kuramori.clips.job import CameraExtraction, ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.clips.manifest import BundleFile, ClipFiles, decisions_of_clips, has_filled, make_manifest
from kuramori.clips.mux import MuxFailed
from kuramori.clips.sealed_segment import ClipSource
from kuramori.clips.spool import SpoolDamaged, SpoolFile, SpoolFull, SpoolKey
from kuramori.clips.verify_page import VERIFY_PAGE, verify_page
from kuramori.desk.granted import GrantedRequest
from kuramori.device_certificate import fingerprint
from kuramori.timebase import Clock

MANIFEST = "manifest.json"
SIGNATURE = "manifest.p7s"
GRANTED = "granted-request.json"
INSTRUCTIONS = "instructions.txt"
CONDITIONS = "conditions.txt"
RECEIPT = "receipt.txt"


@dataclass(frozen=True, slots=True)
class Bundle:
    """An archive that waits to be taken."""

    archive: Archive
    manifest_digest: bytes
    first_picture_boot_ns: int


def make_bundle(job: ExtractionJob, clock: Clock) -> Bundle:
    """Do the job. Raises ExtractionFailed."""
    try:
        return _Maker(job, clock).make()
    except SpoolFull as fault:
        detail = "the disk of the recorder's state directory is full"
        raise ExtractionFailed(ExtractionFault.SPOOL_FULL, detail) from fault
    except SpoolDamaged as fault:
        raise ExtractionFailed(ExtractionFault.DAMAGED, "the spool's disk returned other bytes") from fault
    except MuxFailed as fault:
        detail = f"the camera's stream cannot be packed into MP4 ({fault})"
        raise ExtractionFailed(ExtractionFault.DAMAGED, detail) from fault


class _Maker:
    """One bundle in the making."""

    def __init__(self, job: ExtractionJob, clock: Clock) -> None:
        self._job = job
        self._clock = clock
        self._key, self._certificate = device_key(job)
        self._granted: GrantedRequest = check_grant(job, self._key.public_key())
        self._zone: tzinfo = ZoneInfo(job.time_zone)
        self._spool_key = SpoolKey()
        granted_digest = sha256(job.granted_document).digest()
        self._mark = HandOverMark(
            job.recorder_id, job.request_id, job.opening, job.opened_index, granted_digest
        ).signed(self._key)
        self._files: list[ArchiveFile] = []
        self._facts: list[BundleFile] = []

    def make(self) -> Bundle:
        job = self._job
        clips = [clip for clip in map(self._extract, job.cameras) if clip.parts]
        if not clips:
            asked = ", ".join(camera.camera for camera in job.cameras)
            detail = f"{asked}: no picture that can be shown lies in the named range"
            raise ExtractionFailed(ExtractionFault.NOTHING_IN_RANGE, detail)
        names = [self._add_camera(clip, len(job.cameras) > 1) for clip in clips]
        decisions = decisions_of_clips(clips)
        clip_facts = tuple(fact for fact in self._facts if fact.name.endswith(".mp4"))
        self._add_small(GRANTED, job.granted_document)
        self._add_small(VERIFY_PAGE, verify_page())
        certificate = fingerprint(self._certificate)
        instructions = instructions_text(job, clips, names, self._zone, certificate)
        self._add_small(INSTRUCTIONS, printed(instructions))
        self._add_small(CONDITIONS, printed(conditions_text(job)))
        page = next(fact for fact in self._facts if fact.name == VERIFY_PAGE)
        ranges = [
            TrueRange(its.video, part.first_utc_us // 1000, part.last_utc_us // 1000)
            for clip, of_clip in zip(clips, names, strict=True)
            for part, its in zip(clip.parts, of_clip, strict=True)
        ]
        sound = ReceivedSound(decisions, has_filled(clips))
        marked = any(part.muxer.marks for clip in clips for part in clip.parts)
        receipt = receipt_text(
            job, self._granted, (*clip_facts, page), ranges, sound, self._zone, certificate, marked=marked
        )
        self._add_small(RECEIPT, printed(receipt))
        without = [camera for camera in job.cameras if camera not in [clip.camera for clip in clips]]
        empty = [CameraClip(camera) for camera in without]
        manifest = make_manifest(job, [*clips, *empty], [*names, *([] for _ in empty)], self._facts, GRANTED)
        signature = sign_detached(manifest, self._certificate, self._key)
        first = (file_of(MANIFEST, manifest), file_of(SIGNATURE, signature))
        archive = Archive((*first, *self._files), job.opened_utc_ms // 1000)
        return Bundle(archive, sha256(manifest).digest(), min(clip.first_picture_boot_ns for clip in clips))

    def _extract(self, camera: CameraExtraction) -> CameraClip:
        job = self._job
        source = ClipSource(camera.camera, camera.camera_number, job.recorder_id, self._key.public_key())
        span = job.from_utc_ms, job.to_utc_ms
        spool = job.spool_directory, self._spool_key
        try:
            return CameraExtractor(camera, source, span, self._zone, spool, self._clock, self._mark).run()
        except CameraSigns:  # once more, without the mark, which would break the camera's own signature
            return CameraExtractor(camera, source, span, self._zone, spool, self._clock).run()

    def _add_camera(self, clip: CameraClip, in_folder: bool) -> Sequence[ClipFiles]:
        folder = f"{clip.camera.camera}/" if in_folder else ""
        found = []
        for number, part in enumerate(clip.parts, 1):
            stem = f"{folder}clip" if number == 1 else f"{folder}clip-{number}"
            names = ClipFiles(f"{stem}.mp4", f"{stem}.srt", f"{stem}.leaves", f"{stem}.sound" if part.sound else "")
            self._add_small(names.subtitles, part.subtitles.text(part.muxer.origin_us).encode())
            self._add_spooled(names.leaves, part.leaves)
            if part.sound is not None:
                self._add_spooled(names.sound, part.sound.digests)
            self._add_spooled(names.video, part.video)
            found.append(names)
        return found

    def _add_small(self, name: str, content: bytes) -> None:
        self._files.append(file_of(name, content))
        self._facts.append(BundleFile(name, len(content), sha256(content).digest()))

    def _add_spooled(self, name: str, spool: SpoolFile) -> None:
        digest = spool.finish()
        self._files.append(ArchiveFile(name, spool.size_bytes, spool.pieces))
        self._facts.append(BundleFile(name, spool.size_bytes, digest))


def device_key(job: ExtractionJob) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Read the recorder's key and certificate; they were made together."""
    try:
        key = load_pem_private_key(job.device_key_path.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(job.device_certificate_path.read_bytes())
    except (OSError, ValueError, TypeError) as fault:
        detail = f"the device key or its certificate cannot be read ({type(fault).__name__})"
        raise ExtractionFailed(ExtractionFault.DAMAGED, detail) from fault
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
        raise ExtractionFailed(ExtractionFault.DAMAGED, "the device certificate is not the device key's")
    return key, certificate
