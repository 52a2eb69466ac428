"""Which disk lies under a path, and what is read of it: from a tree that is like sysfs."""

import json
import os
from pathlib import Path

import pytest

from kuramori.storage_health.medium_report import MediumKind
from kuramori.storage_health.sysfs_medium import DeviceUnknown, Sources, look, mounted_from
from tests.nvr.storage_health.drives import SATA_BYTES, as_bytes, healthy_sata
from tests.nvr.storage_health.sysfs_tree import CARD, SysfsTree, card_under, number_under

NOW_SECONDS = 1_790_000_000.0


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    return SysfsTree(tmp_path / "sys")


@pytest.fixture
def sources(tmp_path: Path, tree: SysfsTree) -> Sources:
    return Sources(tmp_path / "smart", tree.root, tmp_path / "mountinfo")


def report(sources: Sources, name: str, content: bytes, age_seconds: float = 60.0) -> None:
    sources.smart_directory.mkdir(exist_ok=True)
    path = sources.smart_directory / f"{name}.json"
    path.write_bytes(content)
    os.utime(path, (NOW_SECONDS - age_seconds,) * 2)


def test_a_card_is_found_from_a_file_on_its_partition(tmp_path: Path, tree: SysfsTree, sources: Sources) -> None:
    """The disk's name, kind, identity and counter; an SD card tells no more."""
    disk = card_under(tree, tmp_path)
    tree.write(disk, stat="10 0 20 1 5 0 4096 5 0 0 0")
    found = look(tmp_path, sources, NOW_SECONDS)
    assert (found.device, found.kind, found.identity) == ("mmcblk0", MediumKind.SD, f"cid:{CARD}")
    assert (found.written_sectors, found.size_bytes, found.read_only) == (4096, 62333952 * 512, False)
    assert (found.registers, found.report_trouble, found.trouble) == (None, "", "")


def test_a_device_is_followed_to_its_disk(tmp_path: Path, tree: SysfsTree, sources: Sources) -> None:
    """An encrypted volume on a partition: the disk of the partition is meant."""
    disk = tree.disk("mmcblk0", "179:0", device__type="SD", device__cid=CARD)
    partition = tree.partition(disk, "mmcblk0p3", "179:3")
    crypt = tree.disk("dm-0", number_under(tmp_path), bus="virtual")
    (crypt / "slaves").mkdir()
    (crypt / "slaves" / "mmcblk0p3").symlink_to(partition)
    assert look(tmp_path, sources, NOW_SECONDS).identity == f"cid:{CARD}"


def test_a_file_system_that_hides_its_disk_names_it(tree: SysfsTree, sources: Sources) -> None:
    """btrfs has numbers of its own; its source is found by name, without a node in /dev."""
    disk = tree.disk("sdz", "65:144", bus="pci0")
    node = tree.root / "class" / "block" / "sdz"
    node.parent.mkdir(parents=True)
    node.symlink_to(disk)
    sources.mounts.write_text("1 2 0:76 / / rw - a b rw\n3 4 0:77 / /x rw - btrfs /dev/sdz rw\n")
    assert mounted_from(os.makedev(0, 77), sources) == os.makedev(65, 144)


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("1 2 0:77 / / rw - tmpfs tmpfs rw", "no_disk_below", "tmpfs"),
        ("1 2 0:77 / / rw - overlay overlay rw", "no_disk_below", "overlay"),
        ("1 2 0:77 / / rw - nfs4 server:/x rw", "no_disk_below", "nfs4"),
        ("rubbish - -\n\x00", "no_disk_below", "0:77"),
    ],
)
def test_a_file_system_without_a_disk_says_so(sources: Sources, line: str, key: str, value: str) -> None:
    """Memory, layers and networks have no medium here."""
    sources.mounts.write_text(line)
    with pytest.raises(DeviceUnknown) as unknown:
        mounted_from(os.makedev(0, 77), sources)
    assert (unknown.value.key, unknown.value.value) == (key, value)


def test_several_disks_under_one_device_are_told(tmp_path: Path, tree: SysfsTree, sources: Sources) -> None:
    """A RAID is watched by the system."""
    array = tree.disk("md0", number_under(tmp_path), bus="virtual")
    for name in ("sda1", "sdb1"):
        (array / "slaves" / name).mkdir(parents=True)
    found = look(tmp_path, sources, NOW_SECONDS)
    assert (found.trouble, found.trouble_value) == ("several_devices", "sda1, sdb1")


def test_layers_that_lead_in_a_circle_end(tmp_path: Path, tree: SysfsTree, sources: Sources) -> None:
    """A loop device on a file on itself."""
    loop = tree.disk("loop0", number_under(tmp_path), bus="virtual")
    tree.write(loop, loop__backing_file=str(tmp_path))
    assert look(tmp_path, sources, NOW_SECONDS).trouble == "too_high"


