"""Sound that was recorded by written decision: in the clip as the camera sent it, said everywhere, and checked."""

import json
import subprocess
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.source import Codec
from kuramori.clips.container_reader import sound_frames, without_adts
from kuramori.clips.sound_match import SoundVerdict, match_sound
from kuramori.clips.sound_track import SoundClock, SoundSelection, SoundUnit
from kuramori.clips.verdict_texts import facts, verdict_sentence
from kuramori.clips.verify import Report, Verdict, verify_bundle
from kuramori_segments.audio_track import AudioDecision
from tests.fakes.bundles import archive_of, unpacked, write_files
from tests.fakes.sealed_recording import (
    DECISION,
    START_UTC_MS,
    SealedRecording,
    heard,
    make_job,
    pictures,
)
from tests.peers import require_program

JST = ZoneInfo("Asia/Tokyo")
TRACK, SOUND = heard(120)


def bundle_of(folder: Path, codec: Codec = Codec.H264, b_frames: int = 0, **how: Any) -> tuple[Path, dict[str, bytes]]:
    """Four laps of a clip with sound, of which 1.5 s to 5.5 s are opened: the archive and its files."""
    recording = SealedRecording(folder / "recorder", slot_bytes=96 << 10)
    source = pictures(codec, b_frames=b_frames, repeat=4)
    recording.add_all(codec, source, sound=SOUND, track=TRACK, **how)
    archive = folder / "bundle.tar"
    archive.write_bytes(archive_of(make_job(recording, START_UTC_MS + 1500, START_UTC_MS + 5500)))
    assert len(recording.segments) > 2
    return archive, unpacked(archive.read_bytes())


@pytest.fixture(scope="module")
def given_bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A bundle with sound, made once."""
    return bundle_of(tmp_path_factory.mktemp("sound"))


def frames_of(content: bytes) -> list[bytes]:
    """Return the frames of sound in a file."""
    return list(sound_frames(BytesIO(content)))


def within(from_ms: int, to_ms: int) -> list[bytes]:
    """Return the recorded frames of a stretch, in milliseconds from the recording's start."""
    low, high = (START_UTC_MS + from_ms) * 1000, (START_UTC_MS + to_ms) * 1000
    return [record.payload for record in SOUND if low <= record.utc_us < high]


@pytest.mark.parametrize(("codec", "b_frames"), [(Codec.H264, 0), (Codec.H265, 2)])
class TestEveryStream:
    """Whatever the pictures are."""

    def test_the_frames_are_the_cameras_own_of_the_same_range(
        self, tmp_path: Path, codec: Codec, b_frames: int
    ) -> None:
        """From the clip's first picture (the key frame at 1 s) to the end of the range, and playable."""
        _, files = bundle_of(tmp_path, codec, b_frames)
        assert frames_of(files["clip.mp4"]) == within(1000, 5500)
        with av.open(BytesIO(files["clip.mp4"])) as opened:
            assert [stream.type for stream in opened.streams] == ["video", "audio"]
            assert bytes(opened.streams.audio[0].codec_context.extradata or b"") == TRACK.specific_config
            samples = sum(frame.samples for frame in opened.decode(audio=0))
        assert samples == 1024 * len(within(1000, 5500))
        assert b"elst" not in files["clip.mp4"]

    def test_sound_and_pictures_keep_their_distance(self, tmp_path: Path, codec: Codec, b_frames: int) -> None:
        """Each frame is heard when it was taken, measured by the pictures; the first from the start of the file."""
        _, files = bundle_of(tmp_path, codec, b_frames)
        with av.open(BytesIO(files["clip.mp4"])) as opened:
            found = [(packet.stream.type, packet.pts * packet.time_base) for packet in opened.demux() if packet.size]
        seen = [at for kind, at in found if kind == "video"]
        heard_at = [at for kind, at in found if kind == "audio"]
        taken = [record.utc_us for record in SOUND if record.payload in set(within(1000, 5500))]
        origin = float(seen[0]) - (START_UTC_MS + 1000) / 1e3
        expected = [utc_us / 1e6 + origin for utc_us in taken]
        assert [float(at) for at in heard_at[1:]] == pytest.approx(expected[1 : len(heard_at)], abs=0.002)
        assert heard_at[0] == 0
        assert all(earlier < later for earlier, later in pairwise(heard_at))


def test_the_manifest_says_who_decided_when_and_why(given_bundle: tuple[Path, dict[str, bytes]]) -> None:
    """In the statement, at the camera and at the clip; the receipt and the segments say it too."""
    files = given_bundle[1]
    manifest = json.loads(files["manifest.json"])
    camera = manifest["cameras"][0]
    decision = {"who": DECISION.who, "date": DECISION.date, "reason": DECISION.reason}
    assert manifest["processing"] == {"audio": True, "re_encoded": False}
    for text in (manifest["statement"]["en"], manifest["statement"]["ja"], camera["sound"]["statement"]["en"]):
        assert all(word in text for word in decision.values())
    assert "No audio" not in manifest["statement"]["en"]
    assert camera["sound"]["recorded"]
    assert camera["sound"]["decisions"] == [decision]
    assert camera["sound"]["said"] == [f"recorded by written decision of {DECISION.who}"]
    clip = camera["clips"][0]["sound"]
    assert (clip["frames"], clip["sample_rate_hz"], clip["channels"]) == (len(within(1000, 5500)), 16_000, 1)
    assert clip["decision"] == decision
    assert {segment["audio"] for segment in camera["segments"]} == {"recorded_by_decision"}
    assert DECISION.who in files["receipt.txt"].decode()


