"""The desk as a whole: its parts put together once, its housekeeping, its end.

`Desk.open` builds what `desk_process` serves and what tests speak to. A register that does not verify leaves a desk
that answers, and refuses everything that would need an entry. Must not know HTTP.
"""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori import log
from kuramori.clips.job import RunWorker
from kuramori.desk.aiming import Aiming
from kuramori.desk.approval_store import ApprovalStore, ApprovalStoreFault
from kuramori.desk.approving import Approving
from kuramori.desk.backing_up import BackingUp
from kuramori.desk.call_store import CallStore, CallStoreFault
from kuramori.desk.calls import Calls
from kuramori.desk.camera_care import CameraCare
from kuramori.desk.custody_care import CustodyCare
from kuramori.desk.custody_chain_file import ChainFile
from kuramori.desk.custody_status import CustodyStatus, custody_status
from kuramori.desk.custody_store import CustodyStore, CustodyStoreFault
from kuramori.desk.drilling import Drilling
from kuramori.desk.fault import DeskFault, RecorderAway
from kuramori.desk.filing import Filing
from kuramori.desk.handing_on import HandingOn
from kuramori.desk.jobs import Jobs
from kuramori.desk.journal import Journal
from kuramori.desk.keeping import Keeping
from kuramori.desk.maskings import Maskings
from kuramori.desk.media_care import MediaCare
from kuramori.desk.opening import Opening, OpeningPlaces
from kuramori.desk.overdue_care import OverdueCare
from kuramori.desk.presence import Presence
from kuramori.desk.recorder import Recorder
from kuramori.desk.recovering import Recovering
from kuramori.desk.register import Register
from kuramori.desk.reminders import Reminder, reminders
from kuramori.desk.request import APPROVAL_LIFETIME_MS, RequestState
from kuramori.desk.site import Site
from kuramori.desk.viewings import Viewings
from kuramori.masking.masking_job import RunMasking
from kuramori.masking.running import run_masking
from kuramori.places import Places
from kuramori.stills.taking import TakeStill
from kuramori.timebase import Clock
from kuramori.viewing.viewer import StartViewer, start_viewer
from kuramori_segments.custodian_set import CustodianSet

HOUSEKEEPING_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class DeskPlaces:
    """The files of the desk."""

    register: Path
    register_key: Path
    requests: Path
    custodians: Path
    device_key: Path
    device_certificate: Path
    spool: Path

    @classmethod
    def of(cls, places: Places) -> Self:
        """Return those of a recorder's places."""
        return cls(
            register=places.register,
            register_key=places.register_key,
            requests=places.requests,
            custodians=places.custodians,
            device_key=places.device_key,
            device_certificate=places.device_certificate,
            spool=places.spool,
        )

    @property
    def custody(self) -> Path:
        """Proposed changes, drills, and what was handed on: beside the custodian set."""
        return self.custodians.with_name("custody.db")

    @property
    def calls(self) -> Path:
        """Writes of the last day that carried a key: beside the custodian set."""
        return self.custodians.with_name("calls.db")

    @property
    def accounts(self) -> Path:
        """Who may sign in: beside the custodian set."""
        return self.custodians.with_name("accounts.db")

    @property
    def backup_snapshot(self) -> Path:
        """Copies that stand there while a backup is made: beside the custodian set."""
        return self.custodians.with_name("backup-snapshot")


class DeviceKeyFault(Exception):
    """The device key cannot be read; names the file."""


