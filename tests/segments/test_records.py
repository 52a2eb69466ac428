"""Records survive encoding, and whatever an authenticated payload holds, decoding gives a record or RecordInvalid."""

import json
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.audio_track import AudioDecision, AudioRecord, AudioTrack
from kuramori_segments.codes import RecordSource, VideoCodec
from kuramori_segments.limits import MAX_CAMERA_EVENT_BYTES, MAX_JSON_RECORD_BYTES, MAX_PARAMETER_SETS
from kuramori_segments.record_stream import RawRecord, RecordStream
from kuramori_segments.records import (
    MAX_RECORD_PAYLOAD_BYTES,
    AccessUnitRecord,
    CameraEventRecord,
    CodecConfig,
    IndexEntry,
    IndexRecord,
    ParameterSetsRecord,
    Record,
    RecordType,
    SenderReportRecord,
    TimelineRecord,
    check_record_head,
    decode_record,
    encode_audio,
    encode_camera_event,
    encode_config,
    encode_index,
    encode_parameter_sets,
    encode_record,
    encode_sender_report,
    encode_timeline,
    index_record_bytes,
)
from kuramori_segments.segment_error import RecordInvalid

CONFIG = CodecConfig(VideoCodec.H265, 90_000, (b"vps", b"sps"), bytes(range(32)), RecordSource.AV, "AAC 提供あり")
EVENT = CameraEventRecord("motion", 1_790_000_000_123, True, 1_790_000_000_000, "tns1:RuleEngine/Cell", "領域1", 3)
TRACK = AudioTrack(16_000, 16_000, 1, b"\x14\x08", AudioDecision("市長", "2026-04-01", "incidents"))
SOUND = AudioRecord(1 << 33, -5, 6, 7, b"a frame")
ENTRIES = ((1, 2, 3, 4), (5, -6, 7, 8))


def decoded(record: bytes) -> Record:
    """Decode a whole record."""
    return decode_record(RecordType(record[0]), record[1], record[8:])


def config_with(**changes: Any) -> bytes:
    """Return a CONFIG payload with other members."""
    content = json.loads(encode_config(CONFIG)[8:]) | changes
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("record", "encoded"),
    [
        (CONFIG, encode_config(CONFIG)),
        (
            ParameterSetsRecord(VideoCodec.H264, (b"sps",)),
            encode_parameter_sets(ParameterSetsRecord(VideoCodec.H264, (b"sps",))),
        ),
        (SenderReportRecord(1, 2, 3), encode_sender_report(SenderReportRecord(1, 2, 3))),
        (
            TimelineRecord("lost", -5, (("packets", 3), ("why", "損失"))),
            encode_timeline(TimelineRecord("lost", -5, (("packets", 3), ("why", "損失")))),
        ),
        (
            IndexRecord(tuple(IndexEntry(*entry) for entry in ENTRIES), ((1, 2), (3, 4))),
            encode_index(ENTRIES, ((1, 2), (3, 4))),
        ),
        (IndexRecord((), None), encode_index((), None)),
        (EVENT, encode_camera_event(EVENT)),
        (CameraEventRecord("reboot", 5), encode_camera_event(CameraEventRecord("reboot", 5))),
        (SOUND, encode_audio(SOUND)),
        (replace(CONFIG, audio_track=TRACK), encode_config(replace(CONFIG, audio_track=TRACK))),
    ],
    ids=lambda item: type(item).__name__,
)
def test_records_survive_encoding(record: Record, encoded: bytes) -> None:
    """What was encoded decodes to the same."""
    assert decoded(encoded) == record


def test_the_length_of_an_index_is_known_beforehand() -> None:
    """The writer can set aside exactly what the index will take."""
    assert len(encode_index(ENTRIES, ((1, 2),))) == index_record_bytes(2, 1)


