"""Verifying a bundle, and a clip that was cut or remuxed since: signature, digests, NAL proofs, gaps.

Everything comes from strangers. The answer is a verdict with its facts; words for it stand in `verdict_texts`. Needs
no recorder, no key and no network. Must not know terminals.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from cryptography import x509

from kuramori.clips.bundle import MANIFEST, SIGNATURE
from kuramori.clips.bundle_files import BundleFiles, BundleUnreadable, open_bundle, read_file
from kuramori.clips.camera_clip import PARAMETER_SETS_MOST
from kuramori.clips.cms import SIGNATURE_BYTES_MOST, SignatureRefused, SignedBy, verify_detached
from kuramori.clips.container_reader import ClipUnreadable, open_clip, sound_frames
from kuramori.clips.found_marks import FoundMark, judged
from kuramori.clips.leaf_list import ENTRY, decode_leaves
from kuramori.clips.leaf_match import LeafMatch, LeafMatcher, RecordedLeaves, SaltedRun
from kuramori.clips.manifest_reader import (
    MANIFEST_BYTES_MOST,
    ListedCamera,
    ListedClip,
    ListedSegment,
    Manifest,
    ManifestInvalid,
    read_manifest,
)
from kuramori.clips.nal_units import is_parameter_set
from kuramori.clips.sound_match import SoundMatch, SoundVerdict, match_sound
from kuramori.clips.verdict_words import PARTICULARS
from kuramori.messages import SegmentState
from kuramori_segments.device_key import verify_footer
from kuramori_segments.es256 import point
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.format_error import FormatError
from kuramori_segments.nal_tree import RangeProofInvalid, verify_range
from kuramori_segments.segment_error import SignatureInvalid

LEAVES_BYTES_MOST = 256 << 20  # six million NAL units
_READ_BYTES = 1 << 20


class Verdict(StrEnum):
    """What was found, for programs; stable."""

    UNCHANGED = "unchanged"  # as handed over, byte for byte
    GENUINE = "genuine"  # remuxed: all pictures are there, in order
    GENUINE_PART = "genuine-part"  # cut: one unbroken stretch of the pictures
    ALTERED = "altered"  # pictures changed, left out or moved, or the sound that was handed over
    UNKNOWN = "unknown"  # none of its pictures is of this recording
    DAMAGED = "damaged"  # no bundle, cut off, or files of it missing or other ones
    FORGED = "forged"  # a signature or proof does not fit


@dataclass(frozen=True, slots=True)
class ClipFinding:
    """What was found about one clip."""

    verdict: Verdict
    camera: str
    place: str
    file: str
    match: LeafMatch | None = None
    from_utc_us: int = 0
    to_utc_us: int = 0
    other_tracks: tuple[str, ...] = ()
    other_parameter_sets: bool = False
    sound: SoundMatch | None = None  # None: no sound was recorded
    marks: tuple[FoundMark, ...] = ()  # hand-over marks in it, and whether this recorder signed them
    self_vouched: int = 0  # segments without a footer that proves the pictures: recovered, damaged or still open


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer. `detail` names the file or step that failed."""

    verdict: Verdict
    detail: str = ""
    manifest: Manifest | None = None
    signer: SignedBy | None = None
    trusted: bool | None = None  # by the given certificate; None: none was given
    clips: tuple[ClipFinding, ...] = ()
    extra_files: tuple[str, ...] = ()


class _Failed(Exception):
    """Verification ends here."""

    def __init__(self, verdict: Verdict, detail: str) -> None:
        super().__init__(detail)
        self.verdict = verdict
        self.detail = detail


def verify_bundle(path: Path, *, certificate: x509.Certificate | None = None, clip: Path | None = None) -> Report:
    """Verify a bundle; with `clip`, tell instead what that file is, measured by the bundle's proofs."""
    try:
        with closing(open_bundle(path)) as files:
            return _Verification(files, certificate).run(clip)
    except BundleUnreadable as fault:
        return Report(Verdict.DAMAGED, fault.detail)


