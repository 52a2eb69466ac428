"""What the viewing worker shows, and what is believed of it: R5 where it cannot be got round."""

import asyncio
import io
import os
import struct
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.source import Codec
from kuramori.clips.job import ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.viewing import viewer
from kuramori.viewing.picture_wire import (
    STORYBOARD_CELL_MS,
    STORYBOARD_WIDTH_MOST,
    Ask,
    Detail,
    Picture,
    PictureRefused,
    check_piece,
    encode_pictures,
    jpeg_size,
    parse_piece_line,
    parse_ready,
    read_pictures,
)
from kuramori.viewing.viewer import WorkerViewer, start_viewer
from kuramori.viewing.watching import Watching
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, make_job, parameter_sets, pictures

LAPS = 12  # of a clip of two seconds
FROM_UTC_MS, TO_UTC_MS = START_UTC_MS + 500, START_UTC_MS + 23_500


def recorded(folder: Path, codec: Codec, b_frames: int = 0) -> ExtractionJob:
    """Return the job that looks at 23 of 24 seconds, in several segments."""
    recording = SealedRecording(folder, slot_bytes=256 << 10)
    content = pictures(codec, b_frames=b_frames, repeat=LAPS)
    recording.add_all(codec, content, sets=parameter_sets(codec, b_frames))
    return make_job(recording, FROM_UTC_MS, TO_UTC_MS)


def everything(watching: Watching, detail: Detail, from_utc_ms: int, to_utc_ms: int) -> Iterator[Picture]:
    """Ask as a page does, piece after piece; each must be one that is believed."""
    while from_utc_ms < to_utc_ms:
        ask = Ask(0, detail, from_utc_ms, min(from_utc_ms + 2000, to_utc_ms))
        piece = watching.answer(ask)
        yield from check_piece(ask, len(piece.pictures), piece.next_utc_ms, encode_pictures(piece.pictures)).pictures
        from_utc_ms = piece.next_utc_ms


@cache
def jpeg(width: int, height: int) -> bytes:
    """Return a JPEG as the worker makes them."""
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = width, height, "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame(width, height, "yuvj420p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in codec.encode(frame))


@pytest.mark.parametrize(
    ("codec", "b_frames"),
    [
        (Codec.H264, 2),
        pytest.param(Codec.H264, 0, marks=pytest.mark.slow),
        pytest.param(Codec.H265, 2, marks=pytest.mark.slow),
    ],
)
def test_every_granted_picture_is_shown_once_and_none_beside(tmp_path: Path, codec: Codec, b_frames: int) -> None:
    """23 seconds at 30 pictures a second, in order, in the size they were recorded in, across all segments."""
    watching = Watching(recorded(tmp_path, codec, b_frames))
    shown = list(everything(watching, Detail.FULL, FROM_UTC_MS, TO_UTC_MS))
    expected = [one.utc_us for one in pictures(codec, b_frames=b_frames, repeat=LAPS)]
    inside = sorted(utc_us for utc_us in expected if FROM_UTC_MS * 1000 <= utc_us < TO_UTC_MS * 1000)
    assert [picture.utc_us for picture in shown] == inside
    assert {(picture.width, picture.height) for picture in shown} == {(320, 180)}
    assert [picture.utc_us for picture in everything(watching, Detail.FULL, FROM_UTC_MS - 4000, FROM_UTC_MS)] == []


