"""What is done with a camera's sound, in words and in the segments: nothing without a written decision (R3)."""

from dataclasses import replace
from pathlib import Path

import pytest

from kuramori.camera import Camera
from kuramori.capture.backoff import Backoff
from kuramori.capture.source import AccessUnit, AudioDescription, AudioFrame, Codec, StreamDescription
from kuramori.memory_budget import MemoryBudget
from kuramori.sound import decision_of, sound_of, sound_troubles
from kuramori.sound_queue import SoundQueue
from kuramori.timebase import UtcAnchor
from kuramori_config.load import load_configuration
from kuramori_segments.audio_track import AudioDecision, AudioRecord, AudioTrack
from kuramori_segments.codes import AudioState, RecordSource
from kuramori_segments.commit_reader import records_of_commits
from kuramori_segments.records import AccessUnitRecord, CodecConfig, Record
from tests.fakes.clock import ToldClock
from tests.fakes.configuration import CAMERA, configuration_text
from tests.nvr.test_recording import STREAM, Bench, headers, make_bench, payload_of

AAC = AudioDescription(16_000, 16_000, 1, b"\x14\x08")
DECISION = AudioDecision("mayor Yamada", "2026-04-01", "incidents at night")
SAID = "written decision of mayor Yamada, 2026-04-01: incidents at night"
SILENT = StreamDescription(Codec.H264, 90_000, (), (), ("rtsp://cam/video",), "Maker")
OFFERED = replace(SILENT, audio_offered=("PCMU",))
HEARD = replace(SILENT, audio_offered=("MPEG4-GENERIC",), audio=AAC)
TRACK = AudioTrack(16_000, 16_000, 1, b"\x14\x08", DECISION)
DECIDED = replace(STREAM, audio=AudioState.RECORDED_BY_DECISION, audio_text="recorded", audio_track=TRACK)


@pytest.mark.parametrize(
    ("description", "decision", "state", "text"),
    [
        (SILENT, None, AudioState.NONE_OFFERED, "none offered"),
        (OFFERED, None, AudioState.OFFERED_NOT_SET_UP, "offered (PCMU), not set up"),
        (HEARD, None, AudioState.OFFERED_NOT_SET_UP, "offered (MPEG4-GENERIC), not set up"),
        (
            HEARD,
            DECISION,
            AudioState.RECORDED_BY_DECISION,
            f"recorded by {SAID}",
        ),
        (
            replace(OFFERED, audio_refused="refused: PCMU"),
            DECISION,
            AudioState.OFFERED_NOT_SET_UP,
            f"offered (PCMU), not set up; refused: PCMU; {SAID}",
        ),
        (
            SILENT,
            DECISION,
            AudioState.NONE_OFFERED,
            f"none offered; the camera offers no sound; {SAID}",
        ),
    ],
)
def test_every_segment_says_what_was_done_with_sound(
    description: StreamDescription, decision: AudioDecision | None, state: AudioState, text: str
) -> None:
    """What was offered, what was done with it and why; a track only where it was set up and decided."""
    facts = sound_of(description, decision)
    assert (facts.state, facts.text) == (state, text)
    assert (facts.track is not None) is (state is AudioState.RECORDED_BY_DECISION)
    assert facts.refused is (decision is not None and facts.track is None)
    assert bool(sound_troubles("gate", facts)) is facts.refused


def test_the_decision_is_the_configurations(tmp_path: Path) -> None:
    """Who, when and why as they are written there; without the table there is none."""
    file = tmp_path / "kuramori.toml"
    for decision, expected in (
        ("", None),
        (
            '[camera.audio]\nwho = "市長"\ndate = 2026-04-01\nreason = "事案"\n',
            AudioDecision("市長", "2026-04-01", "事案"),
        ),
    ):
        file.write_text(configuration_text(CAMERA, decision), encoding="utf-8")
        assert decision_of(load_configuration(file).cameras[0]) == expected


