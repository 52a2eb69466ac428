"""A recorder out of a backup, on a bare machine: the same identity, people, register and ledger; new volumes and keys.

Steps, and what a stop after each leaves:
 1. Everything that can be refused is refused, and every byte of the backup is authenticated: nothing is changed.
 2. The parts are written aside (`restoring/`) and each is opened and checked: nothing of it is in use.
 3. As a set-up (`kuramori.setup`, steps 2 to 5), with the parts moved into their places instead of new ones.
A failure or stop before the identity is in its place leaves nothing that looks finished; restoring again clears it.

What was recorded on the machine before cannot be opened here: its keys are in no backup, by design. This module must
not know the terminal.
"""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from kuramori.backup import sealing
from kuramori.backup.archive import (
    CONFIGURATION,
    NUMBERING,
    SECRET_PREFIX,
    Content,
    Part,
    unpack,
)
from kuramori.backup.collecting import databases, small_files
from kuramori.backup.fault import RestoreRefused
from kuramori.custodian_office import CustodiansUnusable, read_custody
from kuramori.desk.ending_steps import Restored
from kuramori.desk.journal import IDENTIFIED_BY
from kuramori.desk.register import Register, RegisterFault
from kuramori.desk.register_entry import EntryKind
from kuramori.durable_file import make_private_folder, sync_folder, write_file
from kuramori.identity import Identity, IdentityFault, parse_identity
from kuramori.numbering_floor import NumberingDamaged, NumberingFloor, parse_floor
from kuramori.places import Places
from kuramori.setup import MadeStorage, make_recorder, refuse_what_is_there
from kuramori.setup_remains import Unfinished
from kuramori.vault import DeviceKeyUnusable, read_device_key
from kuramori.wire import to_plain
from kuramori_config.enrolled import ENROLLED_SECRET_PREFIX
from kuramori_config.load import parse_configuration
from kuramori_config.schema import Configuration
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_fault import LedgerFault

CONFIGURATION_MODE = 0o640
RESTORED_EVENT = "recorder_restored"
_SQLITE_PARTS = ("requests.db", "custody.db", "accounts.db")
OPERATOR = "the operator of the machine"


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A backup whose every byte was authenticated."""

    content: Content
    configuration: bytes


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was restored, for whoever tells the operator."""

    content: Content
    identity: Identity
    places: Places
    register_size: int | None  # entries, the one about the restore included; None where the backup holds no register
    made: MadeStorage


def survey(backup: Path, passphrase: str) -> Surveyed:
    """Read a whole backup, keeping its configuration only. Raises BackupFault, OSError."""
    configuration = bytearray()

    def take(part: Part, piece: bytes) -> None:
        if part.name == CONFIGURATION:
            configuration.extend(piece)

    with backup.open("rb") as stream:
        content = unpack(sealing.unseal(stream.read, passphrase), lambda _content: take)
    return Surveyed(content, bytes(configuration))


def configuration_for(surveyed: Surveyed, file: Path) -> Configuration:
    """Return the configuration to restore by: the one that stands at `file`, else the backup's, as if it stood there.

    Raises ConfigurationFault, OSError.
    """
    return parse_configuration(file.read_bytes() if file.exists() else surveyed.configuration, file)


def restore(backup: Path, passphrase: str, surveyed: Surveyed, file: Path, person: str, utc_ms: int) -> RestoreReport:
    """Restore onto a bare machine. Blocks. Raises BackupFault, SetUpRefused, ConfigurationFault, OSError."""
    configuration = configuration_for(surveyed, file)
    places = Places.of(configuration)
    refuse_what_is_there(configuration, places)
    targets = _targets(surveyed.content, places)
    own = (*small_files(places).values(), *databases(places).values(), places.numbering)
    there = [path for path in (*own, *targets.values()) if path.exists()]
    if there:
        raise _occupied(there[0])
    made_state = not places.state.exists()
    make_private_folder(places.state)
    try:
        staged = _stage(backup, passphrase, surveyed, places.restoring)
        identity, floor = check_parts(places.restoring)
        _prepare_ledger(places.restoring / places.ledger.name, floor, utc_ms)
        size = _register_restore(places.restoring, identity, surveyed.content, person, utc_ms)
        write_file(places.restoring / NUMBERING, floor.leapt().to_bytes())
        extra = tuple(path for name, path in targets.items() if not name.startswith(SECRET_PREFIX))
        made = make_recorder(
            configuration,
            places,
            replace(identity, site=identity.site),
            Unfinished.of(identity.recorder_id, places, extra),
            lambda: _put(places.restoring, targets, staged),
        )
        _put_configuration(surveyed, file)
    finally:
        shutil.rmtree(places.restoring, ignore_errors=True)
        if made_state and not any(places.state.iterdir()):
            places.state.rmdir()
    return RestoreReport(surveyed.content, identity, places, size, made)


