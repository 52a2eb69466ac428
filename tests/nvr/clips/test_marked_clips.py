"""Hand-over marks in real clips: where they stand, what they leave alone, how far they go, and when there are none."""

import json
import subprocess
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.clips.container_reader import open_clip
from kuramori.clips.found_marks import judged, mark_words, marks_of_file
from kuramori.clips.handover_mark import CAMERA_SIGNATURES, HandOverMark, mark_in, mark_unit
from kuramori.clips.verify import Verdict, verify_bundle
from kuramori.device_certificate import new_device_key
from kuramori_segments.codes import VideoCodec
from tests.fakes.bundles import archive_of, unpacked, write_files
from tests.fakes.sealed_recording import (
    CODECS,
    REQUEST_ID,
    START_UTC_MS,
    Picture,
    SealedRecording,
    make_job,
    pictures,
)
from tests.peers import require_program

STREAMS = [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 2)]
NAMES = ["h264", "h264-b-frames", "h265-b-frames"]
SEI_HEADS = {Codec.H264: b"\x06", Codec.H265: b"\x4e\x01"}


class Marked:
    """A bundle, what was recorded, and the clip's NAL units."""

    def __init__(self, folder: Path, codec: Codec, source: list[Picture]) -> None:
        self.folder = folder
        self.source = source
        self.recording = SealedRecording(folder / "recorder", slot_bytes=64 << 10)
        self.recording.add_all(codec, source)
        self.job = make_job(self.recording, START_UTC_MS, START_UTC_MS + 60_000)
        archive = archive_of(self.job)
        self.archive = folder / "bundle.tar"
        self.archive.write_bytes(archive)
        self.files = unpacked(archive)
        write_files(folder, self.files)
        self.codec = CODECS[codec]
        with open_clip(BytesIO(self.files["clip.mp4"])) as clip:
            self.units = list(clip.units)

    @property
    def marks(self) -> list[HandOverMark]:
        """All marks in the clip."""
        return [mark for unit in self.units if (mark := mark_in(self.codec, unit)) is not None]

    @property
    def said(self) -> int:
        """How many the manifest says."""
        count: int = json.loads(self.files["manifest.json"])["cameras"][0]["clips"][0]["marks"]
        return count

    def ffmpeg(self, *arguments: str) -> None:
        """Run ffmpeg in the folder."""
        command = [require_program("ffmpeg"), "-v", "error", "-nostdin", "-y", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, timeout=60)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Codec, int], Marked]:
    """Make bundles of four seconds, each once."""

    @cache
    def make(codec: Codec, b_frames: int) -> Marked:
        return Marked(tmp_path_factory.mktemp("marked"), codec, pictures(codec, b_frames=b_frames, repeat=2))

    return make


@pytest.mark.parametrize(("codec", "b_frames"), STREAMS, ids=NAMES)
class TestMarkedClip:
    """Every kind of stream."""

    def test_each_key_picture_names_the_hand_over(
        self, marked: Callable[[Codec, int], Marked], codec: Codec, b_frames: int
    ) -> None:
        """One mark for each key picture, all the same, signed by the recorder: request, copy, register entry."""
        its = marked(codec, b_frames)
        keys = sum(picture.is_key for picture in its.source)
        assert len(its.marks) == its.said == keys
        (mark,) = set(its.marks)
        assert (mark.request_id, mark.opening, mark.opened_index) == (REQUEST_ID, 1, its.job.opened_index)
        assert mark.is_signed_by(its.recording.key.public_key())
        assert "is lost when it is encoded anew" in its.files["receipt.txt"].decode()

    def test_it_stands_before_the_first_slice_and_nothing_else_changes(
        self, marked: Callable[[Codec, int], Marked], codec: Codec, b_frames: int
    ) -> None:
        """Without them the camera's own NAL units are left, bit for bit; behind each mark a key picture begins."""
        its = marked(codec, b_frames)
        own = [unit for unit in its.units if mark_in(its.codec, unit) is None]
        assert own == [nal for picture in its.source for nal in picture.nals]
        behind = [its.units[at + 1] for at, unit in enumerate(its.units) if mark_in(its.codec, unit) is not None]
        kinds = {unit[0] & 31 if codec is Codec.H264 else unit[0] >> 1 & 63 for unit in behind}
        assert kinds <= ({5} if codec is Codec.H264 else set(range(16, 24)))

    def test_it_survives_repacking_there_and_back(
        self, marked: Callable[[Codec, int], Marked], codec: Codec, b_frames: int
    ) -> None:
        """MP4 to Matroska and back without re-encoding: the marks are there, and the clip is genuine."""
        its = marked(codec, b_frames)
        its.ffmpeg("-i", "clip.mp4", "-c", "copy", "there.mkv")
        its.ffmpeg("-i", "there.mkv", "-c", "copy", "back.mp4")
        for name in ("there.mkv", "back.mp4"):
            assert marks_of_file(its.folder / name) == (its.marks[0],)
            report = verify_bundle(its.archive, clip=its.folder / name)
            match = report.clips[0].match
            assert (report.verdict, match.marks if match else None) == (Verdict.GENUINE, (its.marks[0],))

    def test_without_the_mark_a_clip_is_genuine_too(
        self, marked: Callable[[Codec, int], Marked], codec: Codec, b_frames: int
    ) -> None:
        """Who strips all SEI units removes the mark, and says nothing about the pictures by it."""
        its = marked(codec, b_frames)
        kinds = "6" if codec is Codec.H264 else "39"
        its.ffmpeg("-i", "clip.mp4", "-c", "copy", "-bsf:v", f"filter_units=remove_types={kinds}", "bare.mp4")
        report = verify_bundle(its.archive, clip=its.folder / "bare.mp4")
        assert marks_of_file(its.folder / "bare.mp4") == ()
        assert report.clips[0].match is not None
        assert report.clips[0].match.marks == ()


