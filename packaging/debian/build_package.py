"""Builds the Debian package: a virtual environment below /opt/kuramori, units, accounts, rules, documents.

One command (`make package`), one .deb in `dist/`, for exactly the Python that it was built with: the package depends on
that minor version and on no other, so that an upgrade of the system can never pair it with a Python it was not tested
with. Every library comes in the version that `constraints.txt` names. The same sources and the same Python give the
same bytes. Needs dpkg-deb, and a system Python with the venv module. Must not know what the program does.
"""

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
HOME = Path("opt/kuramori")  # below the root of the installed system
DOCUMENTS = Path("usr/share/doc/kuramori")
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
KEPT_COMMANDS = ("kuramori",)  # of the environment's own bin/; pip and its like stay out
SYSTEMD = {".service": "usr/lib/systemd/system", ".timer": "usr/lib/systemd/system", ".path": "usr/lib/systemd/system"}
ACCOUNTS = {"kuramori.sysusers": "usr/lib/sysusers.d", "kuramori.tmpfiles": "usr/lib/tmpfiles.d"}
FILE_MODE, PROGRAM_MODE = 0o644, 0o755
LOWEST_EPOCH = 315532800  # 1980: what archives within archives can still name


class BuildRefused(Exception):
    """The package cannot be built here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Release:
    """What is built, for what."""

    version: str
    python: Path
    minor: tuple[int, int]
    debian: str  # the number of the Debian release, in the revision
    architecture: str
    epoch_seconds: int

    @property
    def full_version(self) -> str:
        """The version of the package: upstream's, and which Debian it is for."""
        return f"{self.version}-1~deb{self.debian}"

    @property
    def file_name(self) -> str:
        """The name of the .deb."""
        return f"kuramori_{self.full_version}_{self.architecture}.deb"

    @property
    def python_bounds(self) -> str:
        """The dependency on exactly this Python."""
        major, minor = self.minor
        return f"python3 (>= {major}.{minor}), python3 (<< {major}.{minor + 1})"


def run(*command: str | Path, environment: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed. Raises BuildRefused with its complaint."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise BuildRefused(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout.strip()


def release_of(python: Path) -> Release:
    """Find out what is built. Raises BuildRefused where a tool is missing."""
    for tool in ("dpkg-deb", "dpkg"):
        if shutil.which(tool) is None:
            raise BuildRefused(f"{tool} is missing; on Debian: apt install dpkg-dev")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    major, minor = run(python, "-c", "import sys; print(*sys.version_info[:2])").split()
    system = dict(line.partition("=")[::2] for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines())
    return Release(
        version=project["version"],
        python=python,
        minor=(int(major), int(minor)),
        debian=system.get("VERSION_ID", "").strip('"') or "unknown",
        architecture=run("dpkg", "--print-architecture"),
        epoch_seconds=_epoch_seconds(),
    )


def _epoch_seconds() -> int:
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        try:
            given = run("git", "-C", ROOT, "log", "-1", "--format=%ct")
        except (BuildRefused, OSError):
            given = str(int((ROOT / "pyproject.toml").stat().st_mtime))
    return max(int(given), LOWEST_EPOCH)


def make_environment(release: Release, pip: Path, home: Path) -> None:
    """Make the virtual environment as it will stand at /opt/kuramori."""
    run(release.python, "-m", "venv", "--without-pip", home)
    inside = home / "bin" / "python3"
    with tempfile.TemporaryDirectory() as wheels:
        run(pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, ROOT)
        wheel = next(Path(wheels).glob("kuramori-*.whl"))
        constraints = HERE.parent / "constraints.txt"
        run(
            pip, "--python", inside, "install", "--quiet", "--no-compile", "--no-warn-script-location",
            "--constraint", constraints, wheel,
        )  # fmt: skip
    packages = next((home / "lib").glob("python*/site-packages"))
    _settle_programs(release, home)
    for trace in packages.glob("kuramori-*.dist-info/direct_url.json"):
        trace.unlink()  # it names the machine that built the package
    for record in packages.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("../") and "direct_url.json" not in line]
        record.write_text("".join(kept), encoding="utf-8")  # programs were changed or taken out
    for folder in ("tests", "test"):
        for unused in packages.glob(f"*/{folder}"):
            shutil.rmtree(unused)
    run(
        release.python, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash",
        "-s", home.parents[1], "-p", "/", packages,
    )  # fmt: skip


def _settle_programs(release: Release, home: Path) -> None:
    """Make programs and settings speak of /opt/kuramori, and take out what belongs to whoever builds."""
    final = Path("/") / HOME
    interpreter = Path("/usr/bin") / f"python{release.minor[0]}.{release.minor[1]}"
    programs = home / "bin"
    for program in programs.iterdir():
        if program.name not in KEPT_COMMANDS:
            program.unlink()
        else:
            lines = program.read_text(encoding="utf-8").split("\n", 1)
            program.write_text(f"#!{final}/bin/python3\n{lines[1]}", encoding="utf-8")
            program.chmod(PROGRAM_MODE)
    (programs / "python3").symlink_to(interpreter)
    (home / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {release.minor[0]}.{release.minor[1]}\n"
        f"executable = {interpreter}\n",
        encoding="utf-8",
    )


