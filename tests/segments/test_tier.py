"""Which tier an erasure has: machines built from a fake /sys, each with the answer that may be claimed."""

import os
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kuramori_segments.physical_disk import DiskFinder
from kuramori_segments.tier import ErasureTier, TierReason, assess_tier
from tests import peers

ANONYMOUS = 0


@dataclass
class FakeMachine:
    """A /sys tree under construction, and which device each path lies on."""

    root: Path
    devices: dict[str, int] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    mounts: list[str] = field(default_factory=list)

    def disk(self, name: str, minor: int, hardware: str, parent: str = "") -> Path:
        """A whole disk on some hardware."""
        node = self.root / "sys" / "devices" / hardware / "block" / parent / name
        node.mkdir(parents=True)
        (node / "device").symlink_to(self.root / "sys" / "devices" / hardware)
        return self._numbered(node, 8, minor)

    def partition(self, disk: Path, name: str, minor: int) -> Path:
        node = disk / name
        node.mkdir()
        (node / "partition").write_text("1\n")
        return self._numbered(node, 8, minor)

    def virtual(self, name: str, minor: int, slaves: tuple[Path, ...] = (), backing: str = "") -> Path:
        """LVM, RAID, crypt (slaves) or loop (backing file)."""
        node = self.root / "sys" / "devices" / "virtual" / "block" / name
        (node / "slaves").mkdir(parents=True)
        for slave in slaves:
            (node / "slaves" / slave.name).symlink_to(slave)
        if backing:
            (node / "loop").mkdir()
            (node / "loop" / "backing_file").write_text(backing + "\n")
        return self._numbered(node, 253, minor)

    def _numbered(self, node: Path, major: int, minor: int) -> Path:
        links = self.root / "sys" / "dev" / "block"
        links.mkdir(parents=True, exist_ok=True)
        (links / f"{major}:{minor}").symlink_to(node)
        return node

    def mount(
        self, point: str, major: int, minor: int, kind: str = "ext4", source: str = "none", options: str = "rw"
    ) -> None:
        self.devices[point] = os.makedev(major, minor)
        self.mounts.append(f"1 1 {major}:{minor} / {point} rw - {kind} {source} {options}")

    def device_file(self, path: str, major: int, minor: int) -> None:
        self.blocks[path] = os.makedev(major, minor)

    def status(self, path: Path) -> os.stat_result:
        text = str(path)
        if text in self.blocks:
            return os.stat_result(
                (stat.S_IFBLK | 0o600, 0, os.makedev(0, 5), 1, 0, 0, 0, 0, 0, 0), {"st_rdev": self.blocks[text]}
            )
        points = [point for point in self.devices if text == point or text.startswith(point.rstrip("/") + "/")]
        if not points:
            raise FileNotFoundError(text)
        return os.stat_result((stat.S_IFDIR | 0o700, 0, self.devices[max(points, key=len)], 1, 0, 0, 0, 0, 0, 0))

    def finder(self) -> DiskFinder:
        mountinfo = self.root / "mountinfo"
        mountinfo.write_text("\n".join(self.mounts) + "\n")
        return DiskFinder(self.root / "sys", mountinfo, self.status)

    def tier(self, cell: str = "/cell", *recordings: str) -> tuple[ErasureTier, TierReason]:
        found = assess_tier(Path(cell), [Path(path) for path in recordings or ("/data/volume",)], self.finder())
        return found.tier, found.reason


E2 = (ErasureTier.E2, TierReason.SEPARATE_DISK)
SAME = (ErasureTier.E0, TierReason.SAME_DISK)
CELL_UNKNOWN = (ErasureTier.E0, TierReason.CELL_DISK_UNKNOWN)
RECORDING_UNKNOWN = (ErasureTier.E0, TierReason.RECORDING_DISK_UNKNOWN)


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    """sda with two partitions, one mounted at /; sdb whole at /data."""
    fake = FakeMachine(tmp_path)
    sda = fake.disk("sda", 0, "ata1")
    fake.partition(sda, "sda1", 1)
    fake.partition(sda, "sda2", 2)
    fake.disk("sdb", 16, "ata2")
    fake.mount("/", 8, 1)
    fake.mount("/data", 8, 16)
    return fake


