"""A clean Debian 12 with a systemd of its own, into which the package is installed as an office would do it.

Made by debootstrap, in memory, with a network of its own (loopback only): what the package needs from elsewhere would
be missed. Needs root, debootstrap and a Debian mirror.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.booted_machine import MEMORY, BootedMachine
from tests.peers import require, require_program, require_root

CHECKOUT = Path(__file__).parents[2]
SYSTEM_PYTHON = Path("/usr/bin/python3")
RELEASE = "bookworm"
NEEDED = ("python3", "apt-utils", "smartmontools")  # what apt would fetch for the package
ROOT_SECONDS_MOST = 600


def clean_root(folder: Path) -> Path:
    """Make the system's files in memory below `folder`."""
    require_root()
    require_program("debootstrap")
    require_program("systemd-nspawn")
    root = folder / "root"
    root.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", MEMORY, "memory", root], check=True)
    script = CHECKOUT / "packaging/debian/clean_root.sh"
    done = subprocess.run(
        [script, RELEASE, root, *NEEDED], capture_output=True, text=True, timeout=ROOT_SECONDS_MOST, check=False
    )
    if done.returncode:
        release_root(root)
        require(False, f"a clean Debian: {done.stderr[-1500:]}")
    return root


def release_root(root: Path) -> None:
    """Give the memory back."""
    subprocess.run(["umount", "-l", root], check=False, capture_output=True)


@contextmanager
def booted(root: Path) -> Iterator[BootedMachine]:
    """Boot the system for a while."""
    machine = BootedMachine(root, [])
    (root / "etc/machine-id").write_text("")
    try:
        machine.boot()
        yield machine
    finally:
        machine.stop()


def build(out: Path, version: str | None = None) -> Path:
    """Build the package for Debian 12's Python, as `make package` does; with another version where one is given."""
    require_program("dpkg-deb")
    require(_minor(SYSTEM_PYTHON) == "3.11", "Debian 12's own Python 3.11 at /usr/bin/python3")
    pip = Path(sys.executable).with_name("pip")
    script = CHECKOUT / "packaging/debian/build_package.py"
    done = subprocess.run(
        [sys.executable, script, "--python", SYSTEM_PYTHON, "--pip", pip, "--out", out],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return other_version(Path(done.stdout.strip()), version) if version else Path(done.stdout.strip())


def other_version(package: Path, version: str) -> Path:
    """Return the same package under another version, as an older or newer release would come."""
    folder = package.parent / f"as-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-R", package, folder], check=True)
    now = subprocess.run(
        ["dpkg-deb", "-f", package, "Version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    for name in ("control", "preinst"):
        file = folder / "DEBIAN" / name
        file.write_text(file.read_text().replace(now, version))
    target = package.with_name(f"kuramori_{version}_amd64.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "--build", folder, target],
                   check=True, capture_output=True)  # fmt: skip
    shutil.rmtree(folder)
    return target


def _minor(python: Path) -> str:
    if not os.access(python, os.X_OK):
        return ""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=False).stdout.strip()
