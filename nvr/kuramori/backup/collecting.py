"""Which files of a recorder belong into a backup, and the backup written from them, read back, and given its name.

The list is by name, never by folder: what is not named stays out, and so do keystore, cells, TPM password, spool and
volumes. This module must not know the service.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kuramori import __version__
from kuramori.backup import sealing
from kuramori.backup.archive import (
    CONFIGURATION,
    NUMBERING,
    REQUIRED_PARTS,
    SECRET_PREFIX,
    Content,
    Part,
    pack,
    unpack,
)
from kuramori.backup.fault import BackupIncomplete, BackupUnreadable
from kuramori.backup.snapshot import DESK_FILES, LEDGER
from kuramori.durable_file import PRIVATE_MODE, sync_folder
from kuramori.identity import parse_identity
from kuramori.places import Places
from kuramori_config.schema import Configuration
from kuramori_config.secrets import SECRET_BYTES_MOST
from kuramori_segments.passphrase_key import USUAL_COST, Argon2Cost

READ_BYTES = 1 << 20
SMALL_BYTES_MOST = 64 << 20
PARTIAL_SUFFIX = ".partial"


@dataclass(frozen=True, slots=True)
class Collected:
    """What goes in: small files as they are now, and databases that were copied aside."""

    content: Content
    small: Mapping[str, bytes]
    copied: Mapping[str, Path]

    def parts(self) -> Iterator[bytes]:
        """Yield everything in the order of the list."""
        for part in self.content.parts:
            if part.name in self.small:
                yield self.small[part.name]
            else:
                yield from _pieces(self.copied[part.name])


def collect(
    configuration: Configuration, file: Path, snapshot: Path, created_utc_ms: int, *, with_secrets: bool
) -> Collected:
    """Gather a recorder's parts. Raises BackupIncomplete, IdentityFault, OSError."""
    places = Places.of(configuration)
    small = {CONFIGURATION: _small(file), NUMBERING: _small(snapshot / NUMBERING)}
    for name, path in small_files(places).items():
        if path.exists():
            small[name] = _small(path)
    if with_secrets:
        named = {one.password: one.secrets_directory for one in configuration.cameras if one.password is not None}
        for secret, folder in sorted(named.items()):
            path = (folder or places.secrets) / secret
            if not path.exists() or path.stat().st_size > SECRET_BYTES_MOST:
                raise BackupIncomplete(str(path))
            small[SECRET_PREFIX + secret] = _small(path)
    copied = {name: snapshot / name for name in (LEDGER, *DESK_FILES) if (snapshot / name).exists()}
    missing = [name for name in REQUIRED_PARTS if name not in small and name not in copied]
    if missing:
        raise BackupIncomplete(missing[0])
    identity = parse_identity(small["identity.json"], places.identity)
    listed = [Part(name, len(data), hashlib.sha256(data).digest()) for name, data in small.items()]
    listed += [_listed(name, path) for name, path in copied.items()]
    content = Content(
        identity.recorder_id, identity.site, created_utc_ms, __version__, str(file.absolute()), tuple(listed)
    )
    return Collected(content, small, copied)


def small_files(places: Places) -> dict[str, Path]:
    """Return where the small parts of a recorder lie."""
    paths = (
        places.identity,
        places.device_key,
        places.device_certificate,
        places.custodians,
        places.custodian_chain,
        places.register_key,
        places.api_key,
        places.api_certificate,
        places.streams,
        places.acquaintances,
        places.door_certificates,
        places.stream_certificates,
        places.media,
        places.enrolled_cameras,
    )
    return {path.name: path for path in paths}


def databases(places: Places) -> dict[str, Path]:
    """Return where the databases of a recorder lie."""
    return {
        path.name: path for path in (places.ledger, places.register, places.requests, places.custody, places.accounts)
    }


def write_backup(collected: Collected, out: Path, passphrase: str, cost: Argon2Cost = USUAL_COST) -> int:
    """Write a new backup, read it back, and only then give it its name; return its size in bytes.

    Raises FileExistsError, PassphraseWeak, BackupUnreadable (what was read back differs), OSError.
    """
    if out.exists():
        raise FileExistsError(out)
    partial = out.with_name(out.name + PARTIAL_SUFFIX)
    with suppress(FileNotFoundError):
        partial.unlink()
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_MODE)
        with os.fdopen(descriptor, "wb") as stream:
            for piece in sealing.seal(pack(collected.content, collected.parts()), passphrase, cost):
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        if read_backup(partial, passphrase) != collected.content:
            raise BackupUnreadable("list")
        os.link(partial, out)  # never over a file that came meanwhile
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    sync_folder(out.parent)
    return out.stat().st_size


def read_backup(path: Path, passphrase: str) -> Content:
    """Verify a whole backup and return its list; nothing of it is kept. Raises BackupFault, OSError."""
    with path.open("rb") as stream:
        return unpack(sealing.unseal(stream.read, passphrase), lambda _content: lambda _part, _piece: None)


def _small(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(SMALL_BYTES_MOST + 1)
    if len(data) > SMALL_BYTES_MOST:
        raise BackupIncomplete(f"{path} (larger than {SMALL_BYTES_MOST} bytes)")
    return data


def _listed(name: str, path: Path) -> Part:
    digest, size_bytes = hashlib.sha256(), 0
    for piece in _pieces(path):
        digest.update(piece)
        size_bytes += len(piece)
    return Part(name, size_bytes, digest.digest())


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(READ_BYTES):
            yield piece
