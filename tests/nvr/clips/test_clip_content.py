"""What stands in a clip: the camera's own bytes, the named range and nothing hidden, no sound."""

import base64
import json
import re
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from kuramori.capture.source import Codec
from kuramori.clips.container_reader import open_clip
from kuramori.clips.handover_mark import mark_in
from kuramori.messages import CoverageSpan, SegmentState, SpanKind
from kuramori.simulator.nal_units import is_parameter_set
from kuramori_segments.codes import Suite
from kuramori_segments.records import CameraEventRecord
from tests.fakes.bundles import archive_of, unpacked
from tests.fakes.clips import clip
from tests.fakes.sealed_recording import (
    START_UTC_MS,
    Picture,
    SealedRecording,
    make_job,
    parameter_sets,
    pictures,
)

STREAMS = [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 2)]
NAMES = ["h264", "h264-b-frames", "h265-b-frames"]
SMALL_SLOT = 64 << 10  # so that a few seconds take several segments


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle and what was recorded."""

    source: list[Picture]
    files: dict[str, bytes]
    segments: int

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files["manifest.json"])
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Four laps of a clip, of which the worker opens 1.5 s to 5.5 s; each stream once."""

    @cache
    def make(codec: Codec, b_frames: int) -> Made:
        recording = SealedRecording(tmp_path_factory.mktemp("recording"), slot_bytes=SMALL_SLOT)
        source = pictures(codec, b_frames=b_frames, repeat=4)
        recording.add_all(codec, source)
        job = make_job(recording, START_UTC_MS + 1500, START_UTC_MS + 5500)
        return Made(source, unpacked(archive_of(job)), len(recording.segments))

    return make


def make_files(recording: SealedRecording, from_ms: int, to_ms: int, **how: Any) -> dict[str, bytes]:
    """Open a range, in milliseconds from the recording's start."""
    return unpacked(archive_of(make_job(recording, START_UTC_MS + from_ms, START_UTC_MS + to_ms, **how)))


def nal_units_of(content: bytes) -> list[bytes]:
    """Return the NAL units of a clip's samples, without the hand-over marks."""
    with open_clip(BytesIO(content)) as opened:
        return [unit for unit in opened.units if mark_in(opened.codec, unit) is None]


def decoded(content: bytes, container: str) -> list[bytes]:
    """Return the luma planes of all pictures, in the order in which they are shown."""
    with av.open(BytesIO(content), format=container) as opened:
        return [frame.to_ndarray()[: frame.height].tobytes() for frame in opened.decode(video=0)]


def expected_units(source: list[Picture], from_ms: int, to_ms: int) -> list[Picture]:
    """Return the pictures that belong to a range: from the key frame before it through the last one inside."""
    low, high = (START_UTC_MS + from_ms) * 1000, (START_UTC_MS + to_ms) * 1000
    inside = [index for index, picture in enumerate(source) if low <= picture.utc_us < high]
    start = max(index for index in range(inside[0] + 1) if source[index].is_key)
    return source[start : inside[-1] + 1]


@pytest.mark.parametrize(("codec", "b_frames"), STREAMS, ids=NAMES)
class TestEveryStream:
    """H.264 and H.265, with and without B-frames, over several segments."""

    def test_nal_units_are_the_cameras_own(self, made: Any, codec: Codec, b_frames: int) -> None:
        """The samples hold exactly the NAL units that were recorded, from the key frame to the range's end."""
        its = made(codec, b_frames)
        wanted = expected_units(its.source, 1500, 5500)
        assert its.segments > 2
        assert nal_units_of(its.files["clip.mp4"]) == [nal for picture in wanted for nal in picture.nals]

    def test_pictures_decode_as_at_the_source(self, made: Any, codec: Codec, b_frames: int) -> None:
        """A decoder shows the same pictures as from the camera's stream."""
        its = made(codec, b_frames)
        name = "h264" if codec is Codec.H264 else "hevc"
        whole = decoded(clip(codec, b_frames).stream * 4, name)
        shown = decoded(its.files["clip.mp4"], "mp4")
        assert len(shown) >= 4 * 30
        assert any(whole[start : start + len(shown)] == shown for start in range(len(whole)))

    def test_one_track_and_no_sound(self, made: Any, codec: Codec, b_frames: int) -> None:
        """There is one video track, named so that players know it, and nothing else."""
        with av.open(BytesIO(made(codec, b_frames).files["clip.mp4"])) as opened:
            assert [stream.type for stream in opened.streams] == ["video"]
            tag = opened.streams.video[0].codec_context.codec_tag
        assert tag == ("avc1" if codec is Codec.H264 else "hvc1")

    def test_times_are_the_recorders(self, made: Any, codec: Codec, b_frames: int) -> None:
        """Pictures are shown at the distance at which they were taken, and decoded in order, all after zero."""
        its = made(codec, b_frames)
        with av.open(BytesIO(its.files["clip.mp4"])) as opened:
            packets = [packet for packet in opened.demux(video=0) if packet.size]
            tick = float(packets[0].time_base)
        wanted = expected_units(its.source, 1500, 5500)
        taken = [(picture.utc_us - wanted[0].utc_us) / 1e6 for picture in wanted]
        shown = [(packet.pts - packets[0].pts) * tick for packet in packets]
        assert shown == pytest.approx(taken, abs=0.001)
        dts = [packet.dts for packet in packets]
        assert dts == sorted(set(dts))
        assert dts[0] >= 0
        assert all(packet.pts >= packet.dts for packet in packets)
        assert its.manifest["cameras"][0]["clips"][0]["presentation_times_moved"] == 0

    def test_nothing_hides_behind_an_edit_list(self, made: Any, codec: Codec, b_frames: int) -> None:
        """The file has no edit list, so players show all that it holds."""
        assert b"elst" not in made(codec, b_frames).files["clip.mp4"]

    def test_the_true_range_is_stated(self, made: Any, codec: Codec, b_frames: int) -> None:
        """The manifest says what was asked, and the first and last picture that are really there."""
        its = made(codec, b_frames)
        wanted = expected_units(its.source, 1500, 5500)
        stated = its.manifest["cameras"][0]["clips"][0]
        assert its.manifest["asked"] == {"from_utc_ms": START_UTC_MS + 1500, "to_utc_ms": START_UTC_MS + 5500}
        assert stated["first_utc_us"] == min(picture.utc_us for picture in wanted)
        assert stated["last_utc_us"] == max(picture.utc_us for picture in wanted)
        assert stated["pictures"] == len(wanted)
        assert its.manifest["processing"] == {"audio": False, "re_encoded": False}


