"""The papers in a bundle: what the recipient reads, signs and compares, in both languages."""

import re
import shlex
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.device_certificate import fingerprint
from kuramori.messages import CoverageSpan, SpanKind
from tests.fakes.bundles import archive_of, unpacked, write_files
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, make_job, pictures
from tests.peers import require_program

PAPERS = ("instructions.txt", "conditions.txt", "receipt.txt")


class Papers:
    """A bundle with a gap and a filled span, of the last two of four seconds."""

    def __init__(self, folder: Path, codec: Codec) -> None:
        self.recording = SealedRecording(folder)
        self.recording.add(codec, pictures(codec, repeat=2))
        half, end = START_UTC_MS + 3000, START_UTC_MS + 9000
        spans = (
            CoverageSpan(START_UTC_MS + 2500, half, SpanKind.RECORDED, filled=True),
            CoverageSpan(half, end, SpanKind.GAP, "camera_offline"),
        )
        self.files = unpacked(archive_of(make_job(self.recording, START_UTC_MS + 2500, end, spans=spans)))

    def text(self, name: str) -> str:
        """Return a paper."""
        return self.files[name].decode("utf-8-sig")


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Make papers, each once."""
    return cache(lambda codec: Papers(tmp_path_factory.mktemp("papers"), codec))


@pytest.fixture
def h264(papers: object) -> Papers:
    """Papers for H.264."""
    return papers(Codec.H264)  # type: ignore[operator,no-any-return]


@pytest.fixture
def h265(papers: object) -> Papers:
    """Papers for H.265."""
    return papers(Codec.H265)  # type: ignore[operator,no-any-return]


@pytest.mark.parametrize("name", PAPERS)
def test_an_office_machine_shows_them(h264: Papers, name: str) -> None:
    """UTF-8 with its mark and CRLF: plain editors show every character, and lines as lines."""
    content = h264.files[name]
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\n") == content.count(b"\r\n") > 5
    assert re.search("[ぁ-ん]", h264.text(name))
    assert re.search("[a-z]{5}", h264.text(name))


def test_the_true_range_is_told_apart_from_the_asked_one(h264: Papers) -> None:
    """Decoding begins at a key frame, so the clip begins before the range: both stand on receipt and instructions."""
    receipt = h264.text("receipt.txt")
    assert "Range asked for: 2025-11-25 01:00:02 JST - 2025-11-25 01:00:09 JST" in receipt
    assert "clip.mp4: 2025-11-25 01:00:02 JST - 2025-11-25 01:00:03 JST" in receipt
    assert receipt.index("True range") < receipt.index("clip.mp4: 2025")
    instructions = h264.text("instructions.txt")
    assert "実際の範囲 2025-11-25 01:00:02 JST - 2025-11-25 01:00:03 JST" in instructions
    assert "true range 2025-11-25 01:00:02 JST - 2025-11-25 01:00:03 JST" in instructions


def test_what_is_missing_and_what_was_filled_is_told(h264: Papers) -> None:
    """Each gap with its reason, each filled span with who vouches for its time, in both languages."""
    instructions = h264.text("instructions.txt")
    gap, filled = (
        "2025-11-25 01:00:03 JST - 2025-11-25 01:00:09 JST",
        "2025-11-25 01:00:02 JST - 2025-11-25 01:00:03 JST",
    )
    assert f"gate  {gap}  カメラと通信できない" in instructions
    assert f"gate  {gap}  camera not reachable" in instructions
    assert f"gate  {filled}  カメラのメモリーカードから後で補完" in instructions
    assert f"gate  {filled}  filled later from the camera's own card" in instructions


def test_sound_and_clock_are_told(h264: Papers) -> None:
    """No audio, whose clock, and whether it was trusted."""
    instructions = h264.text("instructions.txt")
    for words in ("音声は含みません。", "No audio.", "録画装置の時計", "The recorder held its clock for trustworthy"):
        assert words in instructions


def test_h265_comes_with_a_note_on_players_and_h264_without(h264: Papers, h265: Papers) -> None:
    """Which player shows it, and that converting it costs the proof."""
    note = h265.text("instructions.txt")
    assert "【ご注意】clip.mp4 は H.265（HEVC）形式です" in note
    assert "NOTE: clip.mp4: this is H.265 (HEVC)." in note
    assert "HEVC" not in h264.text("instructions.txt")


def test_the_receipt_has_what_the_recipient_compares_and_signs(h264: Papers) -> None:
    """The certificate's fingerprint, the digests of clip and page, and lines for date, signature and erasure."""
    receipt = h264.text("receipt.txt")
    assert receipt.startswith("受領書 / Receipt")
    assert fingerprint(h264.recording.certificate) in receipt
    for name in ("clip.mp4", "verify.html"):
        assert sha256(h264.files[name]).hexdigest() in receipt
    for line in ("署名 / Signature: ____", "消去・返却・廃棄の日"):
        assert line in receipt


def test_the_conditions_stand_with_the_instructions(h264: Papers) -> None:
    """The general ones, and the one that was set for this request."""
    assert "書面により報告" in h264.text("conditions.txt")
    for name in ("conditions.txt", "instructions.txt"):
        assert "return within a month" in h264.text(name)


def test_the_commands_in_the_instructions_work(h264: Papers, tmp_path: Path) -> None:
    """Typed as they stand there, they accept this bundle and show the fingerprint; a changed manifest is refused."""
    require_program("openssl")
    folder = write_files(tmp_path, h264.files)
    lines = re.findall(r"^ +(openssl .*?)\r?$", h264.text("instructions.txt"), re.MULTILINE)
    assert len(lines) == 6
    said = [subprocess.run(shlex.split(line), cwd=folder, capture_output=True, check=True) for line in lines[:3]]
    shown = said[2].stdout.decode().partition("=")[2].replace(":", "").strip().lower()
    assert shown == fingerprint(h264.recording.certificate).replace(" ", "")
    (folder / "manifest.json").write_bytes(h264.files["manifest.json"] + b" ")
    assert subprocess.run(shlex.split(lines[0]), cwd=folder, capture_output=True, check=False).returncode != 0


def test_the_subtitles_say_camera_and_local_time_each_second(h264: Papers) -> None:
    """One entry a second."""
    entries = h264.files["clip.srt"].decode().strip().split("\n\n")
    assert [entry.splitlines()[2:] for entry in entries] == [
        ["gate 駅前", "2025-11-25 01:00:02 JST"],
        ["gate 駅前", "2025-11-25 01:00:03 JST"],
    ]