class _Verification:
    """One bundle."""

    def __init__(self, files: BundleFiles, certificate: x509.Certificate | None) -> None:
        self._files = files
        self._certificate = certificate
        self._signer: SignedBy | None = None  # known once the signature fits
        self._trusted: bool | None = None

    def run(self, clip: Path | None) -> Report:
        """Verify."""
        manifest: Manifest | None = None
        try:
            manifest, signer = self._signed()
            if clip is None:
                altered = self._digests(manifest)
                clips = tuple(self._own_clips(manifest, signer, altered))
                self._require_whole(altered, clips)
            else:
                clips = (self._foreign_clip(manifest, signer, clip),)
        except _Failed as failed:
            return Report(failed.verdict, failed.detail, manifest, self._signer, self._trusted)
        except BundleUnreadable as fault:
            return Report(Verdict.DAMAGED, fault.detail, manifest, self._signer, self._trusted)
        extra = sorted(self._files.names - {file.name for file in manifest.files} - {MANIFEST, SIGNATURE})
        worst = max(clips, key=lambda finding: list(Verdict).index(finding.verdict), default=None)
        verdict = Verdict.UNCHANGED if worst is None else worst.verdict
        return Report(verdict, "", manifest, signer, self._trusted, clips, tuple(extra))

    def _signed(self) -> tuple[Manifest, SignedBy]:
        content = read_file(self._files, MANIFEST, MANIFEST_BYTES_MOST)
        signature = read_file(self._files, SIGNATURE, SIGNATURE_BYTES_MOST)
        try:
            signer = verify_detached(content, signature)
            key = point(signer.public_key)
        except SignatureRefused as fault:
            raise _Failed(Verdict.FORGED, MANIFEST) from fault
        self._signer = signer
        if self._certificate is not None:
            self._trusted = key == _point_of(self._certificate)
            if not self._trusted:
                raise _Failed(Verdict.FORGED, "certificate")
        try:
            return read_manifest(content), signer
        except ManifestInvalid as fault:
            raise _Failed(Verdict.DAMAGED, MANIFEST) from fault

    def _digests(self, manifest: Manifest) -> set[str]:
        """Return the names of files that are there but not the signed ones; one that is missing ends it."""
        altered = set()
        for listed in manifest.files:
            if self._files.size_bytes(listed.name) != listed.size_bytes:
                altered.add(listed.name)
                continue
            digest = sha256()
            with self._files.open(listed.name) as file:
                for piece in _pieces(file):
                    digest.update(piece)
            if digest.digest() != listed.sha256:
                altered.add(listed.name)
        return altered

    def _require_whole(self, altered: set[str], clips: tuple[ClipFinding, ...]) -> None:
        """Another file than a clip differs, or a clip in more than its pictures."""
        for name in sorted(altered - {finding.file for finding in clips}):
            raise _Failed(Verdict.ALTERED, name)

    def _own_clips(self, manifest: Manifest, signer: SignedBy, altered: set[str]) -> Iterator[ClipFinding]:
        for camera in manifest.cameras:
            for number, listed in enumerate(camera.clips):
                if listed.leaves in altered:
                    raise _Failed(Verdict.ALTERED, listed.leaves)
                recorded, vouched = self._recorded(manifest, camera, number, signer)
                with self._files.open(listed.file) as file:
                    finding = _examine(file, camera, listed, recorded, vouched)
                    finding = _with_marks(finding, signer)
                    finding = self._with_sound(manifest, listed, file, finding)
                if listed.file not in altered:
                    match = finding.match
                    whole = finding.sound is None or finding.sound.verdict is SoundVerdict.WHOLE
                    if match is None or not match.is_run or match.known != len(recorded.hashes) or not whole:
                        raise _Failed(Verdict.FORGED, listed.file)
                    finding = replace(finding, verdict=Verdict.UNCHANGED)
                elif finding.verdict is Verdict.UNKNOWN and self._is_cut_off(manifest, listed.file):
                    raise _Failed(Verdict.DAMAGED, PARTICULARS["cut_off"].say(name=listed.file))
                yield finding

    def _is_cut_off(self, manifest: Manifest, name: str) -> bool:
        return any(file.name == name and self._files.size_bytes(name) < file.size_bytes for file in manifest.files)

    def _foreign_clip(self, manifest: Manifest, signer: SignedBy, path: Path) -> ClipFinding:
        """Measure a file by each clip of the bundle; the one that knows most of it counts."""
        found: list[ClipFinding] = []
        digest = _digest_of(path)
        for camera in manifest.cameras:
            for number, listed in enumerate(camera.clips):
                recorded, vouched = self._recorded(manifest, camera, number, signer)
                with path.open("rb") as file:
                    finding = _examine(file, camera, listed, recorded, vouched)
                    finding = _with_marks(finding, signer)
                    finding = self._with_sound(manifest, listed, file, finding)
                if any(item.name == listed.file and item.sha256 == digest for item in manifest.files):
                    return replace(finding, verdict=Verdict.UNCHANGED)
                found.append(finding)
        if not found:
            raise _Failed(Verdict.DAMAGED, MANIFEST)
        return max(found, key=lambda finding: finding.match.known if finding.match else 0)

    def _with_sound(self, manifest: Manifest, listed: ListedClip, file: BinaryIO, finding: ClipFinding) -> ClipFinding:
        """Add what became of the sound. Pictures that are genuine do not make sound genuine that was altered."""
        if not listed.sound or finding.match is None:
            return finding
        _, digests = decode_leaves(self._signed_list(manifest, listed.sound))
        sound = SoundMatch(SoundVerdict.ABSENT)
        if "audio" in finding.other_tracks:
            file.seek(0)
            try:
                sound = match_sound(sound_frames(file), digests)
            except ClipUnreadable:
                sound = SoundMatch(SoundVerdict.UNREADABLE)
        elif not digests:
            sound = SoundMatch(SoundVerdict.WHOLE)
        bad = sound.verdict in (SoundVerdict.ALTERED, SoundVerdict.UNREADABLE)
        others = list(finding.other_tracks)
        if "audio" in others:
            others.remove("audio")
        return replace(
            finding, verdict=Verdict.ALTERED if bad else finding.verdict, sound=sound, other_tracks=tuple(others)
        )

    def _signed_list(self, manifest: Manifest, name: str) -> bytes:
        """Return a list of hashes as it was signed."""
        content = read_file(self._files, name, LEAVES_BYTES_MOST)
        signed = next((file for file in manifest.files if file.name == name), None)
        if signed is None or sha256(content).digest() != signed.sha256 or len(content) % ENTRY.size:
            raise _Failed(Verdict.ALTERED, name)
        return content

    def _recorded(
        self, manifest: Manifest, camera: ListedCamera, number: int, signer: SignedBy
    ) -> tuple[RecordedLeaves, int]:
        """Return the leaves of a clip, proven up to the signature; and how many segments only the manifest proves."""
        listed = camera.clips[number]
        times, hashes = decode_leaves(self._signed_list(manifest, listed.leaves))
        runs, at, vouched = [], 0, 0
        for segment in camera.segments:
            if segment.clip != number:
                continue
            root = _root(segment, camera, signer)
            for run in segment.runs:
                leaves = hashes[at : at + run.count]
                try:
                    verify_range(root, segment.nal_leaves, run.first, leaves, run.proof)
                except RangeProofInvalid as fault:
                    raise _Failed(Verdict.FORGED, _segment_name(camera, segment)) from fault
                runs.append(SaltedRun(segment.nal_salt, at, at + run.count))
                at += run.count
            vouched += segment.state is not SegmentState.CLOSED
        if at != len(hashes) or not hashes:
            raise _Failed(Verdict.FORGED, listed.leaves)
        return RecordedLeaves(times, hashes, tuple(runs)), vouched


