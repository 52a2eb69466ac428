"""Everything that the recorder keeps, opened together: identity, device key, custodians, keystore, ledger, volumes.

Opening repairs what a crash left: torn segments get their signed recovery record, open runs get their true end.
All of it blocks; it happens before the loop serves anybody, and again in the vault's threads. This module must not
know cameras' streams or sockets.
"""

import stat
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori import log
from kuramori.custodian_office import CustodianOffice
from kuramori.identity import Identity, read_identity
from kuramori.keystores import open_keystores
from kuramori.media_keeping import MediaKeeping
from kuramori.numbering_floor import NumberingDamaged, NumberingFloor, read_floor
from kuramori.places import Places
from kuramori.recording_values import RecordingState
from kuramori.volume_return import VolumeAway, open_volume
from kuramori.volume_shelf import VolumeShelf
from kuramori_config.schema import Configuration
from kuramori_segments.boot_identity import read_boot_id
from kuramori_segments.codes import Provenance
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.device_key import DeviceSigner
from kuramori_segments.format_error import FormatError
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.header import SegmentHeader
from kuramori_segments.keystore_pair import KeystorePair
from kuramori_segments.ledger import CameraNameRefused, Ledger
from kuramori_segments.ledger_fault import LedgerLost, LedgerMissing
from kuramori_segments.ledger_records import DurableEnd, RepairedRun
from kuramori_segments.ledger_records import Provenance as RunProvenance
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.numbering import first_number
from kuramori_segments.recovery import CameraTail, Outcome, RecoveryReport
from kuramori_segments.storage_fault import StorageFault, VolumeRefused
from kuramori_segments.volume import Volume

OTHERS = 0o077
AWAY_LEAP = 1 << 32  # numbers left out at a start without one of the volumes: more than years of pictures


