"""Clips across minutes that were filled from the camera's card: each moment once, every picture proven."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kuramori.capture.source import Codec
from kuramori.clips.verify import Verdict, verify_bundle
from kuramori.messages import CoverageSpan, SpanKind
from kuramori_segments.numbering import FIRST_FILLED_NUMBER
from tests.fakes.bundles import archive_of, unpacked, write_files
from tests.fakes.sealed_recording import START_UTC_MS, Picture, SealedRecording, heard, make_job, pictures
from tests.nvr.clips.test_clip_content import decoded, nal_units_of

STREAMS = [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 2)]
NAMES = ["h264", "h264-b-frames", "h265-b-frames"]
GAP = (2_500, 5_000)  # milliseconds from the start; the second one begins a group of pictures
ALL = (0, 8_000)


def ms(picture: Picture) -> float:
    return picture.utc_us / 1000 - START_UTC_MS


def split(source: list[Picture], begin: float, end: float) -> tuple[list[Picture], list[Picture]]:
    """Return what a camera sent live but for a gap, and what its card fills it with: from the key frame before."""
    keys = [ms(picture) for picture in source if picture.is_key]
    back = min(key for key in keys if key >= end)
    reach = max(key for key in keys if key <= begin)
    before = [picture for picture in source if ms(picture) < begin]
    again = next(at for at, picture in enumerate(source) if picture.is_key and ms(picture) == back)
    after = source[again:]
    live = [*before, replace(after[0], discontinuity=True), *after[1:]]
    start = next(at for at, picture in enumerate(source) if picture.is_key and ms(picture) == reach)
    card = source[start:again]
    return live, [replace(card[0], discontinuity=True), *card[1:]]


def spans(*filled: tuple[int, int]) -> tuple[CoverageSpan, ...]:
    found, reached = [], START_UTC_MS + ALL[0]
    for begin, end in filled:
        found.append(CoverageSpan(reached, START_UTC_MS + begin, SpanKind.RECORDED))
        found.append(CoverageSpan(START_UTC_MS + begin, START_UTC_MS + end, SpanKind.RECORDED, filled=True))
        reached = START_UTC_MS + end
    return (*found, CoverageSpan(reached, START_UTC_MS + ALL[1], SpanKind.RECORDED))


def made(recording: SealedRecording, *filled: tuple[int, int]) -> dict[str, bytes]:
    job = make_job(recording, START_UTC_MS + ALL[0], START_UTC_MS + ALL[1], spans=spans(*filled))
    return unpacked(archive_of(job))


def nals(source: list[Picture]) -> list[bytes]:
    return [nal for picture in source for nal in picture.nals]


def camera_of(files: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files["manifest.json"])["cameras"][0]
    return found


@pytest.mark.parametrize("slot_bytes", [1 << 20, 64 << 10], ids=["one segment", "many segments"])
@pytest.mark.parametrize(("codec", "b_frames"), STREAMS, ids=NAMES)
def test_the_clip_is_whole_as_if_nothing_had_been_missing(
    tmp_path: Path, codec: Codec, b_frames: int, slot_bytes: int
) -> None:
    """Live, filled, live: the camera's own bytes in order, each picture once, and all of it decodes and verifies."""
    source = pictures(codec, b_frames=b_frames, repeat=4)
    live, card = split(source, *GAP)
    recording = SealedRecording(tmp_path / "recorder", slot_bytes=slot_bytes)
    recording.add_all(codec, live)
    recording.add_all(codec, card, filled=True)
    files = made(recording, GAP)
    assert nal_units_of(files["clip.mp4"]) == nals(source)
    assert len(decoded(files["clip.mp4"], "mp4")) == len(source)
    report = verify_bundle(write_files(tmp_path / "bundle", files))
    assert report.verdict is Verdict.UNCHANGED


def test_the_manifest_says_what_was_filled(tmp_path: Path) -> None:
    """The span, the segments, and that the clip leaves a segment and comes back to it."""
    source = pictures(Codec.H264, repeat=4)
    live, card = split(source, *GAP)
    recording = SealedRecording(tmp_path / "recorder")
    recording.add(Codec.H264, live)
    recording.add(Codec.H264, card, filled=True)
    camera = camera_of(made(recording, GAP))
    (filled,) = camera["filled"]
    assert (filled["from_utc_ms"], filled["to_utc_ms"]) == (START_UTC_MS + GAP[0], START_UTC_MS + GAP[1])
    assert camera["gaps"] == camera["holes"] == []
    assert [(item["sequence"], item["provenance"]) for item in camera["segments"]] == [
        (1, "live"),
        (FIRST_FILLED_NUMBER + 2, "filled_from_camera"),
        (1, "live"),
    ]


def test_gaps_that_were_filled_in_any_order_stand_in_the_order_of_time(tmp_path: Path) -> None:
    """The newest was filled first, and one segment holds two of them with another between."""
    source = pictures(Codec.H264, repeat=6)
    live, first = split(source, 1_200, 2_000)
    live, second = split(live, 3_100, 4_000)
    live, third = split(live, 5_300, 6_000)
    recording = SealedRecording(tmp_path / "recorder")
    recording.add(Codec.H264, live)
    recording.add(Codec.H264, [*first, *third], filled=True)
    recording.add(Codec.H264, second, filled=True)
    files = made(recording, (1_200, 2_000), (3_100, 4_000), (5_300, 6_000))
    wanted = [picture for picture in source if ms(picture) < ALL[1]]
    assert nal_units_of(files["clip.mp4"]) == nals(wanted)
    assert verify_bundle(write_files(tmp_path / "bundle", files)).verdict is Verdict.UNCHANGED


