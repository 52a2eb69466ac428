"""What every disk promises (one suite for the real and the faulty one), and what the faulty one does besides."""

import errno
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori_segments.disk import MAX_BUFFERS_PER_CALL, PARTIAL_SUFFIX, Disk, FileDisk
from kuramori_segments.storage_fault import (
    BeyondEnd,
    MediumFault,
    MediumFull,
    MediumReadOnly,
    NoSpace,
    StorageFault,
    VolumeExists,
    VolumeInUse,
    storage_fault,
)
from tests.fakes.faulty_disk import FaultyDisk, PowerCut, Tear

SIZE_BYTES = 1 << 20


@pytest.fixture(params=["file", "faulty"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "faulty":
        yield FaultyDisk(SIZE_BYTES)
        return
    made = FileDisk.create(tmp_path / "ring", SIZE_BYTES)
    yield made
    made.close()


class TestEveryDisk:
    def test_has_its_size(self, disk: Disk) -> None:
        """A disk is as long as it was made, before anything was written."""
        assert disk.size_bytes == SIZE_BYTES

    def test_starts_as_zeros(self, disk: Disk) -> None:
        """What was never written reads as zeros."""
        assert disk.read_at(SIZE_BYTES - 100, 100) == bytes(100)

    def test_reads_what_was_written(self, disk: Disk) -> None:
        """Reads see writes at once, synced or not."""
        assert disk.write_at(4096, [b"one", bytearray(b"two"), memoryview(b"three")]) == 11
        assert disk.read_at(4095, 13) == b"\0onetwothree\0"
        disk.sync()
        assert disk.read_at(4096, 11) == b"onetwothree"

    def test_takes_more_buffers_than_one_call(self, disk: Disk) -> None:
        """The number of buffers has no limit for the caller."""
        buffers = [bytes([i % 251]) * 3 for i in range(MAX_BUFFERS_PER_CALL * 2 + 7)]
        disk.write_at(0, buffers)
        assert disk.read_at(0, 3 * len(buffers)) == b"".join(buffers)

    def test_takes_empty_buffers(self, disk: Disk) -> None:
        """An empty buffer is nothing, not an error."""
        assert disk.write_at(0, [b"", b"a", b""]) == 1
        assert disk.write_at(0, []) == 0

    @pytest.mark.parametrize("offset", [SIZE_BYTES - 2, SIZE_BYTES, SIZE_BYTES * 2])
    def test_never_grows(self, disk: Disk, offset: int) -> None:
        """Writing or reading beyond the end is a fault that names the place, and writes nothing."""
        with pytest.raises(BeyondEnd) as fault:
            disk.write_at(offset, [b"abc"])
        assert fault.value.extents == ((offset, 3),)
        with pytest.raises(BeyondEnd):
            disk.read_at(offset, 3)
        assert disk.read_at(SIZE_BYTES - 2, 2) == b"\0\0"

    def test_forgetting_the_cache_loses_nothing_written(self, disk: Disk) -> None:
        """Dropping what is cached keeps both synced and unsynced bytes."""
        disk.write_at(0, [b"synced"])
        disk.sync()
        disk.write_at(4096, [b"unsynced"])
        disk.forget_cached(0, SIZE_BYTES)
        assert disk.read_at(0, 6) == b"synced"
        assert disk.read_at(4096, 8) == b"unsynced"

    def test_may_be_closed_twice(self, disk: Disk) -> None:
        """Closing again does nothing."""
        disk.close()
        disk.close()


class TestFileDisk:
    def test_has_no_name_before_it_is_published(self, tmp_path: Path) -> None:
        """A volume that is not complete never bears the name of one."""
        disk = FileDisk.create(tmp_path / "ring", SIZE_BYTES)
        assert not (tmp_path / "ring").exists()
        disk.publish()
        assert os.listdir(tmp_path) == ["ring"]
        assert (tmp_path / "ring").stat().st_mode & 0o777 == 0o600
        disk.close()

    def test_is_really_preallocated(self, tmp_path: Path) -> None:
        """All blocks belong to the file before the first write."""
        disk = FileDisk.create(tmp_path / "ring", SIZE_BYTES)
        assert (tmp_path / ("ring" + PARTIAL_SUFFIX)).stat().st_blocks * 512 >= SIZE_BYTES
        disk.discard()
        assert os.listdir(tmp_path) == []

    def test_replaces_what_a_crashed_creation_left(self, tmp_path: Path) -> None:
        """A preliminary file without a living owner is in nobody's way, nor are its bytes taken over."""
        (tmp_path / ("ring" + PARTIAL_SUFFIX)).write_bytes(b"x" * 10 * SIZE_BYTES)
        disk = FileDisk.create(tmp_path / "ring", SIZE_BYTES)
        assert disk.size_bytes == SIZE_BYTES
        assert disk.read_at(0, 10) == bytes(10)
        disk.close()

    def test_never_replaces_a_volume(self, tmp_path: Path) -> None:
        """Where something stands already, nothing is made; not even when it came in between."""
        (tmp_path / "ring").write_bytes(b"precious")
        with pytest.raises(VolumeExists):
            FileDisk.create(tmp_path / "ring", SIZE_BYTES)
        (tmp_path / "ring").unlink()
        disk = FileDisk.create(tmp_path / "ring", SIZE_BYTES)
        (tmp_path / "ring").write_bytes(b"precious")
        with pytest.raises(VolumeExists):
            disk.publish()
        assert (tmp_path / "ring").read_bytes() == b"precious"
        disk.close()

    def test_says_how_many_bytes_are_missing(self, tmp_path: Path) -> None:
        """Without room nothing is left behind, and the refusal carries what is needed and what is free."""
        with pytest.raises(NoSpace) as refused:
            FileDisk.create(tmp_path / "ring", 1 << 60)
        assert refused.value.needed_bytes == 1 << 60
        assert 0 < refused.value.free_bytes < 1 << 60
        assert os.listdir(tmp_path) == []

    def test_has_one_writer(self, tmp_path: Path) -> None:
        """A second writer is refused, a reader is not; when the writer is gone the next one may."""
        path = tmp_path / "ring"
        first = FileDisk.create(path, SIZE_BYTES)
        with pytest.raises(VolumeInUse):
            FileDisk.create(path, SIZE_BYTES)
        first.publish()
        with pytest.raises(VolumeInUse):
            FileDisk.open(path, writable=True)
        FileDisk.open(path, writable=False).close()
        first.close()
        FileDisk.open(path, writable=True).close()

    def test_refuses_what_is_not_a_file_or_device(self, tmp_path: Path) -> None:
        """Directories, pipes and missing files are faults of opening, not crashes."""
        os.mkfifo(tmp_path / "pipe")
        for place in (tmp_path / "pipe", tmp_path / "nowhere"):
            for writable in (True, False):
                with pytest.raises(StorageFault) as fault:
                    FileDisk.open(place, writable=writable)
            assert fault.value.operation == "open"

    def test_a_reader_cannot_write(self, tmp_path: Path) -> None:
        """Opened for reading, every write is refused by the system and named as a write fault."""
        (tmp_path / "ring").write_bytes(bytes(4096))
        disk = FileDisk.open(tmp_path / "ring", writable=False)
        with pytest.raises(StorageFault) as fault:
            disk.write_at(0, [b"x"])
        assert fault.value.operation == "write"
        disk.close()

    def test_names_a_file_that_was_cut_meanwhile(self, tmp_path: Path) -> None:
        """A read behind the present end says so instead of returning fewer bytes."""
        (tmp_path / "ring").write_bytes(bytes(8192))
        disk = FileDisk.open(tmp_path / "ring", writable=False)
        os.truncate(tmp_path / "ring", 5000)
        with pytest.raises(BeyondEnd):
            disk.read_at(4096, 4096)
        disk.close()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EIO, MediumFault),
        (errno.ENODEV, MediumFault),
        (errno.ENOSPC, MediumFull),
        (errno.EDQUOT, MediumFull),
        (errno.EROFS, MediumReadOnly),
        (errno.EACCES, MediumReadOnly),
    ],
)
def test_faults_are_told_apart_by_type(number: int, kind: type[StorageFault]) -> None:
    """EIO, ENOSPC and EROFS are different faults with different advice; each keeps number, operation and place."""
    fault = storage_fault(OSError(number, "x"), "sync", ((4096, 10),))
    assert type(fault) is kind
    assert (fault.errno, fault.operation, fault.extents) == (number, "sync", ((4096, 10),))
    assert errno.errorcode[number] in str(fault)
    assert kind.advice in str(fault)


