"""Wheel and source archive as they are built: what is in them, and that the wheel runs in an empty environment."""

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.fakes.booted_machine import CHECKOUT

pytestmark = pytest.mark.timeout(900)

PACKAGES = ("kuramori", "kuramori_onvif", "kuramori_segments", "kuramori_metrics", "kuramori_config")
FOREIGN = ("tests/", "demo-out/", ".venv", "dist/")


def run(*words: object, cwd: Path | None = None) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made from the source archive, so that the archive is shown to be whole."""
    folder = tmp_path_factory.mktemp("distributions")
    hook = "import hatchling.build, sys; print(hatchling.build.build_sdist(sys.argv[1]))"
    python = sys.executable
    run(python, "-m", "venv", folder / "builder")
    builder = folder / "builder/bin"
    run(builder / "pip", "install", "--quiet", "hatchling")
    run(builder / "python", "-c", hook, folder, cwd=CHECKOUT)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "source", filter="data")
    source = next((folder / "source").iterdir())
    run(builder / "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, source)
    return folder


@pytest.mark.slow
def test_the_wheel_holds_the_five_packages_and_nothing_else(built: Path) -> None:
    """No tests, no outputs; the typed marker of each package."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_the_source_archive_holds_what_a_reader_needs(built: Path) -> None:
    """Sources, documents, tests, packaging; nothing that a build left behind."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    for wanted in ("README.md", "README.ja.md", "segments/FORMAT.md", "packaging/RELEASING.md", "Makefile"):
        assert wanted in names
    assert not [name for name in names if name.startswith(FOREIGN[1:])]


@pytest.mark.slow
def test_the_wheel_runs_in_an_empty_environment(built: Path, tmp_path: Path) -> None:
    """Installed with the versions of a release: the command says its version, and every package can be imported."""
    venv.create(tmp_path / "empty", with_pip=True)
    inside = tmp_path / "empty/bin"
    wheel = next(built.glob("*.whl"))
    run(inside / "pip", "install", "--quiet", "-c", CHECKOUT / "packaging/constraints.txt", wheel, cwd=tmp_path)
    assert run(inside / "kuramori", "--version", cwd=tmp_path).strip()
    run(inside / "python", "-c", f"import {', '.join(PACKAGES)}", cwd=tmp_path)


def test_every_library_has_its_version_in_the_constraints() -> None:
    """What is installed to run Kuramori is named in `constraints.txt`, so that no release takes whatever is newest."""
    program = CHECKOUT / "packaging/constraints.py"
    code = (
        f"import runpy; one = runpy.run_path({str(program)!r}); "
        "print(set(one['closure']('kuramori')) - set(one['read'](one['FILE'].read_text())))"
    )
    assert run(sys.executable, "-c", code).strip() == "set()"
