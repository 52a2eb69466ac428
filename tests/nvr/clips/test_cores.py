"""The pure parts of clips: which pictures, when shown, what is said, what crosses the pipes."""

import io
import tarfile
from datetime import UTC
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.source import Codec
from kuramori.clips.archive import Archive, ArchiveInvalid, file_of
from kuramori.clips.container_reader import split_lengths, split_start_codes
from kuramori.clips.job import ExtractionFault
from kuramori.clips.job_codec import JobUnreadable, encode_job, read_job
from kuramori.clips.leaf_match import BreakKind, LeafMatcher, RecordedLeaves, SaltedRun
from kuramori.clips.media_clock import DecodeClock, PresentationClock, rhythm_of
from kuramori.clips.selection import Selection, SourceUnit
from kuramori.clips.spool import SpoolDamaged, SpoolFile, SpoolKey
from kuramori.clips.subtitles import Subtitles
from kuramori.clips.worker_answer import WorkerGarbled, WorkerReady, WorkerRefused, encode_answer, parse_answer
from kuramori_segments.codes import VideoCodec
from kuramori_segments.nal_tree import leaf
from kuramori_segments.records import FLAG_KEY_FRAME, AccessUnitRecord
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, make_job, pictures

FRAME_US = 33_333


def unit(number: int, utc_ms: int, *, key: bool = False) -> SourceUnit:
    """Return a unit of the selection's input."""
    record = AccessUnitRecord(number, utc_ms * 1000, 0, 0, 0, 1, FLAG_KEY_FRAME * key, b"\0\0\0\1\x41")
    return SourceUnit(record, 0, ())


def chosen(selection: Selection, units: list[SourceUnit]) -> list[int]:
    """Return the numbers of the chosen units."""
    return [one.record.number for given_one in units for one in selection.take(given_one)]


class TestSelection:
    """The named range, from the key frame before it."""

    def test_it_reaches_back_to_the_key_frame(self) -> None:
        """From the last key frame at or before the start, up to before the end."""
        units = [unit(n, 1000 + 100 * n, key=n % 5 == 0) for n in range(30)]
        assert chosen(Selection(1700, 2200), units) == list(range(5, 12))

    def test_a_key_frame_at_the_start_suffices(self) -> None:
        """A key frame exactly at the start needs nothing before it."""
        units = [unit(n, 1000 + 100 * n, key=n % 5 == 0) for n in range(30)]
        assert chosen(Selection(1500, 1800), units) == [5, 6, 7]

    def test_without_key_frame_nothing_is_shown_and_that_is_counted(self) -> None:
        """Pictures before the first key frame cannot be decoded."""
        units = [unit(0, 1000), unit(1, 1100), unit(2, 1200, key=True), unit(3, 1300)]
        selection = Selection(1000, 2000)
        assert chosen(selection, units) == [2, 3]
        assert selection.undecodable_units == 2

    def test_behind_a_missing_segment_it_waits_for_a_key_frame(self) -> None:
        """Where numbers leap, pictures before the next key frame have lost what they build on."""
        units = [unit(0, 1000, key=True), unit(1, 1100), unit(7, 1700), unit(8, 1800, key=True), unit(9, 1900)]
        selection = Selection(1000, 2000)
        assert chosen(selection, units) == [0, 1, 8, 9]
        assert selection.undecodable_units == 1

    def test_a_clock_that_was_set_back_brings_the_range_twice(self) -> None:
        """Both stretches inside the range are taken, what lies between only as far as it is needed to decode."""
        units = [unit(0, 1000, key=True), unit(1, 1900), unit(2, 2100), unit(3, 2200, key=True), unit(4, 1500)]
        assert chosen(Selection(1000, 2000), units) == [0, 1, 3, 4]