def _segment_name(camera: ListedCamera, segment: ListedSegment) -> str:
    return PARTICULARS["segment"].say(camera=camera.camera, sequence=segment.sequence)


def _root(segment: ListedSegment, camera: ListedCamera, signer: SignedBy) -> bytes:
    """Return the root of a segment's leaves: the signed footer's, or the manifest's where no footer has one."""
    if segment.state in (SegmentState.OPEN, SegmentState.DAMAGED):
        return segment.nal_root
    name = _segment_name(camera, segment)
    try:
        footer = SegmentFooter.unpack(segment.footer)
        verify_footer(footer, signer.public_key)
    except (FormatError, SignatureInvalid) as fault:
        raise _Failed(Verdict.FORGED, name) from fault
    told = (footer.segment_uid, footer.sequence, footer.camera_number, footer.header_digest)
    if told != (segment.segment_uid, segment.sequence, camera.number, segment.header_digest):
        raise _Failed(Verdict.FORGED, name)
    if segment.state is SegmentState.RECOVERED:
        return segment.nal_root
    if (footer.nal_root, footer.nal_leaves) != (segment.nal_root, segment.nal_leaves):
        raise _Failed(Verdict.FORGED, name)
    return footer.nal_root


def _examine(
    file: BinaryIO, camera: ListedCamera, listed: ListedClip, recorded: RecordedLeaves, vouched: int
) -> ClipFinding:
    """Tell what a file is, measured by the recorder's leaves of one clip."""
    nothing = ClipFinding(Verdict.UNKNOWN, camera.camera, camera.place, listed.file, self_vouched=vouched)
    try:
        with open_clip(file) as clip:
            if clip.codec.text != listed.codec:
                return nothing
            matcher = LeafMatcher(clip.codec, recorded)
            others, known_sets = clip.other_tracks, listed.parameter_sets
            foreign_sets = any(one.rstrip(b"\0") not in known_sets for one in clip.parameter_sets)
            all_listed = len(known_sets) <= PARAMETER_SETS_MOST
            for unit in clip.units:
                matcher.add(unit)
                if all_listed and is_parameter_set(clip.codec, unit[0]):
                    foreign_sets |= unit.rstrip(b"\0") not in known_sets
                if matcher.is_hopeless:
                    break
    except ClipUnreadable:
        return nothing
    match = matcher.result()
    if not match.slices:
        return nothing
    verdict = Verdict.ALTERED
    if match.is_run and not foreign_sets:
        verdict = Verdict.GENUINE if match.known == len(recorded.hashes) else Verdict.GENUINE_PART
    return ClipFinding(
        verdict,
        camera.camera,
        camera.place,
        listed.file,
        match,
        recorded.times[match.first],
        recorded.times[match.last],
        others,
        foreign_sets,
        self_vouched=vouched,
    )


def _with_marks(finding: ClipFinding, signer: SignedBy) -> ClipFinding:
    """Add whose copy it was (H8): it takes nothing from the verdict."""
    marks = finding.match.marks if finding.match is not None else ()
    return replace(finding, marks=judged(marks, signer.public_key))


def _digest_of(path: Path) -> bytes:
    digest = sha256()
    try:
        with path.open("rb") as file:
            for piece in _pieces(file):
                digest.update(piece)
    except OSError as fault:
        raise _Failed(Verdict.DAMAGED, path.name) from fault
    return digest.digest()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_READ_BYTES):
        yield piece


def _point_of(certificate: x509.Certificate) -> bytes:
    try:
        return point(SignedBy(certificate).public_key)
    except SignatureRefused:
        return b""
