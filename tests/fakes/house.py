"""A recorder without streams: a real vault in a folder, the test is the camera and the clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kuramori.forgetting import Forgetting
from kuramori.recorder import Recorder
from kuramori.recorder_process import build
from kuramori.vault import Vault, open_vault
from kuramori_config.load import load_configuration
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.keystore_faults import EpochKeyGone
from kuramori_segments.records import FLAG_KEY_FRAME
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.clock import ToldClock
from tests.nvr.test_recording import STREAM, Unit, payload_of

START_UTC_MS = 1_790_000_000_000
FRAMES_PER_SLOT = 40  # of 420 kB: one slot of 16 MiB
FRAME_MS = 10_000


@dataclass
class House:
    """A recorder without streams: the test is the camera."""

    recorder: Recorder
    vault: Vault
    forgetting: Forgetting
    clock: ToldClock
    keys: tuple[CustodianKey, ...] = ()  # of its custodians

    def record(self, camera: str, frames: int) -> None:
        """Store so many key frames, ten seconds apart, and make them durable."""
        found = self.recorder.cameras[camera]
        recording = found.recording
        lane = next(lane for lane in self.recorder.lanes if found in lane.cameras)
        recording.begin_stream(STREAM, self.clock.boot_ns(), self.clock.utc_ms())
        for _ in range(frames):
            boot_ns, utc_ms = self.clock.boot_ns(), self.recorder.now_utc_ms()
            if recording.wants_epoch(boot_ns):
                number = recording.camera_number
                recording.plan.arrived(self.vault.keystore.new_epoch(number, utc_ms, boot_ns // 1_000_000))
            unit = Unit(utc_ms * 1000, 0, boot_ns // 1000, FLAG_KEY_FRAME, 0, payload_of(420_000), 1)
            assert recording.append(unit, boot_ns) is not None
            batch = recording.collect(boot_ns, utc_ms)
            assert batch is not None
            lane.volume.commit(batch.writes, batch.changes)
            if batch.mark is not None:
                found.durable = batch.mark
            batch.release()
            self.clock.pass_ms(FRAME_MS)

    def openable(self, camera: str) -> list[bool]:
        """For each segment in the ring, whether its key exists."""
        number = self.recorder.cameras[camera].recording.camera_number
        found = []
        for item in self.forgetting.segments(number, 0, 1 << 52):
            try:
                self.vault.keystore.segment_key(item.header.epoch_id, item.header.segment_uid)
                found.append(True)
            except EpochKeyGone:
                found.append(False)
        return found


@asynccontextmanager
async def running_house(folder: Path) -> AsyncIterator[House]:
    """Two cameras whose pictures are kept for four hours."""
    clock = ToldClock(START_UTC_MS)
    cameras = [CameraAt(name, "rtsp://127.0.0.1:1/x", retention="4 hours") for name in ("gate", "yard")]
    site = Installation(folder / "site", cameras, volume_size="700 MiB").make()
    configuration = load_configuration(site.config_path)
    vault = open_vault(configuration, START_UTC_MS)
    for volume in vault.volumes:
        while not volume.zero_fill_step(1 << 26).done:
            await asyncio.sleep(0)
    recorder = build(configuration, vault, clock)
    try:
        keys = site.custodians.keys if site.custodians is not None else ()
        yield House(recorder, vault, Forgetting(recorder), clock, keys)
    finally:
        recorder.books.close()
        recorder.commits.close()
        vault.close()
