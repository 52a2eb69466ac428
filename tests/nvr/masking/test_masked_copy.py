"""The masking worker, a real one: what it makes of a sealed recording, what stays untouched, how it ends."""

import asyncio
import io
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import cast

import av
import pytest

from kuramori.capture.source import Codec
from kuramori.clips.cms import verify_detached
from kuramori.clips.job import ExtractionFailed, ExtractionFault
from kuramori.clips.worker_answer import WorkerGarbled, WorkerRefused
from kuramori.masking import running
from kuramori.masking.masking_job import (
    Confirmation,
    MadeCopy,
    MaskingOrder,
    SeenFace,
    encode_made,
    encode_progress,
    parse_face,
    parse_line,
)
from kuramori.masking.running import MaskingWorker, run_masking
from kuramori.masking.strip_sheets import digest_of
from tests.fakes.bundles import unpacked
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, heard, make_job, pictures
from tests.nvr.masking.drawings import file, point
from tests.peers import require_program

RANGE = START_UTC_MS + 500, START_UTC_MS + 3000
KEPT = point(START_UTC_MS, 0.5, 0.5, 0.25, 0.4), point(START_UTC_MS + 5000, 0.5, 0.5, 0.25, 0.4)
CONFIRMED = Confirmation(17, "checkpoint\n", RANGE[1] + 90_000)


def order_of(recording: SealedRecording, number: int = 2, drawing: bytes = b"") -> MaskingOrder:
    """Return the order for a copy of a recording's range."""
    return MaskingOrder(make_job(recording, *RANGE), number, drawing or file([list(KEPT)]), look_for_faces=False)


@asynccontextmanager
async def made(order: MaskingOrder, tell: Callable[[float], None] = lambda share: None) -> AsyncIterator[MaskingWorker]:
    """Have a copy made; end it afterwards."""
    copy = cast("MaskingWorker", await run_masking(order, tell))
    try:
        yield copy
    finally:
        await copy.close()


async def bundle_of(copy: MaskingWorker) -> dict[str, bytes]:
    """Confirm a copy and take its bundle."""
    stream = await copy.confirm(CONFIRMED)
    files = unpacked(b"".join([piece async for piece in stream]))
    assert sha256(files["manifest.json"]).digest() == stream.manifest_digest
    return files


def frames_of(content: bytes) -> list[av.VideoFrame]:
    """Return the pictures of a file."""
    with av.open(io.BytesIO(content)) as container:
        return list(container.decode(video=0))


@pytest.fixture
def recording(tmp_path: Path) -> SealedRecording:
    """Four seconds of pictures, with sound by decision."""
    found = SealedRecording(tmp_path)
    track, sound = heard(60)
    found.add_all(Codec.H264, pictures(Codec.H264, repeat=2), sound=sound, track=track)
    return found


async def test_a_masked_copy_from_sealed_segments_to_its_bundle(recording: SealedRecording) -> None:
    """The named range, marked, signed as a copy; no sound, no supplemental unit; the stored original untouched."""
    before = sha256(recording.volume.read_bytes()).digest()
    shares: list[float] = []
    async with made(order_of(recording), shares.append) as copy:
        files = await bundle_of(copy)
    assert sha256(recording.volume.read_bytes()).digest() == before
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.3 < 0.7 < shares[-1] <= 1
    assert list(recording.folder.joinpath("spool").iterdir()) == []
    manifest = json.loads(files["manifest.json"])
    assert verify_detached(files["manifest.json"], files["manifest.p7s"]).public_key == recording.key.public_key()
    assert manifest["kuramori"] == "masked copy manifest"
    assert manifest["statement"]["en"].startswith("This is a masked copy, not the original.")
    told = manifest["masked_copy"]
    assert (told["number"], told["camera"], told["pictures"]) == (2, "gate", 75)
    assert RANGE[0] <= told["first_utc_ms"] <= told["last_utc_ms"] < RANGE[1]
    assert manifest["confirmed"] == {
        "register_index": 17,
        "register_checkpoint": "checkpoint\n",
        "utc_ms": 1764000093000,
    }
    assert {entry["name"] for entry in manifest["files"]} == files.keys() - {"manifest.json", "manifest.p7s"}
    for entry in manifest["files"]:
        assert entry["sha256"] == sha256(files[entry["name"]]).hexdigest()
    for name in ("instructions.txt", "receipt.txt"):
        assert "第2号" in files[name].decode()
        assert "masked copy no. 2" in files[name].decode()
    assert_only_pictures(files["masked-copy.mp4"])