class TestFaultyDisk:
    def test_keeps_what_was_synced(self) -> None:
        """Whatever a power cut does to later writes, synced bytes stay."""
        for tear in Tear:
            disk = FaultyDisk(SIZE_BYTES)
            disk.write_at(0, [b"a" * 8192])
            disk.sync()
            disk.write_at(8192, [b"b" * 8192])
            assert disk.survivor(tear, random.Random(1)).read_at(0, 8192) == b"a" * 8192

    def test_tears_what_was_not_synced(self) -> None:
        """Sectors survive one by one, in any order."""
        disk = FaultyDisk(SIZE_BYTES)
        disk.write_at(0, [b"b" * 65536])
        left = disk.survivor(Tear.ANY_SECTORS, random.Random(1)).read_at(0, 65536)
        sectors = {left[i : i + 512] for i in range(0, 65536, 512)}
        assert sectors == {bytes(512), b"b" * 512}
        assert disk.survivor(Tear.NOTHING, random.Random(1)).read_at(0, 65536) == bytes(65536)
        assert disk.survivor(Tear.EVERYTHING, random.Random(1)).read_at(0, 65536) == b"b" * 65536

    def test_loses_power_where_it_is_told(self) -> None:
        """The operation at which power is lost may have been carried out in part."""
        disk = FaultyDisk(SIZE_BYTES, cut_at_operation=1)
        disk.write_at(0, [b"a"])
        with pytest.raises(PowerCut):
            disk.write_at(1, [b"b"])
        assert disk.survivor(Tear.EVERYTHING, random.Random(1)).read_at(0, 2) == b"ab"

    def test_reports_a_failed_sync_once_and_loses_the_writes(self) -> None:
        """The second sync says that all is well, and the cache still shows what the medium never got."""
        disk = FaultyDisk(SIZE_BYTES, faults={1: errno.EIO})
        disk.write_at(0, [b"gone"])
        with pytest.raises(MediumFault):
            disk.sync()
        disk.sync()
        assert disk.read_at(0, 4) == b"gone"
        disk.forget_cached(0, 4)
        assert disk.read_at(0, 4) == bytes(4)
