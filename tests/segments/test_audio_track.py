"""Sound in a segment: only with a written decision, and whatever the bytes, a record or RecordInvalid (R3)."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.audio_track import AudioDecision, AudioRecord, AudioTrack, read_track, track_member
from kuramori_segments.codes import AudioState
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.limits import MAX_AUDIO_FRAME_BYTES
from kuramori_segments.nal_tree import NalTree
from kuramori_segments.records import (
    FLAG_KEY_FRAME,
    CodecConfig,
    RecordType,
    decode_record,
    encode_audio,
    encode_config,
    encode_record,
)
from kuramori_segments.segment_error import RecordInvalid, SegmentFull
from kuramori_segments.segment_reader import SegmentReader
from kuramori_segments.segment_scan import scan
from kuramori_segments.segment_writer import SegmentWriter
from tests.fakes.segments import (
    NAL_SALT,
    SIGNER,
    START_UTC_MS,
    SlotInMemory,
    length_prefixed,
    make_data_key,
    make_header,
    make_nal,
)

SLOT_BYTES = 256 * 1024
TRACK = AudioTrack(16_000, 16_000, 1, b"\x14\x08", AudioDecision("mayor Yamada", "2026-04-01", "incidents"))
HEADER = replace(make_header(), audio=AudioState.RECORDED_BY_DECISION)
CONFIG = CodecConfig(HEADER.codec, 90_000, (), NAL_SALT, audio="recorded by written decision", audio_track=TRACK)
FRAME = AudioRecord(1 << 32, START_UTC_MS * 1000, 5, 0, b"frame")


def writer_of(header: Any = HEADER, config: CodecConfig = CONFIG) -> SegmentWriter:
    """Begin a segment."""
    return SegmentWriter(header, make_data_key(header), codec_config=config, signer=SIGNER, slot_bytes=SLOT_BYTES)


def test_sound_comes_back_in_its_place_and_the_tree_does_not_cover_it() -> None:
    """Frames stand between the pictures as they were appended; footer and NAL root agree without them."""
    writer, slot, tree = writer_of(), SlotInMemory(SLOT_BYTES), NalTree()
    frames = [replace(FRAME, rtp_time=FRAME.rtp_time + 1024 * number, payload=bytes([number])) for number in range(3)]
    for number, frame in enumerate(frames):
        payload = length_prefixed(make_nal(0x65, 200, number))
        writer.append_access_unit(number, START_UTC_MS * 1000, 0, 0, FLAG_KEY_FRAME, 0, payload, 1)
        writer.append_audio(frame)
    slot.write(writer.close(0, ()))
    result = scan(slot.read_at, SLOT_BYTES)
    assert isinstance(result.footer, SegmentFooter)
    assert (result.footer.access_units, result.footer.nal_leaves) == (3, 3)
    reader = SegmentReader(slot.read_at, HEADER, make_data_key(HEADER), extent_bytes=result.extent_bytes)
    records = list(reader.verified_records(result.footer, tree))
    assert [record for record in records if isinstance(record, AudioRecord)] == frames
    assert [type(record).__name__ for record in records[1:5]] == ["AccessUnitRecord", "AudioRecord"] * 2
    assert tree.count == 3


@pytest.mark.parametrize("audio", [state for state in AudioState if state is not AudioState.RECORDED_BY_DECISION])
def test_no_header_hides_a_track_and_none_claims_one(audio: AudioState) -> None:
    """A segment with a track says so in its header; one that says so has a track: the writer begins no other."""
    with pytest.raises(RecordInvalid):
        writer_of(replace(HEADER, audio=audio))
    with pytest.raises(RecordInvalid):
        writer_of(config=replace(CONFIG, audio_track=None))


def test_without_a_decision_no_frame_is_taken() -> None:
    """A segment without a track refuses sound when it is written."""
    header = make_header()
    writer = writer_of(header, replace(CONFIG, audio_track=None))
    with pytest.raises(RecordInvalid):
        writer.append_audio(FRAME)


def test_a_reader_refuses_sound_that_nobody_decided() -> None:
    """An authenticated frame of sound in a segment whose header knows of none is refused, not played."""
    header = make_header()
    writer, slot = writer_of(header, replace(CONFIG, audio_track=None)), SlotInMemory(SLOT_BYTES)
    writer._append_record(encode_audio(FRAME))
    slot.write(writer.close(0, ()))
    reader = SegmentReader(slot.read_at, header, make_data_key(header))
    with pytest.raises(RecordInvalid):
        list(reader.records())


def test_a_full_segment_takes_no_more_sound() -> None:
    """SegmentFull, and nothing has changed."""
    writer = writer_of()
    large = replace(FRAME, payload=bytes(8000))
    while writer.room_bytes > 8000:
        writer.append_audio(large)
    with pytest.raises(SegmentFull):
        writer.append_audio(large)
    assert writer.close(0, ()).length_bytes <= SLOT_BYTES


@pytest.mark.parametrize("size", [0, MAX_AUDIO_FRAME_BYTES + 1])
def test_no_frame_is_empty_or_longer_than_aac_allows(size: int) -> None:
    """Such a record is neither written nor read."""
    with pytest.raises(RecordInvalid):
        encode_audio(replace(FRAME, payload=bytes(size)))
    with pytest.raises(RecordInvalid):
        decode_record(RecordType.AUDIO, 0, encode_record(RecordType.AUDIO, bytes(32 + size))[8:])


def test_the_bytes_that_are_reserved_must_be_zero() -> None:
    """The last four bytes of the head."""
    with pytest.raises(RecordInvalid):
        decode_record(RecordType.AUDIO, 0, bytes(28) + b"\1\0\0\0" + b"frame")


def test_config_without_sound_is_as_it_was() -> None:
    """Where no sound is recorded nothing is said of a track."""
    assert "audio_track" not in json.loads(encode_config(replace(CONFIG, audio_track=None))[8:])


WRONG: list[tuple[str, object]] = [
    ("codec", "opus"),
    ("channels", 0),
    ("channels", True),
    ("clock_rate_hz", 96_001),
    ("sample_rate_hz", "16000"),
    ("config", ""),
    ("config", "é"),
    ("config", "AAAA" * 40),
    ("decision", None),
    ("decision", {"who": "mayor", "date": "2026-04-01"}),
    ("decision", {"who": "mayor", "date": "2026-04-01", "reason": ""}),
    ("decision", {"who": "mayor", "date": 2026, "reason": "incidents"}),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=range(len(WRONG)))
def test_a_track_that_lacks_anything_is_refused(name: str, value: object) -> None:
    """Above all one without who, when and why."""
    with pytest.raises(RecordInvalid):
        read_track(track_member(TRACK) | {name: value})


def test_a_track_without_a_reason_is_never_written() -> None:
    """An empty decision is none."""
    with pytest.raises(RecordInvalid):
        track_member(replace(TRACK, decision=AudioDecision("mayor", "2026-04-01", "")))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, st.sampled_from([*sorted(track_member(TRACK)), "whole"]))
def test_any_member_gives_a_track_or_record_invalid(value: Any, name: str) -> None:
    """Whatever stands there."""
    with suppress(RecordInvalid):
        read_track(value if name == "whole" else track_member(TRACK) | {name: value})