def test_a_gap_stays_a_gap(tmp_path: Path) -> None:
    """Twenty seconds without pictures last twenty seconds in the clip, in its subtitles and in its manifest."""
    recording = SealedRecording(tmp_path)
    later = START_UTC_MS + 22_000
    recording.add_all(Codec.H264, pictures(Codec.H264) + pictures(Codec.H264, from_utc_ms=later))
    spans = (
        CoverageSpan(START_UTC_MS, START_UTC_MS + 2000, SpanKind.RECORDED),
        CoverageSpan(START_UTC_MS + 2000, later, SpanKind.GAP, "camera_offline"),
        CoverageSpan(later, later + 2000, SpanKind.RECORDED),
    )
    files = make_files(recording, 0, 24_000, spans=spans)
    with av.open(BytesIO(files["clip.mp4"])) as opened:
        shown = [frame.time for frame in opened.decode(video=0)]
    assert max(b - a for a, b in pairwise(shown)) == pytest.approx(20.03, abs=0.05)
    camera = json.loads(files["manifest.json"])["cameras"][0]
    assert [gap["reason"] for gap in camera["gaps"]] == ["camera_offline"]
    assert [hole["reasons"] for hole in camera["holes"]] == [["camera_offline"]]
    assert "no picture / 映像なし 2025-11-25 01:00:01 JST - 2025-11-25 01:00:22 JST" in files["clip.srt"].decode()


def test_subtitles_say_local_time_and_camera_each_second(made: Any) -> None:
    """clip.srt has an entry a second with the camera, its place and the local time."""
    text = made(Codec.H264, 0).files["clip.srt"].decode()
    entries = text.strip().split("\n\n")
    assert len(entries) == 5
    assert entries[0].endswith("gate 駅前\n2025-11-25 01:00:01 JST")


def test_parameter_sets_beside_the_stream_come_into_the_sample_entry(tmp_path: Path) -> None:
    """A camera that sends its parameter sets in the session description only gets a clip that plays."""
    recording = SealedRecording(tmp_path)
    sets = parameter_sets(Codec.H264)
    recording.add_all(Codec.H264, pictures(Codec.H264, in_band=False), sets=sets)
    files = make_files(recording, 0, 2000)
    assert not any(is_parameter_set(Codec.H264, nal) for nal in nal_units_of(files["clip.mp4"]))
    assert len(decoded(files["clip.mp4"], "mp4")) == 60


def test_changed_parameter_sets_beside_the_stream_are_put_before_the_key_frame(tmp_path: Path) -> None:
    """Another picture size in mid-stream plays on, and the manifest says how many key frames got parameter sets."""
    recording = SealedRecording(tmp_path)
    small = pictures(Codec.H264, in_band=False)
    large = pictures(Codec.H264, in_band=False, width=480, from_utc_ms=START_UTC_MS + 2000)
    large[0] = replace(large[0], beside=parameter_sets(Codec.H264, width=480))
    recording.add_all(Codec.H264, small + large, sets=parameter_sets(Codec.H264))
    files = make_files(recording, 0, 4000)
    with av.open(BytesIO(files["clip.mp4"])) as opened:
        widths = [frame.width for frame in opened.decode(video=0)]
    assert widths == [320] * 60 + [480] * 60
    assert json.loads(files["manifest.json"])["cameras"][0]["clips"][0]["parameter_sets_put_in"] == 1


