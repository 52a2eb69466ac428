"""The recorder process: composition root of everything that touches ring and keys, and its orderly start and stop.

Start: open and repair the vault, zero-fill until the first stretch is ready, answer questions, then the cameras, each
on its own; beside them the first rotation, before which nothing is sealed (decision 28). Stop: drain what has arrived,
close every segment, make it durable, then let go. Run as
`python -m kuramori.recorder_process --config FILE`. It must not know HTTP, ONVIF or Prometheus.
"""

import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from kuramori import collector_pause, log
from kuramori.camera import Phase
from kuramori.camera_answers import CameraAnswers
from kuramori.camera_assembly import CameraAssembly, VolumeSlots, home_at, lane_for, plans_of
from kuramori.camera_lives import CameraLives
from kuramori.camera_roster import CameraRoster
from kuramori.camera_sources import CameraSources, StreamBook
from kuramori.capacity.capacity_watch import CapacityWatch
from kuramori.certificate_book import CertificateBook
from kuramori.clock_trust import clock_synchronised
from kuramori.custodian_office import CustodiansUnusable
from kuramori.custody_answers import CustodyAnswers
from kuramori.dating import Dating
from kuramori.door_client import DoorClient
from kuramori.ending_answers import EndingAnswers
from kuramori.epoch_making import EpochMaking
from kuramori.erasure_texts import place_refusal
from kuramori.fact_book import FactBook
from kuramori.fact_keeping import FactKeeping
from kuramori.filling.filler import Filler
from kuramori.identity import IdentityFault
from kuramori.media_forgetting import MediaForgetting
from kuramori.media_watch import MediaWatch
from kuramori.memory_budget import MemoryBudget
from kuramori.message_server import MessageServer
from kuramori.pause_book import PauseBook
from kuramori.pausing import Pausing
from kuramori.places import Places
from kuramori.process import EXIT_CONFIGURATION, run_process, unusable
from kuramori.pulse import PulseSender
from kuramori.recorder import Recorder
from kuramori.recorder_answers import RecorderAnswers
from kuramori.recorder_pulse import pulse_of
from kuramori.reloads import Reloads
from kuramori.retiring import Retiring
from kuramori.room_watch import RoomWatch
from kuramori.scrubbing.scrubbing import Scrubbing
from kuramori.sign_in_book import SignInBook
from kuramori.storage_health.health_answers import HealthAnswers, health_watch
from kuramori.storage_watch import StorageWatch
from kuramori.texts import tr
from kuramori.tick import Tick
from kuramori.timebase import Clock, ClockStep, SystemClock, UtcAnchor
from kuramori.vault import (
    DeviceKeyUnusable,
    Vault,
    open_vault,
    time_is_known,
)
from kuramori.vault_thread import LedgerWriter, WorkThread
from kuramori.volume_arrivals import VolumeArrivals
from kuramori.volume_lane import VolumeLane
from kuramori.volume_return import VolumeAway, bring_back
from kuramori.zero_filling import ZeroFilling
from kuramori_config.schema import Configuration
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.keystore_faults import KeystoreFault, PlaceRefused
from kuramori_segments.ledger_fault import LedgerFault
from kuramori_segments.limits import MEBIBYTE
from kuramori_segments.recovery import recover_slots
from kuramori_segments.storage_fault import StorageFault, VolumeRefused

SPARE_BUFFER_BYTES_PER_CAMERA = MEBIBYTE  # sealed chunks that may lie ready for reuse: a tick of 8 Mbit/s
DRAIN_SECONDS = 0.7  # for saying goodbye to all cameras at the stop
EPOCH_SECONDS = 0.3  # likewise for epochs that were asked for and are not durable yet
START_REFUSALS = (
    IdentityFault,
    DeviceKeyUnusable,
    CustodiansUnusable,
    KeystoreFault,
    LedgerFault,
    VolumeAway,
    VolumeRefused,
    StorageFault,
)


