"""The recorder's keeping against a plain model: recordings, ends of segments, holds, erasures, stops and power cuts.

Real are the recording, the volume (on a disk in memory), the keystore (on files in memory), the ledger (on a file) and
everything that forgets; the clock is the machine's. The model knows, for each segment that was ever recorded, when its
hour began, what was ordered about it and which holds name it. After every step each segment opens or not as the model
says:

- one that an order named opens never again, but as long as a hold keeps it that was there before;
- one that a hold in force keeps opens, and stays in the ring;
- of the rest nothing opens beyond its retention, and nothing dies more than two hours before.
"""

import asyncio
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kuramori.forgetting import GOP_REACH_MS, Forgetting, HoldRefused
from kuramori.messages import EraseRequest, PlaceHoldRequest
from kuramori.places import Places
from kuramori.recorder_process import build
from kuramori.vault import Vault, open_vault, read_device_key
from kuramori.volume_shelf import VolumeShelf
from kuramori_config.load import load_configuration
from kuramori_config.schema import Configuration
from kuramori_segments.check import check_volume
from kuramori_segments.device_key import device_key_id
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import EpochKeyGone
from kuramori_segments.keystore_pair import KeystorePair
from kuramori_segments.ledger import Ledger
from kuramori_segments.records import FLAG_KEY_FRAME
from kuramori_segments.recovery import recover
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume import Volume
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.clock import ToldClock
from tests.fakes.crashing_files import Machine
from tests.fakes.faulty_disk import FaultyDisk, Tear
from tests.fakes.keystore_machine import cells_of
from tests.nvr.test_recording import STREAM, Unit, payload_of

START_UTC_MS = 1_790_000_000_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
RETENTION_MS = 4 * HOUR_MS
EARLY_MS = 2 * HOUR_MS  # nothing dies more than so much before its time
ROUNDING_MS = 1000  # an end that falls on a rotation may count with this one or the next
FRAME_MS = 5 * MINUTE_MS
FRAME_BYTES = 14_000  # four fill a slot
SLOT_BYTES = 64 << 10
SLOTS = 48
CAMERAS = ("gate", "yard")
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@dataclass
class Site:
    """What all runs share: a configuration, and a vault to take identity, device key and custodians from."""

    configuration: Configuration
    vault: Vault

    def close(self) -> None:
        """Let go of its files."""
        self.vault.keystore.close()
        self.vault.ledger.close()