# ---- in the recording


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A recording on a small volume, without sound so far."""
    return make_bench(tmp_path)


def frame(of: Bench, number: int, size_bytes: int = 100) -> AudioRecord:
    """A frame of sound taken now."""
    return AudioRecord(
        number * 1024, of.utc_ms * 1000, of.boot_ns // 1000, 0, number.to_bytes(4, "big") * (size_bytes // 4)
    )


def decided(of: Bench) -> Bench:
    """The same recording with sound by decision."""
    of.recording.begin_stream(DECIDED, of.boot_ns, of.utc_ms)
    return of


def run(
    of: Bench, seconds: int, *, commit: bool = True, size_bytes: int = 4000
) -> tuple[list[AudioRecord], list[Record]]:
    """Send pictures and sound, a commit a second; return the frames sent and all records written."""
    sent: list[AudioRecord] = []
    records: list[Record] = []
    for second in range(seconds):
        for part in range(10):
            of.send(3, size_bytes)
            sent.append(frame(of, 1 + second * 10 + part))
            of.recording.append_sound(sent[-1])
        if commit:
            records += commit_now(of)
    return sent, records


def commit_now(of: Bench) -> list[Record]:
    """Commit and return what was written."""
    batch = of.recording.collect(of.boot_ns, of.utc_ms)
    if batch is None:
        return []
    found = [
        record
        for commit, begun in batch.commits
        for record in records_of_commits([commit], begun.header, begun.data_key)
    ]
    of.commit(batch)
    return found


def heard(records: list[Record]) -> list[AudioRecord]:
    """Return the frames of sound in records."""
    return [record for record in records if isinstance(record, AudioRecord)]


def test_no_frame_is_lost_or_doubled_over_segments(bench: Bench) -> None:
    """Ten seconds over several slots of 256 KiB: every frame once, in order, and each segment names the decision."""
    sent, records = run(decided(bench), 10)
    configs = [record for record in records if isinstance(record, CodecConfig)]
    assert len(configs) >= 4
    assert {config.audio_track for config in configs} == {TRACK}
    assert heard(records) == sent
    assert bench.recording.sound.dropped == 0


def test_without_a_decision_no_frame_is_taken(bench: Bench) -> None:
    """Whatever is pushed at the recording."""
    _, records = run(bench, 2)
    assert heard(records) == []
    assert not bench.recording.sound.waits


def test_where_the_decision_ends_the_segment_ends(bench: Bench) -> None:
    """A segment that says that sound is recorded is not gone on with silently, nor the other way round."""
    bench.send(3)
    batches = [bench.collect()]
    bench.commit(batches[-1])
    for stream in (DECIDED, STREAM, replace(DECIDED, audio_track=replace(TRACK, channels=2)), DECIDED):
        bench.recording.begin_stream(stream, bench.boot_ns, bench.utc_ms)
        bench.send(3)
        batches.append(bench.collect())
        bench.commit(batches[-1])
    states = [header.audio for header in headers(batches)]
    recorded = AudioState.RECORDED_BY_DECISION
    assert states == [AudioState.NONE_OFFERED, recorded, AudioState.NONE_OFFERED, recorded, recorded]


def test_sound_waits_with_the_pictures_and_comes_behind_them(bench: Bench) -> None:
    """While no slot is free both wait; then both are written, the sound near the pictures of its time."""
    decided(bench)
    bench.ring.closed = True
    sent, none = run(bench, 2, size_bytes=400)
    assert none == []
    bench.ring.closed = False
    records = commit_now(bench)
    assert heard(records) == sent
    for at, record in enumerate(records):
        if isinstance(record, AudioRecord):
            before = [other for other in records[:at] if isinstance(other, AccessUnitRecord)]
            assert abs(before[-1].arrival_boot_us - record.arrival_boot_us) < 200_000
    assert not bench.recording.sound.waits
    assert bench.recording.budget.take(1 << 20)


def test_sound_that_could_not_be_written_is_sealed_again(bench: Bench) -> None:
    """A failed commit loses no frame: it goes into another slot."""
    sent, _ = run(decided(bench), 1, commit=False)
    assert bench.recording.seal_again(bench.collect())
    assert heard(commit_now(bench)) == sent


def test_sound_never_takes_the_memory_of_all(bench: Bench) -> None:
    """Beyond the shared budget frames are dropped and counted."""
    decided(bench)
    bench.ring.closed = True
    bench.send(1)
    for number in range(300):
        bench.recording.append_sound(frame(bench, number, 8000))
    assert bench.recording.sound.dropped > 100
    bench.recording.sound.clear()
    assert not bench.recording.sound.waits


def test_another_stream_gets_no_sound_of_the_one_before(bench: Bench) -> None:
    """Frames that wait for a segment are forgotten when the camera is connected anew."""
    decided(bench)
    bench.recording.append_sound(frame(bench, 1))
    assert bench.recording.sound.waits
    bench.recording.begin_stream(DECIDED, bench.boot_ns, bench.utc_ms)
    assert not bench.recording.sound.waits


def test_no_frame_outlives_its_epoch(bench: Bench) -> None:
    """A frame from before the epoch under which it would be sealed is dropped."""
    decided(bench)
    old = replace(frame(bench, 1), arrival_boot_us=bench.boot_ns // 1000 - 1)
    bench.send(1)
    bench.recording.append_sound(old)
    bench.recording.append_sound(frame(bench, 2))
    assert [record.rtp_time for record in heard(commit_now(bench))] == [2048]
    assert bench.recording.sound.dropped == 1


def test_what_waits_is_given_back() -> None:
    """The queue's memory is accounted for, whatever becomes of the frames."""
    budget = MemoryBudget(10_000)
    queue = SoundQueue(budget)
    record = AudioRecord(0, 0, 5, 0, bytes(800))
    for _ in range(20):
        queue.offer(record)
    assert queue.dropped == 10
    assert len(list(queue.take(5))) == 10
    queue.put_back([record] * 12)
    assert queue.dropped == 12
    assert list(queue.take(4)) == []
    queue.clear()
    assert budget.take(10_000)


