"""Which physical disks a path or a block device rests on, as /sys says: partitions, LVM, RAID, crypt and loop resolved.

"Physical" means what leaves the machine in one piece: two partitions, or two namespaces of one NVMe controller, or
the boot and user areas of one eMMC chip are the same disk. Where the answer is not certain it is "unknown", never a
guess. This module must not know what the disks are compared for.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kuramori_segments.mounts import MOUNTINFO, mount_of

SYSFS = Path("/sys")
MAX_DEPTH = 16  # loop on LVM on RAID on ...: deeper is a circle
_KEEPS_OLD_BLOCKS = ("-real", "-cow", "-tpool", "-tdata", "-vpool", "-vdata")  # LVM's endings of dm ids
_ANONYMOUS_MAJOR = 0  # file systems without a block device of their own


@dataclass(frozen=True, slots=True)
class Disks:
    """The disks under something: `identities` tell them apart, `names` are for people. Unknown: both empty."""

    identities: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    @property
    def known(self) -> bool:
        """Tell whether it is certain which disks these are."""
        return bool(self.identities)


UNKNOWN = Disks()


@dataclass(frozen=True, slots=True)
class DiskFinder:
    """Looks under paths. `sysfs`, `mountinfo` and `status` (os.stat) are parameters: tests build a machine."""

    sysfs: Path = SYSFS
    mountinfo: Path = MOUNTINFO
    status: Callable[[Path], os.stat_result] = field(default=os.stat)

    def under(self, path: Path) -> Disks:
        """Return the disks under a file, a directory, a block device, or the place where a file is to be made."""
        return self._under_path(path, MAX_DEPTH)

    def old_blocks_under(self, path: Path) -> str | None:
        """Return the device under a path that keeps old blocks: an LVM or device-mapper snapshot, or a thin pool.

        The device mapper's parts are told by their ids: the origin of a snapshot and its store, a pool of thin volumes
        or of deduplicated ones. None: none is seen; a snapshot below a hypervisor is never seen.
        """
        found = self._existing(path)
        if found is None:
            return None
        status = found[1]
        device = status.st_rdev if stat.S_ISBLK(status.st_mode) else status.st_dev
        link = self.sysfs / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"
        return self._old_blocks(link.resolve(), MAX_DEPTH) if link.exists() else None

    def _old_blocks(self, node: Path, depth: int) -> str | None:
        identity = node / "dm" / "uuid"
        if identity.exists() and identity.read_text(encoding="utf-8").strip().endswith(_KEEPS_OLD_BLOCKS):
            return node.name
        if depth <= 0:
            return None
        slaves = sorted((node / "slaves").iterdir()) if (node / "slaves").is_dir() else []
        below = (self._old_blocks(slave.resolve(), depth - 1) for slave in slaves)
        return next((name for name in below if name is not None), None)

    def _under_path(self, path: Path, depth: int) -> Disks:
        if depth == 0:
            return UNKNOWN
        found = self._existing(path)
        if found is None:
            return UNKNOWN
        existing, status = found
        if stat.S_ISBLK(status.st_mode):
            return self._under_device(status.st_rdev, depth - 1)
        if os.major(status.st_dev) != _ANONYMOUS_MAJOR:
            return self._under_device(status.st_dev, depth - 1)
        return self._under_anonymous(existing, depth - 1)

    def _existing(self, path: Path) -> tuple[Path, os.stat_result] | None:
        path = path.absolute()
        for candidate in (path, *path.parents):
            try:
                return candidate, self.status(candidate)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                return None
        return None

    def _under_anonymous(self, path: Path, depth: int) -> Disks:
        """btrfs and others: the mount names its device. Overlays: the disk below the layer that is written."""
        mount = mount_of(path, self.mountinfo)
        if mount is None:
            return UNKNOWN
        if mount.file_system == "overlay":
            upper = mount.option("upperdir")
            return self._under_path(Path(upper), depth) if upper and Path(upper).exists() else UNKNOWN
        if mount.file_system == "btrfs" or not mount.source.startswith("/dev/"):
            return UNKNOWN  # btrfs may span devices of which the mount names one only
        return self._under_path(Path(mount.source), depth)

    def _under_device(self, device: int, depth: int) -> Disks:
        link = self.sysfs / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"
        return self._under_node(link.resolve(), depth) if link.exists() else UNKNOWN

    def _under_node(self, node: Path, depth: int) -> Disks:
        if depth <= 0:
            return UNKNOWN
        if (node / "partition").exists():
            return self._under_node(node.parent, depth - 1)
        slaves = sorted((node / "slaves").iterdir()) if (node / "slaves").is_dir() else []
        if slaves:
            return _together([self._under_node(slave.resolve(), depth - 1) for slave in slaves])
        backing = node / "loop" / "backing_file"
        if backing.exists():
            return self._under_path(Path(backing.read_text(encoding="utf-8").rstrip("\n")), depth - 1)
        if not (node / "device").exists():
            return UNKNOWN  # made by software (ram, zram, nbd, an idle loop): nothing to carry away
        return Disks(frozenset({str((node / "device").resolve())}), frozenset({node.name}))


def _together(parts: list[Disks]) -> Disks:
    if not all(part.known for part in parts):
        return UNKNOWN
    return Disks(
        frozenset().union(*(part.identities for part in parts)), frozenset().union(*(part.names for part in parts))
    )