def test_another_disk_is_e2(machine: FakeMachine) -> None:
    """The cell on the system disk, the recordings on a disk of their own; the facts name both."""
    assert machine.tier("/cell") == E2
    found = assess_tier(Path("/cell"), [Path("/data/volume")], machine.finder())
    assert (found.cell_disks, found.recording_disks) == (("sda",), ("sdb",))


def test_the_same_disk_is_e0(machine: FakeMachine) -> None:
    """Also where the volume does not exist yet."""
    assert machine.tier("/data/cell") == SAME
    assert machine.tier("/cell", "/srv/not/made/yet") == SAME


def test_another_partition_is_the_same_disk(machine: FakeMachine) -> None:
    """Whoever carries the disk away has both."""
    machine.mount("/cell", 8, 2)
    assert machine.tier("/cell", "/srv/volume") == SAME


def test_one_volume_on_the_cells_disk_is_enough_for_e0(machine: FakeMachine) -> None:
    """All recording media count."""
    assert machine.tier("/cell", "/data/volume", "/srv/volume") == SAME


def test_without_any_volume_nothing_is_claimed(machine: FakeMachine) -> None:
    """There is nothing to compare with."""
    assert assess_tier(Path("/cell"), [], machine.finder()).reason is TierReason.RECORDING_DISK_UNKNOWN


def test_a_volume_that_is_a_block_device(machine: FakeMachine) -> None:
    """The device itself counts, not the file system where its name stands."""
    machine.device_file("/dev/sdb", 8, 16)
    machine.device_file("/dev/sda2", 8, 2)
    assert machine.tier("/cell", "/dev/sdb") == E2
    assert machine.tier("/cell", "/dev/sda2") == SAME


def test_crypt_and_lvm_are_looked_through(machine: FakeMachine) -> None:
    """A mapping rests on what it maps, over several levels and disks."""
    sda2, sdb = machine.root / "sys/devices/ata1/block/sda/sda2", machine.root / "sys/devices/ata2/block/sdb"
    crypt = machine.virtual("dm-0", 0, (sda2,))
    machine.virtual("dm-1", 1, (crypt,))
    machine.mount("/secret", 253, 1)
    assert machine.tier("/cell", "/secret/volume") == SAME
    assert machine.tier("/secret", "/data/volume") == E2
    machine.virtual("md0", 2, (sda2, sdb))
    machine.mount("/raid", 253, 2)
    assert machine.tier("/raid", "/data/volume") == SAME


def test_a_loop_device_lies_where_its_file_lies(machine: FakeMachine) -> None:
    """A cell on a loop file is no second disk."""
    machine.virtual("loop0", 7, backing="/data/cell.img")
    machine.virtual("loop1", 8, backing="/srv/cell.img")
    machine.mount("/loop-on-data", 253, 7)
    machine.mount("/loop-on-root", 253, 8)
    assert machine.tier("/loop-on-data") == SAME
    assert machine.tier("/loop-on-root") == E2


def test_a_loop_in_a_circle_is_unknown(machine: FakeMachine) -> None:
    """No endless search."""
    machine.virtual("loop0", 7, backing="/ring/cell.img")
    machine.mount("/ring", 253, 7)
    assert machine.tier("/ring") == CELL_UNKNOWN


def test_memory_is_no_disk(machine: FakeMachine) -> None:
    """tmpfs may be swapped to any disk, and zram is no medium: nothing is claimed."""
    machine.mount("/run", ANONYMOUS, 30, "tmpfs", "tmpfs")
    machine.virtual("zram0", 9)
    machine.mount("/zram", 253, 9)
    assert machine.tier("/run/cell") == CELL_UNKNOWN
    assert machine.tier("/zram/cell") == CELL_UNKNOWN


def test_recordings_on_an_unknown_medium_are_e0(machine: FakeMachine) -> None:
    """On a network share, say."""
    machine.mount("/net", ANONYMOUS, 31, "nfs4", "server:/share")
    assert machine.tier("/cell", "/net/volume") == RECORDING_UNKNOWN


def test_btrfs_may_span_disks_and_is_unknown(machine: FakeMachine) -> None:
    """Its mount names one of them only."""
    machine.device_file("/dev/sdb", 8, 16)
    machine.mount("/pool", ANONYMOUS, 32, "btrfs", "/dev/sdb")
    assert machine.tier("/cell", "/pool/volume") == RECORDING_UNKNOWN