def test_nothing_at_the_path_is_told(tmp_path: Path, sources: Sources) -> None:
    """A volume that is away; a device that sysfs does not know."""
    assert look(tmp_path / "gone", sources, NOW_SECONDS).trouble == "not_there"
    assert look(tmp_path, sources, NOW_SECONDS).trouble == "no_device"


@pytest.mark.parametrize("rubbish", ["", "\x00\x01", "x" * 100_000, "-1", "9" * 30, "１２", "\U0001f4a9 " * 20])
def test_rubbish_in_every_file_is_survived(tmp_path: Path, tree: SysfsTree, sources: Sources, rubbish: str) -> None:
    """Nothing is known then, and nothing breaks."""
    names = ("size", "ro", "stat", "device__type", "device__cid", "device__life_time", "wwid", "device__serial")
    disk = card_under(tree, tmp_path)
    tree.write(disk, **dict.fromkeys(names, rubbish))
    found = look(tmp_path, sources, NOW_SECONDS)
    assert (found.device, found.kind, found.written_sectors) == ("mmcblk0", MediumKind.OTHER, None)
    assert found.identity.isprintable()
    assert len(found.identity) < 200


def test_files_that_cannot_be_read_are_absent(tmp_path: Path, tree: SysfsTree, sources: Sources) -> None:
    """A folder where a file should be, and none at all."""
    disk = card_under(tree, tmp_path)
    (disk / "size").unlink()
    (disk / "stat").unlink()
    (disk / "stat").mkdir()
    found = look(tmp_path, sources, NOW_SECONDS)
    assert (found.size_bytes, found.written_sectors) == (None, None)


class TestReports:
    @pytest.fixture(autouse=True)
    def drive(self, tmp_path: Path, tree: SysfsTree) -> Path:
        node = tree.disk("sda", number_under(tmp_path), bus="pci0/ata1/host0", device__wwid="naa.5002538e40a1b2c3")
        tree.write(node, size=str(SATA_BYTES // 512))
        return node

    def test_a_report_is_read_with_its_age(self, tmp_path: Path, sources: Sources) -> None:
        """Identity comes from the kernel, the rest from the drive."""
        report(sources, "sda", as_bytes(healthy_sata()), 3600.0)
        found = look(tmp_path, sources, NOW_SECONDS)
        assert (found.kind, found.identity) == (MediumKind.SATA, "wwid:naa.5002538e40a1b2c3")
        assert found.drive is not None
        assert (found.drive.passed, found.report_age_seconds) == (True, 3600.0)

    def test_none_rubbish_and_too_much(self, tmp_path: Path, sources: Sources) -> None:
        """Each has its sentence."""
        assert look(tmp_path, sources, NOW_SECONDS).report_trouble == "no_report"
        for content in (b"rubbish", b"x" * (2 << 20), json.dumps({"smartctl": {}}).encode()):
            report(sources, "sda", content)
            found = look(tmp_path, sources, NOW_SECONDS)
            assert (found.report_trouble, found.drive) == ("report_unreadable", None)

    def test_a_report_of_another_drive_is_not_taken(
        self, tmp_path: Path, tree: SysfsTree, drive: Path, sources: Sources
    ) -> None:
        """The names moved: the size tells."""
        tree.write(drive, size="12345")
        report(sources, "sda", as_bytes(healthy_sata()))
        found = look(tmp_path, sources, NOW_SECONDS)
        assert (found.report_trouble, found.drive) == ("report_foreign", None)

    def test_a_report_from_the_future_is_not_taken(self, tmp_path: Path, sources: Sources) -> None:
        """The clock was wrong then or is now; two hours either way are none of that."""
        report(sources, "sda", as_bytes(healthy_sata()), -7200.0)
        assert look(tmp_path, sources, NOW_SECONDS).report_age_seconds == 0.0
        report(sources, "sda", as_bytes(healthy_sata()), -10 * 86_400.0)
        assert look(tmp_path, sources, NOW_SECONDS).report_trouble == "report_ahead"

    def test_a_disk_behind_usb_is_not_asked_for_its_report(
        self, tmp_path: Path, sources: Sources, tree: SysfsTree
    ) -> None:
        """Whether it can be asked depends on the bridge; none is expected."""
        (tree.root / "dev" / "block" / number_under(tmp_path)).unlink()
        tree.disk("sdb", number_under(tmp_path), bus="pci0/usb1/1-1/host2")
        found = look(tmp_path, sources, NOW_SECONDS)
        assert (found.kind, found.report_trouble) == (MediumKind.OTHER, "")
