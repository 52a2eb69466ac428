"""The state of a dead recorder, copied to where it can be worked with: the original is read, never written.

Register, requests and custody go on in the copy; the ledger is read there. A copy that was made before is used again,
so that a request may take more than one sitting. This module must not know volumes or keys of recordings.
"""

import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

from kuramori.custodian_office import CustodiansUnusable, read_custody
from kuramori.database_copy import copy_closed_database
from kuramori.durable_file import PRIVATE_MODE, make_private_folder, write_file
from kuramori.identity import Identity, IdentityFault, read_identity
from kuramori.offline.fault import EvidenceUnusable
from kuramori.places import Places
from kuramori.vault import DeviceKeyUnusable, read_device_key
from kuramori_segments.custodian_set import CustodianSet

NEEDED = ("device_key.pem", "device_certificate.pem", "custodians.json")
OPTIONAL = ("custodian_chain.json", "register_key.pem")
DATABASES = ("ledger.db", "register.db", "requests.db", "custody.db")
FILE_LIMIT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ImportedState:
    """What the desk works with."""

    places: Places
    identity: Identity
    custodians: CustodianSet


def import_state(places: Places, state: Path | None, work: Path | None) -> ImportedState:
    """Copy `state` to `work`, unless it stands there already; without both, work with the own state in place.

    Raises EvidenceUnusable, OSError.
    """
    if state is not None and work is not None:
        if not (work / "identity.json").exists():
            _copy(state, work)
        places = replace(places, state=work, ledger_mirror=None)
    try:
        identity = read_identity(places.identity)
        read_device_key(places.device_key)
        custodians = read_custody(places.custodians, places.custodian_chain).current
    except (IdentityFault, DeviceKeyUnusable, CustodiansUnusable) as fault:
        raise EvidenceUnusable(str(places.state), str(fault)) from fault
    make_private_folder(places.spool)
    return ImportedState(places, identity, custodians)


def _copy(state: Path, work: Path) -> None:
    """Copy part by part into a new or empty folder, the identity last: a copy without it is none."""
    for name in ("identity.json", *NEEDED):
        if not (state / name).is_file():
            raise EvidenceUnusable(str(state / name), "it is not there; a backup of the recorder holds it")
    if work.exists() and any(work.iterdir()):
        raise EvidenceUnusable(str(work), "it is neither empty nor a copy that was made before")
    make_private_folder(work)
    for name in (*NEEDED, *OPTIONAL):
        if (state / name).exists():
            write_file(work / name, _content(state / name), PRIVATE_MODE)
    for name in DATABASES:
        if (state / name).exists():
            try:
                copy_closed_database(state / name, work / name)
            except sqlite3.Error as error:
                raise EvidenceUnusable(str(state / name), str(error)) from error
    write_file(work / "identity.json", _content(state / "identity.json"), PRIVATE_MODE)


def _content(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(FILE_LIMIT_BYTES)
