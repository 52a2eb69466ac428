"""Looking at what was granted (R5, H1): register, keys, worker, pictures, register; in this order and no other.

*viewing_begun* is durable before the recorder is asked for its half of the keys, and says who is present. The keys
stand in the worker only; it ends when the handler says so, when nobody asks any more, after an hour, with the desk.
Then *viewing_ended* says which minutes were shown. Nothing is handed over, nothing kept. Must not know HTTP or media.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kuramori import log
from kuramori.clips.job import ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.desk.fault import DeskBusy, DeskFault, KeysDoNotFit, RecordingErased, RequestInvalid
from kuramori.desk.granted_recording import GrantedRecording, check_keys, find_granted, k_segs_of
from kuramori.desk.grounds import Output
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.opening import OpeningPlaces
from kuramori.desk.output_rule import require_output
from kuramori.desk.presence import Act, Presence
from kuramori.desk.recorder import Recorder
from kuramori.desk.request import Request, require_openable
from kuramori.desk.site import Site
from kuramori.desk.viewing_fault import DetailNotBegun, ViewingFailed, ViewingUnknown
from kuramori.desk.viewing_steps import Shown, ViewingBegun, ViewingEnd, ViewingEnded
from kuramori.timebase import Clock
from kuramori.viewing.picture_wire import Ask, Detail, Piece
from kuramori.viewing.viewer import StartViewer, Viewer

VIEWINGS_MOST = 2  # at once: recording comes first
IDLE_SECONDS = 300.0
VIEWING_SECONDS_MOST = 3600.0
WATCH_SECONDS = 1.0
SHOWN_MOST = 500  # stretches in one entry of the register; beyond it they are joined


@dataclass(frozen=True, slots=True)
class ViewedCamera:
    """One camera of a viewing, with the coverage of the granted minutes."""

    name: str
    place: str
    recording: GrantedRecording


@dataclass(frozen=True, slots=True)
class Begun:
    """A viewing that goes on."""

    request_id: str
    viewing: int
    detail: Detail
    from_utc_ms: int
    to_utc_ms: int
    cameras: tuple[ViewedCamera, ...]
    present: tuple[str, ...]


@dataclass(slots=True)
class _Running:
    """A viewing, its worker, and what was shown."""

    begun: Begun
    viewer: Viewer
    until_ns: int
    asked_ns: int
    pictures: int = 0
    shown: dict[tuple[str, str], list[list[int]]] = field(default_factory=dict)
    watch: asyncio.Task[None] | None = None

    def note(self, ask: Ask, piece: Piece) -> None:
        """Remember what was shown; stretches that touch are one."""
        if not piece.pictures:
            return
        self.pictures += len(piece.pictures)
        stretches = self.shown.setdefault((self.begun.cameras[ask.camera].name, ask.detail.value), [])
        end = min(piece.next_utc_ms, ask.to_utc_ms)
        stretches.append([max(ask.from_utc_ms, self.begun.from_utc_ms), min(end, self.begun.to_utc_ms)])
        stretches.sort()
        joined = stretches[:1]
        for first, last in stretches[1:]:
            if first <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], last)
            else:
                joined.append([first, last])
        stretches[:] = joined

    def all_shown(self) -> tuple[Shown, ...]:
        """Return what was shown; where it is too much to say, from the first to the last of each camera."""
        whole = sum(len(stretches) for stretches in self.shown.values()) > SHOWN_MOST
        return tuple(
            Shown(camera, detail, first, last)
            for (camera, detail), stretches in sorted(self.shown.items())
            for first, last in ([[stretches[0][0], stretches[-1][1]]] if whole else stretches)
        )


class Viewings:
    """The viewings that go on. Use from one event loop; `close` ends them."""

    def __init__(
        self,
        *,
        site: Site,
        journal: Journal,
        recorder: Recorder,
        presence: Presence,
        start_viewer: StartViewer,
        places: OpeningPlaces,
        clock: Clock,
    ) -> None:
        self._site = site
        self._journal = journal
        self._recorder = recorder
        self._presence = presence
        self._start_viewer = start_viewer
        self._places = places
        self._clock = clock
        self._running: dict[tuple[str, int], _Running] = {}
        self._beginning = 0

    async def begin(
        self, request_id: str, deks: Mapping[bytes, bytes], detail: Detail, present: Sequence[str], actor: Actor
    ) -> Begun:
        """Begin a viewing; it is registered before any key is released. Raises DeskFault."""
        request = self._journal.request(request_id)
        require_openable(request, actor.person, self._clock.utc_ms())
        require_output(request, self._site.rules, Output.VIEWING)
        self._presence.staff(request, Act.VIEW, actor, present)
        if len(self._running) + self._beginning >= VIEWINGS_MOST:
            raise DeskBusy
        self._beginning += 1
        try:
            return await self._begin(request, deks, detail, present, actor)
        finally:
            self._beginning -= 1

    async def pictures(self, request_id: str, viewing: int, ask: Ask, actor: Actor) -> Piece:
        """Return pictures of a viewing that goes on. Raises DeskFault."""
        running = self._of(request_id, viewing, actor)
        if ask.camera >= len(running.begun.cameras):
            raise RequestInvalid("camera", "the viewing has no such camera.", "この閲覧の対象カメラではありません。")
        if not ask.from_utc_ms < ask.to_utc_ms:
            raise RequestInvalid("to_utc_ms", "it must lie behind from_utc_ms.", "終了は開始より後にしてください。")
        if ask.detail is Detail.FULL and running.begun.detail is not Detail.FULL:
            raise DetailNotBegun
        running.asked_ns = self._clock.boot_ns()
        try:
            piece = await running.viewer.show(ask)
        except ExtractionFailed as failed:
            if failed.fault is ExtractionFault.WORKER_DIED:
                await self._end(running, ViewingEnd.FAILED, None)
            raise ViewingFailed(failed.fault.value, failed.detail) from failed
        if (request_id, viewing) not in self._running:
            raise ViewingUnknown(request_id, viewing)  # it ended in the meantime: nothing is shown behind that entry
        running.note(ask, piece)
        return piece

    async def end(self, request_id: str, viewing: int, actor: Actor) -> tuple[Shown, ...]:
        """End a viewing; return what was shown. Raises DeskFault."""
        running = self._of(request_id, viewing, actor)
        await self._end(running, ViewingEnd.CLOSED, actor)
        return running.all_shown()

    async def close(self) -> None:
        """End all of them. May be called twice."""
        for running in list(self._running.values()):
            await self._end(running, ViewingEnd.DESK_STOPPED, None)

    def camera_number(self, request_id: str, viewing: int, name: str, actor: Actor) -> int:
        """Return the position of a camera in a viewing. Raises DeskFault."""
        cameras = self._of(request_id, viewing, actor).begun.cameras
        found = [position for position, camera in enumerate(cameras) if camera.name == name]
        if not found:
            raise RequestInvalid("camera", "the viewing has no such camera.", "この閲覧の対象カメラではありません。")
        return found[0]

    def _of(self, request_id: str, viewing: int, actor: Actor) -> _Running:
        request = self._journal.request(request_id)
        require_openable(request, actor.person, self._clock.utc_ms())
        running = self._running.get((request_id, viewing))
        if running is None:
            raise ViewingUnknown(request_id, viewing)
        return running

    async def _begin(
        self, request: Request, deks: Mapping[bytes, bytes], detail: Detail, present: Sequence[str], actor: Actor
    ) -> Begun:
        granted = request.granted
        if granted is None:
            raise KeysDoNotFit("The request is not granted.", "許可されていません。")
        found = [await find_granted(self._recorder, granted, camera) for camera in granted.cameras]
        uids = tuple(extent.segment_uid for camera in found for extent in camera.extents)
        if not uids:
            raise RecordingErased(", ".join(camera.name for camera in granted.cameras))
        check_keys(deks, uids, granted)
        now_utc_ms = self._clock.utc_ms()
        staff = self._presence.use(request, Act.VIEW, actor, present)
        viewing = self._journal.request(request.request_id).viewings + 1
        step = ViewingBegun(viewing, detail.value, staff, len(uids), len(granted.segments) - len(uids))
        record = await self._journal.write(step, actor, now_utc_ms, request.request_id)
        cameras = tuple(ViewedCamera(one.camera.name, one.camera.place, one) for one in found)
        begun = Begun(request.request_id, viewing, detail, granted.from_utc_ms, granted.to_utc_ms, cameras, staff)
        try:
            k_segs = await k_segs_of(self._recorder, request.request_id, granted, uids)
            job = ExtractionJob(
                request_id=request.request_id,
                opening=viewing,
                cameras=tuple(one.extraction(deks, k_segs) for one in found),
                from_utc_ms=granted.from_utc_ms,
                to_utc_ms=granted.to_utc_ms,
                granted_document=granted.to_bytes(),
                granted_signature=request.granted_signature,
                conditions=granted.conditions,
                opened_index=record.entry.index,
                register_checkpoint=record.checkpoint,
                opened_utc_ms=now_utc_ms,
                recorder_id=self._site.recorder_id,
                site_name=self._site.name,
                time_zone=self._site.time_zone,
                device_key_path=self._places.device_key,
                device_certificate_path=self._places.device_certificate,
                spool_directory=self._places.spool,
            )
            viewer = await self._start(job)
        except BaseException:
            await self._note_end(request.request_id, ViewingEnded(viewing, ViewingEnd.FAILED, 0, ()), None)
            raise
        now_ns = self._clock.boot_ns()
        running = _Running(begun, viewer, now_ns + int(VIEWING_SECONDS_MOST * 1e9), now_ns)
        self._running[request.request_id, viewing] = running
        running.watch = asyncio.create_task(self._watch(running))
        return begun

    async def _start(self, job: ExtractionJob) -> Viewer:
        try:
            return await self._start_viewer(job)
        except ExtractionFailed as failed:
            if failed.fault is ExtractionFault.WRONG_KEYS:
                raise KeysDoNotFit(
                    f"The custodians' shares do not open this recording: {failed.detail}",
                    f"鍵管理者の分散鍵では、この記録を開けません: {failed.detail}",
                ) from failed
            raise ViewingFailed(failed.fault.value, failed.detail) from failed

    async def _watch(self, running: _Running) -> None:
        """End a viewing that nobody looks at any more, or that has lasted long enough."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now_ns = self._clock.boot_ns()
            if now_ns >= running.until_ns:
                how = ViewingEnd.TIME_OVER
            elif now_ns - running.asked_ns >= IDLE_SECONDS * 1e9:
                how = ViewingEnd.IDLE
            else:
                continue
            running.watch = None
            await self._end(running, how, None)
            return

    async def _end(self, running: _Running, how: ViewingEnd, actor: Actor | None) -> None:
        """Take the keys away first, then say so."""
        begun = running.begun
        if self._running.pop((begun.request_id, begun.viewing), None) is None:
            return
        if running.watch is not None:
            running.watch.cancel()
        await running.viewer.close()
        ended = ViewingEnded(begun.viewing, how, running.pictures, running.all_shown())
        await self._note_end(begun.request_id, ended, actor)

    async def _note_end(self, request_id: str, ended: ViewingEnded, actor: Actor | None) -> None:
        """Write the end; a register that cannot be written keeps nobody from ending."""
        try:
            await self._journal.write(ended, actor, self._clock.utc_ms(), request_id)
        except DeskFault as fault:
            log.get().error("viewing_end_not_registered", request=request_id, detail=fault.english)
