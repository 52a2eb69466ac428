"""The worker: what it refuses, what it leaves behind, and how it ends."""

import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.clips import extraction
from kuramori.clips.bundle import make_bundle
from kuramori.clips.extraction_worker import LOW_PRIORITY
from kuramori.clips.job import ExtractionFailed, ExtractionFault, ExtractionJob, SegmentInput
from kuramori.clips.verify import Verdict, verify_bundle
from kuramori.messages import SegmentState
from kuramori.timebase import SystemClock
from kuramori_segments.chunk import ChunkHead, chunk_checksum
from kuramori_segments.limits import BLOCK_BYTES, MAX_CHUNK_BYTES
from tests.fakes.bundles import archive_of, start, take, unpacked, write_files
from tests.fakes.sealed_recording import SMALL_JOB_MS, START_UTC_MS, Picture, SealedRecording, make_job, pictures
from tests.fakes.segments import make_nal
from tests.peers import require, require_program

LARGE_NAL_BYTES = 400_000
NICE_MOST = 19


@pytest.fixture
def recording(tmp_path: Path) -> SealedRecording:
    """Two seconds in several segments."""
    found = SealedRecording(tmp_path, slot_bytes=64 << 10)
    found.add_all(Codec.H264, pictures(Codec.H264))
    return found


@pytest.fixture
def large(tmp_path: Path) -> SealedRecording:
    """Twenty megabytes: more than pipes hold. Behind the first key frame, bytes that look like slices."""
    found = SealedRecording(tmp_path, slot_bytes=32 << 20)
    real = pictures(Codec.H264)[:30]
    filler = [
        Picture((make_nal(0x41, LARGE_NAL_BYTES, n),), real[-1].utc_us + 20_000 * n, 1 << 41 | n, False)
        for n in range(1, 50)
    ]
    found.add(Codec.H264, real + filler)
    return found


def job_of(recording: SealedRecording) -> ExtractionJob:
    """Return the job that opens everything of a recording."""
    return make_job(recording, START_UTC_MS, START_UTC_MS + SMALL_JOB_MS)


def with_segment(job: ExtractionJob, position: int, **changes: object) -> ExtractionJob:
    """Return a job in which one segment is another."""
    camera = job.cameras[0]
    segments = list(camera.segments)
    segments[position] = replace(segments[position], **changes)  # type: ignore[arg-type]
    return replace(job, cameras=(replace(camera, segments=tuple(segments)),))


def refused(job: ExtractionJob) -> ExtractionFailed:
    """Return how the job fails, done in this process."""
    with pytest.raises(ExtractionFailed) as caught:
        make_bundle(job, SystemClock())
    return caught.value


def states_of(job: ExtractionJob, folder: Path) -> dict[int, str]:
    """Do the job; return what its manifest says of each segment that gave pictures. The bundle must verify."""
    files = unpacked(archive_of(job))
    report = verify_bundle(write_files(folder, files))
    assert report.verdict is Verdict.UNCHANGED, report
    segments = json.loads(files["manifest.json"])["cameras"][0]["segments"]
    return {segment["sequence"]: segment["state"] for segment in segments}


def alter(segment: SegmentInput, offset: int) -> None:
    """Flip one bit of a segment on its medium."""
    with segment.volume_path.open("r+b") as file:
        file.seek(segment.offset_bytes + offset)
        byte = file.read(1)[0]
        file.seek(segment.offset_bytes + offset)
        file.write(bytes([byte ^ 1]))


class TestDamage:
    """What a medium does not give back whole costs no other picture, and is said."""

    @pytest.mark.parametrize("offset", [4096 + 20, 4096 + 3000, -4096 + 150, -100])
    def test_a_flipped_bit_costs_no_other_segment(
        self, recording: SealedRecording, offset: int, tmp_path: Path
    ) -> None:
        """In the first chunk's head or body, in the footer or its signature: the segments around it open as ever."""
        sequences = [segment.sequence for segment in recording.segments]
        segment = recording.segments[1]
        alter(segment, offset if offset > 0 else segment.extent_bytes + offset)
        states = states_of(job_of(recording), tmp_path / "bundle")
        assert states.get(segment.sequence, "damaged") == "damaged"
        assert {sequence: state for sequence, state in states.items() if sequence != segment.sequence} == {
            sequence: "closed" for sequence in sequences if sequence != segment.sequence
        }

    def test_a_truncated_medium(self, recording: SealedRecording, tmp_path: Path) -> None:
        """A medium that ends inside the last segment costs that one."""
        last = recording.segments[-1]
        os.truncate(last.volume_path, last.offset_bytes + 8192)
        states = states_of(job_of(recording), tmp_path / "bundle")
        assert set(states.values()) - {"damaged"} == {"closed"}
        assert states.get(last.sequence, "damaged") == "damaged"