def build(configuration: Configuration, vault: Vault, clock: Clock) -> Recorder:
    """Put the recorder together; nothing runs yet."""
    places = Places.of(configuration)
    boot_ns = clock.boot_ns()
    anchor = UtcAnchor(clock.utc_ms(), boot_ns)
    now_utc_ms = anchor.utc_ms(boot_ns)
    known = time_is_known(vault, now_utc_ms, clock_synchronised())
    if not known:
        log.get().error("time_unknown", detail="the wall clock lies before what is recorded already")
    for table in configuration.cameras:
        vault.ledger.camera_number(table.name, now_utc_ms)
    numbers = {entry.name: entry.camera_number for entry in vault.ledger.cameras()}
    book = StreamBook(places.streams)
    sign_in_book = SignInBook(places.sign_ins, vault.boot_id)
    sign_in_book.read(numbers, now_utc_ms, boot_ns)
    assembly = CameraAssembly(
        vault=vault,
        clock=clock,
        anchor=anchor,
        plans=plans_of(configuration, numbers),
        tables={table.name: table for table in configuration.cameras},
        sources=CameraSources(
            configuration.recorder,
            configuration.network,
            places.secrets,
            book,
            CertificateBook(places.stream_certificates, clock.utc_ms),
            clock.boot_ns,
        ),
        sign_in_book=sign_in_book,
        budget=MemoryBudget(configuration.recorder.memory_buffer.total_bytes),
        buffers=ChunkBuffers(SPARE_BUFFER_BYTES_PER_CAMERA * len(configuration.cameras)),
        time_unknown=not known,
    )
    lanes = [VolumeLane(volume, [], path) for path, volume in zip(vault.volume_paths, vault.volumes, strict=True)]
    cameras = {
        table.name: assembly.make(
            table.name, numbers[table.name], lane_for(lanes, home_at(vault.shelf.places, position))
        )
        for position, table in enumerate(configuration.cameras)
    }
    recorder = Recorder(
        configuration=configuration,
        vault=vault,
        clock=clock,
        anchor=anchor,
        commits=WorkThread("commits"),
        books=WorkThread("books"),
        assembly=assembly,
        cameras=cameras,
        numbers=numbers,
        stream_book=book,
        facts=FactBook(places.camera_facts),
        pauses=PauseBook(places.pauses, vault.boot_id),
        started_utc_ms=now_utc_ms,
        lanes=lanes,
    )
    recorder.facts.read()
    for name in recorder.facts.cameras - cameras.keys():  # removed while nothing ran
        recorder.facts.forget(name)
    recorder.pauses.read(now_utc_ms, boot_ns)
    return recorder