class TestClocks:
    """Presentation and decoding times."""

    @given(st.integers(0, 3), st.lists(st.integers(20_000, 60_000), min_size=8, max_size=80))
    def test_any_order_gives_valid_times(self, depth: int, steps: list[int]) -> None:
        """Decoding times ascend strictly, never after presentation, never below zero; presentation is kept."""
        shown = [sum(steps[:count]) for count in range(len(steps))]
        groups = [shown[at : at + depth + 1] for at in range(0, len(shown), depth + 1)]
        decode_order = [shown[0], *[time for group in groups for time in (group[-1], *group[:-1])][1:]]
        decode_order = list(dict.fromkeys(decode_order))
        clock = DecodeClock(rhythm_of(decode_order[:64]))
        places = [clock.place(media_us) for media_us in decode_order]
        assert all(earlier.dts < later.dts for earlier, later in pairwise(places))
        assert all(0 <= place.dts <= place.pts for place in places)

    def test_arrival_that_was_corrected_keeps_the_order(self) -> None:
        """RTP time went on while the date went a little back: the picture still comes after the one before."""
        clock = PresentationClock()
        first = clock.media_us(1_000_000, 0)
        second = clock.media_us(990_000, 3000)
        assert second > first

    def test_reordered_pictures_keep_their_place(self) -> None:
        """A B-frame has an earlier date and an earlier RTP time: it is shown before."""
        clock = PresentationClock()
        clock.media_us(1_000_000, 0)
        later = clock.media_us(1_066_666, 6000)
        assert 0 < clock.media_us(1_033_333, 3000) < later

    def test_a_clock_set_back_goes_on(self) -> None:
        """An hour back is no hour of reordering."""
        clock = PresentationClock()
        clock.media_us(7_200_000_000, 0)
        assert 0 < clock.media_us(3_600_000_000, 3000) < 1_000_000

    def test_a_day_without_pictures_is_shortened(self) -> None:
        """A gap lasts at most six hours in the clip."""
        clock = PresentationClock()
        clock.media_us(0, 0)
        assert clock.media_us(86_400_000_000, 5) == 6 * 3600 * 1_000_000


