"""`kuramori doctor` names each place where overwriting would leave an old root, and why: for cell and fallback cell."""

import re
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kuramori import cells
from kuramori.cli.main import build
from kuramori.doctor.examination import Case
from kuramori_segments.erasable_cell import open_file_cells
from tests import peers
from tests.fakes.configuration import configuration_text
from tests.fakes.custodians import make_custodians
from tests.nvr.test_doctor import NOW, case_of
from tests.segments.test_tier import FakeMachine

COPY_ON_WRITE = "keeps old contents when it overwrites", "上書きしても古い内容が残る"
UNFIT = (
    *((kind, "rw", *COPY_ON_WRITE) for kind in ("btrfs", "zfs", "bcachefs", "f2fs", "nilfs2", "overlay", "ubifs")),
    ("ext4", "rw,data=journal", "journal", "ジャーナル"),
    ("nfs4", "rw", "network", "ネットワーク"),
    ("tmpfs", "rw", "memory", "メモリー"),
    ("something-new", "rw", "not known to overwrite in place", "上書き動作を確認できない"),
)
FALLBACK = 'cell_directory = "cell"\nfallback_cell_directory = "fallback"'


@pytest.fixture(params=["cell", "fallback"])
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Case, Path]:
    """A recorder that was set up for a trial and is not one any more; and which of its two cells is looked at."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    make_custodians(tmp_path, NOW)
    made = case_of(tmp_path, configuration_text().replace('cell_directory = "cell"', FALLBACK, 1))
    made.file.write_text(made.file.read_text().replace("for_trial = true\n", ""))
    return made, tmp_path / request.param


def said(case: Case, place: Path) -> str:
    """Return the line of the doctor's output that names a place, with the advice below it."""
    result = CliRunner().invoke(build(), ["doctor", "--config", str(case.file)])
    assert result.exit_code == 2
    found = re.findall(rf"^(?:ERROR|エラー|異常).*{re.escape(str(place))} \(.*\): .*\n.*$", result.output, re.MULTILINE)
    assert len(found) == 1, result.output
    return str(found[0])


def told(monkeypatch: pytest.MonkeyPatch, place: Path, **kernel: Any) -> None:
    """Have the kernel say this of a place, and of every other place what is so."""

    def opened(directory: Path, *arguments: Any, **options: Any) -> Any:
        how = partial(open_file_cells, **kernel) if directory == place else open_file_cells
        return how(directory, *arguments, **{"for_trial": directory != place} | options)

    monkeypatch.setattr(cells, "open_file_cells", opened)


def test_each_unfit_file_system_is_named(
    case: tuple[Case, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place, the file system and the reason, as an error, in both languages."""
    recorder, place = case
    mountinfo = tmp_path / "mountinfo"
    told(monkeypatch, place, mountinfo=mountinfo)
    for file_system, options, english, japanese in UNFIT:
        mountinfo.write_text(f"1 1 8:1 / / rw - {file_system} /dev/sda1 {options}\n")
        for language, reason in (("C.UTF-8", english), ("ja_JP.UTF-8", japanese)):
            monkeypatch.setenv("LC_ALL", language)
            line = said(recorder, place)
            assert f"({file_system})" in line
            assert reason in line


@pytest.mark.parametrize("identity", ["LVM-abc-real", "LVM-abc-tpool"])
def test_a_snapshot_or_a_thin_pool_below_is_named(
    case: tuple[Case, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: str
) -> None:
    """Its device stands in the sentence, though the file system above is fit."""
    recorder, place = case
    machine = FakeMachine(tmp_path)
    part = machine.partition(machine.disk("sda", 0, "pci0/ata1"), "sda1", 1)
    hidden = machine.virtual("dm-1", 1, (part,))
    (hidden / "dm").mkdir()
    (hidden / "dm" / "uuid").write_text(identity + "\n")
    machine.virtual("dm-0", 0, (hidden,))
    machine.mount(str(place), 253, 0)
    fit = tmp_path / "fit"
    fit.write_text("1 1 253:0 / / rw - ext4 /dev/dm-0 rw\n")
    told(monkeypatch, place, mountinfo=fit, finder=machine.finder())
    line = said(recorder, place)
    assert "(dm-1)" in line
    assert "snapshot" in line


@pytest.fixture
def overlay(case: tuple[Case, Path], tmp_path: Path) -> Iterator[None]:
    """A real overlay over the place of the cell, with its upper layer in a memory file system."""
    peers.require_root()
    memory = tmp_path / "memory"
    memory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", memory], check=True)
    try:
        for name in ("upper", "work", "lower"):
            (memory / name).mkdir(mode=0o700)
        layers = f"lowerdir={memory}/lower,upperdir={memory}/upper,workdir={memory}/work"
        if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, case[1]], check=False).returncode:
            pytest.skip("this machine mounts no overlay")
        try:
            yield
        finally:
            subprocess.run(["umount", case[1]], check=True)
    finally:
        subprocess.run(["umount", memory], check=True)


@pytest.mark.root
def test_a_real_overlay_is_named(case: tuple[Case, Path], overlay: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that keeps its cell in its own layer: nothing is told here, the kernel is asked."""
    recorder, place = case
    told(monkeypatch, place)
    line = said(recorder, place)
    assert "(overlay)" in line
    assert COPY_ON_WRITE[0] in line