class RecorderRun:
    """One run of the recorder, from start to stop."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.hangs = False  # at the end: a thread still waits for its medium
        self._begun = False  # recording can begin, or has
        self._forgetting = MediaForgetting(recorder)
        self._filling = ZeroFilling(recorder)
        self._scrubbing = Scrubbing(recorder)
        writer = LedgerWriter(recorder.vault.ledger)
        self._dating = Dating(recorder)
        self._side_tasks: set[asyncio.Task[None]] = set()
        self._epochs = EpochMaking(recorder)
        signer = recorder.vault.signer
        self._arrivals = VolumeArrivals(recorder, self._forgetting.renew_holds)
        self._watch = StorageWatch(
            lanes=recorder.lanes,
            clock=recorder.clock,
            bring_back=lambda volume, path, left, doubtful: bring_back(volume, path, left, doubtful, signer),
            slots_of=lambda volume: VolumeSlots(volume, recorder.assembly.plans),
            home_of=lambda camera: recorder.home_of(camera.name),
            welcome=self._arrivals.welcome,
            noted=lambda kind, facts: self._begin(recorder.note(kind, None, **facts), kind),
            silence=recorder.vault.shelf.silence,
            excused=lambda path, seconds: self._media.excuses(path, seconds),
            problems=recorder.problems,
        )
        self._arrivals.watch = self._watch
        self._media = recorder.media = MediaWatch(
            recorder.vault.shelf.places,
            recorder.vault.media,
            recorder.now_utc_ms,
            recorder.problems,
            lambda kind, facts: self._begin(recorder.note(kind, None, **facts), kind),
        )
        self._health = recorder.health = health_watch(
            recorder, self._watch, lambda kind, facts: self._begin(recorder.note(kind, None, **facts), kind)
        )
        self._tick = recorder.tick = Tick(
            lanes=recorder.lanes,
            thread=recorder.commits,
            writer=writer,
            clock=recorder.clock,
            anchor=recorder.anchor,
            interval_seconds=recorder.configuration.recorder.commit_interval_seconds,
            request_epoch=self._epochs.request,
            clock_stepped=self._clock_stepped,
            recover=lambda volume, slots: recover_slots(volume, slots, signer),
            watch=self._watch,
        )
        self._lives = CameraLives()
        self._pausing = Pausing(recorder, self._lives)
        self._roster = CameraRoster(recorder, self._lives, self._pausing)
        self._facts = FactKeeping(recorder.facts, recorder.books)

    async def run(self, reloads: Reloads, stop: asyncio.Event) -> None:
        """Record until `stop` is set, then end in order."""
        recorder = self._recorder
        places = Places.of(recorder.configuration)
        places.runtime.mkdir(mode=0o750, parents=True, exist_ok=True)
        cameras = CameraAnswers(recorder, self._roster, self._pausing, self._facts)
        answers = RecorderAnswers(recorder, self._forgetting, cameras, CustodyAnswers(recorder))
        answers.add(EndingAnswers(recorder, Retiring(recorder, self._forgetting, self._media), self._media).handlers)
        answers.add(HealthAnswers(recorder, self._health).handlers)
        capacity = CapacityWatch(recorder, self._forgetting)
        answers.add(capacity.handlers)
        pulses = PulseSender.of(os.environ)
        self._tick.beaten = lambda: pulses.send(pulse_of(recorder, reloads, ready=self._begun))
        server = await MessageServer(places.recorder_socket, answers.answer).start()
        await recorder.note("recorder_started", recovered_segments=recorder.vault.recovered_segments)
        background = [
            asyncio.create_task(self._filling.run(), name="zero-filling"),
            asyncio.create_task(self._facts.run(), name="facts"),
            asyncio.create_task(self._arrivals.run(), name="volumes"),
            asyncio.create_task(self._media.run(), name="media"),
            asyncio.create_task(RoomWatch(recorder, places.state).run(), name="room"),
            asyncio.create_task(self._health.run(), name="health of media"),
            asyncio.create_task(self._dating.run(), name="dating"),
        ]
        ticking = asyncio.create_task(self._tick.run(stop), name="tick")
        asyncio.get_running_loop().call_later(collector_pause.REST_SECONDS, collector_pause.end)
        if await self._ready(stop):
            self._pausing.start()
            log.get().info("connecting", cameras=len(self._lives))
            await self._forgetting.catch_up()  # what cameras send meanwhile waits in memory: nothing is sealed before
            self._epochs.begin()
            background.append(asyncio.create_task(self._forgetting.run(), name="forgetting"))
            background.append(asyncio.create_task(capacity.run(), name="capacity"))
            background.append(asyncio.create_task(self._pausing.run(), name="pausing"))
            background.append(asyncio.create_task(self._follow(reloads), name="reloads"))
            filler = Filler(recorder, DoorClient(places.door_socket))
            background.append(asyncio.create_task(filler.run(), name="filling gaps"))
            background.append(asyncio.create_task(self._scrubbing.run(), name="scrub"))
            self._begun = True
            collector_pause.end()
            log.get().info("recording", cameras=len(self._lives))
            await self._until_stopped(stop, [ticking, self._lives.broken, *background])
        await self._stop(ticking, background)
        await server.close()

    async def _follow(self, reloads: Reloads) -> None:
        """Bring the cameras to each new reading of the configuration, until cancelled."""
        self._recorder.configuration_fault = lambda: reloads.fault
        while True:
            configuration = await reloads.next()
            try:
                await self._roster.apply(configuration)
                await self._arrivals.expect(Places.of(configuration).volumes)
            except LedgerFault as fault:
                log.get().error("reload_failed", detail=str(fault))

    async def _until_stopped(self, stop: asyncio.Event, tasks: Sequence[asyncio.Future[None]]) -> None:
        """Wait for the stop; a task that ends by itself is a fault of ours and ends the process loudly."""
        waiting = asyncio.create_task(stop.wait())
        watched: list[asyncio.Future[Any]] = [waiting, *tasks]
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in done:
            if task is not waiting and not stop.is_set():
                task.result()

    async def _ready(self, stop: asyncio.Event) -> bool:
        """Wait until enough of every volume is zero-filled; False when stopped before."""
        ready = asyncio.create_task(self._filling.ready.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([ready, stopped], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        stopped.cancel()
        return not stop.is_set()

    async def _stop(self, ticking: asyncio.Task[None], background: list[asyncio.Task[None]]) -> None:
        recorder = self._recorder
        await ticking
        utc_ms = recorder.now_utc_ms()
        for camera in recorder.cameras.values():
            camera.drain(utc_ms)
        for task in (*background, *self._side_tasks):
            task.cancel()
        await self._lives.end_all(DRAIN_SECONDS)
        await self._epochs.finish(EPOCH_SECONDS)
        for camera in recorder.cameras.values():
            if camera.phase is not Phase.PAUSED:
                camera.end_recording(GapReason.RECORDER_STOPPED)
        await self._tick.finish()
        not_durable = sum(camera.not_durable for camera in recorder.cameras.values())
        await asyncio.gather(*background, *self._side_tasks, return_exceptions=True)
        await self._facts.write()
        await recorder.note("recorder_stopped")
        hanging = [lane for lane in recorder.lanes if lane.busy or lane.is_returning]
        recorder.vault.shelf.silence(frozenset(lane.path for lane in hanging if lane.path is not None))
        self.hangs = bool(hanging) or self._scrubbing.hangs or recorder.headers.hangs
        recorder.headers.close()
        for thread in (recorder.books, recorder.keys, recorder.commits, *(lane.thread for lane in recorder.lanes)):
            thread.close(wait=not self.hangs)
        self.hangs = self.hangs or self._health.hangs
        log.get().info("stopped", not_durable=not_durable)

    # ---- what the tick asks for --------------------------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._side_tasks.add(task)
        task.add_done_callback(self._side_tasks.discard)

    async def _clock_stepped(self, step: ClockStep) -> None:
        log.get().warning("clock_step", by_ms=step.by_ms)
        for camera in self._recorder.cameras.values():
            camera.clock_stepped(step.by_ms)
        note = self._recorder.note("clock_step", by_ms=step.by_ms, before_utc_ms=step.before_utc_ms)
        self._begin(note, "clock step")
        self._begin(self._dating.begin_period(), "dating")


async def main(configuration: Configuration, reloads: Reloads, stop: asyncio.Event) -> None:
    """Open the vault and record; a vault that cannot be opened is one sentence and no restart loop."""
    clock = SystemClock()
    try:
        vault = open_vault(configuration, clock.utc_ms())
    except START_REFUSALS as refusal:
        log.get().error("vault_unusable", detail=str(refusal))
        print(_refusal_sentence(refusal), file=sys.stderr)
        sys.exit(EXIT_CONFIGURATION)
    except OSError as error:
        log.get().error("vault_unusable", detail=unusable(error))
        print(unusable(error), file=sys.stderr)
        sys.exit(EXIT_CONFIGURATION if isinstance(error, FileNotFoundError | PermissionError) else 1)
    run = RecorderRun(build(configuration, vault, clock))
    try:
        await run.run(reloads, stop)
    finally:
        vault.close()
    if run.hangs:  # a thread that waits for its medium cannot be ended: everything else is durable and closed
        sys.stderr.flush()
        os._exit(0)


def _refusal_sentence(refusal: Exception) -> str:
    why = place_refusal(refusal) if isinstance(refusal, PlaceRefused) else str(refusal)
    return tr(f"Nothing is recorded: {why}", f"録画を開始できません: {why}")


if __name__ == "__main__":
    run_process("recorder", main)
