"""Bundles on real media that are full, write-protected, fail or are unmounted in the midst. Needs root."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori.cli.bundle_folder import BundleRefused, require_place, write_bundle
from kuramori.cli.bundle_zip import write_zip
from kuramori.cli.medium_fault import require_room
from tests import peers
from tests.fakes.fake_worker import CLIP
from tests.fakes.power_cut import PowerCut, power_cut_disk
from tests.nvr.desk.test_bundle_command import PASSWORD, bundle

pytestmark = pytest.mark.root
MEDIUM_BYTES = 8 << 20


@pytest.fixture
def medium(tmp_path: Path) -> Iterator[PowerCut]:
    """A mounted medium of 8 MB."""
    peers.require_root()
    peers.require_program("mkfs.ext4")
    with power_cut_disk(tmp_path, MEDIUM_BYTES) as disk:
        yield disk


def left(medium: PowerCut) -> list[str]:
    """Return what lies on it."""
    return sorted(path.name for path in medium.directory.iterdir() if path.name != "lost+found")


def test_a_full_medium_keeps_nothing_and_then_takes_what_fits(medium: PowerCut) -> None:
    """Known beforehand by its size, and in the midst of writing by the kernel's answer; as folder and as zip."""
    place = medium.directory
    large, digest = bundle(**{"big.mp4": os.urandom(MEDIUM_BYTES)})
    with pytest.raises(BundleRefused, match="no room"):
        require_room(place / "b", len(large), one_file=False)
    with pytest.raises(BundleRefused, match="no room"):
        write_bundle(iter([large]), place / "b", digest)
    with pytest.raises(BundleRefused, match="no room"):
        write_zip(iter([large]), place / "b.zip", digest, PASSWORD.encode())
    assert left(medium) == []
    small, digest = bundle()
    write_bundle(iter([small]), place / "b", digest)
    write_zip(iter([small]), place / "b.zip", digest, PASSWORD.encode())
    assert (place / "b" / "clip.mp4").read_bytes() == CLIP
    assert left(medium) == ["b", "b.zip"]


def test_a_write_protected_medium_is_told_before_anything_is_written(medium: PowerCut) -> None:
    """Also where it became so after it was looked at."""
    archive, digest = bundle()
    medium.remount("ro")
    with pytest.raises(BundleRefused, match="write-protected"):
        require_place(medium.directory / "b")
    with pytest.raises(BundleRefused, match="write-protected"):
        write_bundle(iter([archive]), medium.directory / "b", digest)
    assert left(medium) == []


def test_a_medium_that_fails_in_the_midst_does_not_count(medium: PowerCut) -> None:
    """Every write of it fails from some byte on."""
    archive, digest = bundle(**{"more.mp4": os.urandom(2 << 20)})

    def pieces() -> Iterator[bytes]:
        yield archive[:400_000]
        medium.cut()
        yield archive[400_000:]

    with pytest.raises(BundleRefused, match="pulled out or has failed"):
        write_bundle(pieces(), medium.directory / "b", digest)
    medium.reboot()
    assert "b" not in left(medium)


def test_a_medium_that_is_unmounted_in_the_midst_does_not_count(tmp_path: Path) -> None:
    """Nothing is written to the disk below in its place."""
    peers.require_root()
    archive, digest = bundle(**{"more.mp4": os.urandom(2 << 20)})
    point = tmp_path / "point"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", point], check=True)

    def pieces() -> Iterator[bytes]:
        yield archive[:400_000]
        subprocess.run(["umount", "-l", point], check=True)
        yield archive[400_000:]

    with pytest.raises(BundleRefused, match="pulled out or has failed"):
        write_bundle(pieces(), point / "b", digest)
    assert list(point.iterdir()) == []