class DeviceKeyUnusable(Exception):
    """The device key is not a P-256 private key."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} holds no P-256 private key: restore it from a copy")
        self.path = path


@dataclass(frozen=True, slots=True)
class Vault:
    """The open vault. Close it with `close`."""

    identity: Identity
    signer: DeviceSigner
    office: CustodianOffice
    keystore: KeystorePair
    ledger: Ledger
    shelf: VolumeShelf
    boot_id: bytes
    tails: Mapping[int, CameraTail]  # where each camera's recording ends, by its number
    filled_tails: Mapping[int, CameraTail]  # likewise of what was filled from its card
    recovered_segments: int
    repaired_runs: tuple[RepairedRun, ...]
    media: MediaKeeping
    _closing: ExitStack
    floor: NumberingFloor = field(
        default_factory=NumberingFloor
    )  # where counting goes on at the least, on a restored machine

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """The volumes that are there now, in the order of the configuration."""
        return self.shelf.volumes

    @property
    def volume_paths(self) -> tuple[Path, ...]:
        """Where they lie, in the same order."""
        return self.shelf.paths

    @property
    def custodians(self) -> CustodianSet:
        """The set that the next segment is sealed to."""
        return self.office.current

    def close(self) -> None:
        """Let go of everything, in the reverse order of opening."""
        self._closing.close()


def read_device_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read the device key. Raises DeviceKeyUnusable, OSError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):  # TypeError: somebody put a passphrase on it
        raise DeviceKeyUnusable(path) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise DeviceKeyUnusable(path)
    return key


def open_vault(configuration: Configuration, now_utc_ms: int) -> Vault:
    """Open and repair. Raises IdentityFault, DeviceKeyUnusable, CustodiansUnusable, KeystoreFault, LedgerFault,
    VolumeAway, VolumeRefused, StorageFault, OSError. One volume that is there is enough."""
    places = Places.of(configuration)
    identity = read_identity(places.identity)
    _tell_loose_modes(places)
    signer = DeviceSigner(read_device_key(places.device_key))
    office = CustodianOffice.read(places)
    boot_id = read_boot_id()
    with ExitStack() as closing:
        keystore = open_keystores(configuration, places, boot_id, now_utc_ms)
        closing.callback(keystore.close)
        media = MediaKeeping(places.media)
        shelf = VolumeShelf(tuple(path for path in places.volumes if not media.is_retired(path)))
        closing.callback(shelf.close)
        tails: dict[int, CameraTail] = {}
        filled_tails: dict[int, CameraTail] = {}
        recovered = 0
        for path in shelf.places:
            try:
                returned = open_volume(path, signer, identity.recorder_id)
            except (VolumeAway, VolumeRefused, StorageFault) as fault:
                shelf.miss(path, fault)
                log.get(volume=str(path)).error("volume_away", detail=str(fault))
                continue
            shelf.put(path, returned.volume)
            if returned.report is not None:
                recovered += tell_recovery(returned.report)
                _take_later(tails, returned.report.tails)
                _take_later(filled_tails, returned.report.filled_tails)
        shelf.require_one()
        ledger = open_ledger(places, list(shelf.volumes), now_utc_ms)
        closing.callback(ledger.close)
        office.settle(ledger, now_utc_ms)
        repaired = ledger.close_open_runs(
            durable_ends_of(tails),
            GapReason.RECORDER_CRASHED,
            now_utc_ms,
            filled=durable_ends_of(filled_tails),
            some_away=bool(shelf.away),
        )
        return Vault(
            identity=identity,
            signer=signer,
            office=office,
            keystore=keystore,
            ledger=ledger,
            shelf=shelf,
            boot_id=boot_id,
            tails=tails,
            filled_tails=filled_tails,
            recovered_segments=recovered,
            repaired_runs=repaired,
            _closing=closing.pop_all(),
            floor=_read_floor(places),
            media=media,
        )


def _read_floor(places: Places) -> NumberingFloor:
    """Read where counting goes on at the least; a file that is damaged is told, and the ring and the ledger count."""
    try:
        return read_floor(places.numbering)
    except NumberingDamaged as damaged:
        log.get().error("numbering_damaged", path=str(places.numbering), detail=str(damaged))
        return NumberingFloor()


def _take_later(known: dict[int, CameraTail], tails: Sequence[CameraTail]) -> None:
    for tail in tails:
        if tail.camera_number not in known or tail.sequence > known[tail.camera_number].sequence:
            known[tail.camera_number] = tail


def durable_ends_of(tails: Mapping[int, CameraTail]) -> dict[int, DurableEnd]:
    return {number: DurableEnd(tail.last_utc_ms, tail.last_access_unit) for number, tail in tails.items()}


def _tell_loose_modes(places: Places) -> None:
    """Others can read what is for the recorder alone: recording goes on, but it is said at each start."""
    secret = (places.device_key, places.identity, places.tpm_password)
    for path in (places.state, places.cell, places.fallback_cell, places.keystore, *secret):
        mode = stat.S_IMODE(path.stat().st_mode) if path is not None and path.exists() else 0
        if mode & OTHERS:
            log.get().error("readable_by_others", path=str(path), mode=f"{mode:04o}")


def open_ledger(places: Places, volumes: list[Volume], now_utc_ms: int) -> Ledger:
    """Open the ledger; where it and its mirror are lost, begin a new one, loudly: that costs no frame.

    Cameras keep the numbers that the segment headers name.
    """
    try:
        return Ledger.open(places.ledger, places.ledger_mirror)
    except (LedgerLost, LedgerMissing) as lost:  # there is an identity, so there was a ledger
        log.get().error("ledger_lost", detail=str(lost))
    ledger = Ledger.start_afresh(places.ledger, places.ledger_mirror, now_utc_ms)
    for volume in volumes:
        for camera_number in volume.cameras():
            latest = volume.latest(camera_number)
            if latest is None:
                continue
            try:
                header = SegmentHeader.unpack(volume.reader(latest.slot)(0, BLOCK_BYTES))
                ledger.import_camera(camera_number, header.camera_name, now_utc_ms)
            except (FormatError, CameraNameRefused) as refused:
                log.get(camera_number=camera_number).error("camera_name_lost", detail=str(refused))
    return ledger


def tell_recovery(report: RecoveryReport) -> int:
    """Log what recovery did; return how many segments were torn."""
    for slot in report.slots:
        log.get(camera_number=slot.camera_number).warning(
            f"segment_{slot.outcome.value}", slot=slot.slot, sequence=slot.sequence, detail=slot.detail
        )
    return sum(slot.outcome is Outcome.RECOVERED for slot in report.slots)


def recording_state(vault: Vault, camera_number: int, provenance: Provenance = Provenance.LIVE) -> RecordingState:
    """Return where a camera's numbering goes on: behind everything that any volume or the ledger names."""
    first = first_number(provenance)
    state = RecordingState(next_sequence=first, next_access_unit=first)
    tail = (vault.tails if provenance is Provenance.LIVE else vault.filled_tails).get(camera_number)
    if tail is not None:
        state = RecordingState(tail.sequence + 1, tail.chain_digest, tail.next_access_unit)
    floor = vault.floor.of(camera_number, provenance)
    if floor.next_sequence > state.next_sequence:  # what lay between is not here: nothing to chain to
        state = RecordingState(floor.next_sequence, next_access_unit=state.next_access_unit)
    state.next_access_unit = max(state.next_access_unit, floor.next_access_unit)
    claimed = vault.ledger.last_access_unit(camera_number, RunProvenance(provenance))
    if claimed is not None:
        state.next_access_unit = max(state.next_access_unit, claimed + 1)
    if vault.shelf.away:  # the numbers that it holds are not known: none may be given twice, nothing is chained to
        leapt = state.next_sequence + AWAY_LEAP
        state = RecordingState(leapt, next_access_unit=state.next_access_unit + AWAY_LEAP)
    return state


def time_is_known(vault: Vault, now_utc_ms: int, synchronised: bool) -> bool:
    """Tell whether the wall clock can be right: kept by a time source, or at least not behind what was recorded."""
    newest_utc_ms = max((tail.last_utc_ms for tail in vault.tails.values()), default=0)
    return synchronised or now_utc_ms >= newest_utc_ms
