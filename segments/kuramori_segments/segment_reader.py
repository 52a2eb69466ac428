"""Opens one segment with its data key: verified records and access units, from the start or from a moment on.

Every chunk is authenticated before a byte of it is used. Where a footer is at hand, the digest chain and the NAL
root are checked in the same pass. This module must not know disks, custodians or what is done with the pictures.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from kuramori_segments.block_window import BlockWindow, ReadAt
from kuramori_segments.chunk import check_body
from kuramori_segments.chunk_search import ChunkPlace, ChunkSearch, NoChunk
from kuramori_segments.cipher import ChunkCipher, check_commitment, data_key
from kuramori_segments.codes import AudioState, FooterKind
from kuramori_segments.footer import MAGIC as FOOTER_MAGIC
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.limits import (
    BLOCK_BYTES,
    CHUNK_AUTHENTICATED_BYTES,
    CHUNK_HEAD_BYTES,
    MAX_SLOT_BYTES,
    TAG_BYTES,
)
from kuramori_segments.nal_leaves import LeafHasher
from kuramori_segments.nal_tree import NalTree
from kuramori_segments.record_stream import RawRecord, RecordStream
from kuramori_segments.records import (
    AccessUnitRecord,
    CodecConfig,
    IndexRecord,
    ParameterSetsRecord,
    Record,
    RecordType,
    decode_record,
    require_agreement,
)
from kuramori_segments.segment_error import (
    ChunkForged,
    FooterMismatch,
    RecordInvalid,
    SegmentDamaged,
    SegmentError,
)
from kuramori_segments.segment_scan import ScanResult, ScanState, read_header, scan

__all__ = ["ReadAt", "ScanResult", "ScanState", "SegmentReader", "read_header", "scan"]

DamageHandler = Callable[[SegmentError], None]


@dataclass(frozen=True, slots=True)
class _Start:
    """Where reading begins for a moment: a key frame, and the parameter sets in force there."""

    chunk_index: int
    number: int  # of the key frame's access unit
    parameter_sets: ParameterSetsRecord


class SegmentReader:
    """One segment, opened. All iterators raise ChunkForged, SegmentDamaged, RecordInvalid.

    `extent_bytes` says how far the segment goes (with or without its footer); chunks must stand in unbroken order
    up to there. Without it reading ends where the chunks end. With `on_damage` a damaged stretch is reported
    there and left out instead of raised.
    """

    def __init__(
        self,
        read_at: ReadAt,
        header: SegmentHeader,
        key: bytes,
        *,
        extent_bytes: int | None = None,
        on_damage: DamageHandler | None = None,
    ) -> None:
        self._read_at = read_at
        self.header = header
        self._header_digest = header_digest(header.pack())
        self._cipher = ChunkCipher(header.suite, key)
        self._extent_bytes = extent_bytes
        self._limit_bytes = MAX_SLOT_BYTES if extent_bytes is None else extent_bytes
        self._on_damage = on_damage
        self.is_damaged = False  # something was reported to `on_damage` and left out
        self._config: CodecConfig | None = None
        self._known_places: list[ChunkPlace] | None = None
        self._chain = _Chain(self._header_digest)

    @classmethod
    def open(
        cls,
        read_at: ReadAt,
        dek: bytes,
        k_seg: bytes,
        *,
        extent_bytes: int | None = None,
        on_damage: DamageHandler | None = None,
    ) -> "SegmentReader":
        """Read the header and open with both locks' keys. Raises FormatError, KeyCommitmentMismatch."""
        block = read_at(0, BLOCK_BYTES)
        header = read_header(block)
        check_commitment(header.key_commitment, dek, k_seg, header.segment_uid)
        key = data_key(dek, k_seg, header_digest(block))
        return cls(read_at, header, key, extent_bytes=extent_bytes, on_damage=on_damage)

    @property
    def config(self) -> CodecConfig:
        """Return the CONFIG record. Raises RecordInvalid where the first record is another."""
        config = self._config_if_any()
        if config is None:
            raise RecordInvalid("CONFIG", "the segment holds no record")
        return config

    def _config_if_any(self) -> CodecConfig | None:
        if self._config is None:
            first = next(self._raw_records(), None)
            self._config = None if first is None else _as_config(first, self.header)
        return self._config

    def raw_records(self) -> Iterator[RawRecord]:
        """Yield all records from the start, authenticated but not decoded."""
        return self._raw_records()

    def records(self) -> Iterator[Record]:
        """Yield all records from the start, without the leaves of access units."""
        for raw in self._raw_records():
            yield self._decoded(raw)

    def index(self) -> IndexRecord | None:
        """Return the index from the final chunk; None where the segment has none (torn)."""
        places = self._places()
        if not places or not places[-1].head.final:
            return None
        last = places[-1]
        for raw in self._raw_records(first=last):
            record = self._decoded(raw)
            if isinstance(record, IndexRecord):
                return record
        raise RecordInvalid("INDEX", "the final chunk does not hold it")

    def access_units(self, from_utc_ms: int | None = None, to_utc_ms: int | None = None) -> Iterator[AccessUnitRecord]:
        """Yield access units, from the last key frame at or before `from_utc_ms`, up to before `to_utc_ms`.

        Where no key frame stands before, from the segment's first access unit.
        """
        for record in self.records_between(from_utc_ms, to_utc_ms):
            if isinstance(record, AccessUnitRecord):
                yield record

    def records_between(self, from_utc_ms: int | None = None, to_utc_ms: int | None = None) -> Iterator[Record]:
        """Yield the records that `access_units` would read through; first, the parameter sets in force there."""
        config = self._config_if_any()
        if config is None:
            return  # nothing was committed
        start = self._start(config, from_utc_ms)
        end_utc_us = None if to_utc_ms is None else to_utc_ms * 1000
        yield start.parameter_sets
        reached = False
        for raw in self._raw_records(first=self._place_of(start.chunk_index)):
            record = self._decoded(raw)
            if isinstance(record, AccessUnitRecord):
                reached = reached or record.number >= start.number
                if reached and end_utc_us is not None and record.utc_us >= end_utc_us:
                    return
            if reached or isinstance(record, ParameterSetsRecord):
                yield record

    def verified_access_units(self, footer: SegmentFooter | None, tree: NalTree) -> Iterator[AccessUnitRecord]:
        """Yield all access units with their leaf hashes, filling `tree`; at the end check them against the footer.

        Raises FooterMismatch at the end where chain, counts or NAL root are not the footer's; the signature is
        checked elsewhere. A recovered footer proves the chain only; without footer, or where something was left out,
        nothing is compared.
        """
        for record in self.verified_records(footer, tree):
            if isinstance(record, AccessUnitRecord):
                yield record

    def verified_records(self, footer: SegmentFooter | None, tree: NalTree) -> Iterator[Record]:
        """Yield all records in the same way, those of access units with their leaf hashes, CONFIG first."""
        hasher: LeafHasher | None = None
        chain = self._chain = _Chain(self._header_digest)
        units = 0
        for raw in self._raw_records(chain=chain):
            if hasher is None:
                hasher = LeafHasher(self.header.codec, _as_config(raw, self.header).nal_salt)
            record = self._decoded(raw)
            if isinstance(record, AccessUnitRecord):
                leaves = hasher.leaves(memoryview(record.payload), record.nal_count)
                first_leaf = tree.count
                for leaf_hash in leaves:
                    tree.append(leaf_hash)
                units += 1
                record = replace(record, first_leaf=first_leaf, leaves=tuple(leaves))
            yield record
        if footer is not None and not self.is_damaged:
            _check_footer(footer, self._header_digest, chain, units, tree)

    @property
    def chain_so_far(self) -> tuple[int, bytes]:
        """Return how many chunks the latest verified pass has opened, and the digest chain after them."""
        return self._chain.chunks, self._chain.digest

    def _start(self, config: CodecConfig, from_utc_ms: int | None) -> _Start:
        """Find where to begin for a moment; decrypts no more than from the indexed key frame to the moment."""
        sets = ParameterSetsRecord(config.codec, config.parameter_sets)
        start = _Start(0, self.header.first_access_unit, sets)
        if from_utc_ms is None:
            return start
        index = self.index()
        if index is not None and index.parameter_sets is not None:
            start = self._indexed_start(index, from_utc_ms, start)
        sets = start.parameter_sets
        for raw in self._raw_records(first=self._place_of(start.chunk_index), until_utc_ms=from_utc_ms):
            record = self._decoded(raw)
            if isinstance(record, ParameterSetsRecord):
                sets = record
            elif isinstance(record, AccessUnitRecord) and record.is_key and record.number >= start.number:
                if record.utc_us > from_utc_ms * 1000:
                    break
                start = _Start(raw.chunk_index, record.number, sets)
        return start

    def _indexed_start(self, index: IndexRecord, from_utc_ms: int, start: _Start) -> _Start:
        chosen = None
        for entry in index.key_frames:
            if entry.utc_us > from_utc_ms * 1000:
                break
            chosen = entry
        if chosen is None:
            return start
        sets = start.parameter_sets
        before = [place for place in index.parameter_sets or () if place[0] < chosen.chunk_index]
        if before:
            chunk_index, offset = before[-1]
            for raw in self._raw_records(first=self._place_of(chunk_index)):
                record = self._decoded(raw)
                if isinstance(record, ParameterSetsRecord) and raw.record_offset == offset:
                    sets = record
                    break
        return _Start(chosen.chunk_index, chosen.number, sets)

    def _place_of(self, chunk_index: int) -> ChunkPlace | None:
        if chunk_index == 0:
            return None
        for place in self._places():
            if place.head.index >= chunk_index:
                return place
        raise RecordInvalid("INDEX", f"points to chunk {chunk_index}, which is not there")

    def _places(self) -> list[ChunkPlace]:
        """Walk the chunk heads, once; without their bodies, unless damage must be stepped over."""
        if self._known_places is None:
            read_at = self._read_head if self._on_damage is None else self._read_at
            window = BlockWindow(read_at, self._limit_bytes)
            self._known_places = list(self._walk(window, None, report=False))
        return self._known_places

    def _read_head(self, offset_bytes: int, _length_bytes: int) -> bytes:
        return self._read_at(offset_bytes, CHUNK_HEAD_BYTES)

    def _walk(self, window: BlockWindow, first: ChunkPlace | None, *, report: bool = True) -> Iterator[ChunkPlace]:
        """Yield the chunks in order; behind damage, where it is handled, from the next whole one on."""
        search = ChunkSearch(window, self.header.segment_uid, self._limit_bytes)
        offset = BLOCK_BYTES if first is None else first.offset_bytes
        index = 0 if first is None else first.head.index
        while True:
            found = search.expect(offset, index, with_checksum=False)
            if isinstance(found, NoChunk):
                if self._ended(window, offset):
                    return
                if report or self._on_damage is None:
                    self._report(SegmentDamaged(found.detail, offset, index))
                behind = self._behind(search, offset, index)
                if behind is None:
                    return
                found = behind
            yield found
            if found.head.final:
                return
            offset, index = found.end_bytes, found.head.index + 1

    def _ended(self, window: BlockWindow, offset_bytes: int) -> bool:
        """Tell whether the chunks may end here: at the extent's end, or with room for just a footer."""
        if self._extent_bytes is None:
            return True
        return offset_bytes >= self._extent_bytes - BLOCK_BYTES and (
            offset_bytes == self._extent_bytes or bytes(window.look(offset_bytes, len(FOOTER_MAGIC))) == FOOTER_MAGIC
        )

    def _behind(self, search: ChunkSearch, offset_bytes: int, index: int) -> ChunkPlace | None:
        for offset in range(offset_bytes + BLOCK_BYTES, self._limit_bytes, BLOCK_BYTES):
            place = search.whole_chunk_at(offset, index)
            if place is not None:
                return place
        return None

    def _raw_records(
        self,
        *,
        first: ChunkPlace | None = None,
        until_utc_ms: int | None = None,
        chain: "_Chain | None" = None,
    ) -> Iterator[RawRecord]:
        """Decrypt chunk after chunk and yield their records; the first chunk behind the moment is the last."""
        window = BlockWindow(self._read_at, self._limit_bytes)
        stream = RecordStream()
        expected = 0 if first is None else first.head.index
        for place in self._walk(window, first):
            head = place.head
            if head.index != expected:
                stream.lose_step()
            expected = head.index + 1
            chunk = window.look(place.offset_bytes, head.length_bytes)
            associated = chunk[:CHUNK_AUTHENTICATED_BYTES]
            try:
                plaintext = self._open(place, chunk)
            except (ChunkForged, SegmentDamaged) as fault:
                decay = _decay(place, chunk) if self._on_damage is not None else None
                self._report(decay or fault)
                stream.lose_step()
                continue
            if chain is not None:
                chain.add(associated, chunk[-TAG_BYTES:], head.final)
            yield from stream.feed(head.index, head.first_record_offset, plaintext)
            if until_utc_ms is not None and head.access_units and head.first_utc_ms > until_utc_ms:
                return

    def _decoded(self, raw: RawRecord) -> Record:
        if raw.record_type is RecordType.AUDIO and self.header.audio is not AudioState.RECORDED_BY_DECISION:
            raise RecordInvalid("AUDIO", "sound, and the header names no decision")
        return decode_record(raw.record_type, raw.flags, raw.payload)

    def _open(self, place: ChunkPlace, chunk: memoryview) -> bytearray:
        head = place.head
        if len(chunk) < head.length_bytes:
            raise SegmentDamaged("the data ends inside the chunk", place.offset_bytes, head.index)
        body, associated = chunk[CHUNK_HEAD_BYTES:], chunk[:CHUNK_AUTHENTICATED_BYTES]
        return self._cipher.open(head.index, head.final, body, associated)

    def _report(self, fault: SegmentError) -> None:
        if self._on_damage is None:
            raise fault
        self.is_damaged = True
        self._on_damage(fault)


