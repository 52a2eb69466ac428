"""MANIFEST.md names every field of the manifest, and no other: compared with what bundles really hold."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kuramori.capture.source import Codec
from kuramori.clips.camera_clip import CameraClip, SegmentEvidence
from kuramori.clips.manifest import make_manifest
from kuramori.messages import CoverageSpan, SegmentState, SpanKind
from kuramori_segments.records import CameraEventRecord, TimelineRecord
from tests.fakes.bundles import archive_of, unpacked
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, heard, make_job, pictures

DOCUMENT = Path(__file__).parents[3] / "nvr/kuramori/clips/MANIFEST.md"
OPEN_ENDED = "cameras[].clock.events[].facts"  # whatever the event is about


def paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each field that holds something."""
    if path == OPEN_ENDED or value is None:
        yield path
    elif isinstance(value, dict):
        for name, inside in value.items():
            yield from paths(inside, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inside in value:
            if isinstance(inside, dict):
                yield from paths(inside, f"{path}[]")
            else:
                yield f"{path}[]"
    else:
        yield path


def rich(folder: Path) -> tuple[dict[str, Any], ...]:
    """Return manifests that hold every field at least once."""
    recording = SealedRecording(folder)
    later = START_UTC_MS + 22_000
    spans = (
        CoverageSpan(START_UTC_MS, START_UTC_MS + 2000, SpanKind.RECORDED, filled=True),
        CoverageSpan(START_UTC_MS + 2000, later, SpanKind.GAP, "camera_offline"),
        CoverageSpan(later, later + 2000, SpanKind.RECORDED),
    )
    track, sound = heard(30)
    content = pictures(Codec.H264)
    event = CameraEventRecord("motion", START_UTC_MS + 200, True, None, "topic", "detail")
    content[3] = replace(content[3], reported=(event,))
    recording.add(Codec.H264, content + pictures(Codec.H264, from_utc_ms=later), track=track, sound=sound)
    job = make_job(recording, START_UTC_MS, later + 2000, spans=spans)
    whole = unpacked(archive_of(job))["manifest.json"]
    evidence = SegmentEvidence(
        *(0, 1, bytes(16), SegmentState.OPEN, bytes(32), START_UTC_MS, True, None, bytes(32), bytes(32), 0, bytes(32)),
        *(1, ()),
        dated_by_ms=3,
    )
    unsure = CameraClip(job.cameras[0], evidence=[evidence], events=[TimelineRecord("clock_step", START_UTC_MS, ())])
    dated = make_manifest(job, [unsure], [()], (), "granted-request.json")
    silent = SealedRecording(folder / "silent")
    silent.add(Codec.H264, pictures(Codec.H264))
    plain = unpacked(archive_of(make_job(silent, START_UTC_MS + 1200, START_UTC_MS + 2000)))["manifest.json"]
    return json.loads(whole), json.loads(dated), json.loads(plain)


def test_the_document_names_every_field_and_no_other(tmp_path: Path) -> None:
    """The first column of the table of fields is exactly what stands in manifests."""
    table = DOCUMENT.read_text(encoding="utf-8").partition("## Fields")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    found = {path for manifest in rich(tmp_path) for path in paths(manifest)}
    assert sorted(named) == sorted(found)


def test_the_clock_is_said_in_words(tmp_path: Path) -> None:
    """Whose clock, and what was wrong with it."""
    good, doubtful, _ = (manifest["cameras"][0]["clock"] for manifest in rich(tmp_path))
    assert good["source"] == "recorder"
    assert "trustworthy throughout" in good["statement"]["en"]
    assert "正確な時刻が不明" in doubtful["statement"]["ja"]
    assert "The clock was set 1 times" in doubtful["statement"]["en"]
