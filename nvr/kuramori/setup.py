"""Sets a recorder up: device key, certificate, custodian set, volumes, keystore, ledger, and last its identity.

Steps, and what a stop after each leaves:
 1. Everything that can be refused is refused: nothing is changed.
 2. `setup-unfinished.json` names what is about to be made. From here on a stop leaves an unfinished set-up, which
    `kuramori run` refuses and the next `kuramori init` discards.
 3. Keys, set, volumes, keystore and ledger are made, each durable before the next.
 4. `identity.json` is written aside and renamed: the moment at which the recorder is set up.
 5. `setup-unfinished.json` is removed. A stop before that leaves a note that no longer means anything: whoever finds
    an identity ignores it.

A failure in 3 discards at once what was made. This module must not know the terminal or the questions.
"""

import json
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori import device_certificate
from kuramori.cells import make_cell_password, open_cells, open_fallback_cells
from kuramori.custodian_cards import gather_set
from kuramori.durable_file import make_private_folder, remove_file, write_file
from kuramori.erasure_texts import place_refusal
from kuramori.identity import RECORDER_ID_BYTES, Identity
from kuramori.places import Places
from kuramori.setup_faults import AlreadySetUp, PlaceUnusable, RingTooShort, SetUpRemains, VolumeNotBlank
from kuramori.setup_remains import Unfinished, discard, read_unfinished, remains_of
from kuramori.texts import japanese_wanted
from kuramori_config.capacity import shortfall
from kuramori_config.schema import Configuration, VolumeTable
from kuramori_segments.boot_identity import read_boot_id
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.device_key import device_key_id
from kuramori_segments.disk import FileDisk
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import KeystoreFault, PlaceRefused
from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_fault import LedgerFault
from kuramori_segments.limits import MEBIBYTE, SLOT_BYTES
from kuramori_segments.storage_fault import StorageFault, VolumeRefused
from kuramori_segments.store_files import DirectoryFiles
from kuramori_segments.tier import TierAssessment
from kuramori_segments.volume import Volume
from kuramori_segments.volume_head import slots_that_fit

UUID_BYTES = 16
BLANK_BYTES = MEBIBYTE  # where file systems, partition tables and RAID keep their signatures


