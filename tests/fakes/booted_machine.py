"""A machine with a real systemd as its first process, made of this machine's own files: boot, run commands, stop.

The root is an overlay in memory, so nothing that happens there stays; the network is its own, with loopback only. Needs
root and systemd-nspawn. `with_kuramori` puts this checkout there as a package would: a virtual environment in
/opt/kuramori, the units, the account.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.peers import require, require_program, require_root

CHECKOUT = Path(__file__).parents[2]
SOURCE_FOLDERS = ("nvr", "onvif", "segments", "metrics", "config")
BOOT_SECONDS_MOST = 90.0
COMMAND_SECONDS_MOST = 120.0
LOOK_SECONDS = 0.05
MEMORY = "size=6g"
SILENCED = (  # of this machine's own services: none of them belongs to the test
    "apt-daily.timer", "apt-daily-upgrade.timer", "cron.service", "ssh.service", "docker.service", "containerd.service",
    "networking.service", "systemd-networkd.service", "chrony.service", "e2scrub_reap.service", "mysql.service",
    "postgresql.service", "nginx.service", "prometheus.service", "prometheus-alertmanager.service", "getty.target",
)  # fmt: skip


@dataclass(slots=True)
class BootedMachine:
    """One machine. `root` is its root directory as seen from outside: files may be put there before and after boot."""

    root: Path
    _binds: list[str]
    _process: subprocess.Popen[bytes] | None = None
    _leader: int = 0

    def boot(self) -> None:
        """Start it; return once its systemd has nothing left to start."""
        command = [
            require_program("systemd-nspawn"), "-q", "-D", str(self.root), "--boot", "--register=no", "--keep-unit",
            "--private-network", f"--machine=kuramori-{os.getpid()}", "--link-journal=no",
            "--capability=CAP_SYS_TIME",  # as on a machine: the clock may be asked
            *self._binds,
        ]  # fmt: skip
        log = (self.root.parent / "console.log").open("ab")
        with log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + BOOT_SECONDS_MOST
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._leader == 0:
                self._leader = _first_child(self._process.pid)
            elif self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"):
                return
            time.sleep(LOOK_SECONDS)
        raise AssertionError("it did not boot:\n" + (self.root.parent / "console.log").read_text()[-4000:])

    def run(self, *words: object, check: bool = True, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root."""
        inside = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "--", *map(str, words)]
        done = subprocess.run(
            inside, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS_MOST, input=given
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done

    def begin(self, *words: object) -> "subprocess.Popen[str]":
        """Begin a command in it, as root; the caller ends it."""
        inside = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "--", *map(str, words)]
        return subprocess.Popen(inside, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def show(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", unit, "--property", name, "--value").stdout.strip()

    def until(self, unit: str, name: str, wanted: str, seconds: float = COMMAND_SECONDS_MOST) -> None:
        """Wait until a property of a unit is so."""
        deadline = time.monotonic() + seconds
        while (found := self.show(unit, name)) != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"{unit} {name}={found}, not {wanted}\n{self.journal(unit)[-6000:]}")
            time.sleep(LOOK_SECONDS)

    def journal(self, unit: str, *words: str) -> str:
        """Return what a unit said, by journalctl."""
        return self.run("journalctl", "-u", unit, "--no-pager", *(words or ("-o", "cat"))).stdout

    def stop(self) -> None:
        """Switch it off."""
        if self._process is None:
            return
        if self._process.poll() is None and self._leader:
            self.run("systemctl", "poweroff", "--force", check=False)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process, self._leader = None, 0


@contextmanager
def booted_machine(folder: Path, *, boot: bool = True) -> Iterator[BootedMachine]:
    """Make a machine below `folder` and boot it; take everything away afterwards."""
    require_root()
    require_program("systemd-nspawn")
    memory, root = folder / "memory", folder / "root"
    for path in (memory, root):
        path.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", MEMORY, "memory", memory], check=True)
    machine = BootedMachine(root, [])
    try:
        (memory / "up").mkdir()
        (memory / "work").mkdir()
        over = f"lowerdir=/,upperdir={memory / 'up'},workdir={memory / 'work'}"
        subprocess.run(["mount", "-t", "overlay", "-o", over, "overlay", root], check=True)
        _prepare(root)
        if boot:
            machine.boot()
        yield machine
    finally:
        machine.stop()
        for path in (root, memory):
            subprocess.run(["umount", "-l", path], check=False, capture_output=True)


def _prepare(root: Path) -> None:
    """Let it be a machine of its own: no identity, no services and no journal of this one."""
    (root / "etc/machine-id").write_text("")
    (root / "etc/fstab").write_text("")
    system = root / "etc/systemd/system"
    for name in SILENCED:
        with suppress(FileNotFoundError):
            (system / name).unlink()
        (system / name).symlink_to("/dev/null")
    (system / "default.target").unlink(missing_ok=True)
    (system / "default.target").symlink_to("/usr/lib/systemd/system/multi-user.target")
    for left in ("var/log/journal", "etc/kuramori", "var/lib/kuramori", "srv/kuramori"):
        shutil.rmtree(root / left, ignore_errors=True)


def with_kuramori(machine: BootedMachine) -> None:
    """Put this checkout there as its package would lie. Call it before the machine boots."""
    root, home = machine.root, Path("/opt/kuramori")
    inside = root / "opt/kuramori"
    require(not inside.exists(), "a machine without an installed Kuramori")
    python = Path(sys.executable).resolve()
    base = Path(sys.base_prefix)
    if base.is_relative_to("/root") or base.is_relative_to("/home"):  # no other account could look there
        machine._binds.append(f"--bind-ro={base}:/opt/kuramori-python")
        python = Path("/opt/kuramori-python") / python.relative_to(base.resolve())
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = inside / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (inside / "bin").mkdir()
    (inside / "bin/python3").symlink_to(python)
    (inside / "pyvenv.cfg").write_text(f"home = {python.parent}\ninclude-system-site-packages = false\n")
    machine._binds.append(f"--bind-ro={sysconfig.get_path('purelib')}:{home}/packages")
    for name in SOURCE_FOLDERS:
        shutil.copytree(CHECKOUT / name, inside / "source" / name)
    # as a package does: the service may not write there, and would read every source anew at each start
    subprocess.run([sys.executable, "-m", "compileall", "-q", inside / "source"], check=True, timeout=300)
    places = [f"{home}/source/{name}" for name in SOURCE_FOLDERS] + [f"{home}/packages"]
    (packages / "kuramori.pth").write_text("\n".join(places) + "\n")
    program = inside / "bin/kuramori"
    library = python.parent.parent / "lib"  # a Python that is moved must find its own library first
    start = f'export LD_LIBRARY_PATH={library}\nexec {home}/bin/python3 -m kuramori.cli "$@"\n'
    program.write_text("#!/bin/sh\n" + start)
    program.chmod(0o755)
    _install_units(root)


def _install_units(root: Path) -> None:
    shipped = CHECKOUT / "packaging" / "systemd"
    for unit in shipped.iterdir():
        if unit.suffix in (".service", ".timer"):
            shutil.copy(unit, root / "etc/systemd/system" / unit.name)
    for kind in ("sysusers", "tmpfiles"):
        target = root / f"etc/{kind}.d"
        target.mkdir(exist_ok=True)
        shutil.copy(shipped / f"kuramori.{kind}", target / "kuramori.conf")


def _first_child(pid: int) -> int:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in map(int, found):
        with suppress(OSError):
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return child
    return 0
