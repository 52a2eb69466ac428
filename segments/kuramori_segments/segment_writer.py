"""Writes one segment: access units in, commits of whole blocks out. Pure: it neither waits nor writes.

Each append hashes the NAL units and hands the bytes to the chunk in the making; a commit seals what is there.
This module is on the hot path of every camera. It must not know disks, clocks, custodians or where the data key
comes from.
"""

from collections.abc import Sequence

from kuramori_segments.audio_track import AudioRecord
from kuramori_segments.chunk import FLAG_COMMIT_END, FLAG_FINAL
from kuramori_segments.chunk_buffers import ChunkBuffers, Commit
from kuramori_segments.chunk_sealer import CHUNK_OVERHEAD_BYTES, ChunkSealer
from kuramori_segments.cipher import ChunkCipher
from kuramori_segments.codes import FooterKind
from kuramori_segments.footer import FooterGap, Signer, build_footer
from kuramori_segments.format_error import FieldInvalid
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.limits import (
    BLOCK_BYTES,
    MAX_ACCESS_UNIT_BYTES,
    MAX_CHUNK_BYTES,
    MAX_CHUNK_PLAINTEXT_BYTES,
    MAX_NAL_UNITS,
    SLOT_BYTES,
    blocks_up,
)
from kuramori_segments.nal_leaves import LeafHasher
from kuramori_segments.nal_tree import RunningRoot
from kuramori_segments.records import (
    ACCESS_UNIT_HEAD_BYTES,
    ACCESS_UNIT_RECORD_STRUCT,
    FLAG_KEY_FRAME,
    RECORD_HEAD_BYTES,
    CameraEventRecord,
    CodecConfig,
    ParameterSetsRecord,
    RecordType,
    SenderReportRecord,
    TimelineRecord,
    encode_audio,
    encode_camera_event,
    encode_config,
    encode_parameter_sets,
    encode_sender_report,
    encode_timeline,
    require_agreement,
)
from kuramori_segments.segment_error import (
    AccessUnitMalformed,
    AccessUnitOutOfOrder,
    AccessUnitTooLarge,
    RecordInvalid,
    SegmentAlreadyClosed,
    SegmentFull,
)
from kuramori_segments.segment_index import SegmentIndex
from kuramori_segments.superblock import check_slot_bytes

U64_MAX = (1 << 64) - 1  # RTP time is kept modulo 2^64: it may run below its start
_ACCESS_UNIT = int(RecordType.ACCESS_UNIT)
RECORD_OVERHEAD_BYTES = RECORD_HEAD_BYTES + ACCESS_UNIT_HEAD_BYTES