def test_zfs_is_unknown(machine: FakeMachine) -> None:
    """A pool is no device."""
    machine.mount("/tank", ANONYMOUS, 33, "zfs", "tank/data")
    assert machine.tier("/cell", "/tank/volume") == RECORDING_UNKNOWN


def test_an_anonymous_file_system_on_one_device_is_found(machine: FakeMachine) -> None:
    """Where the mount names the device it lies on."""
    machine.device_file("/dev/sdb", 8, 16)
    machine.mount("/odd", ANONYMOUS, 34, "oddfs", "/dev/sdb")
    assert machine.tier("/cell", "/odd/volume") == E2
    assert machine.tier("/odd/cell", "/data/volume") == SAME


def test_an_overlay_lies_where_it_writes(machine: FakeMachine, tmp_path: Path) -> None:
    """In a container: the upper layer's disk, if it can be seen, else unknown."""
    machine.mount("/", ANONYMOUS, 35, "overlay", "overlay", f"rw,upperdir={tmp_path}")
    machine.devices["/"] = os.makedev(ANONYMOUS, 35)
    machine.mount(str(tmp_path), 8, 16)
    assert machine.tier("/cell") == SAME
    machine.mounts.clear()
    machine.mount("/", ANONYMOUS, 35, "overlay", "overlay", "rw,upperdir=/not/visible")
    assert machine.tier("/cell") == CELL_UNKNOWN


def test_two_namespaces_of_one_controller_are_one_disk(machine: FakeMachine) -> None:
    """nvme0n1 and nvme0n2 leave the machine together; so do an eMMC's boot and user areas."""
    machine.disk("nvme0n1", 40, "nvme0")
    machine.disk("nvme0n2", 41, "nvme0")
    machine.mount("/one", 8, 40)
    machine.mount("/two", 8, 41)
    assert machine.tier("/one", "/two/volume") == SAME


def test_a_device_that_sys_does_not_know_is_unknown(machine: FakeMachine) -> None:
    """No guess."""
    machine.mount("/strange", 99, 1)
    assert machine.tier("/strange") == CELL_UNKNOWN


def test_the_machine_we_run_on_gives_an_answer(tmp_path: Path) -> None:
    """Whatever it is: two directories side by side are never two disks."""
    assert assess_tier(tmp_path, [tmp_path / "volume"]).tier is ErasureTier.E0


@pytest.mark.root
def test_a_real_loop_device_is_looked_through(tmp_path: Path) -> None:
    """losetup on a file here: the cell is where the file is, so it is the same disk."""
    peers.require_root()
    losetup = peers.require_program("losetup")
    mkfs = peers.require_program("mkfs.ext4")
    image, point = tmp_path / "cell.img", tmp_path / "mounted"
    image.write_bytes(bytes(8 << 20))
    point.mkdir()
    subprocess.run([mkfs, "-q", image], check=True)
    loop = subprocess.run(
        [losetup, "--find", "--show", image], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        subprocess.run(["mount", loop, point], check=True)
        try:
            here = DiskFinder().under(tmp_path)
            assert DiskFinder().under(point) == here
        finally:
            subprocess.run(["umount", point], check=True)
    finally:
        subprocess.run([losetup, "--detach", loop], check=True)


@pytest.mark.parametrize(
    ("identity", "kept"),
    [
        ("LVM-abc-real", True),  # the origin of a snapshot
        ("LVM-abc-cow", True),
        ("LVM-abc-tpool", True),
        ("LVM-abc", False),
        ("CRYPT-LUKS2-abc-name", False),
    ],
)
def test_a_snapshot_below_the_cell_is_seen(tmp_path: Path, identity: str, kept: bool) -> None:
    """Whatever overwrites there, the snapshot or the pool keeps the old block."""
    machine = FakeMachine(tmp_path)
    disk = machine.disk("sda", 0, "pci0/ata1")
    part = machine.partition(disk, "sda1", 1)
    hidden = machine.virtual("dm-1", 1, (part,))
    (hidden / "dm").mkdir()
    (hidden / "dm" / "uuid").write_text(identity + "\n")
    machine.virtual("dm-0", 0, (hidden,))
    machine.mount("/cell", 253, 0)
    assert (machine.finder().old_blocks_under(Path("/cell")) == "dm-1") is kept