@pytest.mark.parametrize("record_type", list(RecordType), ids=lambda item: item.name)
@given(payload=st.binary(max_size=300))
def test_any_payload_gives_a_record_or_record_invalid(record_type: RecordType, payload: bytes) -> None:
    """Whatever the bytes, decoding gives a record or RecordInvalid."""
    with suppress(RecordInvalid):
        decode_record(record_type, 0, payload)


EVENT_MEMBERS = {"kind": "motion", "begins": True, "camera_utc_ms": 1, "topic": "t", "detail": "d", "dropped": 1}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "record_type", [RecordType.CONFIG, RecordType.PARAMETER_SETS, RecordType.TIMELINE, RecordType.CAMERA_EVENT]
)
@given(data=st.data())
def test_any_json_gives_a_record_or_record_invalid(record_type: RecordType, data: st.DataObject) -> None:
    """JSON of the right shape with any member replaced is read or refused."""
    content = json.loads(encode_config(CONFIG)[8:]) | {"event": "x", "utc_ms": 1} | EVENT_MEMBERS
    content[data.draw(st.sampled_from(sorted(content)))] = data.draw(JSON)
    with suppress(RecordInvalid):
        decode_record(record_type, 0, json.dumps(content).encode())


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 60_000,
        b"\xff",
        b"[]",
        b" " * (MAX_JSON_RECORD_BYTES + 1),
        config_with(codec="vp9"),
        config_with(clock_rate_hz=0),
        config_with(clock_rate_hz=True),
        config_with(source="tape"),
        config_with(audio=None),
        config_with(nal_salt="AAAA"),
        config_with(nal_salt="no base64!"),
        config_with(parameter_sets=["é"]),
        config_with(parameter_sets=["AAAA"] * (MAX_PARAMETER_SETS + 1)),
    ],
    ids=range(13),
)
def test_a_wrong_config_is_refused(payload: bytes) -> None:
    """Deep nesting, wrong types and unknown codecs are RecordInvalid."""
    with pytest.raises(RecordInvalid):
        decode_record(RecordType.CONFIG, 0, payload)


@pytest.mark.parametrize(
    "head",
    [
        (0, 0, 0, 0),
        (9, 0, 0, 0),
        (1, 1, 0, 0),
        (2, 8, 0, 0),
        (2, 0, 1, 0),
        (2, 0, 0, MAX_RECORD_PAYLOAD_BYTES + 1),
    ],
)
def test_a_wrong_record_head_is_refused(head: tuple[int, int, int, int]) -> None:
    """Unknown types, unknown flags, used reserved bytes and lengths beyond the limit are RecordInvalid."""
    with pytest.raises(RecordInvalid):
        check_record_head(*head)


def test_oversized_records_are_never_written() -> None:
    """The writer refuses what a reader would refuse."""
    with pytest.raises(RecordInvalid):
        encode_timeline(TimelineRecord("x", 0, (("text", "x" * MAX_JSON_RECORD_BYTES),)))
    with pytest.raises(RecordInvalid):
        encode_timeline(TimelineRecord("x", 0, (("event", "twice"),)))
    with pytest.raises(RecordInvalid):
        encode_parameter_sets(ParameterSetsRecord(VideoCodec.H264, (b"x",) * (MAX_PARAMETER_SETS + 1)))
    with pytest.raises(RecordInvalid):
        encode_config(CodecConfig(VideoCodec.H264, 90_000, (), b"short"))