class SegmentWriter:
    """One segment in the making, from its header to its footer.

    Commits must be written and synced in the order they are taken. Memory: what is pending, plus one chunk of
    plaintext (64 KiB).
    """

    def __init__(
        self,
        header: SegmentHeader,
        data_key: bytes,
        *,
        codec_config: CodecConfig,
        signer: Signer,
        slot_bytes: int = SLOT_BYTES,
        buffers: ChunkBuffers | None = None,
    ) -> None:
        """Begin a segment with a complete header. Raises FieldInvalid, RecordInvalid."""
        check_slot_bytes("segment", slot_bytes)
        if codec_config.codec is not header.codec:
            raise FieldInvalid("segment header", "codec", header.codec.text, codec_config.codec.text)
        require_agreement(header.audio, codec_config)
        block = header.pack()
        self._header = header
        self._header_digest = header_digest(block)
        self._signer = signer
        self._slot_bytes = slot_bytes
        self._pool = buffers if buffers is not None else ChunkBuffers()
        cipher = ChunkCipher(header.suite, data_key)
        self._sealer = ChunkSealer(header, self._header_digest, cipher, self._pool)
        self._hasher = LeafHasher(header.codec, codec_config.nal_salt)
        self._tree = RunningRoot()
        self._index = SegmentIndex()
        self._next_number = header.first_access_unit
        self._blocks: tuple[bytes, ...] = (block,)  # goes before the chunks of the first commit
        self._commit_offset = 0
        self._commit_chunk = 0
        self._takes_audio = codec_config.audio_track is not None
        self._closed = False
        self._left = 0  # plaintext bytes that may still be staged
        self._recount()
        self._append_record(encode_config(codec_config))
        self._empty_room = self.room_bytes

    @property
    def chain_digest(self) -> bytes:
        """Return the digest chain after the last sealed chunk; once closed, the next segment's previous_digest."""
        return self._sealer.chain_digest

    @property
    def room_bytes(self) -> int:
        """Return the longest access-unit payload that still fits; index, final chunk and footer are set aside."""
        return max(0, self._left - RECORD_OVERHEAD_BYTES)

    @property
    def has_pending(self) -> bool:
        """Tell whether anything was appended that no commit has taken yet."""
        return self._sealer.staged_bytes > 0

    @property
    def access_units(self) -> int:
        """Return how many access units were appended."""
        return self._sealer.access_units

    def append_access_unit(
        self,
        number: int,
        utc_us: int,
        rtp_time: int,
        arrival_boot_us: int,
        flags: int,
        lost_packets_before: int,
        payload: memoryview | bytes | bytearray,
        nal_count: int,
    ) -> None:
        """Append one access unit; the payload is borrowed for the call. Flags as in `records`.

        Raises SegmentFull (close and begin the next segment with this unit), AccessUnitTooLarge,
        AccessUnitMalformed, AccessUnitOutOfOrder; after any of them nothing has changed.
        """
        size = len(payload)
        needed = size + RECORD_OVERHEAD_BYTES
        if needed > self._left or size > MAX_ACCESS_UNIT_BYTES:
            self._refuse(size)
        if number != self._next_number:
            raise AccessUnitOutOfOrder(number, self._next_number)
        if nal_count > MAX_NAL_UNITS:
            raise AccessUnitMalformed(f"{nal_count} of them")
        head = ACCESS_UNIT_RECORD_STRUCT.pack(
            _ACCESS_UNIT,
            flags,
            0,
            needed - RECORD_HEAD_BYTES,
            number,
            utc_us,
            rtp_time & U64_MAX,
            arrival_boot_us,
            lost_packets_before,
            nal_count,
            0,
        )
        view = payload if type(payload) is memoryview else memoryview(payload)
        for leaf_hash in self._hasher.leaves(view, nal_count):
            self._tree.append(leaf_hash)
        sealer = self._sealer
        sealer.begin_unit(number, utc_us // 1000, lost_packets_before)
        if flags & FLAG_KEY_FRAME:
            self._index.note_key_frame(number, utc_us, sealer.index, sealer.staged_bytes)
        sealer.stage_unit(head, view)
        self._next_number = number + 1
        self._left -= needed
        if flags & FLAG_KEY_FRAME:
            self._recount()

    def append_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None:
        """Append changed parameter sets, valid from the next unit on. Raises SegmentFull, RecordInvalid."""
        record = encode_parameter_sets(ParameterSetsRecord(self._header.codec, parameter_sets))
        chunk_index, offset = self._append_record(record)
        self._index.note_parameter_sets(chunk_index, offset)
        self._recount()

    def append_sender_report(self, ntp: int, rtp_time: int, arrival_boot_us: int) -> None:
        """Append the camera's clock. Raises SegmentFull."""
        self._append_record(encode_sender_report(SenderReportRecord(ntp, rtp_time & U64_MAX, arrival_boot_us)))

    def append_audio(self, record: AudioRecord) -> None:
        """Append one frame of sound. Raises SegmentFull, and RecordInvalid also where no decision allows sound (R3)."""
        if not self._takes_audio:
            raise RecordInvalid("AUDIO", "the segment names no track of sound")
        self._append_record(encode_audio(record))

    def append_timeline(self, event: str, utc_ms: int, facts: tuple[tuple[str, str | int], ...] = ()) -> None:
        """Append an event. Raises SegmentFull, RecordInvalid."""
        self._append_record(encode_timeline(TimelineRecord(event, utc_ms, facts)))

    def append_camera_event(self, event: CameraEventRecord) -> None:
        """Append what the camera reported. Raises SegmentFull, RecordInvalid."""
        self._append_record(encode_camera_event(event))

    def take_commit(self) -> Commit | None:
        """Return everything appended since the last commit, sealed; None if there is nothing."""
        if not self._sealer.staged_bytes:
            return None
        self._sealer.seal(FLAG_COMMIT_END)
        commit = self._make_commit(())
        self._recount()
        return commit

    def close(self, end_boot_ms: int, gaps: Sequence[FooterGap]) -> Commit:
        """Return the last commit: what is pending, the index, the signed footer. Raises SegmentAlreadyClosed."""
        if self._closed:
            raise SegmentAlreadyClosed
        sealer = self._sealer
        if sealer.staged_bytes:
            sealer.seal(FLAG_COMMIT_END)
        sealer.begin_record()
        sealer.stage(self._index.encode())
        sealer.seal(FLAG_FINAL | FLAG_COMMIT_END)
        footer = build_footer(
            FooterKind.CLOSED,
            self._header,
            self._header_digest,
            sealer.tally(),
            end_boot_ms=end_boot_ms,
            gaps=gaps,
            nal_root=self._tree.root,
            nal_leaves=self._tree.count,
            key_frames=self._index.key_frames,
        )
        self._closed = True
        self._left = 0
        return self._make_commit((footer.signed_by(self._signer).pack(),))

    def _refuse(self, size: int) -> None:
        if self._closed:
            raise SegmentAlreadyClosed
        limit = min(MAX_ACCESS_UNIT_BYTES, self._empty_room)
        if size > limit:
            raise AccessUnitTooLarge(size, limit)
        raise SegmentFull(size, self.room_bytes)

    def _append_record(self, record: bytes) -> tuple[int, int]:
        """Append a small record; return its chunk's index and its offset there."""
        needed = len(record)
        if self._closed:
            raise SegmentAlreadyClosed
        if needed > self._left:
            raise SegmentFull(needed, max(0, self._left))
        sealer = self._sealer
        sealer.begin_record()
        place = sealer.index, sealer.staged_bytes
        sealer.stage(record)
        self._left -= needed
        return place

    def _make_commit(self, last_blocks: tuple[bytes, ...]) -> Commit:
        sealed, taken = self._sealer.take_sealed()
        buffers: tuple[bytes | memoryview, ...] = (*self._blocks, *sealed, *last_blocks)
        end = self._sealer.offset_bytes + BLOCK_BYTES * len(last_blocks)
        any_units = self._sealer.access_units > 0
        commit = Commit(
            offset_bytes=self._commit_offset,
            buffers=buffers,
            length_bytes=end - self._commit_offset,
            first_chunk=self._commit_chunk,
            last_access_unit=self._sealer.last_access_unit if any_units else None,
            last_utc_ms=self._sealer.utc_ms if any_units else None,
            _taken=taken,
            _pool=self._pool,
        )
        self._blocks = ()
        self._commit_offset = end
        self._commit_chunk = self._sealer.index
        return commit

    def _recount(self) -> None:
        """Work out how much plaintext still fits before index, final chunk and footer, with all overheads."""
        final = blocks_up(CHUNK_OVERHEAD_BYTES + self._index.largest_record_bytes)
        free = self._slot_bytes - self._sealer.offset_bytes - final - BLOCK_BYTES
        chunks, rest = divmod(free, MAX_CHUNK_BYTES)
        capacity = chunks * MAX_CHUNK_PLAINTEXT_BYTES + max(0, rest - CHUNK_OVERHEAD_BYTES)
        self._left = capacity - self._sealer.staged_bytes