def test_without_a_decision_the_bundle_says_that_there_is_no_sound(tmp_path: Path) -> None:
    """None, with what was offered and not set up, and no list of frames."""
    recording = SealedRecording(tmp_path)
    recording.add_all(Codec.H264, pictures(Codec.H264))
    files = unpacked(archive_of(make_job(recording, START_UTC_MS, START_UTC_MS + 2000)))
    manifest = json.loads(files["manifest.json"])
    assert manifest["processing"]["audio"] is False
    assert "No audio." in manifest["statement"]["en"]
    assert "音声は含みません。" in manifest["statement"]["ja"]
    assert manifest["cameras"][0]["sound"] == {
        "recorded": False,
        "statement": {"en": "No audio.", "ja": "音声は含みません。"},
        "missing": [],
        "decisions": [],
        "said": ["offered (PCMU), not set up"],
    }
    assert manifest["cameras"][0]["clips"][0]["sound"] is None
    assert "clip.sound" not in files
    assert "No audio." in files["receipt.txt"].decode()


def test_where_the_decision_begins_another_clip_begins(tmp_path: Path) -> None:
    """Before it silent, behind it with sound, and behind another decision with that one's name."""
    recording = SealedRecording(tmp_path)
    recording.add(Codec.H264, pictures(Codec.H264))
    later = START_UTC_MS + 2000
    track, sound = heard(20, from_utc_ms=later)
    recording.add(Codec.H264, pictures(Codec.H264, from_utc_ms=later), sound=sound, track=track)
    last = START_UTC_MS + 4000
    other = AudioDecision("mayor Tanaka", "2026-05-01", "another reason")
    track, sound = heard(20, from_utc_ms=last, decision=other)
    recording.add(Codec.H264, pictures(Codec.H264, from_utc_ms=last), sound=sound, track=track)
    files = unpacked(archive_of(make_job(recording, START_UTC_MS, START_UTC_MS + 6000)))
    kinds = []
    for name in ("clip.mp4", "clip-2.mp4", "clip-3.mp4"):
        with av.open(BytesIO(files[name])) as opened:
            kinds.append([stream.type for stream in opened.streams])
    assert kinds == [["video"], ["video", "audio"], ["video", "audio"]]
    decisions = json.loads(files["manifest.json"])["cameras"][0]["sound"]["decisions"]
    assert [decision["who"] for decision in decisions] == [DECISION.who, "mayor Tanaka"]


def test_a_decided_track_without_a_frame_is_a_silent_clip(tmp_path: Path) -> None:
    """The camera set its sound up and sent none: the clip plays, and is unchanged."""
    recording = SealedRecording(tmp_path)
    recording.add(Codec.H264, pictures(Codec.H264), track=TRACK)
    archive = tmp_path / "bundle.tar"
    archive.write_bytes(archive_of(make_job(recording, START_UTC_MS, START_UTC_MS + 2000)))
    assert verify_bundle(archive).verdict is Verdict.UNCHANGED


def ffmpeg(folder: Path, *arguments: str) -> None:
    """Run ffmpeg on the clip in a folder."""
    command = [require_program("ffmpeg"), "-v", "error", "-nostdin", "-y", *arguments]
    subprocess.run(command, cwd=folder, check=True, timeout=60)


def what_is(archive: Path, clip: Path) -> tuple[Verdict, SoundVerdict | None, Report]:
    """Measure a file by the bundle."""
    report = verify_bundle(archive, clip=clip)
    sound = report.clips[0].sound if report.clips else None
    return report.verdict, sound.verdict if sound is not None else None, report