class TestSpool:
    """Files that are not readable on disk."""

    @pytest.mark.parametrize("length", [0, 10, 65_536, 1 << 20, (3 << 20) + 12345])
    def test_what_goes_in_comes_out(self, tmp_path: Path, length: int) -> None:
        """Any length, with a patch in the head; the folder stays empty."""
        spool = SpoolFile(tmp_path, SpoolKey())
        content = bytearray(bytes(range(251)) * (length // 251 + 1))[:length]
        for at in range(0, length, 100_000):
            spool.write(content[at : at + 100_000])
        if length > 20:
            spool.seek(4)
            spool.write(b"head")
            spool.seek(0, 2)
            content[4:8] = b"head"
        spool.finish()
        assert b"".join(bytes(piece) for piece in spool.pieces()) == content
        assert list(tmp_path.iterdir()) == []
        spool.close()

    def test_only_the_head_can_be_changed(self, tmp_path: Path) -> None:
        """What is sealed stays."""
        spool = SpoolFile(tmp_path, SpoolKey())
        spool.write(bytes(200_000))
        spool.seek(100_000)
        with pytest.raises(OSError, match="head"):
            spool.write(b"x")
        spool.close()

    def test_other_bytes_from_the_disk_are_noticed(self, tmp_path: Path) -> None:
        """A disk that returns other bytes makes no bundle."""
        import os

        spool = SpoolFile(tmp_path, SpoolKey())
        spool.write(bytes(200_000))
        spool.finish()
        os.pwrite(spool._descriptor, b"other", 50)
        with pytest.raises(SpoolDamaged):
            list(spool.pieces())
        spool.close()


class TestPipes:
    """What crosses between desk and worker."""

    def test_a_job_arrives_as_it_was(self, tmp_path: Path) -> None:
        """Every field, keys and paths included."""
        recording = SealedRecording(tmp_path)
        recording.add(Codec.H264, pictures(Codec.H264))
        job = make_job(recording, START_UTC_MS, START_UTC_MS + 2000)
        assert read_job(io.BytesIO(encode_job(job))) == job

    @pytest.mark.parametrize("data", [b"", b"\0" * 8, b"\0" * 7 + b"\5{}", b"\xff" * 20])
    def test_half_a_job_is_none(self, data: bytes) -> None:
        """A pipe that ends early."""
        with pytest.raises(JobUnreadable):
            read_job(io.BytesIO(data))

    def test_answers_arrive(self) -> None:
        """Both kinds."""
        for answer in (WorkerReady(bytes(32), 5, 7), WorkerRefused(ExtractionFault.DAMAGED, "gate: it is not")):
            assert parse_answer(encode_answer(answer)) == answer

    @given(st.one_of(st.binary(max_size=200), st.text(max_size=80).map(str.encode)))
    def test_any_other_line_is_garbled(self, line: bytes) -> None:
        """No bytes of a worker bring the desk down."""
        with pytest.raises(WorkerGarbled):
            parse_answer(line)


class TestArchive:
    """The tar archive."""

    def test_its_length_is_known_and_it_opens(self) -> None:
        """As long as said, and every tar reads it."""
        archive = Archive((file_of("a.txt", b"x" * 700), file_of("gate/b.txt", b"")), 1_764_000_000)
        content = b"".join(bytes(piece) for piece in archive.pieces())
        assert len(content) == archive.size_bytes
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            assert [(member.name, member.mode, member.size) for member in tar] == [
                ("a.txt", 0o600, 700),
                ("gate/b.txt", 0o600, 0),
            ]

    @pytest.mark.parametrize("name", ["../up", "/root", "a/b/c", "", "x" * 90, ".hidden"])
    def test_odd_names_are_refused(self, name: str) -> None:
        """Only names that a bundle may hold."""
        with pytest.raises(ArchiveInvalid):
            Archive((file_of(name, b""),), 0)


def test_subtitles_of_a_short_clip() -> None:
    """An entry a second, the last one a second long."""
    subtitles = Subtitles("gate", "", UTC)
    for number in range(60):
        subtitles.note(number * FRAME_US, number * FRAME_US)
    entries = subtitles.text(0).strip().split("\n\n")
    assert entries[0] == "1\n00:00:00,000 --> 00:00:01,033\ngate\n1970-01-01 00:00:00 UTC"
    assert len(entries) == 2


class TestSplitting:
    """NAL units in samples."""

    @given(st.lists(st.binary(min_size=1, max_size=40), max_size=8))
    def test_lengths(self, units: list[bytes]) -> None:
        """What was joined behind lengths is split again."""
        joined = b"".join(len(one).to_bytes(4, "big") + one for one in units)
        assert list(split_lengths(joined, 4)) == units

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        """No sample brings the reader down."""
        assert sum(map(len, split_lengths(data, 4))) <= len(data)
        assert sum(map(len, split_start_codes(data))) <= len(data)


class TestMatching:
    """A clip among the recorder's leaves."""

    UNITS = tuple(bytes([0x41, number]) + b"picture" for number in range(40))
    SALTS = (b"a" * 32, b"b" * 32)

    def matcher(self, units: tuple[bytes, ...] | None = None) -> LeafMatcher:
        """Two segments of twenty units each."""
        units = units or self.UNITS
        hashes = [leaf(self.SALTS[at >= 20], one) for at, one in enumerate(units)]
        times = [at * 100_000 for at in range(len(units))]
        return LeafMatcher(
            VideoCodec.H264,
            RecordedLeaves(times, hashes, (SaltedRun(self.SALTS[0], 0, 20), SaltedRun(self.SALTS[1], 20, 40))),
        )

    @given(st.integers(0, 39), st.integers(1, 40))
    def test_any_run_is_a_run(self, first: int, count: int) -> None:
        """Any contiguous piece, over the segments' border too."""
        piece = self.UNITS[first : first + count]
        matcher = self.matcher()
        for one in piece:
            matcher.add(one)
        match = matcher.result()
        assert match.is_run
        assert (match.first, match.last) == (first, first + len(piece) - 1)

    @given(st.integers(0, 30), st.integers(3, 9), st.integers(0, 2))
    def test_equal_units_do_not_confuse(self, first: int, count: int, same: int) -> None:
        """Units that the camera sent again and again have many places; the run is found all the same."""
        units = tuple(b"\x06same" if at % 3 == same else one for at, one in enumerate(self.UNITS))
        matcher = self.matcher(units)
        for one in units[first : first + count]:
            matcher.add(one)
        match = matcher.result()
        assert match.is_run
        assert match.first == first

    @given(st.integers(1, 38))
    def test_an_altered_unit_is_placed(self, position: int) -> None:
        """Where one unit is another, its time is told, and nothing else."""
        matcher = self.matcher()
        for at, one in enumerate(self.UNITS):
            matcher.add(one if at != position else b"\x41other")
        match = matcher.result()
        assert [(place.kind, place.from_utc_us) for place in match.breaks] == [(BreakKind.ALTERED, position * 100_000)]

    def test_repeated_and_left_out(self) -> None:
        """Pictures that come twice or are missing are told."""
        matcher = self.matcher()
        for one in (*self.UNITS[:10], *self.UNITS[5:12], *self.UNITS[30:]):
            matcher.add(one)
        assert [place.kind for place in matcher.result().breaks] == [BreakKind.MOVED, BreakKind.LEFT_OUT]

    def test_a_stranger_is_given_up(self) -> None:
        """After two thousand unknown units nobody hashes on."""
        matcher = self.matcher()
        for number in range(2000):
            matcher.add(b"\x41" + number.to_bytes(4, "big"))
        assert matcher.is_hopeless