def put_files(release: Release, stage: Path) -> None:
    """Put units, accounts, rules, documents and the command where Debian expects them."""
    for source in sorted((ROOT / "packaging/systemd").iterdir()):
        place = SYSTEMD.get(source.suffix) or ACCOUNTS.get(source.name)
        if place is not None:
            name = f"{source.stem}.conf" if source.name in ACCOUNTS else source.name
            _put(source, stage / place / name)
    for folder, pattern in (("metrics/rules", "kuramori.rules.yml"), ("metrics/dashboards", "*.json")):
        for source in sorted((ROOT / folder).glob(pattern)):
            _put(source, stage / "usr/share/kuramori" / Path(folder).name / source.name)
    for source in sorted((ROOT / "packaging/prometheus").glob("*")):
        _put(source, stage / "usr/share/kuramori/prometheus" / source.name)
    for name in ("README.md", "README.ja.md", "SECURITY.md"):
        _put(ROOT / name, stage / DOCUMENTS / name)
    for source in sorted((ROOT / "nvr").glob("TROUBLESHOOTING*.md")):
        _put(source, stage / DOCUMENTS / source.name)
    _put(ROOT / "config/kuramori.example.toml", stage / DOCUMENTS / "examples/kuramori.toml")
    _put(HERE / "copyright", stage / DOCUMENTS / "copyright")
    changes = _changelog(release).encode("utf-8")
    (stage / DOCUMENTS / "changelog.Debian.gz").write_bytes(gzip.compress(changes, mtime=0))
    (stage / DOCUMENTS / "changelog.gz").write_bytes(gzip.compress((ROOT / "CHANGELOG.md").read_bytes(), mtime=0))
    command = stage / "usr/bin/kuramori"
    command.parent.mkdir(parents=True, exist_ok=True)
    command.symlink_to(Path("/") / HOME / "bin/kuramori")


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(FILE_MODE)


def _changelog(release: Release) -> str:
    date = run("date", "-u", "-R", "-d", f"@{release.epoch_seconds}")
    return (
        f"kuramori ({release.full_version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n"
        f" -- The Kuramori authors <kuramori@localhost>  {date}\n"
    )


def put_control(release: Release, stage: Path) -> None:
    """Write what dpkg wants to know: dependencies, scripts, the question at purge, digests."""
    control = stage / "DEBIAN"
    control.mkdir()
    files = sorted(path for path in stage.rglob("*") if path.is_file() and control not in path.parents)
    installed_kibibytes = sum(-(-path.stat().st_size // 1024) for path in files if not path.is_symlink())
    text = (HERE / "control.in").read_text(encoding="utf-8")
    for key, value in (
        ("@VERSION@", release.full_version),
        ("@ARCHITECTURE@", release.architecture),
        ("@PYTHON@", release.python_bounds),
        ("@SIZE@", str(installed_kibibytes)),
    ):
        text = text.replace(key, value)
    (control / "control").write_text(text, encoding="utf-8")
    for name in SCRIPTS:
        script = (HERE / name).read_text(encoding="utf-8").replace("@VERSION@", release.full_version)
        (control / name).write_text(script, encoding="utf-8")
        (control / name).chmod(PROGRAM_MODE)
    for name in ("templates", "config"):
        shutil.copyfile(HERE / name, control / name)
    (control / "config").chmod(PROGRAM_MODE)
    digests = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(stage)}\n"
        for path in files
        if not path.is_symlink()
    ]
    (control / "md5sums").write_text("".join(digests), encoding="utf-8")


def build(python: Path, pip: Path, out: Path) -> Path:
    """Build the package and return its path. Raises BuildRefused."""
    release = release_of(python)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder) / "stage"
        stage.mkdir(mode=PROGRAM_MODE)
        make_environment(release, pip, stage / HOME)
        put_files(release, stage)
        put_control(release, stage)
        for path in stage.rglob("*"):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o022)
        target = out / release.file_name
        settings = os.environ | {"SOURCE_DATE_EPOCH": str(release.epoch_seconds)}
        run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z9", "--build", stage, target, environment=settings)
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the Debian package.")
    parser.add_argument("--python", type=Path, default=Path("/usr/bin/python3"), help="the system's Python")
    parser.add_argument(
        "--pip", type=Path, required=True, help="a pip to install with; it does not get into the package"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    try:
        print(build(options.python, options.pip, options.out))
    except BuildRefused as refusal:
        sys.exit(str(refusal))