def sei_before_slices(codec: Codec, picture: Picture, sei: bytes) -> Picture:
    """Return a key picture with one SEI unit of the camera's own before its slices."""
    if not picture.is_key:
        return picture
    nals = (*picture.nals[:-1], sei, picture.nals[-1])
    return Picture(nals, picture.utc_us, picture.rtp_time, picture.is_key)


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
@pytest.mark.parametrize("signature", CAMERA_SIGNATURES, ids=["onvif", "forerunner"])
@pytest.mark.parametrize("first", [0, 1], ids=["from-the-start", "later"])
def test_where_the_camera_signs_there_is_no_mark(tmp_path: Path, codec: Codec, signature: bytes, first: int) -> None:
    """A camera's own signature covers every NAL unit: it comes through untouched, and no mark is put beside it."""
    sei = SEI_HEADS[codec] + bytes((5, 16 + 40)) + signature + b"s" * 40 + b"\x80"
    source = pictures(codec)
    keys = [at for at, picture in enumerate(source) if picture.is_key]
    signing = [
        sei_before_slices(codec, picture, sei) if at >= keys[first] else picture for at, picture in enumerate(source)
    ]
    its = Marked(tmp_path, codec, signing)
    assert (its.marks, its.said) == ([], 0)
    receipt = its.files["receipt.txt"].decode()
    assert "no mark of this hand-over was put in" in receipt
    assert "is lost when it is encoded anew" not in receipt
    assert its.units == [nal for picture in signing for nal in picture.nals]
    assert verify_bundle(its.archive).verdict is Verdict.UNCHANGED


def test_a_camera_that_sends_marks_itself_fools_nobody(tmp_path: Path) -> None:
    """What was recorded counts as recorded, even where it looks like a mark: the bundle verifies, and leaving it out
    is found."""
    stranger = HandOverMark(b"x" * 16, "20200101-1", 1, 1, b"g" * 32).signed(new_device_key())
    sent = mark_unit(VideoCodec.H264, stranger)
    its = Marked(tmp_path, Codec.H264, [sei_before_slices(Codec.H264, one, sent) for one in pictures(Codec.H264)])
    report = verify_bundle(its.archive)
    assert report.verdict is Verdict.UNCHANGED
    assert stranger in its.marks
    assert report.clips[0].match is not None
    assert [mark.request_id for mark in report.clips[0].match.marks] == [REQUEST_ID]


class TestWords:
    """What a reader hears of marks."""

    MARK = HandOverMark(b"r" * 16, "20261124-1", 2, 41, b"g" * 32)

    def test_whose_copy_it_is(self) -> None:
        """Request, number of the copy, and whether the recorder signed it."""
        key = new_device_key()
        (line,) = mark_words(judged([self.MARK.signed(key)], key.public_key()))
        assert "request 20261124-1, copy 2" in line
        assert "signed by the recorder" in line

    def test_a_made_up_mark_is_named_so(self) -> None:
        """Another key signed it."""
        (line,) = mark_words(judged([self.MARK.signed(new_device_key())], new_device_key().public_key()))
        assert "made up" in line

    def test_two_hand_overs_in_one_clip_are_told(self) -> None:
        """Two copies cut together."""
        key = new_device_key()
        other = HandOverMark(b"r" * 16, "20261124-2", 1, 44, b"g" * 32).signed(key)
        *_, last = mark_words(judged([self.MARK.signed(key), other], None))
        assert "several copies" in last