class TestRefusals:
    """No bundle, and the reason."""

    @pytest.mark.parametrize("half", ["dek", "k_seg"])
    async def test_wrong_keys(self, recording: SealedRecording, half: str) -> None:
        """A wrong DEK or a wrong K_seg is told before anything is opened, by the real worker."""
        job = with_segment(job_of(recording), 1, **{half: bytes(32)})
        with pytest.raises(ExtractionFailed) as caught:
            await start(job)
        assert caught.value.fault is ExtractionFault.WRONG_KEYS
        assert "segment 2" in caught.value.detail

    def test_a_flipped_bit_in_the_header(self, recording: SealedRecording) -> None:
        """The header is what custodians saw: another one is not opened."""
        alter(recording.segments[1], 100)
        assert refused(job_of(recording)).fault is ExtractionFault.DAMAGED

    def test_an_altered_chunk_whose_checksum_was_mended(self, recording: SealedRecording) -> None:
        """A medium that decays does not mend checksums: somebody did this."""
        segment = recording.segments[1]
        alter(segment, BLOCK_BYTES + 3000)
        with segment.volume_path.open("r+b") as file:
            file.seek(segment.offset_bytes + BLOCK_BYTES)
            chunk = bytearray(file.read(MAX_CHUNK_BYTES))
            length = ChunkHead.unpack(chunk).length_bytes
            chunk[60:64] = chunk_checksum(memoryview(chunk)[:length]).to_bytes(4, "little")
            file.seek(segment.offset_bytes + BLOCK_BYTES)
            file.write(chunk)
        assert refused(job_of(recording)).fault is ExtractionFault.DAMAGED

    def test_chunks_missing_at_the_end(self, recording: SealedRecording) -> None:
        """An open segment whose last commit is not there."""
        recording.add(Codec.H264, pictures(Codec.H264, from_utc_ms=START_UTC_MS + 2000), state=SegmentState.OPEN)
        last = recording.segments[-1]
        job = with_segment(job_of(recording), -1, extent_bytes=last.extent_bytes + 8192)
        assert refused(job).fault is ExtractionFault.DAMAGED

    def test_a_closed_segment_passed_off_as_recovered(self, recording: SealedRecording) -> None:
        """What the job says of a segment must be what its footer says."""
        job = with_segment(job_of(recording), 0, state=SegmentState.RECOVERED)
        assert refused(job).fault is ExtractionFault.DAMAGED

    def test_a_footer_by_another_key(self, recording: SealedRecording, tmp_path: Path) -> None:
        """Footers must be signed by this recorder."""
        stranger = SealedRecording(tmp_path / "other", slot_bytes=64 << 10)
        stranger.add(Codec.H264, pictures(Codec.H264))
        recording.segments[:] = [replace(stranger.segments[0])]
        assert refused(job_of(recording)).fault is ExtractionFault.DAMAGED

    def test_nothing_in_the_range(self, recording: SealedRecording) -> None:
        """A range without pictures makes no empty bundle."""
        job = make_job(recording, START_UTC_MS + 60_000, START_UTC_MS + 61_000)
        assert refused(job).fault is ExtractionFault.NOTHING_IN_RANGE

    def test_more_than_was_granted(self, recording: SealedRecording) -> None:
        """The worker reads the granted request itself: range, cameras and segments must be in it."""
        job = make_job(recording, START_UTC_MS, START_UTC_MS + 1000)
        wider = replace(job, to_utc_ms=job.to_utc_ms + 1)
        renamed = replace(job, cameras=(replace(job.cameras[0], camera="park"),))
        unsigned = replace(job, granted_signature=bytes(64))
        other = replace(job, request_id="20251124-2")
        recording.add(Codec.H264, pictures(Codec.H264, from_utc_ms=START_UTC_MS + 2000))
        another = replace(job, cameras=(replace(job.cameras[0], segments=tuple(recording.segments)),))
        for greedy in (wider, renamed, unsigned, other, another):
            assert refused(greedy).fault is ExtractionFault.DAMAGED

    def test_a_full_disk(self, recording: SealedRecording, large: SealedRecording) -> None:
        """A spool that takes no more is told apart from damage."""
        require(Path("/dev/full").exists(), "/dev/full")
        with full_spool():
            assert refused(job_of(large)).fault is ExtractionFault.SPOOL_FULL

    async def test_a_fault_of_ours_is_named_by_kind_and_place(self, recording: SealedRecording) -> None:
        """An unexpected failure ends the worker with the error's kind and place, never its text."""
        with pytest.raises(ExtractionFailed) as caught:
            await start(replace(job_of(recording), time_zone="No/Where"))
        assert caught.value.fault is ExtractionFault.WORKER_DIED
        assert "No/Where" not in caught.value.detail
        assert "ZoneInfoNotFoundError" in caught.value.detail


