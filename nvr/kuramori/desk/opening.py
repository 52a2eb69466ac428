"""Opening what was granted: register, keys, worker, register, first byte; in this order and no other.

*opened* is durable before the recorder is asked for the second half of the keys, *released* with the manifest's
digest before the first byte leaves. The keys stand in memory only. Must not know HTTP or media.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kuramori.clips.job import (
    ExtractionFailed,
    ExtractionFault,
    ExtractionJob,
    RunWorker,
)
from kuramori.desk.fault import (
    DeskBusy,
    ExtractionRefused,
    KeysDoNotFit,
    NotTheRequester,
    RecordingErased,
    RequestInvalid,
)
from kuramori.desk.granted import one_line
from kuramori.desk.granted_recording import check_keys, find_granted, k_segs_of
from kuramori.desk.grounds import Output
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.keeping import Keeping
from kuramori.desk.output_rule import require_output
from kuramori.desk.presence import Act, Presence
from kuramori.desk.recorder import Recorder
from kuramori.desk.request import Request, require_openable
from kuramori.desk.site import Site
from kuramori.desk.steps import BundleWritten, Opened, Released
from kuramori.desk.waiting_bundles import Bundle, WaitingBundles
from kuramori.timebase import Clock

EXTRACTIONS_MOST = 4  # being made at once: recording comes first


@dataclass(frozen=True, slots=True)
class OpeningPlaces:
    """Paths that a worker needs."""

    device_key: Path
    device_certificate: Path
    spool: Path


class Opening:
    """From the handler's keys to a bundle."""

    def __init__(
        self,
        *,
        site: Site,
        journal: Journal,
        recorder: Recorder,
        keeping: Keeping,
        presence: Presence,
        run_worker: RunWorker,
        places: OpeningPlaces,
        clock: Clock,
    ) -> None:
        self._site = site
        self._journal = journal
        self._recorder = recorder
        self._keeping = keeping
        self._presence = presence
        self._run_worker = run_worker
        self._places = places
        self._clock = clock
        self.bundles = WaitingBundles(clock)
        self._slots = asyncio.Semaphore(EXTRACTIONS_MOST)

    async def open(self, request_id: str, deks: Mapping[bytes, bytes], present: Sequence[str], actor: Actor) -> Bundle:
        """Return the bundle of a request, verified and registered as released. Raises DeskFault."""
        request = self._journal.request(request_id)
        require_openable(request, actor.person, self._clock.utc_ms())
        require_output(request, self._site.rules, Output.COPY)
        self._presence.staff(request, Act.RELEASE, actor, present)
        if self._slots.locked():
            raise DeskBusy
        async with self._slots:
            await self.bundles.make_room(request_id)
            bundle = await self._open(request, deks, present, actor)
        await self.bundles.keep(bundle)
        return bundle

    def waiting(self, request_id: str, actor: Actor) -> Bundle:
        """Return the opened bundle that waits. Raises RequestUnknown, NotTheRequester, BundleMissing."""
        self._require_requester(request_id, actor)
        return self.bundles.of(request_id)

    async def erase(self, request_id: str, actor: Actor) -> bool:
        """Give an opened bundle up; tell whether there was one. Raises RequestUnknown, NotTheRequester."""
        self._require_requester(request_id, actor)
        return await self.bundles.erase(request_id, "it was given up")

    def _require_requester(self, request_id: str, actor: Actor) -> Request:
        request = self._journal.request(request_id)
        if actor.person != request.document.requester:
            raise NotTheRequester(request_id, request.document.requester)
        return request

    async def written(self, request_id: str, digest: bytes, medium: str, actor: Actor) -> Request:
        """Note that a bundle stands on its medium and was read back: its hold ends, its spool is erased.

        Raises DeskFault.
        """
        request = self._require_requester(request_id, actor)
        fitting = [done for done in request.handovers if done.manifest_digest == digest]
        if not one_line(medium):
            raise RequestInvalid("medium", "one line of visible characters.", "1行で入力してください。")
        opening = fitting[-1].opening if fitting else 0
        step = BundleWritten(opening, digest, medium)
        await self._journal.write(step, actor, self._clock.utc_ms(), request_id)
        await self._keeping.lift_for_request(request_id, actor, "the bundle was written")
        if any(one.request_id == request_id and one.manifest_digest == digest for one in self.bundles.all()):
            await self.bundles.erase(request_id, "it was written to its medium")
        return self._journal.request(request_id)

    async def _open(
        self, request: Request, deks: Mapping[bytes, bytes], present: Sequence[str], actor: Actor
    ) -> Bundle:
        granted = request.granted
        if granted is None:
            raise KeysDoNotFit("The request is not granted.", "許可されていません。")
        cameras = [await find_granted(self._recorder, granted, camera) for camera in granted.cameras]
        uids = tuple(extent.segment_uid for camera in cameras for extent in camera.extents)
        if not uids:
            raise RecordingErased(", ".join(camera.name for camera in granted.cameras))
        check_keys(deks, uids, granted)
        now = self._clock.utc_ms()
        staff = self._presence.use(request, Act.RELEASE, actor, present)
        step = Opened(request.openings + 1, staff, len(uids), len(granted.segments) - len(uids))
        record = await self._journal.write(step, actor, now, request.request_id)
        k_segs = await k_segs_of(self._recorder, request.request_id, granted, uids)
        job = ExtractionJob(
            request_id=request.request_id,
            opening=step.opening,
            cameras=tuple(camera.extraction(deks, k_segs) for camera in cameras),
            from_utc_ms=granted.from_utc_ms,
            to_utc_ms=granted.to_utc_ms,
            granted_document=granted.to_bytes(),
            granted_signature=request.granted_signature,
            conditions=granted.conditions,
            opened_index=record.entry.index,
            register_checkpoint=record.checkpoint,
            opened_utc_ms=now,
            recorder_id=self._site.recorder_id,
            site_name=self._site.name,
            time_zone=self._site.time_zone,
            device_key_path=self._places.device_key,
            device_certificate_path=self._places.device_certificate,
            spool_directory=self._places.spool,
        )
        return await self._release(job, actor)

    async def _release(self, job: ExtractionJob, actor: Actor) -> Bundle:
        try:
            stream = await self._run_worker(job)
        except ExtractionFailed as failed:
            if failed.fault is ExtractionFault.WRONG_KEYS:
                raise KeysDoNotFit(
                    f"The custodians' shares do not open this recording: {failed.detail}",
                    f"鍵管理者の分散鍵では、この記録を開けません: {failed.detail}",
                ) from failed
            raise ExtractionRefused(failed.fault.value, failed.detail) from failed
        try:
            step = Released(job.opening, stream.manifest_digest)
            await self._journal.write(step, actor, self._clock.utc_ms(), job.request_id)
        except BaseException:
            await stream.close()
            raise
        return Bundle(stream, job.request_id, job.opening, self._clock.utc_ms())