def test_a_changed_codec_begins_another_clip(tmp_path: Path) -> None:
    """H.264 and H.265 of one camera become two clips, each with its subtitles and leaves."""
    recording = SealedRecording(tmp_path)
    recording.add(Codec.H264, pictures(Codec.H264))
    recording.add(Codec.H265, pictures(Codec.H265, from_utc_ms=START_UTC_MS + 2000))
    files = make_files(recording, 0, 4000)
    assert {"clip.mp4", "clip-2.mp4", "clip.srt", "clip-2.srt", "clip.leaves", "clip-2.leaves"} <= files.keys()
    assert len(decoded(files["clip-2.mp4"], "mp4")) == 60


def test_several_cameras_have_a_folder_each(tmp_path: Path) -> None:
    """One manifest at the top covers the folders of all cameras."""
    gate = SealedRecording(tmp_path / "one")
    park = SealedRecording(tmp_path / "two", name="park", number=8, key=gate.key)
    gate.add(Codec.H264, pictures(Codec.H264))
    park.add(Codec.H265, pictures(Codec.H265))
    job = make_job(gate, START_UTC_MS, START_UTC_MS + 2000, park)
    files = unpacked(archive_of(job))
    assert {"gate/clip.mp4", "park/clip.mp4", "manifest.json"} <= files.keys()
    assert [camera["camera"] for camera in json.loads(files["manifest.json"])["cameras"]] == ["gate", "park"]


@pytest.mark.parametrize("state", [SegmentState.OPEN, SegmentState.RECOVERED])
def test_unfinished_segments_are_marked(tmp_path: Path, state: SegmentState) -> None:
    """A segment that is still open, or was recovered after a crash, is opened, and said to be less proven."""
    recording = SealedRecording(tmp_path)
    recording.add(Codec.H264, pictures(Codec.H264), state=state)
    files = make_files(recording, 0, 2000)
    segment = json.loads(files["manifest.json"])["cameras"][0]["segments"][0]
    assert segment["state"] == state.value
    assert segment["proven"].startswith(f"{state.value}:")
    assert bool(segment["footer"]) == (state is SegmentState.RECOVERED)


def test_what_the_camera_reported_is_told_of_the_named_range_only(tmp_path: Path) -> None:
    """Motion a second before the range stays sealed, though its pictures were opened; the camera's words stay too."""
    content = pictures(Codec.H264)
    for picture, at_ms, kind in ((0, 200, "motion"), (40, 1300, "motion"), (41, 1200, "tamper")):
        event = CameraEventRecord(kind, START_UTC_MS + at_ms, True, None, "secret topic", "secret detail", dropped=2)
        content[picture] = replace(content[picture], reported=(event,))
    recording = SealedRecording(tmp_path)
    recording.add(Codec.H264, content)
    manifest = make_files(recording, 1000, 2000)["manifest.json"]
    reported = json.loads(manifest)["cameras"][0]["reported"]
    assert [(event["kind"], event["utc_ms"] - START_UTC_MS) for event in reported["events"]] == [
        ("tamper", 1200),
        ("motion", 1300),
    ]
    assert reported["events"][0]["begins"] is True
    assert reported["events_left_out"] == 4
    assert b"secret" not in manifest


def test_the_other_suite_opens_too(tmp_path: Path) -> None:
    """Segments under ChaCha20-Poly1305 are opened as well."""
    recording = SealedRecording(tmp_path)
    recording.add(Codec.H264, pictures(Codec.H264), suite=Suite.CHACHA20_POLY1305)
    assert len(decoded(make_files(recording, 0, 2000)["clip.mp4"], "mp4")) == 60


def test_the_bundle_holds_what_the_recipient_needs(made: Any) -> None:
    """Clip, subtitles, manifest, signature, the granted request, conditions and receipt; each by its digest."""
    files = made(Codec.H264, 0).files
    assert list(files)[:2] == ["manifest.json", "manifest.p7s"]
    listed = {item["name"] for item in json.loads(files["manifest.json"])["files"]}
    assert listed == files.keys() - {"manifest.json", "manifest.p7s"}
    assert "return within a month" in files["conditions.txt"].decode()
    assert "Sato" in files["receipt.txt"].decode()
    assert json.loads(files["granted-request.json"])["request"] == "20251124-1"


def test_the_manifest_holds_neither_keys_nor_shares(made: Any) -> None:
    """Nothing of a segment's header but its digest leaves the recorder."""
    text = made(Codec.H264, 0).files["manifest.json"]
    assert base64.b64encode(bytes([1]) * 30)[:40] not in text  # the shares' filler
    names = re.findall(rb'"([^"]*)":', text)
    assert b"cameras" in names
    assert not [name for name in names if b"dek" in name or b"share" in name]