def test_what_was_filled_twice_is_shown_once(tmp_path: Path) -> None:
    """The recorder was killed in the middle of a piece and fetched the rest, or all of it, once more."""
    source = pictures(Codec.H264, repeat=4)
    live, card = split(source, *GAP)
    recording = SealedRecording(tmp_path / "recorder")
    recording.add(Codec.H264, live)
    recording.add(Codec.H264, card[: len(card) // 2], filled=True)
    recording.add(Codec.H264, card, filled=True)
    files = made(recording, GAP)
    assert nal_units_of(files["clip.mp4"]) == nals(source)


def test_damaged_pictures_give_way_to_those_of_the_card(tmp_path: Path) -> None:
    """After a loss the live stream went on without a key frame: what was stored of it cannot be decoded."""
    source = pictures(Codec.H264, repeat=4)
    _, card = split(source, *GAP)
    at = next(index for index, picture in enumerate(source) if ms(picture) >= GAP[0])
    live = [*source[:at], replace(source[at], discontinuity=True), *source[at + 1 :]]
    recording = SealedRecording(tmp_path / "recorder")
    recording.add(Codec.H264, live)
    recording.add(Codec.H264, card, filled=True)
    assert nal_units_of(made(recording, GAP)["clip.mp4"]) == nals(source)


def test_a_card_whose_clock_is_a_little_off_shows_no_moment_twice(tmp_path: Path) -> None:
    """What is known of a camera's clock is known to a fraction of a second; times in the clip only go forward."""
    source = pictures(Codec.H264, repeat=4)
    live, card = split(source, *GAP)
    for off_us in (-300_000, 300_000):
        recording = SealedRecording(tmp_path / f"recorder{off_us}")
        moved = [replace(picture, utc_us=picture.utc_us + off_us) for picture in card]
        kept = [picture for picture in moved if ms(picture) < GAP[1]]
        recording.add(Codec.H264, live)
        recording.add(Codec.H264, kept, filled=True)
        files = made(recording, GAP)
        assert camera_of(files)["clips"][0]["presentation_times_moved"] == 0
        assert verify_bundle(write_files(tmp_path / f"bundle{off_us}", files)).verdict is Verdict.UNCHANGED


def test_a_range_within_what_was_filled_reaches_back_to_its_key_frame(tmp_path: Path) -> None:
    """And needs nothing of the live stream."""
    source = pictures(Codec.H264, repeat=4)
    live, card = split(source, *GAP)
    recording = SealedRecording(tmp_path / "recorder")
    recording.add(Codec.H264, live)
    recording.add(Codec.H264, card, filled=True)
    files = unpacked(archive_of(make_job(recording, START_UTC_MS + 3_600, START_UTC_MS + 4_100)))
    key = max(ms(picture) for picture in card if picture.is_key and ms(picture) <= 3_600)
    wanted = [picture for picture in card if key <= ms(picture) < 4_100]
    assert nal_units_of(files["clip.mp4"]) == nals(wanted)
    assert {item["provenance"] for item in camera_of(files)["segments"]} == {"filled_from_camera"}


def test_the_manifest_says_that_filled_stretches_have_no_sound_though_it_was_decided(tmp_path: Path) -> None:
    """In the statement, at the camera with the span, at the clip, and on the receipt, in both languages."""
    source = pictures(Codec.H264, repeat=4)
    live, card = split(source, *GAP)
    track, sound = heard(120)
    recording = SealedRecording(tmp_path / "recorder")
    recording.add(Codec.H264, live, sound=sound, track=track)
    recording.add(Codec.H264, card, filled=True)
    files = made(recording, GAP)
    camera = camera_of(files)
    said = camera["sound"]
    assert said["recorded"]
    assert said["missing"] == [{"from_utc_ms": START_UTC_MS + GAP[0], "to_utc_ms": START_UTC_MS + GAP[1]}]
    assert [clip["sound"] is None for clip in camera["clips"]] == [False, True, False]
    statement, receipt = json.loads(files["manifest.json"])["statement"], files["receipt.txt"].decode()
    for text in (statement["en"], said["statement"]["en"], receipt):
        assert "What was filled from the camera's card has no sound." in text
    for text in (statement["ja"], said["statement"]["ja"], receipt):
        assert "補完した部分には、音声がありません。" in text
    assert verify_bundle(write_files(tmp_path / "bundle", files)).verdict is Verdict.UNCHANGED


def test_where_no_sound_was_decided_none_is_called_missing(tmp_path: Path) -> None:
    """No audio is all that is to be said."""
    live, card = split(pictures(Codec.H264, repeat=4), *GAP)
    recording = SealedRecording(tmp_path / "recorder")
    recording.add(Codec.H264, live)
    recording.add(Codec.H264, card, filled=True)
    said = camera_of(made(recording, GAP))["sound"]
    assert (said["recorded"], said["missing"], said["statement"]["en"]) == (False, [], "No audio.")
