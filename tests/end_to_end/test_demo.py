"""The demo, told to its end and broken off: what it promises is there, and nothing of it goes on running."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from kuramori.demo.folder import MARK, DemoFolder, FolderRefused

PATIENCE_SECONDS = 240
POLL_SECONDS = 0.1

# One sentence of each act, in the order in which they are told.
TOLD = (
    "Three custodians, and a paper in the safe",
    "any 2 of 3",
    "A recorder is set up",
    "Erasure tier",
    "Two cameras are found",
    "school-gate (offers sound)",
    "Recording: sealed, and without sound",
    "school-gate: recording",
    "Coverage: every second is recorded, or a gap with its reason",
    "recording had not yet started",
    "refer them to the police",
    "Its minutes are held.",
    "One custodian is not enough",
    "has 1 of the 2 approvals that are needed",
    "Two custodians open it",
    "clip.mp4",
    "The clip proves itself",
    "Altered, and it is seen.",
    "Forgetting: the key dies, and every copy with it",
    "The copy is good",
    "Erased: 1 keys destroyed",
    "its keys are destroyed, nobody can open it",
    "with the copied keystore: segments found:",
    "with today's keystore: segments found:",
    "Where things lie",
    "none changed or removed",
    'kuramori_camera_audio_setups_total{camera="school-gate"} 0.0',
    "Nothing is left running.",
)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for sockets: pytest's own paths are too long for them."""
    folder = Path(tempfile.mkdtemp(prefix="demo-test-"))
    yield folder
    shutil.rmtree(folder)


def start_demo(folder: Path, temporary: Path) -> subprocess.Popen[str]:
    """Start the quick demo in a folder, in English."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "KURAMORI_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "kuramori.demo", "--quick"],
        cwd=folder,
        env=environment | {"LC_ALL": "C.UTF-8", "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def still_running(folder: Path, output: str = "demo-out") -> list[str]:
    """Every process that was started for this demo: each has its configuration in the environment."""
    mark = f"KURAMORI_CONFIG={folder / output / 'kuramori.toml'}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # ended meanwhile, or of another user
    return found


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_SECONDS + 20)
def test_every_act_is_told_and_the_clip_plays(tmp_path: Path, short_folder: Path) -> None:
    """Exit code 0, each act with its outcome, a clip without sound that decodes, nothing left running."""
    demo = start_demo(tmp_path, short_folder)
    told, _ = demo.communicate(timeout=PATIENCE_SECONDS)
    assert demo.returncode == 0, told
    place = 0
    for sentence in TOLD:
        assert sentence in told[place:], f"not told, or too early: {sentence}\n{told}"
        place = told.index(sentence, place)
    with av.open(str(tmp_path / "demo-out" / "bundle" / "clip.mp4")) as clip:
        assert not clip.streams.audio
        pictures = sum(1 for _ in clip.decode(video=0))
    assert pictures >= 5 * 15  # five seconds were asked for, at 15 pictures a second
    assert not (tmp_path / "demo-out" / "bundle-again").exists()
    assert still_running(tmp_path) == []
    assert list(short_folder.iterdir()) == []


@pytest.mark.timeout(PATIENCE_SECONDS)
def test_broken_off_it_takes_everything_with_it(tmp_path: Path, short_folder: Path) -> None:
    """Ctrl-C while cameras run: exit code 130, no process and no socket is left, and the next demo may start."""
    demo = start_demo(tmp_path, short_folder)
    cameras = tmp_path / "demo-out" / "logs" / "cameras.log"
    while not (cameras.exists() and cameras.stat().st_size):
        assert demo.poll() is None, demo.communicate()[0]
        time.sleep(POLL_SECONDS)
    assert still_running(tmp_path) != []
    demo.send_signal(signal.SIGINT)
    told, _ = demo.communicate(timeout=30)
    assert demo.returncode == 130, told
    assert "Interrupted." in told
    assert still_running(tmp_path) == []
    assert list(short_folder.iterdir()) == []
    DemoFolder.take(tmp_path / "demo-out").release()


def test_only_a_folder_of_its_own_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the demo did not make it does not touch; what it made it empties; two at once are refused."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    folder = tmp_path / "demo-out"
    folder.mkdir()
    (folder / "precious").write_text("x")
    with pytest.raises(FolderRefused, match="was not made by the demo"):
        DemoFolder.take(folder)
    assert (folder / "precious").exists()
    (folder / MARK).touch()
    taken = DemoFolder.take(folder)
    assert [path.name for path in folder.iterdir()] == [MARK]
    with pytest.raises(FolderRefused, match="Another demo is running"):
        DemoFolder.take(folder)
    taken.release()
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(FolderRefused):
        DemoFolder.take(link)