def words(report: Report, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything that is said, in both languages."""
    said = []
    for language in ("C.UTF-8", "ja_JP.UTF-8"):
        monkeypatch.setenv("LC_ALL", language)
        said += [verdict_sentence(report, JST), *facts(report, JST)]
    return "\n".join(said)


def test_as_handed_over_it_is_unchanged(
    given_bundle: tuple[Path, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is said by whose decision there is sound, and what vouches for it."""
    report = verify_bundle(given_bundle[0])
    assert report.verdict is Verdict.UNCHANGED
    said = words(report, monkeypatch)
    assert f"recorded by written decision ({DECISION.who}, {DECISION.date}: {DECISION.reason})" in said
    assert "the proof of the pictures does not cover it" in said
    assert "映像の証明は音声に及ばず" in said
    assert "other tracks" not in said


@pytest.mark.parametrize(
    ("arguments", "name", "verdict", "sound"),
    [
        (("-i", "clip.mp4", "-c", "copy"), "x.mkv", Verdict.GENUINE, SoundVerdict.WHOLE),
        (("-i", "clip.mp4", "-c", "copy"), "x.ts", Verdict.GENUINE, SoundVerdict.WHOLE),
        (("-i", "clip.mp4", "-c", "copy", "-an"), "x.mp4", Verdict.GENUINE, SoundVerdict.ABSENT),
        (("-ss", "1", "-t", "2", "-i", "clip.mp4", "-c", "copy"), "x.mkv", Verdict.GENUINE_PART, SoundVerdict.PART),
        (("-i", "clip.mp4", "-c:v", "copy", "-c:a", "aac"), "x.mp4", Verdict.ALTERED, SoundVerdict.ALTERED),
        (("-i", "clip.mp4", "-c:v", "copy", "-c:a", "pcm_s16le"), "x.mkv", Verdict.ALTERED, SoundVerdict.UNREADABLE),
    ],
    ids=["matroska", "mpeg-ts", "silenced", "cut", "encoded-again", "other-codec"],
)
def test_what_became_of_the_sound_is_told(
    given_bundle: tuple[Path, dict[str, bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    name: str,
    verdict: Verdict,
    sound: SoundVerdict,
) -> None:
    """Repacked, cut or silenced the pictures stay genuine; sound that is another makes the clip an altered one."""
    archive, files = given_bundle
    write_files(tmp_path, files)
    ffmpeg(tmp_path, *arguments, name)
    found_verdict, found_sound, report = what_is(archive, tmp_path / name)
    assert (found_verdict, found_sound) == (verdict, sound)
    assert ("ALTERED: the sound" in words(report, monkeypatch)) is (verdict is Verdict.ALTERED)


def test_one_altered_frame_of_sound_is_found(
    given_bundle: tuple[Path, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a bundle whose clip was touched: the pictures are the recorder's, the sound is not, and that is said."""
    files = dict(given_bundle[1])
    clip, frame = bytearray(files["clip.mp4"]), within(1000, 5500)[20]
    at = clip.find(frame)
    clip[at + len(frame) // 2] ^= 1
    report = verify_bundle(write_files(tmp_path, files | {"clip.mp4": bytes(clip)}))
    assert report.verdict is Verdict.ALTERED
    sound = report.clips[0].sound
    assert sound is not None
    assert (sound.verdict, sound.strange) == (SoundVerdict.ALTERED, 1)
    said = words(report, monkeypatch)
    assert "the pictures are" in said
    assert "音声が録画装置の提供したものと異なります" in said


def test_a_list_of_frames_that_was_exchanged_is_found(
    given_bundle: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    """The list itself is signed."""
    files = given_bundle[1]
    altered = files["clip.sound"][:-1] + bytes([files["clip.sound"][-1] ^ 1])
    report = verify_bundle(write_files(tmp_path, files | {"clip.sound": altered}))
    assert (report.verdict, report.detail) == (Verdict.ALTERED, "clip.sound")


def test_frames_left_out_or_moved_are_altered_sound() -> None:
    """All of them known, but not one unbroken run."""
    frames = [bytes([number]) * 5 for number in range(10)]
    digests = [sha256(frame).digest() for frame in frames]
    assert match_sound(frames, digests).verdict is SoundVerdict.WHOLE
    assert match_sound(frames[2:7], digests).verdict is SoundVerdict.PART
    assert match_sound(frames[:4] + frames[5:], digests).verdict is SoundVerdict.ALTERED
    assert match_sound(frames[::-1], digests).verdict is SoundVerdict.ALTERED
    assert match_sound([], digests).verdict is SoundVerdict.ABSENT
    assert match_sound([b"stranger"], digests).strange == 1


@given(st.binary(max_size=60))
def test_any_bytes_are_cut_into_frames(data: bytes) -> None:
    """Whatever claims to be ADTS: pieces of it, and an end."""
    assert sum(map(len, without_adts(data))) <= len(data)


@given(st.lists(st.tuples(st.integers(-1 << 40, 1 << 40), st.integers(0, 1 << 34)), max_size=30))
def test_places_in_the_file_only_ascend(given_times: list[tuple[int, int]]) -> None:
    """However the times jump, decoding times are strictly ascending and never negative."""
    clock = SoundClock(TRACK)
    places = [clock.place(media_us, rtp_time) for media_us, rtp_time in given_times]
    assert all(place >= 0 for place in places)
    assert all(earlier < later for earlier, later in pairwise(places))


def test_sound_that_waits_for_a_key_frame_is_bounded() -> None:
    """A camera whose key frame never comes does not fill the worker's memory."""
    selection = SoundSelection(START_UTC_MS + 1_000_000)
    large = replace(SOUND[0], payload=bytes(8000))
    for _ in range(3000):
        selection.offer(SoundUnit(large, TRACK))
    assert 800 < selection.left_out < 1000
    assert len(list(selection.take(0))) == 3000 - selection.left_out