def test_a_camera_event_that_is_too_long_is_neither_written_nor_read() -> None:
    """What a camera says of itself has a bound: a storm of long events pushes no picture out."""
    with pytest.raises(RecordInvalid):
        encode_camera_event(CameraEventRecord("motion", 1, detail="x" * MAX_CAMERA_EVENT_BYTES))
    with pytest.raises(RecordInvalid):
        decode_record(RecordType.CAMERA_EVENT, 0, b'{"kind":"motion","utc_ms":1}' + b" " * MAX_CAMERA_EVENT_BYTES)


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{"kind":"motion"}',
        b'{"utc_ms":1}',
        b'{"kind":1,"utc_ms":1}',
        b'{"kind":"motion","utc_ms":true}',
        b'{"kind":"motion","utc_ms":1,"begins":1}',
        b'{"kind":"motion","utc_ms":1,"camera_utc_ms":"now"}',
        b'{"kind":"motion","utc_ms":1,"dropped":-1}',
        b'{"kind":"motion","utc_ms":1,"topic":null}',
    ],
    ids=range(9),
)
def test_a_camera_event_with_a_member_of_another_kind_is_refused(payload: bytes) -> None:
    """Missing or mistyped members are RecordInvalid, never guessed."""
    with pytest.raises(RecordInvalid):
        decode_record(RecordType.CAMERA_EVENT, 0, payload)


def test_flags_of_an_access_unit_are_told() -> None:
    """Key frame, damage and discontinuity are read from the record's flags."""
    unit = AccessUnitRecord(1, 2, 3, 4, 0, 0, 5, b"")
    assert (unit.is_key, unit.is_damaged, unit.is_discontinuity) == (True, False, True)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=12), st.data())
def test_records_are_found_however_they_lie_across_chunks(payloads: list[bytes], data: st.DataObject) -> None:
    """Cut the stream anywhere: the same records come out, each with the place where it begins."""
    encoded = [encode_record(RecordType.AUDIO, payload) for payload in payloads]
    stream = b"".join(encoded)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=8)))
    bounds = [0, *cuts, len(stream)]
    begins = [sum(map(len, encoded[:number])) for number in range(len(encoded))]
    found: list[RawRecord] = []
    reader = RecordStream()
    for index, (start, end) in enumerate(pairwise(bounds)):
        first = next((begin - start for begin in begins if start <= begin < end), None)
        found += reader.feed(index, first, stream[start:end])
    assert [record.payload for record in found] == payloads
    assert [bounds[record.chunk_index] + record.record_offset for record in found] == begins


@given(st.lists(st.binary(max_size=40), min_size=3, max_size=12), st.data())
def test_behind_a_lost_chunk_the_next_whole_record_is_found(payloads: list[bytes], data: st.DataObject) -> None:
    """With one chunk missing, exactly the records that touch it are missing."""
    encoded = [encode_record(RecordType.AUDIO, payload) for payload in payloads]
    stream = b"".join(encoded)
    bounds = [0, *sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), min_size=2, max_size=6))), len(stream)]
    lost = data.draw(st.integers(0, len(bounds) - 2))
    begins = [sum(map(len, encoded[:number])) for number in range(len(encoded))]
    found: list[RawRecord] = []
    reader = RecordStream()
    for index, (start, end) in enumerate(pairwise(bounds)):
        if index == lost:
            reader.lose_step()
            continue
        first = next((begin - start for begin in begins if start <= begin < end), None)
        found += reader.feed(index, first, stream[start:end])
    expected = [
        payload
        for payload, begin in zip(payloads, begins, strict=True)
        if begin + 8 + len(payload) <= bounds[lost] or begin >= bounds[lost + 1]
    ]
    assert [record.payload for record in found] == expected


def test_a_head_that_misstates_its_first_record_is_refused() -> None:
    """The chunk head and the stream must agree on where a record begins."""
    record = encode_record(RecordType.AUDIO, b"hello")
    stream = RecordStream()
    stream.feed(0, 0, record)
    with pytest.raises(RecordInvalid):
        stream.feed(1, 5, record)


@given(st.binary(max_size=200), st.none() | st.integers(0, 199), st.integers(0, 3))
def test_any_plaintext_gives_records_or_record_invalid(plaintext: bytes, first: int | None, index: int) -> None:
    """Whatever a chunk holds, cutting gives records or RecordInvalid."""
    with suppress(RecordInvalid):
        RecordStream().feed(index, first, plaintext)