@pytest.fixture(scope="module", autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One set-up for all runs."""
    made = make_site(tmp_path_factory.mktemp("machine") / "site")
    yield made
    made.close()


def make_site(folder: Path) -> Site:
    """Set a recorder up, and let every machine take its identity."""
    cameras = [CameraAt(name, "rtsp://127.0.0.1:1/x", retention="4 hours") for name in CAMERAS]
    made = Installation(folder, cameras, volume_size="300 MiB").make()
    configuration = load_configuration(made.config_path)
    tuned = configuration.recorder.model_copy(update={"hold_budget_percent": 50.0})
    RecorderMachine.site = Site(
        configuration.model_copy(update={"recorder": tuned}), open_vault(configuration, START_UTC_MS)
    )
    return RecorderMachine.site


@dataclass
class Recorded:
    """What the model knows of a segment."""

    camera: str
    start_utc_ms: int
    end_utc_ms: int
    epoch_id: bytes
    epoch_first_utc_ms: int
    ordered: bool = False  # an order named it: nothing but a hold keeps it
    holds: set[int] = field(default_factory=set)  # that were placed while it opened, or before it was recorded


@dataclass
class Held:
    camera: str
    from_utc_ms: int
    to_utc_ms: int
    until_utc_ms: int


class RecorderMachine(RuleBasedStateMachine):
    site: Site

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ToldClock(START_UTC_MS)
        self.machine = Machine()
        self.disk = FaultyDisk(Superblock(SLOTS, bytes(16), bytes(16), 0, slot_bytes=SLOT_BYTES).volume_bytes)
        identity = self.site.vault.identity
        Volume.create(
            self.disk,
            slot_count=SLOTS,
            slot_bytes=SLOT_BYTES,
            volume_id=bytes(16),
            recorder_id=identity.recorder_id,
            created_utc_ms=START_UTC_MS,
        )
        boot_id = self.site.vault.boot_id
        Keystore.create(self.machine.files("store"), cells_of(self.machine), boot_id=boot_id).close()
        Ledger.create(self.ledger_path, None, START_UTC_MS).close()
        self.recorded: dict[bytes, Recorded] = {}
        self.held: dict[int, Held] = {}
        self.numbered = 0
        self.rotated_utc_ms = 0
        self.start()

    @property
    def ledger_path(self) -> Path:
        return Path(self.folder.name) / "ledger.db"

    def start(self) -> None:
        """As the recorder starts: recover the ring, open keys and ledger, catch up with what is due."""
        base = self.site.vault
        volume = Volume.open(self.disk)
        report = recover(volume, base.signer)
        shelf = VolumeShelf((Path("/volume"),))
        shelf.put(Path("/volume"), volume)
        store = Keystore.open(self.machine.files("store"), cells_of(self.machine), boot_id=base.boot_id)
        self.vault = replace(
            base,
            shelf=shelf,
            keystore=KeystorePair(store),
            ledger=Ledger.open(self.ledger_path, None),
            tails={tail.camera_number: tail for tail in report.tails},
            filled_tails={},
        )
        self.recorder = build(self.site.configuration, self.vault, self.clock)
        self.forgetting = Forgetting(self.recorder, lambda: True)
        self.rotate()

    def stop(self) -> None:
        for thread in (self.recorder.books, self.recorder.keys, self.recorder.commits):
            thread.close()
        for lane in self.recorder.lanes:
            lane.thread.close()
        self.vault.keystore.close()
        self.vault.ledger.close()

    def teardown(self) -> None:
        if hasattr(self, "vault"):
            self.stop()
            self.loop.close()
            self.folder.cleanup()

    @property
    def volume(self) -> Volume:
        return self.vault.volumes[0]

    @property
    def now(self) -> int:
        return self.recorder.now_utc_ms()

    def number(self, camera: str) -> int:
        return self.recorder.numbers[camera]

    # ---- what happens --------------------------------------------------------------------------------------------

    def rotate(self) -> None:
        self.loop.run_until_complete(self.forgetting.catch_up())
        self.rotated_utc_ms = self.now
        for hold_id, held in list(self.held.items()):
            if held.until_utc_ms < self.now - ROUNDING_MS:
                self.end_hold(hold_id)

    def end_hold(self, hold_id: int) -> None:
        del self.held[hold_id]
        for one in self.recorded.values():
            one.holds.discard(hold_id)

    def frame(self, camera: str) -> None:
        """Record one picture, durably."""
        found = self.recorder.cameras[camera]
        recording = found.recording
        recording.begin_stream(STREAM, self.clock.boot_ns(), self.now)
        boot_ns, utc_ms = self.clock.boot_ns(), self.now
        if recording.wants_epoch(boot_ns):
            made = self.vault.keystore.new_epoch(recording.camera_number, utc_ms, boot_ns // 1_000_000)
            recording.plan.arrived(made)
        unit = Unit(utc_ms * 1000, 0, boot_ns // 1000, FLAG_KEY_FRAME, 0, payload_of(FRAME_BYTES), 1)
        assert recording.append(unit, boot_ns) is not None
        batch = recording.collect(boot_ns, utc_ms)
        assert batch is not None
        self.volume.commit(batch.writes, batch.changes)
        if batch.mark is not None:
            found.durable = batch.mark
        batch.release()
        self.learn(camera)

    def learn(self, camera: str) -> None:
        """Let the model see what was recorded; holds that name it were there before."""
        epochs = {epoch.epoch_id: epoch.first_utc_ms for epoch in self.vault.keystore.epochs()}
        for item in self.forgetting.segments(self.number(camera), self.now - FRAME_MS, self.now + 1):
            uid, known = item.header.segment_uid, self.recorded.get(item.header.segment_uid)
            if known is not None:
                known.end_utc_ms = max(known.end_utc_ms, item.end_utc_ms)
            elif item.header.epoch_id in epochs:
                known = self.recorded[uid] = Recorded(
                    camera,
                    item.header.start_utc_ms,
                    item.end_utc_ms,
                    item.header.epoch_id,
                    epochs[item.header.epoch_id],
                )
            if known is not None and not known.ordered:
                known.holds |= {hold_id for hold_id, held in self.held.items() if touches(held, known)}

    def pass_ms(self, ms: int) -> None:
        """Let time pass; the keystore is rotated each hour, as ever."""
        while ms > 0:
            step = min(ms, self.rotated_utc_ms + HOUR_MS - self.now)
            self.clock.pass_ms(step)
            ms -= step
            if self.now >= self.rotated_utc_ms + HOUR_MS:
                self.rotate()

    @rule(camera=st.sampled_from(CAMERAS), frames=st.integers(1, 16))
    def record(self, camera: str, frames: int) -> None:
        for _ in range(frames):
            self.frame(camera)
            self.pass_ms(FRAME_MS)

    @rule(minutes=st.integers(1, 200))
    def wait(self, minutes: int) -> None:
        self.pass_ms(minutes * MINUTE_MS)

    @rule(camera=st.sampled_from(CAMERAS))
    def end_segment(self, camera: str) -> None:
        self.recorder.cameras[camera].recording.leave_slot()
        self.frame(camera)

    @rule(
        camera=st.sampled_from(CAMERAS),
        back=st.integers(0, 240),
        length=st.integers(1, 120),
        hours=st.integers(1, 12),
    )
    def hold(self, camera: str, back: int, length: int, hours: int) -> None:
        self.numbered += 1
        begin = self.now - back * MINUTE_MS
        held = Held(camera, begin, begin + length * MINUTE_MS, self.now + hours * HOUR_MS)
        order = PlaceHoldRequest(
            f"{self.numbered:032x}", (camera,), begin, held.to_utc_ms, held.until_utc_ms, "", "Sato", "inquiry"
        )
        opens = {uid for uid in self.recorded if self.opens(uid)}
        try:
            self.loop.run_until_complete(self.forgetting.place_hold(order, [self.number(camera)]))
        except HoldRefused:
            assert not self.vault.ledger.hold(order.hold_id)
            return
        self.held[self.numbered] = held
        for uid in opens:
            if touches(held, self.recorded[uid]) and uid in self.standing():
                self.recorded[uid].holds.add(self.numbered)

    @precondition(lambda self: self.held)
    @rule()
    def lift(self) -> None:
        hold_id = self.rng.choice(sorted(self.held))
        self.loop.run_until_complete(self.forgetting.lift_hold(f"{hold_id:032x}", "Sato", "handed over"))
        self.end_hold(hold_id)

    @rule(camera=st.sampled_from(CAMERAS), back=st.integers(1, 240), length=st.integers(1, 90))
    def erase(self, camera: str, back: int, length: int) -> None:
        self.numbered += 1
        recording = self.recorder.cameras[camera].recording
        if recording.plan.current is not None:  # as the tick does when an order names the running hour
            recording.leave_epoch()
            self.pass_ms(1000)
            self.frame(camera)
        end = self.now - 1 if recording.plan.current is None else self.now - 1000
        begin = end - back * MINUTE_MS
        order = EraseRequest(
            f"{self.numbered:032x}", camera, begin, min(end, begin + length * MINUTE_MS), "Sato", "wrong aim"
        )
        there = self.standing()
        self.loop.run_until_complete(self.forgetting.erase(order, self.number(camera)))
        for uid, one in self.recorded.items():
            named = one.camera == camera and one.start_utc_ms < order.to_utc_ms and one.end_utc_ms >= order.from_utc_ms
            if named and uid in there and not self.written(uid):
                one.ordered = True

    def written(self, uid: bytes) -> bool:
        """Tell whether a segment belongs to the epoch that is recorded into."""
        one = self.recorded[uid]
        return self.recorder.cameras[one.camera].recording.in_epoch(one.epoch_id)

    @rule()
    def stop_and_start(self) -> None:
        """The process ends without a word and begins anew."""
        self.stop()
        self.start()

    @rule(tear=st.sampled_from(list(Tear)))
    def lose_power(self, tear: Tear) -> None:
        """Everything that was acknowledged is there; the clock went on."""
        self.stop()
        self.disk = self.disk.survivor(tear, self.rng)
        self.clock.pass_ms(self.rng.randint(1000, 30 * MINUTE_MS))
        self.start()

    # ---- what must be --------------------------------------------------------------------------------------------

    def opens(self, uid: bytes) -> bool:
        try:
            self.vault.keystore.segment_key(self.recorded[uid].epoch_id, uid)
        except EpochKeyGone:
            return False
        return True

    def standing(self) -> dict[bytes, int]:
        """The slots of the segments in the ring, by uid."""
        return {
            item.header.segment_uid: item.slot
            for camera in CAMERAS
            for item in self.forgetting.segments(self.number(camera), 0, 1 << 52)
        }

    @invariant()
    def every_segment_opens_or_not_as_it_must(self) -> None:
        if not hasattr(self, "vault"):
            return
        there = self.standing()
        for uid, one in self.recorded.items():
            opens, age_ms = self.opens(uid), self.now - one.start_utc_ms
            name = f"{self.tell(uid)}, {one}"
            in_force = {hold_id for hold_id in one.holds if self.held[hold_id].until_utc_ms > self.now}
            if one.holds and not in_force:
                continue  # its last hold has ended: its key goes with the rotation of this hour
            if in_force:
                assert opens, f"held, and does not open: {name}"
                assert uid in there, f"held, and overwritten: {name}"
            elif one.ordered:
                assert not opens, f"erased by order, and opens: {name}"
            elif age_ms > RETENTION_MS:
                assert not opens, f"beyond its retention, and opens: {name}"
            elif age_ms < RETENTION_MS - EARLY_MS:
                assert opens or uid not in there, f"dead more than two hours early: {name}"

    def tell(self, uid: bytes) -> str:
        """For a failure: the segment's age, whether its hour's key lives, and what keeps its own, in minutes."""
        one, keystore = self.recorded[uid], self.vault.keystore
        alive = any(epoch.epoch_id == one.epoch_id for epoch in keystore.epochs())
        kept = [
            f"{int.from_bytes(key.hold_id)} for {(key.until_utc_ms - self.now) / MINUTE_MS:.1f}"
            for key in keystore.kept()
            if key.segment_uid == uid
        ]
        ages = [(self.now - utc_ms) / MINUTE_MS for utc_ms in (one.epoch_first_utc_ms, self.rotated_utc_ms)]
        return f"epoch of {ages[0]:.1f} min, alive {alive}, rotated {ages[1]:.1f} min ago, kept by {kept}"

    @invariant()
    def holds_stay_within_their_budget(self) -> None:
        if hasattr(self, "vault"):
            assert len(self.volume.held_slots()) <= SLOTS // 2 + len(CAMERAS)

    @rule()
    def check(self) -> None:
        """The checker finds nothing, whatever happened."""
        key = read_device_key(Places.of(self.site.configuration).device_key).public_key()
        assert check_volume(self.disk.read_at, self.disk.size_bytes, device_keys={device_key_id(key): key}) == []


def touches(held: Held, one: Recorded) -> bool:
    named = one.start_utc_ms < held.to_utc_ms and one.end_utc_ms >= held.from_utc_ms - GOP_REACH_MS
    return held.camera == one.camera and named


TestRecorderMachine = RecorderMachine.TestCase
TestRecorderMachine.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestRecorderMachineAtLength(RecorderMachine.TestCase):  # type: ignore[misc, name-defined]
    """The same, for long."""

    settings = settings(
        max_examples=100, stateful_step_count=50, deadline=None, phases=PHASES, report_multiple_bugs=False
    )