def assert_only_pictures(content: bytes) -> None:
    """One track of H.264 without supplemental units, and no word about how it was made."""
    with av.open(io.BytesIO(content)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        types = set()
        for packet in container.demux(video=0):
            data, at = bytes(packet), 0
            while at < len(data):
                types.add(data[at + 4] & 31)
                at += 4 + int.from_bytes(data[at : at + 4], "big")
    assert types == {1, 5}
    for word in (b"x264", b"Lavf", b"Lavc"):
        assert word not in content


async def test_only_what_was_drawn_is_the_originals(recording: SealedRecording) -> None:
    """Inside the box the picture is about the original's; outside, each block is about one colour; the mark on top."""
    async with made(order_of(recording)) as copy:
        files = await bundle_of(copy)
    masked = frames_of(files["masked-copy.mp4"])
    original = [frame for frame in decoded_original(recording) if frame is not None]
    assert len(masked) == 75
    assert (masked[0].width, masked[0].height) == (320, 180)
    ours, theirs = masked[40].to_ndarray()[:180], original[55].to_ndarray()[:180]
    inside = slice(94, 160), slice(164, 236)
    assert abs(ours[inside].astype(int) - theirs[inside].astype(int)).mean() < 6
    block = ours[144:152, 24:32].astype(int)  # blocks of eight pixels
    assert block.max() - block.min() < 16
    assert ours[:8, :60].min() < 30


def decoded_original(recording: SealedRecording) -> list[av.VideoFrame]:
    """Return the recorded pictures, as they were before they were sealed."""
    decoder = av.CodecContext.create("h264", "r")
    frames = []
    for picture in pictures(Codec.H264, repeat=2):
        frames += decoder.decode(av.Packet(b"".join(b"\0\0\0\1" + nal for nal in picture.nals)))
    return cast("list[av.VideoFrame]", [*frames, *decoder.decode(None)])


async def test_the_strips_are_what_is_confirmed(recording: SealedRecording) -> None:
    """Sheets are JPEG, as many as said; their digest is in the signed manifest, and so is the file's."""
    async with made(order_of(recording)) as copy:
        said = copy.made
        assert all(sheet.startswith(b"\xff\xd8\xff") for sheet in copy.sheets)
        assert digest_of(copy.sheets) == said.sheets_sha256
        files = await bundle_of(copy)
    assert sha256(files["masked-copy.mp4"]).digest() == said.video_sha256
    assert json.loads(files["manifest.json"])["masked_copy"]["strips_sha256"] == said.sheets_sha256.hex()
    assert (said.pictures, said.undecodable, said.faces_looked_for) == (75, 0, False)


@pytest.mark.parametrize(("codec", "b_frames"), [(Codec.H264, 2), (Codec.H265, 2)])
async def test_what_a_camera_reorders_is_masked_in_the_order_shown(tmp_path: Path, codec: Codec, b_frames: int) -> None:
    """B-frames and H.265 too: every picture once, times ascending, as long as the range."""
    recording = SealedRecording(tmp_path)
    recording.add_all(codec, pictures(codec, b_frames=b_frames, repeat=2))
    async with made(order_of(recording)) as copy:
        frames = frames_of((await bundle_of(copy))["masked-copy.mp4"])
    times = [frame.time for frame in frames if frame.time is not None]
    assert len(times) == copy.made.pictures == 75
    assert times == sorted(set(times))
    assert 2.4 < times[-1] - times[0] < 2.5


async def test_openssl_accepts_the_signature(recording: SealedRecording, tmp_path: Path) -> None:
    """With the very command that the instructions name."""
    require_program("openssl")
    async with made(order_of(recording)) as copy:
        files = await bundle_of(copy)
    folder = tmp_path / "taken"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (command,) = [line for line in files["instructions.txt"].decode().splitlines() if line.startswith("  openssl")]
    checked = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode == 0, checked.stderr


async def test_a_worker_that_is_not_confirmed_leaves_nothing(recording: SealedRecording) -> None:
    """Closing ends the process; the sealed file had no name and its key is gone."""
    async with made(order_of(recording)) as copy:
        pid = copy.worker_pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert list(recording.folder.joinpath("spool").iterdir()) == []


async def test_a_killed_worker_is_told(recording: SealedRecording) -> None:
    """A copy whose worker was killed while it waited cannot be confirmed."""
    async with made(order_of(recording)) as copy:
        os.kill(copy.worker_pid, signal.SIGKILL)
        with pytest.raises(ExtractionFailed) as failed:
            await copy.confirm(CONFIRMED)
    assert failed.value.fault is ExtractionFault.WORKER_DIED


async def test_what_was_not_granted_is_not_masked_either(recording: SealedRecording) -> None:
    """A wider range, a wrong key, a range without pictures: refused as for a bundle."""
    order = order_of(recording)
    segment = replace(order.job.cameras[0].segments[0], k_seg=bytes(32))
    camera = replace(order.job.cameras[0], segments=(segment,))
    for job, fault in (
        (replace(order.job, to_utc_ms=RANGE[1] + 1), ExtractionFault.DAMAGED),
        (replace(order.job, cameras=(camera,)), ExtractionFault.WRONG_KEYS),
        (replace(order.job, from_utc_ms=RANGE[1] - 1), ExtractionFault.NOTHING_IN_RANGE),
    ):
        with pytest.raises(ExtractionFailed) as failed:
            await asyncio.wait_for(run_masking(replace(order, job=job), lambda share: None), 120)
        assert failed.value.fault is fault


SAID = MadeCopy(
    b"v" * 32, 5, b"s" * 32, (3, 4), 320, 180, 75, 0, 1, 2, 1, True, (SeenFace(1, 0.1, 0.2, 0.3, 0.4, 0.5),)
)


def test_the_words_of_a_worker_are_read_as_written() -> None:
    """Progress, and what was made with its faces."""
    first, face = encode_made(SAID).splitlines(keepends=True)
    assert parse_line(first) == (replace(SAID, faces=()), 1)
    assert parse_face(face) == SAID.faces[0]
    assert parse_line(encode_progress(0.25)) == 0.25


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"1\n",
        b'{"progress": 2}\n',
        b'{"progress": true}\n',
        b'{"made": {}, "faces": 0}\n',
        encode_made(replace(SAID, sheet_bytes=())).splitlines()[0],
        encode_made(replace(SAID, sheet_bytes=(1 << 30,))).splitlines()[0],
        encode_made(replace(SAID, video_sha256=b"")).splitlines()[0],
        encode_made(SAID).splitlines()[0].replace(b'"faces": 1', b'"faces": 1000000'),
        encode_made(SAID).splitlines()[0].replace(b'"width": 320', b'"width": -1'),
        b"[" * 3000,
    ],
)
def test_what_no_honest_worker_says_is_garbled(line: bytes) -> None:
    """It reads a camera's bytes: it is not believed."""
    with pytest.raises(WorkerGarbled):
        parse_line(line)


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'["x",0,0,0,0,0]', b"[1,0,0,0,0]", b"[1,0,0,0,0,7]"])
def test_a_face_that_is_none_is_garbled(line: bytes) -> None:
    """Six numbers within their bounds, or nothing."""
    with pytest.raises(WorkerGarbled):
        parse_face(line)


def test_a_refusal_is_shown_without_what_would_break_a_line() -> None:
    """Only printable characters of what the worker says come through."""
    said = parse_line(json.dumps({"fault": "damaged", "detail": "a\nb"}).encode())
    assert said == WorkerRefused(ExtractionFault.DAMAGED, "a?b")


async def test_a_worker_that_says_nothing_is_ended(recording: SealedRecording, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the longest silence; here, at once."""
    monkeypatch.setattr(running, "SILENCE_SECONDS_MOST", 0.0)
    with pytest.raises(ExtractionFailed) as failed:
        await run_masking(order_of(recording), lambda share: None)
    assert failed.value.fault is ExtractionFault.WORKER_DIED
