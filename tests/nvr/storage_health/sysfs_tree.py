"""A small tree like sysfs, in which the disk under a folder is whatever a test says."""

import os
from pathlib import Path

CARD = "03534453443634478012345678014a00"
OTHER_CARD = "27504853443332473012345678014b00"


class SysfsTree:
    """Devices by their kernel's names."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "dev" / "block").mkdir(parents=True)

    def disk(self, name: str, number: str, *, bus: str = "platform/soc", **files: str) -> Path:
        """Add a disk; `files` are its attributes, `device__cid` standing for device/cid."""
        node = self.root / "devices" / bus / "block" / name
        node.mkdir(parents=True)
        self.write(node, dev=number, size="62333952", ro="0", stat="1 0 8 1 5 0 900000 5 0 0 0", **files)
        (self.root / "dev" / "block" / number).symlink_to(node)
        return node

    def partition(self, disk: Path, name: str, number: str) -> Path:
        """Add a partition of a disk."""
        node = disk / name
        node.mkdir()
        self.write(node, dev=number, partition="1", ro="0")
        (self.root / "dev" / "block" / number).symlink_to(node)
        return node

    def write(self, node: Path, **files: str) -> None:
        """Write attributes of a device."""
        for name, text in files.items():
            path = node / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text + "\n")


def number_under(path: Path) -> str:
    """Return the device number under a path, as sysfs writes it."""
    device = path.stat().st_dev
    return f"{os.major(device)}:{os.minor(device)}"


def card_under(tree: SysfsTree, path: Path, cid: str = CARD) -> Path:
    """Put an SD card under a path: a partition of it is what the path lies on."""
    disk = tree.disk("mmcblk0", "179:0", device__type="SD", device__cid=cid)
    tree.partition(disk, "mmcblk0p2", number_under(path))
    return disk
