"""A file system that passes everything on to a folder and fails, sleeps or hangs when told. Run as a program:

    python fuse_passthrough.py FOLDER MOUNTPOINT CONTROL

CONTROL is a JSON file, read again at every operation: {"write": {"errno": "EIO"}, "fsync": {"sleep": 3}, "read":
{"hang": true}}. It must not know what is stored. Needs /dev/fuse and mfusepy.
"""

import errno
import json
import os
import sys
import time

import mfusepy as fuse

HANG_LOOK_SECONDS = 0.05


class Passthrough(fuse.Operations):  # type: ignore[misc]
    """Every operation obeys its rule first."""

    use_ns = True

    def __init__(self, folder: str, control: str) -> None:
        self._folder = folder
        self._control = control

    def _obey(self, operation: str) -> None:
        while True:
            rule = self._rule(operation)
            if not rule.get("hang"):
                break
            time.sleep(HANG_LOOK_SECONDS)
        if "sleep" in rule:
            time.sleep(rule["sleep"])
        if "errno" in rule:
            raise fuse.FuseOSError(getattr(errno, rule["errno"]))

    def _rule(self, operation: str) -> dict:
        try:
            with open(self._control, encoding="utf-8") as file:
                return json.load(file).get(operation, {})
        except (OSError, ValueError):
            return {}

    def _path(self, path: str) -> str:
        return self._folder + path

    def getattr(self, path, fh=None):
        status = os.lstat(self._path(path))
        names = ("st_mode", "st_nlink", "st_uid", "st_gid", "st_size")
        found = {name: getattr(status, name) for name in names}
        found.update(st_atime=status.st_atime_ns, st_mtime=status.st_mtime_ns, st_ctime=status.st_ctime_ns)
        return found

    def readdir(self, path, fh):
        return [".", "..", *os.listdir(self._path(path))]

    def open(self, path, flags):
        self._obey("open")
        return os.open(self._path(path), os.O_RDWR)

    def create(self, path, mode, fi=None):
        return os.open(self._path(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def fallocate(self, path, mode, offset, length, fh):
        os.posix_fallocate(fh, offset, length)
        return 0

    def truncate(self, path, length, fh=None):
        os.truncate(self._path(path), length)
        return 0

    def rename(self, old, new):
        os.rename(self._path(old), self._path(new))
        return 0

    def unlink(self, path):
        os.unlink(self._path(path))
        return 0

    def read(self, path, size, offset, fh):
        self._obey("read")
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        self._obey("write")
        return os.pwrite(fh, data, offset)

    def fsync(self, path, datasync, fh):
        self._obey("fsync")
        os.fdatasync(fh)
        return 0

    def release(self, path, fh):
        os.close(fh)
        return 0

    def statfs(self, path):
        status = os.statvfs(self._folder)
        names = ["bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "flag", "frsize", "namemax"]
        return {f"f_{name}": getattr(status, f"f_{name}") for name in names}


if __name__ == "__main__":
    fuse.FUSE(Passthrough(sys.argv[1], sys.argv[3]), sys.argv[2], foreground=True, nothreads=False)
