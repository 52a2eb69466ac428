"""One sealed segment, read, opened and verified in one pass; what is proven of it afterwards.

Compared with what custodians saw: the header on the disk. Checked: keys, every chunk, the digest chain, all NAL
leaves, the footer and its signature. An open segment has no footer yet and a recovered one no NAL root: they say so.
Where the medium does not give a part back whole, that part is left out and the segment says so: it costs no other
picture. Must not know containers or requests.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.clips.job import ExtractionFailed, ExtractionFault, SegmentInput
from kuramori.messages import SegmentState
from kuramori_segments.audio_track import AudioTrack
from kuramori_segments.codes import FooterKind, Track
from kuramori_segments.device_key import verify_footer
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.forgiving_read import forgiving
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.nal_tree import NalTree
from kuramori_segments.numbering import provenance_of
from kuramori_segments.records import CodecConfig, Record
from kuramori_segments.segment_error import ChunkForged, KeyCommitmentMismatch, RecordInvalid, SegmentError
from kuramori_segments.segment_reader import SegmentReader
from kuramori_segments.storage_fault import StorageFault, storage_fault

_FOOTER_KINDS = {SegmentState.CLOSED: FooterKind.CLOSED, SegmentState.RECOVERED: FooterKind.RECOVERED}


@dataclass(frozen=True, slots=True)
class ClipSource:
    """Whose recording it must be."""

    camera: str
    camera_number: int
    recorder_id: bytes
    device_key: ec.EllipticCurvePublicKey


class SealedSegment:
    """One segment of a job. Iterate `records` once; the proofs stand afterwards."""

    def __init__(self, given: SegmentInput, source: ClipSource) -> None:
        """Check keys, header and footer. Raises ExtractionFailed."""
        self._given = given
        self._source = source
        self._name = f"{source.camera}, segment {given.sequence}"
        self.tree = NalTree()
        self.nal_salt = b""
        self.audio_text = ""
        self.audio_track: AudioTrack | None = None
        self._damage: list[Exception] = []
        self._descriptor = -1
        try:
            self._descriptor = os.open(given.volume_path, os.O_RDONLY | os.O_CLOEXEC)
            self._reader = self._open()
            self.header = self._reader.header
            self.footer = self._read_footer()
        except (SegmentError, FormatError, OSError, StorageFault) as fault:
            self.close()
            raise self._failed(fault) from fault
        except ExtractionFailed:
            self.close()
            raise

    @property
    def state(self) -> SegmentState:
        """What it was when the job was made, or that parts of it were left out."""
        return SegmentState.DAMAGED if self._damage else self._given.state

    @property
    def dated_by_ms(self) -> int:
        """What is added to the times in it."""
        return self._given.dated_by_ms

    @property
    def header_digest(self) -> bytes:
        """SHA-256 of the header block."""
        return header_digest(self._given.header)

    @property
    def chain(self) -> tuple[int, bytes]:
        """How many chunks were opened, and the digest chain behind the last."""
        return self._reader.chain_so_far

    def records(self) -> Iterator[Record]:
        """Yield the verified records; at the end everything agrees with the footer. Raises ExtractionFailed."""
        try:
            for record in self._reader.verified_records(self.footer, self.tree):
                if isinstance(record, CodecConfig):
                    self.nal_salt = record.nal_salt
                    self.audio_text, self.audio_track = record.audio, record.audio_track
                yield record
        except RecordInvalid as fault:
            if not self._damage:
                raise self._failed(fault) from fault  # whole, and yet not what it should be
        except (SegmentError, FormatError, OSError) as fault:
            raise self._failed(fault) from fault

    def records_between(self, from_utc_ms: int, to_utc_ms: int) -> Iterator[Record]:
        """Yield the authenticated records around a stretch, to be looked at: nothing is proven of them afterwards.

        From the key frame before it on. Times as the segment has them. Raises ExtractionFailed.
        """
        try:
            yield from self._reader.records_between(from_utc_ms, to_utc_ms)
        except RecordInvalid as fault:
            if not self._damage:
                raise self._failed(fault) from fault
        except (SegmentError, FormatError, OSError) as fault:
            raise self._failed(fault) from fault

    def close(self) -> None:
        """Let go of the medium; what was found stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> SegmentReader:
        given = self._given
        if self._read_at(0, BLOCK_BYTES) != given.header:
            raise self._damaged("the header on the disk is not the one that was granted")
        header = SegmentHeader.unpack(given.header)
        stranger = (
            header.segment_uid != given.segment_uid
            or header.sequence != given.sequence
            or header.camera_number != self._source.camera_number
            or header.recorder_id != self._source.recorder_id
            or header.track is not Track.VIDEO
            or header.provenance is not provenance_of(header.sequence)
        )
        if stranger:
            raise self._damaged("it is not this camera's recording")
        on_damage = None if given.state is SegmentState.OPEN else self._leave_out
        read_at = forgiving(self._read_at)
        return SegmentReader.open(read_at, given.dek, given.k_seg, extent_bytes=given.extent_bytes, on_damage=on_damage)

    def _leave_out(self, fault: SegmentError) -> None:
        """Go on behind a part that decayed on its medium; never behind one that was altered with care."""
        if isinstance(fault, ChunkForged):
            raise fault
        self._damage.append(fault)

    def _read_footer(self) -> SegmentFooter | None:
        given = self._given
        if given.state is SegmentState.OPEN:
            return None
        try:
            footer = SegmentFooter.unpack(self._read_at(given.extent_bytes - BLOCK_BYTES, BLOCK_BYTES))
        except FormatError as fault:
            self._damage.append(fault)
            return None
        verify_footer(footer, self._source.device_key)
        told = (footer.kind, footer.segment_uid, footer.sequence, footer.extent_blocks * BLOCK_BYTES)
        if told != (_FOOTER_KINDS[given.state], given.segment_uid, given.sequence, given.extent_bytes):
            raise self._damaged("the footer belongs elsewhere")
        return footer

    def _read_at(self, offset_bytes: int, length_bytes: int) -> bytes:
        extent = (self._given.offset_bytes + offset_bytes, length_bytes)
        try:
            return os.pread(self._descriptor, length_bytes, extent[0])
        except OSError as error:
            raise storage_fault(error, "read", (extent,)) from error

    def _failed(self, fault: SegmentError | FormatError | OSError | StorageFault) -> ExtractionFailed:
        if isinstance(fault, KeyCommitmentMismatch):
            return ExtractionFailed(ExtractionFault.WRONG_KEYS, self._name)
        if isinstance(fault, OSError):
            return self._damaged(f"it cannot be read ({os.strerror(fault.errno or 0)})")
        return self._damaged(str(fault))

    def _damaged(self, detail: str) -> ExtractionFailed:
        return ExtractionFailed(ExtractionFault.DAMAGED, f"{self._name}: {detail}")
