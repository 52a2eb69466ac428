"""kill -9 of a process that records: the next start finds everything that was acknowledged, and the lock is free."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kuramori_segments.check import check_volume
from kuramori_segments.device_key import device_key_id
from kuramori_segments.recovery import RecoveryReport, recover
from kuramori_segments.storage_fault import VolumeInUse
from kuramori_segments.volume import Volume
from tests.crash.ring_writer import START_UTC_MS
from tests.fakes.power_cut import power_cut_disk
from tests.fakes.segment_maker import RECORDER_ID, opened_units
from tests.fakes.segments import DEVICE_KEY, SIGNER
from tests.peers import require_root

KEYS = {device_key_id(DEVICE_KEY.public_key()): DEVICE_KEY.public_key()}
PROJECT = Path(__file__).parents[2]
READY_SECONDS = 60.0


def make_volume(path: Path) -> None:
    volume = Volume.create_file(
        path,
        size_bytes=8 << 20,
        slot_bytes=256 << 10,
        volume_id=bytes(16),
        recorder_id=RECORDER_ID,
        created_utc_ms=START_UTC_MS,
    )
    while not volume.zero_fill_step(1 << 20).done:
        pass
    volume.close()


def start_writer(path: Path, seed: int) -> subprocess.Popen[str]:
    """Start a writer and wait until it records."""
    command = [sys.executable, "-m", "tests.crash.ring_writer", str(path), str(seed)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> dict[int, int]:
    """Kill it and return what it last said to be durable."""
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    lines = process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    whole = [line for line in lines if line.endswith("\n")]
    return {int(camera): units for camera, units in json.loads(whole[-1]).items()} if whole else {}


def prove(path: Path, durable: dict[int, int]) -> RecoveryReport:
    """Open, recover, check, decrypt: what was durable is there up to its last access unit."""
    volume = Volume.open_file(path)
    try:
        report = recover(volume, SIGNER)
        ends = {tail.camera_number: tail.last_access_unit for tail in report.tails}
        for camera, units in durable.items():
            assert ends[camera] >= units - 1
            opened: set[int] = set()
            for segment in volume.overlapping(camera, 0, 1 << 60):
                entry = volume.entry(segment.slot)
                assert entry is not None
                opened.update(opened_units(volume, segment.slot, entry))
            assert opened
            assert max(opened) >= units - 1
        data = path.read_bytes()
        assert check_volume(lambda offset, length: data[offset : offset + length], len(data), device_keys=KEYS) == []
        return report
    finally:
        volume.close()


def test_kill_nine_at_random_moments(tmp_path: Path) -> None:
    """Six times: record, kill, open; nothing acknowledged is lost and recording goes on in the same volume."""
    path = tmp_path / "ring"
    make_volume(path)
    seed = random.SystemRandom().randrange(1 << 16)
    print(f"seed {seed}")
    rng = random.Random(seed)
    recovered = 0
    for round_number in range(6):
        process = start_writer(path, seed + round_number)
        with pytest.raises(VolumeInUse):
            Volume.open_file(path)
        time.sleep(rng.uniform(0.0, 0.25))  # the moment is what is random here
        recovered += len(prove(path, kill(process)).slots)
    assert recovered


@pytest.mark.root
def test_power_cut_of_a_real_file_system(tmp_path: Path) -> None:
    """ext4 that loses power under a recording process: what it had said to be durable is there after the mount."""
    require_root()
    with power_cut_disk(tmp_path) as disk:
        path = disk.directory / "ring"
        make_volume(path)
        rng = random.Random(1)
        for round_number in range(4):
            process = start_writer(path, 1000 + round_number)
            time.sleep(rng.uniform(0.05, 0.3))
            disk.cut()
            assert process.stdout is not None
            durable = last_words(process)
            disk.reboot()
            prove(path, durable)


def last_words(process: subprocess.Popen[str]) -> dict[int, int]:
    """Wait until the writer dies of its medium, and return what it last said to be durable."""
    assert process.stdout is not None
    lines = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.stdout.close()
    assert process.wait(READY_SECONDS) != 0
    return {int(camera): units for camera, units in json.loads(lines[-1]).items()} if lines else {}
