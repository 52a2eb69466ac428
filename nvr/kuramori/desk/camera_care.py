"""A camera's life at the desk: enrolled, paused, resumed, its view confirmed, retired; each in the register first.

The configuration says which cameras there are; the register says since when, and who did it. `follow_configuration`
brings into the register what was written there without telling the desk. Must not know HTTP or files.
"""

from kuramori.camera_messages import Pause, PauseCameraRequest
from kuramori.desk.camera_book import CameraBook, CameraLife
from kuramori.desk.camera_steps import (
    CameraEnrolled,
    CameraPaused,
    CameraResumed,
    CameraRetired,
    CertificateAccepted,
    EnrolledBy,
    ViewConfirmed,
)
from kuramori.desk.door import Door
from kuramori.desk.fault import CameraRemoved, CameraUnknown, CertificateRefused, DeskFault, RequestInvalid
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.recorder import Recorder, asking
from kuramori.desk.site import Site, SiteCamera
from kuramori.door_client import DoorFault
from kuramori.recorder_client import RecorderFault
from kuramori.timebase import Clock

PAUSE_MOST_MS = 31 * 24 * 3600 * 1000  # a camera that rests longer is removed, or paused again
FOUND_REASON = "found in the configuration"


class CameraCare:
    """What people do to cameras, beside asking for pictures."""

    def __init__(self, site: Site, journal: Journal, recorder: Recorder, clock: Clock) -> None:
        self._site = site
        self._journal = journal
        self._recorder = recorder
        self._clock = clock

    @property
    def book(self) -> CameraBook:
        """Each camera's history as the register has it."""
        return self._journal.cameras

    async def enrol(self, camera: SiteCamera, how: EnrolledBy, actor: Actor | None, *, new_count: bool) -> CameraLife:
        """Register that a camera is added or replaced; call it before the configuration says so. Raises DeskFault."""
        known = self.book.of(camera.name)
        if how is EnrolledBy.REPLACED:
            self.book.in_service(camera.name)
        enrolment = (known.enrolment if known is not None else 0) + 1
        fresh = new_count or known is None
        step = CameraEnrolled(camera.name, enrolment, how, camera.address, camera.place, fresh)
        await self._journal.write(step, actor, self._clock.utc_ms())
        return self.book.lives[camera.name]

    async def retire(self, camera: str, reason: str, actor: Actor | None) -> None:
        """Register that a camera leaves for good; call it before the configuration says so. Raises DeskFault."""
        if self._site.in_service(camera) is not None:
            await self._known(camera)
        await self._journal.write(CameraRetired(camera, reason), actor, self._clock.utc_ms())

    async def pause(self, camera: str, until_utc_ms: int, reason: str, actor: Actor) -> Pause:
        """Register a pause and have the recorder pause. Raises DeskFault; then the register says that it ended."""
        await self._known(camera)
        now_utc_ms = self._clock.utc_ms()
        if not now_utc_ms < until_utc_ms <= now_utc_ms + PAUSE_MOST_MS:
            raise RequestInvalid(
                "until_utc_ms",
                "a pause ends in the future, within 31 days.",
                "一時停止の期限は31日以内の将来としてください。",
            )
        await self._journal.write(CameraPaused(camera, until_utc_ms, reason), actor, now_utc_ms)
        try:
            async with asking(camera):
                return await self._recorder.pause_camera(PauseCameraRequest(camera, until_utc_ms, actor.person, reason))
        except DeskFault as fault:
            undone = CameraResumed(camera, f"the recorder did not pause it: {fault.english}")
            await self._journal.write(undone, None, self._clock.utc_ms())
            raise

    async def resume(self, camera: str, reason: str, actor: Actor) -> Pause:
        """Register the end of a pause and have the recorder record. Raises DeskFault."""
        await self._known(camera)
        await self._journal.write(CameraResumed(camera, reason), actor, self._clock.utc_ms())
        async with asking(camera):
            return await self._recorder.pause_camera(PauseCameraRequest(camera, 0, actor.person, reason))

    async def confirm_view(self, camera: str, actor: Actor) -> CameraLife:
        """Register that a handler saw no private space in the picture (R4). Raises DeskFault."""
        life = await self._known(camera)
        await self._journal.write(ViewConfirmed(camera, life.enrolment), actor, self._clock.utc_ms())
        return self.book.lives[camera]

    async def accept_certificate(
        self, camera: str, fingerprint: str, before: str, actor: Actor, door: Door | None
    ) -> None:
        """Register that another certificate is trusted. `before`: the one that the configuration names, which changes.

        Where it names none, door and recorder remember the first one that they saw, and are told; if neither was shown
        this one, the register says that it is not trusted after all. Raises CertificateRefused and other DeskFaults.
        """
        await self._known(camera)
        step = CertificateAccepted(camera, fingerprint, before)
        await self._journal.write(step, actor, self._clock.utc_ms())
        if before:
            return
        refusals = []
        for ask in (self._recorder, door):
            try:
                if ask is not None:
                    await ask.accept_certificate(camera, fingerprint)
                    return
            except (RecorderFault, DoorFault) as refusal:
                refusals.append(str(refusal))
        await self._journal.write(CertificateAccepted(camera, "", fingerprint), None, self._clock.utc_ms())
        raise CertificateRefused(camera, "; ".join(refusals))

    async def follow_configuration(self) -> None:
        """Register what the configuration says and the register does not: new, moved and removed cameras.

        Raises DeskFault; what was registered until then stays.
        """
        for camera in self._site.cameras:
            known = self.book.of(camera.name)
            if known is not None and (known.retired_utc_ms is not None or known.address == camera.address):
                continue
            await self.enrol(camera, EnrolledBy.FOUND, None, new_count=False)
        for camera in self._site.removed:
            known = self.book.of(camera.name)
            if known is not None and known.retired_utc_ms is None:
                await self.retire(camera.name, FOUND_REASON, None)

    async def _known(self, camera: str) -> CameraLife:
        """Return a camera of configuration and register; one that was just configured is registered first."""
        if self._site.in_service(camera) is None:
            known = self.book.of(camera)
            raise CameraRemoved(camera) if known is not None and known.retired_utc_ms else CameraUnknown(camera)
        if self.book.of(camera) is None:
            await self.follow_configuration()
        return self.book.in_service(camera)
