"""Puts one camera's recording together: number, plan, volume, segments, source. At the start, and when one is added.

A part of the composition root. This module must not know when cameras come and go, nor how their parts work.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kuramori import log
from kuramori.camera import Camera
from kuramori.camera_sources import CameraSources
from kuramori.capture.backoff import Backoff
from kuramori.memory_budget import MemoryBudget
from kuramori.recording import CameraRecording
from kuramori.recording_values import RecordingState
from kuramori.segment_factory import SegmentFactory
from kuramori.sign_in_book import SignInBook
from kuramori.sign_ins import SignIns
from kuramori.sound import decision_of
from kuramori.timebase import Clock, UtcAnchor
from kuramori.vault import Vault, recording_state
from kuramori.volume_lane import VolumeLane
from kuramori_config.capacity import plan_of
from kuramori_config.rules import DEFAULT_FLOOR
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Configuration, Transport
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.codes import RecordSource, Suite
from kuramori_segments.ring import CameraPlan
from kuramori_segments.slot_change import TakenSlot
from kuramori_segments.volume import Volume


class VolumeSlots:
    """Gives one volume's slots to cameras, by the ring's rules."""

    def __init__(self, volume: Volume, plans: Mapping[int, CameraPlan]) -> None:
        self._volume = volume
        self._plans = plans

    def take(self, camera_number: int, now_utc_ms: int) -> TakenSlot | None:
        """See `recording.Slots`."""
        taken = self._volume.take_slot(camera_number, plans=self._plans, now_utc_ms=now_utc_ms)
        if taken is not None and taken.choice.missed_floor_ms > 0:
            log.get(camera_number=taken.choice.victim_camera_number).error(
                "floor_missed", by_seconds=taken.choice.missed_floor_ms // 1000
            )
        return taken

    def give_back(self, slot: int) -> None:
        """See `recording.Slots`."""
        self._volume.give_back(slot)


def plans_of(configuration: Configuration, numbers: Mapping[str, int]) -> dict[int, CameraPlan]:
    """Return what the ring keeps for each camera of the configuration that has a number.

    A camera that was removed has no share of the ring to itself, but what is younger than its floor stays.
    """
    planned = plan_of(configuration).planned_slots
    plans = [
        CameraPlan(numbers[table.name], planned[table.name], table.floor.seconds, table.retention.seconds)
        for table in configuration.cameras
        if table.name in numbers
    ]
    plans += [
        CameraPlan(
            numbers[retired.name],
            0,
            min(DEFAULT_FLOOR.seconds, retired.retention.seconds),
            retired.retention.seconds,
        )
        for retired in configuration.retired_cameras
        if retired.name in numbers
    ]
    return {plan.camera_number: plan for plan in plans}


@dataclass(slots=True, eq=False)
class CameraAssembly:
    """Makes cameras. What it makes asks `tables` and `sources` anew at each connection."""

    vault: Vault
    clock: Clock
    anchor: UtcAnchor
    plans: dict[int, CameraPlan]  # shared with every camera's slots
    tables: Mapping[str, CameraTable]
    sources: CameraSources
    sign_in_book: SignInBook
    budget: MemoryBudget
    buffers: ChunkBuffers
    time_unknown: bool
    left: dict[int, RecordingState] = field(default_factory=dict)  # of cameras that were removed: where they go on

    def make(self, name: str, camera_number: int, lane: VolumeLane) -> Camera:
        """Return the camera, put into the lane of its volume; it does not live yet."""
        vault = self.vault
        recording = CameraRecording(
            camera_number=camera_number,
            camera_name=name,
            factory=SegmentFactory(
                vault.identity.recorder_id,
                vault.custodians,
                vault.signer,
                Suite.AES_256_GCM,
                lane.volume.superblock.slot_bytes,
                self.buffers,
            ),
            slots=VolumeSlots(lane.volume, self.plans),
            segment_key=vault.keystore.segment_key,
            budget=self.budget,
            state=self._state(camera_number),
            time_unknown=self.time_unknown,
        )
        sign_ins = SignIns(self.sign_in_book, name, lambda: self.sources.account_of(self.tables[name]))
        camera = Camera(
            name=name,
            recording=recording,
            source_factory=lambda: self.sources.factory_for(self.tables[name]),
            source_kind=source_kind(self.tables[name]),
            clock=self.clock,
            anchor=self.anchor,
            backoff=self.backoff(sign_ins.refusals),
            audio_decision=lambda: decision_of(self.tables[name]),
            sign_ins=sign_ins,
        )
        lane.cameras = [*lane.cameras, camera]
        return camera

    def backoff(self, refusals: int = 0) -> Backoff:
        """Return the waits of a camera that is tried afresh, or whose password was refused so often already."""
        tuning = self.sources.tuning
        return Backoff(random.random, tuning.back_off_first_seconds, tuning.back_off_most_seconds, refusals)

    def _state(self, camera_number: int) -> RecordingState:
        if camera_number in self.left:
            return self.left.pop(camera_number)
        return recording_state(self.vault, camera_number)


def source_kind(table: CameraTable) -> RecordSource:
    """Return which of the two sources the camera is read with."""
    return RecordSource.AV if table.transport is Transport.AV else RecordSource.NATIVE


def home_at(places: Sequence[Path], position: int) -> Path:
    """Return the volume of the camera at that place of the configuration: volumes take turns."""
    return places[position % len(places)]


def lane_for(lanes: Sequence[VolumeLane], home: Path) -> VolumeLane:
    """Return the lane of that volume; while it is away or fails, the one with the fewest cameras."""
    good = [lane for lane in lanes if lane.health.is_good] or lanes
    at_home = [lane for lane in good if lane.path == home]
    return at_home[0] if at_home else min(good, key=lambda lane: len(lane.cameras))