class Desk:
    """The open desk. Use from one event loop; `close` ends it."""

    def __init__(
        self,
        *,
        site: Site,
        places: DeskPlaces,
        journal: Journal,
        store: ApprovalStore,
        custody_store: CustodyStore,
        call_store: CallStore,
        recorder: Recorder,
        run_worker: RunWorker,
        take_still: TakeStill,
        mask: RunMasking,
        begin_viewer: StartViewer,
        device_key: ec.EllipticCurvePrivateKey,
        clock: Clock,
    ) -> None:
        self.site = site
        self.journal = journal
        self.recorder = recorder
        self.clock = clock
        self.device_public_key = device_key.public_key()
        self._store = store
        self._custody_store = custody_store
        self._places = places
        self.jobs = Jobs(clock)
        self.calls = Calls(call_store, clock)
        self.keeping = Keeping(journal, recorder, clock)
        self.cameras = CameraCare(site, journal, recorder, clock)
        self.aiming = Aiming(site, journal, self.cameras, take_still, clock)
        self._open_custody(ChainFile(places.custodians))
        self.filing = Filing(
            site=site,
            journal=journal,
            recorder=recorder,
            keeping=self.keeping,
            device_key=device_key,
            holders=self.handing_on.holders,
            clock=clock,
        )
        self.approving = Approving(
            journal=journal,
            recorder=recorder,
            store=store,
            cards=self.custody.cards,
            chain=self.custody.chain,
            handing_on=self.handing_on,
            clock=clock,
        )
        self.presence = Presence(site=site, journal=journal, clock=clock)
        self._open_recovery()
        self._open_media()
        self.opening = Opening(
            site=site,
            journal=journal,
            recorder=recorder,
            keeping=self.keeping,
            presence=self.presence,
            run_worker=run_worker,
            places=OpeningPlaces(places.device_key, places.device_certificate, places.spool),
            clock=clock,
        )
        self._open_pictures(begin_viewer, mask)

    def _open_pictures(self, begin_viewer: StartViewer, mask: RunMasking) -> None:
        """What is about looking, and about masked copies."""
        places = self._places
        self.viewings = Viewings(
            site=self.site,
            journal=self.journal,
            recorder=self.recorder,
            presence=self.presence,
            start_viewer=begin_viewer,
            places=OpeningPlaces(places.device_key, places.device_certificate, places.spool),
            clock=self.clock,
        )
        self.maskings = Maskings(
            site=self.site,
            journal=self.journal,
            recorder=self.recorder,
            presence=self.presence,
            jobs=self.jobs,
            bundles=self.opening.bundles,
            run_masking=mask,
            places=OpeningPlaces(places.device_key, places.device_certificate, places.spool),
            clock=self.clock,
        )

    def _open_custody(self, chain_file: ChainFile) -> None:
        """What is about custodians: who they are, what they hand on, whether they have their keys."""
        self.handing_on = HandingOn(
            site=self.site,
            journal=self.journal,
            recorder=self.recorder,
            store=self._custody_store,
            chain=chain_file.chain,
            clock=self.clock,
        )
        self.custody = CustodyCare(
            recorder_id=self.site.recorder_id,
            journal=self.journal,
            recorder=self.recorder,
            store=self._custody_store,
            chain_file=chain_file,
            handing_on=self.handing_on,
            clock=self.clock,
        )
        self.overdue = OverdueCare(
            recorder_id=self.site.recorder_id,
            journal=self.journal,
            recorder=self.recorder,
            keeping=self.keeping,
            custodians=self.custodians,
            clock=self.clock,
        )
        self.drilling = Drilling(
            recorder_id=self.site.recorder_id,
            journal=self.journal,
            store=self._custody_store,
            custodians=self.custodians,
            clock=self.clock,
        )

    def _open_recovery(self) -> None:
        """What is about break-glass."""
        self.recovering = Recovering(
            journal=self.journal,
            approving=self.approving,
            store=self._store,
            presence=self.presence,
            on_duty=self.custody.on_duty,
            clock=self.clock,
        )

    def _open_media(self) -> None:
        """What is about backups and the end of media."""
        site = self.site
        self.backing_up = BackingUp(
            journal=self.journal,
            store=self._store,
            custody_store=self._custody_store,
            recorder=self.recorder,
            accounts=self._places.accounts,
            folder=self._places.backup_snapshot,
            clock=self.clock,
        )
        self.media = MediaCare(
            journal=self.journal,
            recorder=self.recorder,
            volumes=lambda: site.volumes,
            today=lambda utc_ms: datetime.fromtimestamp(utc_ms / 1000, ZoneInfo(site.time_zone)).date(),
            clock=self.clock,
        )

    @classmethod
    def open(
        cls,
        site: Site,
        places: DeskPlaces,
        recorder: Recorder,
        run_worker: RunWorker,
        take_still: TakeStill,
        clock: Clock,
        begin_viewer: StartViewer = start_viewer,
        mask: RunMasking = run_masking,
    ) -> "Desk":
        """Open the files and put the parts together. Raises RegisterFault, ApprovalStoreFault, DeviceKeyFault."""
        device_key = _device_key(places.device_key)
        with ExitStack() as opened:
            register = Register.open(places.register, places.register_key, site.recorder_id)
            opened.callback(register.close)
            journal = Journal(register, site.time_zone)
            store = ApprovalStore.open(places.requests)
            opened.callback(store.close)
            custody_store = CustodyStore.open(places.custody)
            opened.callback(custody_store.close)
            call_store = CallStore.open(places.calls)
            opened.pop_all()
        return cls(
            site=site,
            places=places,
            journal=journal,
            store=store,
            custody_store=custody_store,
            call_store=call_store,
            recorder=recorder,
            run_worker=run_worker,
            take_still=take_still,
            mask=mask,
            begin_viewer=begin_viewer,
            device_key=device_key,
            clock=clock,
        )

    def custodians(self) -> CustodianSet:
        """Return the custodian set in use, every proof checked. Raises CustodiansUnusable."""
        return self.custody.chain().current

    def custody_status(self) -> CustodyStatus:
        """Return custody at a glance. Raises CustodiansUnusable."""
        earlier = len(self.custody.on_duty()) - 1
        return custody_status(self.custodians(), self.journal.custody, earlier, self.clock.utc_ms())

    async def keep_house(self, stop: asyncio.Event, pause_seconds: float = HOUSEKEEPING_SECONDS) -> None:
        """Run `tidy` now and every half minute until stopped, or until the register must be opened anew."""
        away = False
        while not stop.is_set():
            try:
                await self.tidy()
                away = False
            except RecorderAway as fault:
                if not away:
                    log.get().warning("recorder_away", detail=fault.english)
                away = True
            except (DeskFault, ApprovalStoreFault, CustodyStoreFault, CallStoreFault) as fault:
                log.get().error("housekeeping_failed", detail=str(fault))
            if self.journal.register.is_broken:
                log.get().error("register_to_be_opened_anew")
                return
            try:
                await asyncio.wait_for(stop.wait(), pause_seconds)
            except TimeoutError:
                continue

    async def tidy(self) -> None:
        """Register a change of custodians or cameras, drop old approvals, make recorder and register agree.

        Raises RecorderAway and other DeskFaults, ApprovalStoreFault.
        """
        await self.custody.catch_up()
        await self.cameras.follow_configuration()
        await self._drop_shares()
        await self.keeping.reconcile()
        await self.media.follow()
        await self.opening.bundles.forget_old()
        await self.maskings.forget_old()
        await self.calls.tidy()

    async def close(self) -> None:
        """Stop long work, finish what is being written and close the files. May be called twice."""
        await self.jobs.close()
        await self.viewings.close()
        await self.maskings.close()
        await self.opening.bundles.close()
        await self.journal.close()
        self._store.close()
        self._custody_store.close()
        self.calls.close()

    async def _drop_shares(self) -> None:
        """Keep no share longer than it can be needed: a week, and not beyond the request's end (K7)."""
        before_utc_ms = self.clock.utc_ms() - APPROVAL_LIFETIME_MS
        await asyncio.to_thread(self._store.forget_before, before_utc_ms)
        for request_id in await asyncio.to_thread(self._store.kept):
            request = self.journal.requests.get(request_id)
            if request is None or request.state in (RequestState.RETURNED, RequestState.REFUSED):
                await asyncio.to_thread(self._store.forget, request_id)


def desk_reminders(desk: Desk) -> tuple[Reminder, ...]:
    """Return what the office must not forget now."""
    journal = desk.journal
    holds = tuple(journal.holds.placed.values())
    return reminders(journal.requests.values(), holds, desk.site.terms, desk.clock.utc_ms())


def _device_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise DeviceKeyFault(f"{path} cannot be read ({type(error).__name__})") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise DeviceKeyFault(f"{path} is not a P-256 key")
    return key
