"""THREATS.md, "What a key opens, and what is handed over": its figures are those of the format and of the plan."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.reaching_back import GOP_REACH_MS, reaching_back
from kuramori_segments.cipher import data_key
from kuramori_segments.codes import Provenance
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.limits import SLOT_BYTES
from kuramori_segments.segment_reader import SegmentReader
from tests.fakes.bundles import archive_of, unpacked
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, make_job, pictures
from tests.fakes.segments import make_header

ROOT = Path(__file__).parents[1]
SECTION = "## What a key opens, and what is handed over"
RANGE_MS = 60_000
PHASES = 200  # how many places of a range against its segments are tried


def rows() -> list[tuple[float, int, int]]:
    """Mbit/s, seconds of a segment, seconds that the keys of a request for 60 s open less than."""
    text = (ROOT / "segments" / "THREATS.md").read_text(encoding="utf-8")
    section = text.split(SECTION, 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| ([\d.]+) Mbit/s \| (\d+) s \| (\d+) s \| 60 s,", section, re.MULTILINE)
    return [(float(rate), int(segment), int(most)) for rate, segment, most in found]


@dataclass(frozen=True, slots=True)
class Placed:
    """A segment and its time."""

    header: SegmentHeader
    start_utc_ms: int
    end_utc_ms: int


def test_the_rates_of_the_table() -> None:
    """From a small camera to a large one."""
    assert [rate for rate, _, _ in rows()] == [0.5, 2, 4, 8]


@pytest.mark.parametrize(("rate", "segment", "most"), rows())
def test_the_figures_follow_from_the_slot(rate: float, segment: int, most: int) -> None:
    """16 MiB at the rate, and the range with two segments and the reach to a key frame."""
    exact = SLOT_BYTES * 8 / (rate * 1e6)
    assert segment == round(exact)
    assert most == round(RANGE_MS / 1000 + 2 * exact + GOP_REACH_MS / 1000)


@pytest.mark.parametrize(("rate", "segment", "most"), rows())
def test_no_plan_asks_for_more_and_some_ask_for_nearly_as_much(rate: float, segment: int, most: int) -> None:
    """The recorder's own rule, wherever the range lies: it is less than the bound, and the bound is not idle talk."""
    length_ms = round(SLOT_BYTES * 8 / (rate * 1e3))
    header = replace(make_header(), provenance=Provenance.LIVE, continues=True)
    line = [Placed(header, at * length_ms, (at + 1) * length_ms) for at in range(40)]
    opened = []
    for phase in range(PHASES):
        begin = 10 * length_ms + phase * length_ms // PHASES
        touching = [
            one for one in line if one.end_utc_ms > begin - GOP_REACH_MS and one.start_utc_ms < begin + RANGE_MS
        ]
        needed = reaching_back(touching, begin)
        assert needed[0].start_utc_ms <= begin
        assert needed[-1].end_utc_ms >= begin + RANGE_MS
        opened.append(sum(one.end_utc_ms - one.start_utc_ms for one in needed) / 1000)
    assert max(opened) < most
    assert max(opened) > most - 1.2 * segment


def test_the_key_opens_the_whole_segment_and_the_clip_takes_the_range(tmp_path: Path) -> None:
    """One key reads each picture of the segment; into the clip goes the range, back to its key frame."""
    source = pictures(Codec.H264, repeat=2)
    recording = SealedRecording(tmp_path)
    assert recording.add(Codec.H264, source) == len(source)
    (segment,) = recording.segments
    content, header = recording.volume.read_bytes(), SegmentHeader.unpack(segment.header)
    key = data_key(segment.dek, segment.k_seg, header_digest(segment.header))
    reader = SegmentReader(lambda offset, length: content[offset : offset + length], header, key)
    opened = [unit.utc_us // 1000 for unit in reader.access_units()]
    assert len(opened) == len(source)
    begin, end = START_UTC_MS + 2_500, START_UTC_MS + 3_000
    files = unpacked(archive_of(make_job(recording, begin, end)))
    shown = json.loads(files["manifest.json"])["cameras"][0]["clips"][0]
    assert min(opened) < begin - 900
    assert max(opened) > end + 900
    reached = max(picture.utc_us for picture in source if picture.is_key and picture.utc_us <= begin * 1000)
    assert (shown["first_utc_us"], shown["last_utc_us"] < end * 1000) == (reached, True)