def test_a_jump_shows_the_moment_itself(tmp_path: Path) -> None:
    """Between two key frames: what decodes it is read, and not shown."""
    watching = Watching(recorded(tmp_path, Codec.H264))
    piece = watching.answer(Ask(0, Detail.FULL, START_UTC_MS + 11_050, START_UTC_MS + 12_000))
    assert piece.pictures[0].utc_us == START_UTC_MS * 1000 + 11_066_666
    with av.open(io.BytesIO(piece.pictures[0].jpeg), format="mjpeg") as picture:
        (frame,) = picture.decode(video=0)
    assert (frame.width, frame.height) == (320, 180)


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
def test_a_storyboard_is_coarse(tmp_path: Path, codec: Codec) -> None:
    """At most 96 pixels wide, one of each ten seconds; however it is asked for, always the same ones."""
    watching = Watching(recorded(tmp_path, codec))
    whole = list(watching.answer(Ask(0, Detail.STORYBOARD, FROM_UTC_MS, TO_UTC_MS)).pictures)
    assert [picture.utc_us // 1000 - START_UTC_MS for picture in whole] == [1000, 10_000, 20_000]
    for picture in whole:
        assert jpeg_size(picture.jpeg) == (STORYBOARD_WIDTH_MOST, 54)
    greedy = {
        picture.utc_us
        for start in range(FROM_UTC_MS, TO_UTC_MS, 700)
        for picture in watching.answer(Ask(0, Detail.STORYBOARD, start, TO_UTC_MS)).pictures
    }
    assert greedy == {picture.utc_us for picture in whole}


async def test_the_real_worker_shows_the_same(tmp_path: Path) -> None:
    """In its own confined process, over its pipes; it ends when it is closed, and refuses a key that is not its own."""
    job = recorded(tmp_path, Codec.H264)
    looking = await start_viewer(job)
    assert isinstance(looking, WorkerViewer)
    storyboard = await looking.show(Ask(0, Detail.STORYBOARD, FROM_UTC_MS, TO_UTC_MS))
    full = await looking.show(Ask(0, Detail.FULL, FROM_UTC_MS, FROM_UTC_MS + 1000))
    assert (len(storyboard.pictures), len(full.pictures)) == (3, 30)
    status = Path(f"/proc/{looking.worker_pid}/status").read_text()
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status
    held = [os.readlink(link) for link in Path(f"/proc/{looking.worker_pid}/fd").iterdir()]
    assert {target for target in held if target.startswith("/")} <= {"/dev/null", str(tmp_path / "gate.vol")}
    await looking.close()
    with pytest.raises(ExtractionFailed):
        await looking.show(Ask(0, Detail.FULL, FROM_UTC_MS, TO_UTC_MS))
    camera = job.cameras[0]
    wrong = replace(camera, segments=(replace(camera.segments[0], dek=bytes(32)), *camera.segments[1:]))
    with pytest.raises(ExtractionFailed) as refused:
        await start_viewer(replace(job, cameras=(wrong,)))
    assert refused.value.fault is ExtractionFault.WRONG_KEYS


@pytest.mark.parametrize(
    "shown",
    [
        [Picture(START_UTC_MS * 1000, 98, 54, jpeg(98, 54))],
        [Picture(START_UTC_MS * 1000, 96, 194, jpeg(96, 194))],
        [Picture(START_UTC_MS * 1000, 96, 54, jpeg(320, 180))],
        [Picture(START_UTC_MS * 1000 + 9_000_000 * n, 96, 54, jpeg(96, 54)) for n in (0, 1)],
        [Picture(START_UTC_MS * 1000 - 1, 96, 54, jpeg(96, 54))],
        [Picture(START_UTC_MS * 1000, 96, 54, jpeg(96, 54) + jpeg(320, 180))],
        [Picture(START_UTC_MS * 1000, 96, 54, jpeg(96, 54)[:2] + b"\xff\xe1\x00\x04ab" + jpeg(96, 54)[2:])],
        [Picture(START_UTC_MS * 1000, 96, 54, b"\xff\xd8no picture\xff\xd9")],
    ],
    ids=["wide", "tall", "lying", "often", "early", "two-in-one", "hidden", "none"],
)
def test_a_storyboard_that_shows_more_is_refused_before_it_leaves_the_desk(shown: list[Picture]) -> None:
    """Whatever the process that decodes a camera's bytes has become: the desk passes on what R5 allows, or nothing."""
    start = START_UTC_MS // STORYBOARD_CELL_MS * STORYBOARD_CELL_MS
    moved = [replace(picture, utc_us=picture.utc_us - (START_UTC_MS - start) * 1000) for picture in shown]
    ask = Ask(0, Detail.STORYBOARD, start, start + 30_000)
    with pytest.raises(PictureRefused):
        check_piece(ask, len(moved), start + 30_000, encode_pictures(moved))


async def test_a_worker_that_shows_another_picture_of_the_same_ten_seconds_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two honest-looking storyboards, one after the other: the second is refused and the worker is gone."""
    program = tmp_path / "liar.py"
    first = encode_pictures([Picture(START_UTC_MS * 1000, 96, 54, jpeg(96, 54))])
    second = encode_pictures([Picture(START_UTC_MS * 1000 + 1000, 96, 54, jpeg(96, 54))])
    program.write_text(
        "import sys\nout = sys.stdout.buffer\nout.write(b'{\"ready\": true}\\n'); out.flush()\n"
        "size = int.from_bytes(sys.stdin.buffer.read(8), 'big'); sys.stdin.buffer.read(size)\n"
        f"for body in ({first!r}, {second!r}):\n"
        "    sys.stdin.buffer.readline()\n"
        f'    out.write(b\'{{"pictures": 1, "bytes": %d, "next_utc_ms": {TO_UTC_MS}}}\\n\' % len(body) + body)\n'
        "    out.flush()\nsys.stdin.buffer.read()\n"
    )
    monkeypatch.setattr(viewer, "WORKER_COMMAND", ("-I", str(program)))
    looking = await start_viewer(recorded(tmp_path / "site", Codec.H264))
    assert isinstance(looking, WorkerViewer)
    ask = Ask(0, Detail.STORYBOARD, START_UTC_MS, TO_UTC_MS)
    assert len((await looking.show(ask)).pictures) == 1
    with pytest.raises(ExtractionFailed, match="two pictures within ten seconds"):
        await looking.show(ask)
    with pytest.raises(ProcessLookupError):
        os.kill(looking.worker_pid, 0)


async def test_who_goes_away_leaves_no_worker(tmp_path: Path) -> None:
    """A caller that is cut off while pictures are made: what the worker still says is for nobody."""
    looking = await start_viewer(recorded(tmp_path, Codec.H264))
    assert isinstance(looking, WorkerViewer)
    asking = asyncio.create_task(looking.show(Ask(0, Detail.FULL, FROM_UTC_MS, TO_UTC_MS)))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    with pytest.raises(ProcessLookupError):
        os.kill(looking.worker_pid, 0)


@given(st.binary(max_size=200))
def test_any_line_is_an_answer_or_refused(line: bytes) -> None:
    """Nothing that a worker says raises anything else."""
    for parse in (parse_ready, parse_piece_line):
        try:
            parse(line)
        except PictureRefused:
            continue


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 300))
def test_any_bytes_are_pictures_or_refused(noise: bytes, cut: int, change: int) -> None:
    """Cut and changed anywhere, bytes are pictures of the size they say, or refused."""
    whole = jpeg(96, 54)
    body = struct.pack(">qHHI", 1, 96, 54, len(whole)) + whole[:change] + noise[:1] + whole[change + 1 :]
    for given_bytes in (noise, body[: len(body) - cut]):
        try:
            for picture in read_pictures(given_bytes):
                jpeg_size(picture.jpeg)
        except PictureRefused:
            continue
