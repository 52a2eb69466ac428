"""Which cameras are recorded, as the configuration says at last: added, removed and changed ones, and no other touched.

A camera that leaves ends in order: its run with the reason *maintenance*, its segment with a footer, its number is
never given to another, its recordings stay until their retention ends. What a camera needs no new connection for
(retention, place, events ...) changes without one. This module must not know files, signals or how a camera works.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from kuramori import log
from kuramori.camera import Camera, Phase
from kuramori.camera_assembly import lane_for, plans_of, source_kind
from kuramori.camera_lives import CameraLives
from kuramori.capture.source import EndReason
from kuramori.pausing import Pausing
from kuramori.recorder import Recorder
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Configuration
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger_fault import LedgerFault

# Keys of a camera that lie in its stream: with another value the connection is made anew.
STREAM_KEYS = (
    "rtsp",
    "onvif",
    "user",
    "password",
    "secrets_directory",
    "transport",
    "tls_fingerprint",
    "tls_ca_file",
    "profile",
    "edit_profile",
    "audio",
)
SETTLE_SECONDS = 30.0  # how long the last pictures of a removed camera may take to become durable


class CameraRoster:
    """Lets cameras come, go and change while the others record."""

    def __init__(self, recorder: Recorder, lives: CameraLives, pausing: Pausing) -> None:
        self._recorder = recorder
        self._lives = lives
        self._pausing = pausing

    async def apply(self, configuration: Configuration) -> None:
        """Bring the cameras to what a configuration says. Only its cameras, network and retired cameras are looked at.

        Raises LedgerFault where a new camera got no number; then nothing has changed.
        """
        recorder = self._recorder
        async with recorder.changing:
            before, now = recorder.tables, {table.name: table for table in configuration.cameras}
            numbers = await recorder.commits.call(self._number, [name for name in now if name not in before])
            leaving = [recorder.cameras[name] for name in before if name not in now]
            for camera in leaving:
                await self._take_leave(camera)
            self._adopt(configuration, now, numbers, leaving)
            for position, table in enumerate(configuration.cameras):
                if table.name not in before:
                    self._add(table, position)
                else:
                    await self._change(before[table.name], table)
            for camera in leaving:
                await self._let_go(camera)

    def _number(self, new: list[str]) -> Mapping[str, int]:
        """Blocking: give numbers to cameras, and return those of all."""
        ledger, now_utc_ms = self._recorder.vault.ledger, self._recorder.now_utc_ms()
        for name in new:
            ledger.camera_number(name, now_utc_ms)
        return {entry.name: entry.camera_number for entry in ledger.cameras()}

    def _adopt(
        self,
        configuration: Configuration,
        tables: Mapping[str, CameraTable],
        numbers: Mapping[str, int],
        leaving: list[Camera],
    ) -> None:
        """From here on everything goes by the new tables. Nothing waits in here."""
        recorder, assembly = self._recorder, self._recorder.assembly
        for camera in leaving:
            number = camera.recording.camera_number
            retention_ms = recorder.tables[camera.name].retention.seconds * 1000
            recorder.left_retention_ms = {**recorder.left_retention_ms, number: retention_ms}
            assembly.plans[number] = replace(assembly.plans[number], planned_slots=0)
        gone = {camera.name for camera in leaving}
        recorder.cameras = {name: camera for name, camera in recorder.cameras.items() if name not in gone}
        recorder.numbers = numbers
        recorder.configuration = configuration
        assembly.tables = tables
        assembly.sources = replace(assembly.sources, network=configuration.network)
        assembly.plans.update(plans_of(configuration, numbers))

    def _add(self, table: CameraTable, position: int) -> None:
        recorder = self._recorder
        number = recorder.numbers[table.name]
        camera = recorder.assembly.make(
            table.name, number, lane_for(recorder.lanes, recorder.home_of(table.name, position))
        )
        recorder.cameras = {**recorder.cameras, table.name: camera}
        self._pausing.begin_life(camera)
        log.get(camera=table.name).info("camera_added", number=number)

    # ---- changes -------------------------------------------------------------------------------------------------

    async def _change(self, before: CameraTable, now: CameraTable) -> None:
        camera = self._recorder.cameras[now.name]
        changed = [key for key in STREAM_KEYS if getattr(before, key) != getattr(now, key)]
        if "rtsp" in changed or "onvif" in changed:
            self._forget_device(before, now)
        if changed:
            log.get(camera=now.name).info("camera_changed", keys=changed)
            await self._connect_anew(camera, "the configuration was changed")
        elif camera.phase is Phase.WAITING and camera.last_end and camera.last_end.reason is EndReason.REFUSED:
            await self._try_now(camera)  # perhaps the password's file was changed

    def _forget_device(self, before: CameraTable, now: CameraTable) -> None:
        """Another device: what was known of the one before is not known of it."""
        self._recorder.facts.forget(now.name)
        self._recorder.door_facts.pop(now.name, None)
        known = self._recorder.stream_book.address_of(now.name)
        same_host = now.onvif is not None and urlsplit(known or "").hostname == urlsplit(now.onvif.url).hostname
        if known is not None and not (before.onvif is not None and same_host):
            try:
                self._recorder.stream_book.forget(now.name)
            except OSError as fault:
                log.get(camera=now.name).error("stream_unwritten", detail=str(fault))

    async def reconnect(self, name: str, why: str) -> None:
        """Make a camera's connection anew, as far as it has one: it streams something else now."""
        async with self._recorder.changing:
            camera = self._recorder.cameras.get(name)
            if camera is not None and camera.phase is Phase.RECORDING:
                await self._connect_anew(camera, why)

    async def _connect_anew(self, camera: Camera, why: str) -> None:
        camera.source_kind = source_kind(self._recorder.tables[camera.name])
        await self._try_afresh(camera)
        if self._recorder.pauses.is_paused(camera.name):
            return  # it begins with the new tables when its pause is over
        await self._lives.end(camera)
        camera.rest(GapReason.MAINTENANCE, why)
        self._pausing.begin_life(camera)

    async def _try_now(self, camera: Camera) -> None:
        await self._lives.end(camera)
        await self._try_afresh(camera)
        self._pausing.begin_life(camera)

    async def _try_afresh(self, camera: Camera) -> None:
        camera.backoff = self._recorder.assembly.backoff()
        if camera.sign_ins is not None:
            await camera.sign_ins.forget()

    # ---- leaving -------------------------------------------------------------------------------------------------

    async def _take_leave(self, camera: Camera) -> None:
        await self._lives.end(camera)
        camera.rest(GapReason.MAINTENANCE, "the camera was removed")
        camera.recording.leave_slot()

    async def _let_go(self, camera: Camera) -> None:
        """Wait until its last pictures are durable, then forget the camera, not its recordings."""
        recorder = self._recorder
        lane = next(lane for lane in recorder.lanes if camera in lane.cameras)
        if not await recorder.settle(camera, SETTLE_SECONDS):
            log.get(camera=camera.name).error("camera_left_unsettled", waiting=camera.recording.waiting_units)
        lane.cameras = [other for other in lane.cameras if other is not camera]
        number = camera.recording.camera_number
        recorder.assembly.left[number] = camera.recording.state
        recorder.facts.forget(camera.name)
        recorder.door_facts.pop(camera.name, None)
        recorder.pauses.end(camera.name)
        if camera.sign_ins is not None:
            await camera.sign_ins.forget()
        try:
            await recorder.books.call(recorder.pauses.save)
            await recorder.books.call(recorder.stream_book.forget, camera.name)
            await recorder.commits.call(recorder.vault.ledger.retire_camera, number, recorder.now_utc_ms())
        except (OSError, LedgerFault) as fault:
            log.get(camera=camera.name).error("leave_unwritten", detail=str(fault))
        log.get(camera=camera.name).info("camera_removed", number=number, not_durable=camera.not_durable)
        await recorder.note("camera_removed", number, name=camera.name)
