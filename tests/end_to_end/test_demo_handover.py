"""The walk-through of hand-overs, played to its end: every case through the API; what it promises to leave is there."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from typer.testing import CliRunner

from kuramori.cli import main
from tests.end_to_end.test_demo import still_running
from tests.nvr.paper.test_pdf import text_of

PATIENCE_SECONDS = 600

# One sentence of each act, in the order in which they are told.
TOLD = (
    "Everybody signs in as themselves",
    "sign-in-missing",
    "An installer takes a camera into service",
    "role-missing",
    "It is recorded.",
    "A police request",
    "not-in-state",
    "approvals-missing",
    "bundles/police",
    "A bar association's inquiry: held now, decided later",
    "A missing person",
    "bundles/missing-person",
    "/documentation",
    "A citizen asks for the own pictures",
    "masked-copy-own",
    "bundles/masked-copy",
    "A neighbour asks, and a request is refused",
    "request-refused",
    "refusal-letter.pdf",
    "The bar association is answered",
    "bundles/bar-association",
    "A complaint is answered",
    "A medium is disposed of",
    "The season on paper",
    "not reported yet",
    "board-report.pdf",
    "nothing is left running.",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: sockets lie in it."""
    made = Path(tempfile.mkdtemp(prefix="handover-test-"))
    yield made
    shutil.rmtree(made)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_season_of_requests_is_played_through_the_api(folder: Path) -> None:
    """Three bundles that verify, the register as PDF with its fonts, forms and checkpoint; nothing goes on running."""
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "KURAMORI_"))}
    done = subprocess.run(
        [sys.executable, "-m", "kuramori.demo.handover", "--quick"],
        cwd=folder,
        env=environment | {"LC_ALL": "C.UTF-8", "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    place = 0
    for sentence in TOLD:
        place = done.stdout.find(sentence, place)
        assert place >= 0, f"{sentence!r} is not told in its place:\n{done.stdout}"
    out = folder / "demo-handover-out"
    for name in ("police", "missing-person", "bar-association"):
        verified = CliRunner().invoke(main.build(), ["verify", str(out / "bundles" / name)])
        assert verified.exit_code == 0, verified.output
    assert "防犯カメラ画像閲覧等記録簿" in text_of((out / "papers" / "register.pdf").read_bytes())
    papers = {"checkpoint", "management-rules", "notice", "board-report", "disposal-record", "register"}
    assert {paper.stem for paper in (out / "papers").glob("*.pdf")} == papers
    forms = {"application", "decision", "receipt", "complaint", "refusal-letter"}
    assert {form.stem for form in (out / "forms").glob("*.pdf")} == forms
    assert all(form.read_bytes().startswith(b"%PDF") for form in (out / "forms").glob("*.pdf"))
    with av.open(str(out / "bundles" / "masked-copy" / "masked-copy.mp4")) as copy:
        assert [stream.type for stream in copy.streams] == ["video"]
        assert sum(1 for _ in copy.decode(video=0)) > 10
    assert still_running(folder, "demo-handover-out") == []
    assert list(temporary.iterdir()) == []
