"""A sitting over the disk of a dead recorder: evidence and keys read only, and the desk over them, until stopped.

The composition root of offline opening. The desk is the one of a running recorder, without its housekeeping: requests,
decisions, approvals, the extraction worker and the register are the same, and so are the commands that speak to it.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from kuramori.api.app import make_app
from kuramori.api.context import Context
from kuramori.api.server import serve
from kuramori.clips.extraction import run_worker
from kuramori.desk.approval_store import ApprovalStoreFault
from kuramori.desk.custody_store import CustodyStoreFault
from kuramori.desk.desk import Desk, DeskPlaces, DeviceKeyFault
from kuramori.desk.register import RegisterFault
from kuramori.desk.site import Site, SiteCamera
from kuramori.offline.evidence import Evidence
from kuramori.offline.evidence_keys import EvidenceKeys
from kuramori.offline.fault import EvidenceUnusable
from kuramori.offline.offline_recorder import OfflineRecorder
from kuramori.offline.state_import import ImportedState, import_state
from kuramori.places import Places
from kuramori.service_lock import lock_service
from kuramori.stills.still_wire import Still, StillFailed
from kuramori.timebase import Clock
from kuramori_config.schema import Configuration
from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_fault import LedgerFault

MS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class Exhibits:
    """What was taken out of the dead recorder, and where its state is."""

    volumes: tuple[Path, ...]
    keystore: Path
    cell: Path
    state: Path | None  # None: that of the configuration, in place
    work: Path | None


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """What of one camera lies on the disk."""

    name: str
    first_utc_ms: int
    last_utc_ms: int
    segments: int
    openable: int


async def sit(
    configuration: Configuration,
    exhibits: Exhibits,
    clock: Clock,
    ready: Callable[[tuple[FoundCamera, ...], Path], None],
    stop: asyncio.Event,
) -> None:
    """Serve the desk over the exhibits until `stop`. Raises EvidenceFault, ServiceRunning, OSError."""
    places = Places.of(configuration)
    places.runtime.mkdir(mode=0o750, parents=True, exist_ok=True)
    with ExitStack() as closing:
        lock = await lock_service(places.runtime)
        closing.callback(lock.close)
        imported = await asyncio.to_thread(import_state, places, exhibits.state, exhibits.work)
        evidence = await asyncio.to_thread(Evidence, exhibits.volumes, imported.identity.recorder_id)
        keys = EvidenceKeys(exhibits.keystore, exhibits.cell, _retention_ms(configuration, evidence), clock.utc_ms)
        closing.callback(keys.close)
        ledger = _ledger(imported.places, closing)
        identity = imported.identity
        recorder = OfflineRecorder(evidence, keys, imported.custodians, identity.recorder_id, ledger, clock)
        site = Site.of(configuration, identity.recorder_id)
        known = {camera.name for camera in (*site.cameras, *site.removed)}
        site.removed += tuple(SiteCamera(name, "") for name in evidence.by_camera if name not in known)
        desk = _desk(site, imported, recorder, clock)
        try:
            context = Context(site, recorder, clock, places.runtime, desk)
            ready(found_cameras(evidence, keys), imported.places.state)
            await serve(make_app(context), places.desk_socket, stop)
        finally:
            await desk.close()


def found_cameras(evidence: Evidence, keys: EvidenceKeys) -> tuple[FoundCamera, ...]:
    """Return what lies there, by camera."""
    return tuple(
        FoundCamera(
            name,
            min(one.header.start_utc_ms for one in segments),
            max(one.end_utc_ms for one in segments),
            len(segments),
            sum(keys.alive(one.header.epoch_id, one.header.segment_uid) for one in segments),
        )
        for name, segments in sorted(evidence.by_camera.items())
    )


def _retention_ms(configuration: Configuration, evidence: Evidence) -> Callable[[int], int]:
    """By the cameras' names in the configuration; of a camera that it does not name, the shortest that it has."""
    told = [(table.name, table.retention) for table in configuration.cameras]
    told += [(retired.name, retired.retention) for retired in configuration.retired_cameras]
    numbers = evidence.numbers
    by_number = {numbers[name]: retention.seconds * MS_PER_SECOND for name, retention in told if name in numbers}
    otherwise = min((retention.seconds * MS_PER_SECOND for _, retention in told), default=0)
    return lambda number: by_number.get(number, otherwise)


def _ledger(places: Places, closing: ExitStack) -> Ledger | None:
    if not places.ledger.exists():
        return None
    try:
        return closing.enter_context(Ledger.open(places.ledger, places.ledger_mirror))
    except LedgerFault:
        return None  # gaps are then shown without their reasons


def _desk(site: Site, imported: ImportedState, recorder: OfflineRecorder, clock: Clock) -> Desk:
    places = imported.places
    files = DeskPlaces.of(places)
    try:
        return Desk.open(site, files, recorder, run_worker, _no_still, clock)
    except (RegisterFault, ApprovalStoreFault, CustodyStoreFault, DeviceKeyFault) as fault:
        raise EvidenceUnusable(str(places.state), str(fault)) from fault


async def _no_still(camera: str) -> Still:
    raise StillFailed("offline", "no camera is asked while a disk is open offline.")