# ---- in the camera's life


def camera_of(of: Bench, decision: AudioDecision | None) -> Camera:
    """A camera on that recording whose stream has just been opened."""
    clock = ToldClock(of.utc_ms, of.boot_ns)
    anchor = UtcAnchor(of.utc_ms, of.boot_ns)
    camera = Camera(
        "gate", of.recording, lambda: None, RecordSource.NATIVE, clock, anchor, Backoff(lambda: 0.5), lambda: decision
    )
    camera._begin(HEARD)
    return camera


def picture(of: Bench, number: int) -> AccessUnit:
    """A key frame that arrives now."""
    return AccessUnit(1 << 32 | number * 9000, of.boot_ns, True, False, 0, 1, memoryview(payload_of(400)))


def sound_frame(of: Bench, number: int) -> AudioFrame:
    """The two frames of a packet end when it arrives."""
    return AudioFrame((1 << 32) + number * 1024, (1 << 32) + (number // 2 + 1) * 2048, of.boot_ns, 0, b"frame")


def test_sound_is_dated_by_the_end_of_its_packet(bench: Bench) -> None:
    """What was heard was over before it arrived: both frames of a packet lie before its arrival, 64 ms apart."""
    camera = camera_of(bench, DECISION)
    camera.on_access_unit(picture(bench, 0))
    arrival_us = bench.utc_ms * 1000
    camera.on_audio_frame(sound_frame(bench, 0))
    camera.on_audio_frame(sound_frame(bench, 1))
    found = heard(commit_now(bench))
    assert [record.utc_us - arrival_us for record in found] == [-128_000, -64_000]
    assert camera.figures.audio_frames == 2


def test_there_is_no_sound_without_pictures(bench: Bench) -> None:
    """Before the first key frame, and behind a break until the next one, nothing is taken."""
    camera = camera_of(bench, DECISION)
    camera.on_audio_frame(sound_frame(bench, 0))
    camera.on_access_unit(picture(bench, 0))
    camera.on_audio_frame(sound_frame(bench, 2))
    camera._awaiting_key = True
    camera.on_audio_frame(sound_frame(bench, 4))
    assert [record.rtp_time - (1 << 32) for record in heard(commit_now(bench))] == [2048]


def test_a_source_that_sends_sound_undecided_is_not_listened_to(bench: Bench) -> None:
    """The decision is asked for here too: without it no frame is kept, whatever the source set up."""
    camera = camera_of(bench, None)
    camera.on_access_unit(picture(bench, 0))
    camera.on_audio_frame(sound_frame(bench, 0))
    assert heard(commit_now(bench)) == []
    assert camera.figures.audio_frames == 0
