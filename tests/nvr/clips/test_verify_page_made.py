"""How verify.html is made: one file that reaches nothing, knows no secret, and is the same in every bundle."""

import json
import re
from pathlib import Path

from kuramori.capture.source import Codec
from kuramori.clips.verify_page import verify_page
from tests.fakes.bundles import archive_of, unpacked
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, make_job, pictures

REACHING = r"https?://|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|fetch\(|XMLHttp|import\(|new Function"


def test_it_reaches_nothing_and_writes_no_markup() -> None:
    """It names no address, its policy lets nothing in but its own script and style, it shows text as text."""
    text = verify_page().decode()
    assert "default-src 'none'; script-src 'sha256-" in text
    assert "unsafe" not in text
    assert not re.search(REACHING, text)
    assert text.count("<script") == text.count("</script") == 1


def test_it_is_part_of_every_bundle_and_signed_with_it(tmp_path: Path) -> None:
    """The same bytes each time, listed in the manifest."""
    recording = SealedRecording(tmp_path)
    recording.add(Codec.H264, pictures(Codec.H264))
    files = unpacked(archive_of(make_job(recording, START_UTC_MS, START_UTC_MS + 2000)))
    assert files["verify.html"] == verify_page()
    assert "verify.html" in {one["name"] for one in json.loads(files["manifest.json"])["files"]}