class full_spool:  # noqa: N801 - reads as a phrase
    """Spool files are made on a device that is full."""

    def __enter__(self) -> None:
        from kuramori.clips import spool

        self._before = spool._nameless
        spool._nameless = lambda directory: os.open("/dev/full", os.O_RDWR)

    def __exit__(self, *exception: object) -> None:
        from kuramori.clips import spool

        spool._nameless = self._before


def open_files(pid: int) -> Iterator[bytes]:
    """Yield what stands in the regular files that a process has open."""
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        if entry.is_file():
            yield entry.read_bytes()


class TestTheWorker:
    """The process itself."""

    async def test_nothing_readable_stands_on_the_disk(self, large: SealedRecording) -> None:
        """The waiting bundle has no name, and no stretch of any NAL unit stands in it."""
        stream = await start(job_of(large))
        try:
            require(os.access(f"/proc/{stream.worker_pid}/fd", os.R_OK), "the right to look into a process")
            files = [content for content in open_files(stream.worker_pid) if content]
            assert list((large.folder / "spool").iterdir()) == []
            assert sum(map(len, files)) > 19_000_000
            for number in range(1, 50, 7):
                nal = make_nal(0x41, LARGE_NAL_BYTES, number)
                assert not any(nal[at : at + 16] in content for content in files for at in range(0, 90_000, 30_000))
        finally:
            await stream.close()

    async def test_keys_stand_neither_in_arguments_nor_in_the_environment(self, large: SealedRecording) -> None:
        """The environment is empty; the arguments name the module only."""
        stream = await start(job_of(large))
        try:
            assert Path(f"/proc/{stream.worker_pid}/environ").read_bytes().strip(b"\0") == b""
            arguments = Path(f"/proc/{stream.worker_pid}/cmdline").read_bytes().split(b"\0")[1:]
            assert arguments == [b"-I", b"-m", b"kuramori.clips.extraction_worker", b""]
        finally:
            await stream.close()

    async def test_it_gives_way_to_recording(self, large: SealedRecording) -> None:
        """It runs at a lower priority than who started it."""
        own = os.getpriority(os.PRIO_PROCESS, 0)
        stream = await start(job_of(large))
        try:
            assert os.getpriority(os.PRIO_PROCESS, stream.worker_pid) == min(own + LOW_PRIORITY, NICE_MOST)
        finally:
            await stream.close()

    async def test_it_has_no_network(self, large: SealedRecording) -> None:
        """It stands in a network namespace of its own, and holds no socket but its standard input."""
        require(os.geteuid() == 0, "root, to look into the worker")
        require(subprocess.run([require_program("unshare"), "-n", "true"]).returncode == 0, "network namespaces")
        stream = await start(job_of(large))
        try:
            assert os.readlink(f"/proc/{stream.worker_pid}/ns/net") != os.readlink("/proc/self/ns/net")
            own = [entry for entry in Path(f"/proc/{stream.worker_pid}/fd").iterdir() if int(entry.name) > 2]
            assert not any(os.readlink(entry).startswith("socket:") for entry in own)
        finally:
            await stream.close()

    async def test_killed_midway(self, large: SealedRecording) -> None:
        """A worker that dies while its archive is taken is told; nothing of it stays."""
        stream = await start(job_of(large))
        pieces = stream.__aiter__()
        taken = len(await anext(pieces))
        os.kill(stream.worker_pid, signal.SIGKILL)
        with pytest.raises(ExtractionFailed) as caught:
            taken += sum([len(piece) async for piece in pieces])
        await stream.close()
        assert caught.value.fault is ExtractionFault.WORKER_DIED
        assert stream.size_bytes is not None
        assert taken < stream.size_bytes
        assert list((large.folder / "spool").iterdir()) == []

    async def test_close_ends_it(self, large: SealedRecording) -> None:
        """Closing before the first piece kills the worker, twice is no harm."""
        stream = await start(job_of(large))
        await stream.close()
        await stream.close()
        with pytest.raises(ProcessLookupError):
            os.kill(stream.worker_pid, 0)

    async def test_one_that_hangs_is_ended(self, recording: SealedRecording, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker without an answer in time is killed."""
        monkeypatch.setattr(extraction, "START_SECONDS_MOST", 0.0)
        monkeypatch.setattr(extraction, "SLOWEST_BYTES_PER_SECOND", 1 << 40)
        with pytest.raises(ExtractionFailed) as caught:
            await start(job_of(recording))
        assert caught.value.fault is ExtractionFault.WORKER_DIED

    async def test_a_bundle_that_is_not_taken_is_given_up(
        self, large: SealedRecording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A bundle waits for a limited time."""
        monkeypatch.setattr(extraction, "TAKE_SECONDS_MOST", 0.01)
        stream = await start(job_of(large))
        await asyncio.sleep(0.05)
        with pytest.raises(ExtractionFailed):
            async for _ in stream:
                pass
        await stream.close()

    async def test_a_caller_that_goes_away_ends_it(self, large: SealedRecording) -> None:
        """Cancelling the start leaves no process."""
        starting = asyncio.create_task(start(job_of(large)))
        await asyncio.sleep(0.2)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    async def test_the_size_is_told_before_the_first_byte(self, recording: SealedRecording) -> None:
        """The archive is exactly as long as said."""
        stream = await start(job_of(recording))
        archive = b"".join([piece async for piece in stream])
        await stream.close()
        assert len(archive) == stream.size_bytes

    async def test_two_at_once(self, recording: SealedRecording) -> None:
        """Workers do not disturb one another."""
        first, second = await asyncio.gather(take(job_of(recording)), take(job_of(recording)))
        assert len(first) > 0
        assert abs(len(first) - len(second)) <= 512  # signatures vary by a byte or two

    async def test_it_can_be_taken_again_and_from_any_place(self, large: SealedRecording) -> None:
        """The archive waits in its spool: whole a second time, and from places within heads, contents and the end."""
        stream = await start(job_of(large))
        whole = b"".join([piece async for piece in stream])
        assert b"".join([piece async for piece in stream.pieces()]) == whole
        for place in (1, 511, 512, 700, 65_536 + 512, 1 << 20, (4 << 20) + 3, len(whole) - 1025, len(whole) - 1):
            assert b"".join([piece async for piece in stream.pieces(place)]) == whole[place:], place
        assert [piece async for piece in stream.pieces(len(whole))] == []
        await stream.close()

    async def test_who_goes_away_midway_takes_nothing_from_the_next(self, large: SealedRecording) -> None:
        """What a taker asked for and left is read away; the next one gets the archive from the first byte on."""
        stream = await start(job_of(large))
        first = stream.pieces()
        await anext(first)
        await first.aclose()
        reading = asyncio.create_task(_read_all(stream.pieces(3)))
        await asyncio.sleep(0)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        whole = await _read_all(stream.pieces())
        assert len(whole) == stream.size_bytes
        with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
            assert "manifest.json" in archive.getnames()
        await stream.close()


async def _read_all(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])
