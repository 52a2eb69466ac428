"""Everything that the recorder keeps, opened together: identity, device key, custodians, keystore, ledger, volumes.

Opening repairs what a crash left: torn segments get their signed recovery record, open runs get their true end.
All of it blocks; it happens before the loop serves anybody, and again in the vault's threads. This module must not
know cameras' streams or sockets.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori import log
from kuramori.identity import Identity, read_identity
from kuramori.places import Places
from kuramori.recording import RecordingState
from kuramori_config.schema import Configuration
from kuramori_segments.boot_identity import read_boot_id
from kuramori_segments.custodian_set import CustodianSet, read_set
from kuramori_segments.device_key import DeviceSigner
from kuramori_segments.erasable_cell import open_file_cells
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.format_error import FormatError
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.header import SegmentHeader
from kuramori_segments.keystore import Keystore
from kuramori_segments.ledger import CameraNameRefused, Ledger
from kuramori_segments.ledger_fault import LedgerLost
from kuramori_segments.ledger_records import DurableEnd, RepairedRun
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.recovery import recover
from kuramori_segments.store_files import DirectoryFiles
from kuramori_segments.volume import Volume

MAX_SET_FILE_BYTES = 1024 * 1024
FOOTERS_LOOKED_AT = 4  # of a camera, for the next access unit's number; the ledger knows it too


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
    custodians: CustodianSet
    keystore: Keystore
    ledger: Ledger
    volumes: tuple[Volume, ...]
    volume_paths: tuple[Path, ...]
    boot_id: bytes
    recovered_segments: int
    repaired_runs: tuple[RepairedRun, ...]
    _closing: ExitStack

    def close(self) -> None:
        """Let go of everything, in the reverse order of opening."""
        self._closing.close()


def read_device_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read the device key. Raises DeviceKeyUnusable, OSError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError:
        raise DeviceKeyUnusable(path) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise DeviceKeyUnusable(path)
    return key


def open_vault(configuration: Configuration, now_utc_ms: int) -> Vault:
    """Open and repair. Raises IdentityFault, DeviceKeyUnusable, SetRefused, KeystoreFault, LedgerFault, VolumeRefused,
    StorageFault, OSError."""
    places = Places.of(configuration)
    identity = read_identity(places.identity)
    signer = DeviceSigner(read_device_key(places.device_key))
    custodians = read_set(places.custodians.read_bytes()[:MAX_SET_FILE_BYTES])
    boot_id = read_boot_id()
    with ExitStack() as closing:
        cells = open_file_cells(places.cell, places.volumes, for_trial=configuration.keystore.for_trial)
        keystore = Keystore.open(DirectoryFiles(places.keystore), cells, boot_id=boot_id)
        closing.callback(keystore.close)
        volumes, recovered = [], 0
        for path in places.volumes:
            volume = Volume.open_file(path)
            closing.callback(volume.close)
            recovered += len(recover(volume, signer))
            volumes.append(volume)
        ledger = open_ledger(places, volumes, now_utc_ms)
        closing.callback(ledger.close)
        ends = durable_ends(volumes)
        repaired = ledger.close_open_runs(ends, GapReason.RECORDER_CRASHED, now_utc_ms)
        return Vault(
            identity=identity,
            signer=signer,
            custodians=custodians,
            keystore=keystore,
            ledger=ledger,
            volumes=tuple(volumes),
            volume_paths=places.volumes,
            boot_id=boot_id,
            recovered_segments=recovered,
            repaired_runs=repaired,
            _closing=closing.pop_all(),
        )


def footers_newest_first(volume: Volume, camera_number: int) -> Iterator[SegmentFooter]:
    """Yield the readable footers of a camera's finished segments on a volume, newest first."""
    latest = volume.latest(camera_number)
    sequence = latest.sequence if latest is not None else 0
    while latest is not None:
        entry = volume.entry(latest.slot)
        if entry is not None and entry.extent_blocks:
            block = volume.reader(latest.slot)((entry.extent_blocks - 1) * BLOCK_BYTES, BLOCK_BYTES)
            try:
                yield SegmentFooter.unpack(block)
            except FormatError as damaged:
                log.get(camera_number=camera_number).error("footer_unreadable", slot=latest.slot, detail=str(damaged))
        sequence -= 1
        latest = volume.find(camera_number, sequence)


def durable_ends(volumes: list[Volume]) -> dict[int, DurableEnd]:
    """Return the last access unit of every camera that is whole on the volumes.

    A segment that was opened just before a crash may hold none: then the one before it counts.
    """
    ends: dict[int, DurableEnd] = {}
    for volume in volumes:
        for camera_number in volume.cameras():
            footer = next((f for f in footers_newest_first(volume, camera_number) if f.access_units), None)
            known = ends.get(camera_number)
            if footer is not None and (known is None or footer.last_access_unit > known.last_access_unit):
                ends[camera_number] = DurableEnd(footer.last_utc_ms, footer.last_access_unit)
    return ends


def open_ledger(places: Places, volumes: list[Volume], now_utc_ms: int) -> Ledger:
    """Open the ledger; where it and its mirror are lost, begin a new one, loudly: that costs no frame.

    Cameras keep the numbers that the segment headers name.
    """
    try:
        return Ledger.open(places.ledger, places.ledger_mirror)
    except LedgerLost as lost:
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


def recording_state(vault: Vault, camera_number: int) -> RecordingState:
    """Return where a camera's numbering goes on: behind everything that any volume or the ledger names."""
    state = RecordingState()
    newest_sequence = 0
    for volume in vault.volumes:
        latest = volume.latest(camera_number)
        if latest is None or latest.sequence < newest_sequence:
            continue
        newest_sequence = latest.sequence
        state.next_sequence = latest.sequence + 1
        footers = list(islice(footers_newest_first(volume, camera_number), FOOTERS_LOOKED_AT))
        if footers:
            state.previous_digest = footers[0].chain_digest
        for footer in footers:
            if footer.access_units:
                state.next_access_unit = max(state.next_access_unit, footer.last_access_unit + 1)
    claimed = vault.ledger.last_access_unit(camera_number)
    if claimed is not None:
        state.next_access_unit = max(state.next_access_unit, claimed + 1)
    return state