@dataclass(frozen=True, slots=True)
class SetUpReport:
    """What was made, for whoever tells the operator."""

    identity: Identity
    device_key_id: bytes
    certificate_fingerprint: str
    custodian_set: CustodianSet
    volume_bytes: tuple[int, ...]
    assessment: TierAssessment
    places: Places

    def as_json(self) -> str:
        """Return what a program wants to know of it."""
        document = {
            "recorder_id": self.identity.recorder_id.hex(),
            "certificate_sha256": self.certificate_fingerprint.replace(" ", ""),
            "threshold": self.custodian_set.k,
            "custodians": [card.name for card in self.custodian_set.custodians],
            "volume_bytes": list(self.volume_bytes),
            "erasure_tier": self.assessment.tier.value,
        }
        return json.dumps(document, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class MadeStorage:
    """Keystore and volumes that were made."""

    assessment: TierAssessment
    volume_bytes: tuple[int, ...]


def set_up(configuration: Configuration, utc_ms: int) -> SetUpReport:
    """Set the recorder up. Blocks. Raises SetUpRefused, CardsRefused; then nothing that looks finished is left."""
    places = Places.of(configuration)
    refuse_what_is_there(configuration, places)
    custody = configuration.custody
    custodian_set = gather_set(custody.cards_directory, custody.recovery_card, custody.threshold, utc_ms)
    missing = shortfall(configuration)
    if missing is not None:
        raise RingTooShort(missing.text(japanese=japanese_wanted()))
    identity = Identity(secrets.token_bytes(RECORDER_ID_BYTES), utc_ms, configuration.site.name)

    def put_parts() -> None:
        _make_device_key(places, identity)
        write_file(places.custodians, custodian_set.to_bytes())
        _make_ledger(places, custodian_set, identity.created_utc_ms)

    made = make_recorder(configuration, places, identity, Unfinished.of(identity.recorder_id, places), put_parts)
    certificate = x509.load_pem_x509_certificate(places.device_certificate.read_bytes())
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise PlaceUnusable(places.device_certificate, "not a P-256 key")
    fingerprint = device_certificate.fingerprint(certificate)
    return SetUpReport(
        identity, device_key_id(key), fingerprint, custodian_set, made.volume_bytes, made.assessment, places
    )


def refuse_what_is_there(configuration: Configuration, places: Places) -> None:
    """Step 1: refuse a finished set-up, and remains that no unfinished one explains; discard an unfinished one."""
    if places.identity.exists():
        raise AlreadySetUp(places.identity)
    unfinished = read_unfinished(places)
    if unfinished is not None:
        try:
            discard(places, unfinished, partial(open_cells, configuration, places))
        except KeystoreFault as fault:
            raise PlaceUnusable(None, str(fault)) from fault
    remains = remains_of(places)
    if remains:
        raise SetUpRemains(remains)


def make_recorder(
    configuration: Configuration,
    places: Places,
    identity: Identity,
    unfinished: Unfinished,
    put_parts: Callable[[], None],
) -> MadeStorage:
    """Steps 2 to 5, for a new recorder or a restored one: `put_parts` puts keys, custodians and ledger in their places.

    Blocks. Raises SetUpRefused, and what `put_parts` raises; then nothing is left.
    """
    try:
        return _make_recorder(configuration, places, identity, unfinished, put_parts)
    except OSError as error:
        path = Path(error.filename) if isinstance(error.filename, str) else None
        raise PlaceUnusable(path, error.strerror or str(error)) from error
    except PlaceRefused as refused:
        raise PlaceUnusable(None, place_refusal(refused)) from refused
    except (StorageFault, VolumeRefused, LedgerFault, KeystoreFault) as fault:
        raise PlaceUnusable(None, str(fault)) from fault


def _make_recorder(
    configuration: Configuration,
    places: Places,
    identity: Identity,
    unfinished: Unfinished,
    put_parts: Callable[[], None],
) -> MadeStorage:
    for volume in configuration.volumes:
        _refuse_unsuitable_volume(volume)
    cells = (places.cell, places.fallback_cell)
    for folder in (places.state, places.secrets, *cells, *(path.parent for path in places.volumes)):
        if folder is not None and not folder.exists():
            make_private_folder(folder)
    make_private_folder(places.state)
    write_file(places.unfinished, unfinished.to_bytes())
    with ExitStack() as undo:
        undo.callback(discard, places, unfinished, partial(open_cells, configuration, places))
        put_parts()
        assessment = _make_keystore(configuration, places)
        sizes = tuple(_make_volume(volume, identity) for volume in configuration.volumes)
        make_private_folder(places.spool)
        write_file(places.identity, identity.to_bytes())
        undo.pop_all()
    remove_file(places.unfinished)
    return MadeStorage(assessment, sizes)


def _make_device_key(places: Places, identity: Identity) -> None:
    key = device_certificate.new_device_key()
    certificate = device_certificate.new_certificate(key, identity.site, identity.recorder_id, identity.created_utc_ms)
    write_file(places.device_key, device_certificate.key_to_pem(key))
    write_file(places.device_certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _is_block_device(path: Path) -> bool:
    return path.exists() and stat.S_ISBLK(path.stat().st_mode)


def _refuse_unsuitable_volume(volume: VolumeTable) -> None:
    """A block device must be blank at its beginning; a file must not be there (`Volume.create_file` sees to that)."""
    if not _is_block_device(volume.path):
        return
    with volume.path.open("rb", buffering=0) as device:
        if any(os.pread(device.fileno(), BLANK_BYTES, 0)):
            raise VolumeNotBlank(volume.path)


def _make_volume(table: VolumeTable, identity: Identity) -> int:
    """Make one volume and return its size in bytes."""
    volume_id = secrets.token_bytes(UUID_BYTES)
    if _is_block_device(table.path):
        disk = FileDisk.open(table.path, writable=True)
        size_bytes = min(table.size.total_bytes, disk.size_bytes)
        volume = Volume.create(
            disk,
            slot_count=slots_that_fit(size_bytes, SLOT_BYTES),
            volume_id=volume_id,
            recorder_id=identity.recorder_id,
            created_utc_ms=identity.created_utc_ms,
        )
    else:
        volume = Volume.create_file(
            table.path,
            size_bytes=table.size.total_bytes,
            volume_id=volume_id,
            recorder_id=identity.recorder_id,
            created_utc_ms=identity.created_utc_ms,
        )
    volume.close()
    return volume.superblock.volume_bytes


def _make_keystore(configuration: Configuration, places: Places) -> TierAssessment:
    """Make an empty keystore under a root in the cell, and return how strong erasing in it is.

    The fallback's place is looked at too, so that an unfit one is refused now and not when it is needed.
    """
    make_cell_password(configuration, places)
    cells = open_cells(configuration, places)
    if places.fallback_cell is not None:
        open_fallback_cells(configuration, places)
    make_private_folder(places.keystore)
    Keystore.create(DirectoryFiles(places.keystore), cells, boot_id=read_boot_id()).close()
    return cells[0].assessment


def _make_ledger(places: Places, custodian_set: CustodianSet, utc_ms: int) -> None:
    if places.ledger_mirror is not None and not places.ledger_mirror.parent.exists():
        make_private_folder(places.ledger_mirror.parent)
    with Ledger.create(places.ledger, places.ledger_mirror, utc_ms) as ledger:
        ledger.install_custodian_set(
            custodian_set.set_id,
            threshold=custodian_set.k,
            custodians=custodian_set.n,
            document=custodian_set.to_bytes(),
            now_utc_ms=utc_ms,
        )