def _targets(content: Content, places: Places) -> dict[str, Path]:
    """Return where each part goes; the identity is written last, by whoever makes the recorder."""
    known = {**small_files(places), **databases(places), NUMBERING: places.numbering}
    targets = {name: known[name] for name in content.names if name in known and name != places.identity.name}
    for name in content.names:
        if name.startswith(SECRET_PREFIX):
            secret = name.removeprefix(SECRET_PREFIX)
            enrolled = secret.startswith(ENROLLED_SECRET_PREFIX)
            targets[name] = (places.enrolled_secrets if enrolled else places.secrets) / secret
    return targets


def _occupied(path: Path) -> RestoreRefused:
    return RestoreRefused(
        f"{path} is there already: a backup is restored onto a bare machine only, and nothing is overwritten.",
        f"{path} が既にあります。バックアップの復元は何もない機器にのみ行い、上書きはしません。",
    )


def _stage(backup: Path, passphrase: str, surveyed: Surveyed, folder: Path) -> dict[str, Path]:
    """Write every part aside; the backup must be the one that was surveyed."""
    shutil.rmtree(folder, ignore_errors=True)
    make_private_folder(folder)
    make_private_folder(folder / SECRET_PREFIX)
    staged: dict[str, Path] = {}

    def begin(content: Content) -> Callable[[Part, bytes], None]:
        if content != surveyed.content:
            raise RestoreRefused("The backup changed while it was read.", "読取り中にバックアップが変わりました。")
        return take

    def take(part: Part, piece: bytes) -> None:
        path = staged.setdefault(part.name, folder / part.name)
        with path.open("ab") as stream:
            path.chmod(0o600)
            stream.write(piece)

    with backup.open("rb") as stream:
        unpack(sealing.unseal(stream.read, passphrase), begin)
    return staged


def check_parts(folder: Path) -> tuple[Identity, NumberingFloor]:
    """See that what lies aside fits together and opens. Raises RestoreRefused, OSError."""
    try:
        identity = parse_identity((folder / "identity.json").read_bytes(), folder / "identity.json")
        floor = parse_floor((folder / NUMBERING).read_bytes())
        read_custody(folder / "custodians.json", folder / "custodian_chain.json")
        key = read_device_key(folder / "device_key.pem").public_key()
        certificate = x509.load_pem_x509_certificate((folder / "device_certificate.pem").read_bytes())
        if certificate.public_key() != key:
            raise _unfit("device_certificate.pem")
        certificate.verify_directly_issued_by(certificate)
        for name in _SQLITE_PARTS:
            _check_database(folder / name)
    except (IdentityFault, NumberingDamaged, CustodiansUnusable, DeviceKeyUnusable) as fault:
        raise _unfit(str(fault)) from fault
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as fault:
        raise _unfit("device_certificate.pem") from fault
    return identity, floor


def _unfit(what: str) -> RestoreRefused:
    return RestoreRefused(
        f"What the backup holds does not fit together ({what}): use another copy.",
        f"バックアップの内容に矛盾があります（{what}）。別の控えを使用してください。",
    )


def _check_database(path: Path) -> None:
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path)) as database:
            if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise _unfit(path.name)
    except sqlite3.Error as error:
        raise _unfit(path.name) from error


def _prepare_ledger(path: Path, floor: NumberingFloor, utc_ms: int) -> None:
    """End the runs that were under way when the backup was made, and note the restore."""
    try:
        with Ledger.open(path, None) as ledger:
            ledger.close_open_runs(floor.durable, GapReason.RECORDER_STOPPED, utc_ms, "restored from a backup")
            ledger.record_event(RESTORED_EVENT, utc_ms=utc_ms)
    except LedgerFault as fault:
        raise _unfit(str(fault)) from fault


def _register_restore(folder: Path, identity: Identity, content: Content, person: str, utc_ms: int) -> int | None:
    """Verify the register from its first entry, and write into it that it goes on from this backup."""
    path, key = folder / "register.db", folder / "register_key.pem"
    if not path.exists():
        return None
    if not key.exists():
        raise _unfit(key.name)
    try:
        register = Register.open(path, key, identity.recorder_id)
        try:
            register.verify()
            step = Restored(content.created_utc_ms, register.size, content.origin)
            register.append(
                EntryKind.RESTORED,
                utc_ms=utc_ms,
                request=None,
                person=person or None,
                body={**to_plain(step), IDENTIFIED_BY: OPERATOR},
            )
            return register.size
        finally:
            register.close()
    except RegisterFault as fault:
        raise _unfit(str(fault)) from fault


def _put(folder: Path, targets: dict[str, Path], staged: dict[str, Path]) -> None:
    """Move the parts into their places, over nothing. Raises OSError."""
    for name in sorted(targets):
        source, target = staged[name], targets[name]
        if target.exists():
            raise _occupied(target)
        make_private_folder(target.parent)
        if source.parent == target.parent or source.stat().st_dev == target.parent.stat().st_dev:
            source.rename(target)
        else:
            write_file(target, source.read_bytes())
    for directory in {path.parent for path in targets.values()}:
        sync_folder(directory)


def _put_configuration(surveyed: Surveyed, file: Path) -> None:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, surveyed.configuration, CONFIGURATION_MODE)
