"""A file system whose power can be cut: ext4 on a loop file, shut down without flushing its journal. Needs root."""

import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMAGE_BYTES = 64 << 20
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.1
RELEASE_SECONDS = 900.0  # a machine that is booted meanwhile (tests of the service) keeps a copy until it ends


class PowerCut:
    """A mounted file system; what was not synced before `cut` is gone after it."""

    def __init__(self, folder: Path, image_bytes: int = IMAGE_BYTES) -> None:
        self._image = folder / "disk.img"
        self.directory = folder / "mounted"
        self.directory.mkdir()
        with self._image.open("wb") as file:
            file.truncate(image_bytes)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()

    def cut(self) -> None:
        """Switch the power off: from now on every write fails."""
        directory = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(directory)

    def remount(self, how: str) -> None:
        """Make it read-only ("ro") or writable ("rw") while files of it are open."""
        _run("mount", "-o", f"remount,{how}", str(self.directory))

    def raise_error(self) -> None:
        """Let the kernel find an error in it: it becomes read-only at once (mount option errors=remount-ro)."""
        (Path("/sys/fs/ext4") / Path(self._source()).name / "trigger_fs_error").write_text("test")

    def reboot(self) -> None:
        """Mount again what is on the medium. Nothing may be open."""
        self.unmount()
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.directory))

    def _source(self) -> str:
        return subprocess.run(
            ["findmnt", "--noheadings", "--output", "SOURCE", str(self.directory)],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    def detach(self) -> None:
        """Let go of the file system, as soon as the last process that was ended has let go of it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(["umount", str(self.directory)], check=False, capture_output=True).returncode != 0:
            if time.monotonic() > deadline:
                _run("umount", str(self.directory))
            time.sleep(POLL_SECONDS)

    def unmount(self) -> None:
        """Let go of the file system, and wait until nobody has it: new namespaces copy mounts."""
        source = self._source()
        self.detach()
        alive = Path("/sys/fs/ext4") / Path(source).name
        deadline = time.monotonic() + RELEASE_SECONDS
        while alive.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{source} is still mounted somewhere")
            time.sleep(0.02)


@contextmanager
def power_cut_disk(folder: Path, image_bytes: int = IMAGE_BYTES) -> Iterator[PowerCut]:
    """Yield a file system of its own; it is unmounted at the end."""
    disk = PowerCut(folder, image_bytes)
    try:
        yield disk
    finally:
        disk.detach()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
