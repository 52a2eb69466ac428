"""Whether a medium is in its place, and what is kept about retired and permitted ones."""

import asyncio
import os
from pathlib import Path

import pytest

from kuramori.media_keeping import MediaKeeping, MediumPermit, RetiredMedium, volume_id_at
from kuramori.media_watch import LOOK_SECONDS, LOOKS_TO_MISS, MISSED_SECONDS, MediaWatch, look_at
from kuramori_segments.volume import Volume

SLOT_BYTES = 1 << 20
NOW = 1_790_000_000_000
ALARM_SECONDS = 5.0  # promised (K7)


def make(path: Path, volume_id: bytes = b"v" * 16) -> Path:
    Volume.create_file(
        path, size_bytes=8 << 20, volume_id=volume_id, recorder_id=b"r" * 16, created_utc_ms=1, slot_bytes=SLOT_BYTES
    ).close()
    return path


def test_a_volume_that_moves_is_missed_and_known_again(tmp_path: Path) -> None:
    """Gone, another file in its place, another volume in its place: missing. The same volume copied back: there."""
    path = make(tmp_path / "volume0")
    place = look_at(path, None)
    assert place is not None
    assert look_at(path, place) == place
    path.rename(tmp_path / "away")
    assert look_at(path, place) is None
    path.write_bytes(b"something else")
    assert look_at(path, place) is None
    path.unlink()
    make(path, b"w" * 16)
    assert look_at(path, place) is None
    path.unlink()
    path.write_bytes((tmp_path / "away").read_bytes())
    back = look_at(path, place)
    assert back is not None
    assert back.volume_id == place.volume_id


def test_a_device_that_left_the_machine_is_missed(tmp_path: Path) -> None:
    """The path still answers from memory, but the system no longer has the device under it."""
    path = make(tmp_path / "volume0")
    device = path.stat().st_dev
    node = tmp_path / "block" / f"{os.major(device)}:{os.minor(device)}"
    node.mkdir(parents=True)
    place = look_at(path, None, node.parent)
    assert place is not None
    assert look_at(path, place, node.parent) == place
    node.rmdir()
    assert look_at(path, place, node.parent) is None


def test_what_is_kept_survives_a_restart(tmp_path: Path) -> None:
    """A retired volume is known by its id, so that another may take its path; a permit ends by itself."""
    path = make(tmp_path / "volume0")
    keeping = MediaKeeping(tmp_path / "media.json")
    keeping.retire(RetiredMedium(str(path), volume_id_at(path) or "", 1 << 30, 1, ("ab" * 16,)))
    keeping.permit(MediumPermit(str(path), 7, NOW + 1000))
    again = MediaKeeping(tmp_path / "media.json")
    assert again.of_record(1) is not None
    assert again.is_retired(path)
    assert again.permit_in_force(str(path), NOW) == 7
    assert again.permit_in_force(str(path), NOW + 1000) == 0
    path.unlink()
    assert again.is_retired(path)  # nothing is there: nothing is taken up by mistake
    make(path, b"n" * 16)
    assert not again.is_retired(path)
    (tmp_path / "media.json").write_text('{"version": 1, "retired": "all"}')
    assert MediaKeeping(tmp_path / "media.json").retired == ()


def test_a_vanished_medium_alarms_within_five_seconds() -> None:
    """It leaves just behind a look: then so many looks are in vain, each a while after the one before."""
    assert LOOKS_TO_MISS * LOOK_SECONDS <= ALARM_SECONDS - LOOK_SECONDS, "one more look may take its time"


async def test_the_alarm_follows_the_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing without permission is a problem; a permit takes it away; its end brings it back."""
    monkeypatch.setattr("kuramori.media_watch.LOOK_SECONDS", 0.01)
    path = make(tmp_path / "volume0")
    now = [NOW]
    problems: dict[str, str] = {}
    noted: list[str] = []
    keeping = MediaKeeping(tmp_path / "media.json")
    watch = MediaWatch((path,), keeping, lambda: now[0], problems, lambda kind, _facts: noted.append(kind))
    running = asyncio.create_task(watch.run())

    async def until(problem: bool, missing: bool) -> None:
        async with asyncio.timeout(10):
            while bool(problems) is not problem or (watch.missing[path] is not None) is not missing:
                await asyncio.sleep(0.005)

    try:
        await asyncio.sleep(0.05)
        path.rename(tmp_path / "away")
        await until(problem=True, missing=True)
        keeping.permit(MediumPermit(str(path), 1, NOW + 1000))
        await until(problem=False, missing=True)
        assert watch.excuses(path, seconds=3600)
        now[0] = NOW + 1000
        await until(problem=True, missing=True)
        assert not watch.excuses(path, seconds=0)
        (tmp_path / "away").rename(path)
        await until(problem=False, missing=False)
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert noted == ["medium_gone", "medium_away", "medium_gone", "medium_back"]


async def test_a_permit_excuses_no_volume_that_is_there_and_fails(tmp_path: Path) -> None:
    """Only as long as it is not known yet whether it is missing; then it is a fault like any other."""
    path = make(tmp_path / "volume0")
    keeping = MediaKeeping(tmp_path / "media.json")
    watch = MediaWatch((path,), keeping, lambda: NOW, {})
    assert not watch.excuses(path, seconds=0)
    keeping.permit(MediumPermit(str(path), 1, NOW + 1000))
    assert watch.excuses(path, seconds=1)
    assert not watch.excuses(path, seconds=MISSED_SECONDS)