def _decay(place: ChunkPlace, chunk: memoryview) -> SegmentDamaged | None:
    """Return the damage where not even the checksum fits, which whoever alters a chunk on purpose would mend."""
    try:
        check_body(place.head, chunk)
    except FormatError as fault:
        return SegmentDamaged(str(fault), place.offset_bytes, place.head.index)
    return None


class _Chain:
    """The digest chain over the chunks as they are opened."""

    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        self.chunks = 0
        self.final_seen = False

    def add(self, associated: memoryview, tag: memoryview, final: bool) -> None:
        """Add one chunk's authenticated head and tag."""
        self.final_seen = final
        self.digest = sha256(b"".join((self.digest, associated, tag))).digest()
        self.chunks += 1


def _as_config(raw: RawRecord, header: SegmentHeader) -> CodecConfig:
    record = decode_record(raw.record_type, raw.flags, raw.payload)
    if not isinstance(record, CodecConfig):
        raise RecordInvalid("CONFIG", "the first record is another")
    if record.codec is not header.codec:
        raise RecordInvalid("CONFIG", "its codec is not the header's")
    require_agreement(header.audio, record)
    return record


def _check_footer(footer: SegmentFooter, digest: bytes, chain: _Chain, units: int, tree: NalTree) -> None:
    told: dict[str, object] = {
        "header_digest": digest,
        "chunks": chain.chunks,
        "chain_digest": chain.digest,
        "access_units": units,
    }
    if footer.kind is FooterKind.CLOSED:
        if not chain.final_seen:
            raise FooterMismatch("final chunk")
        told |= {"nal_leaves": tree.count, "nal_root": tree.root}
    for field, value in told.items():
        if getattr(footer, field) != value:
            raise FooterMismatch(field)
