"""Which cameras refused the password, how often, and when each is tried again. Kept in `sign_ins.json`.

Cameras lock an account after a few wrong passwords: the waits between sign-ins outlast a restart of the recorder,
however often it is restarted. A wait is counted in boot time; after another start of the machine the wall clock says
what is left, never more than the whole wait. The file holds no secret: of account and address there is a digest, so
that another account, or a camera at another address, is tried at once. A file that cannot be read keeps nobody
waiting: recording comes first. Writing blocks; the rest is pure. This module must not know cameras or clocks.
"""

import hashlib
import json
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from kuramori import log
from kuramori.capture.backoff import WRONG_CREDENTIALS_SECONDS
from kuramori.durable_file import write_file
from kuramori.wire import WireInvalid, from_plain, to_plain

SIGN_INS_VERSION = 1
MAX_SIGN_INS_BYTES = 1024 * 1024
MS_PER_SECOND = 1000
NS_PER_MS = 1_000_000
LONGEST_WAIT_MS = round(WRONG_CREDENTIALS_SECONDS[-1] * MS_PER_SECOND)
REMEMBERED_MS = LONGEST_WAIT_MS  # behind the end of a wait: then no camera counts what was before
MARK_DIGITS = 32


@dataclass(frozen=True, slots=True)
class RefusedSignIn:
    """One line of the file."""

    camera: str
    mark: str  # see `mark_of`
    refusals: int  # in a row, as `Backoff.refusals` counts them
    refused_utc_ms: int
    until_utc_ms: int
    boot_id: str  # of the boot that `until_boot_ns` counts in
    until_boot_ns: int


@dataclass(frozen=True, slots=True)
class SignInFile:
    """The whole file."""

    version: int
    refused: tuple[RefusedSignIn, ...]


def mark_of(host: str, port: int, user: str) -> str:
    """Return what an account of a device is known by: nothing of it can be read."""
    text = json.dumps(["kuramori/v1/sign-in", host, port, user])
    return hashlib.sha256(text.encode()).hexdigest()[:MARK_DIGITS]


class SignInBook:
    """The sign-ins that were refused last, by camera."""

    def __init__(self, path: Path, boot_id: bytes) -> None:
        self._path = path
        self._boot_id = boot_id.hex()
        self._refused: dict[str, RefusedSignIn] = {}
        self._writing = threading.Lock()

    def read(self, cameras: Collection[str], utc_ms: int, boot_ns: int) -> None:
        """Take over what the file says of these cameras; call it once, before anything else. Blocking."""
        try:
            found = from_plain(SignInFile, json.loads(self._path.read_bytes()[:MAX_SIGN_INS_BYTES]))
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError, WireInvalid) as fault:
            log.get().error("sign_ins_unreadable", path=str(self._path), detail=str(fault))
            return
        for stored in found.refused if found.version == SIGN_INS_VERSION else ():
            if stored.camera in cameras and not self._is_old(stored, utc_ms, boot_ns):
                self._refused[stored.camera] = self._counted_here(stored, utc_ms, boot_ns)

    def _is_old(self, stored: RefusedSignIn, utc_ms: int, boot_ns: int) -> bool:
        if stored.boot_id == self._boot_id:
            return boot_ns - stored.until_boot_ns > REMEMBERED_MS * NS_PER_MS
        return utc_ms - stored.until_utc_ms > REMEMBERED_MS

    def _counted_here(self, stored: RefusedSignIn, utc_ms: int, boot_ns: int) -> RefusedSignIn:
        refusals = max(0, min(stored.refusals, len(WRONG_CREDENTIALS_SECONDS) - 1))
        whole_ms = min(max(0, stored.until_utc_ms - stored.refused_utc_ms), LONGEST_WAIT_MS)
        if stored.boot_id == self._boot_id:
            until_boot_ns = min(stored.until_boot_ns, boot_ns + whole_ms * NS_PER_MS)
        else:
            left_ms = min(max(0, stored.until_utc_ms - utc_ms), whole_ms)
            until_boot_ns = boot_ns + left_ms * NS_PER_MS
        return replace(stored, refusals=refusals, boot_id=self._boot_id, until_boot_ns=until_boot_ns)

    def refusals(self, camera: str, mark: str) -> int:
        """Return how often this account was refused in a row, 0 where it was not."""
        stored = self._refused.get(camera)
        return stored.refusals if stored is not None and stored.mark == mark else 0

    def left_seconds(self, camera: str, mark: str, boot_ns: int) -> float:
        """Return how long this account is still left alone, 0 where it is not."""
        stored = self._refused.get(camera)
        if stored is None or stored.mark != mark:
            return 0.0
        return max(0.0, (stored.until_boot_ns - boot_ns) / NS_PER_MS / MS_PER_SECOND)

    def refused(self, camera: str, mark: str, refusals: int, wait_seconds: float, utc_ms: int, boot_ns: int) -> None:
        """Note that the account was refused, so many times in a row, and how long it is left alone."""
        wait_ms = round(wait_seconds * MS_PER_SECOND)
        until_boot_ns = boot_ns + wait_ms * NS_PER_MS
        one = RefusedSignIn(camera, mark, refusals, utc_ms, utc_ms + wait_ms, self._boot_id, until_boot_ns)
        self._refused = {**self._refused, camera: one}

    def forget(self, camera: str) -> bool:
        """It signs in, or somebody wants it tried afresh; tell whether that is news."""
        known = camera in self._refused
        self._refused = {name: stored for name, stored in self._refused.items() if name != camera}
        return known

    def save(self) -> None:
        """Make it durable; a place that takes nothing is told in the log. Blocking."""
        with self._writing:
            document = to_plain(SignInFile(SIGN_INS_VERSION, tuple(self._refused.values())))
            try:
                write_file(self._path, json.dumps(document, ensure_ascii=False, indent=1).encode())
            except OSError as fault:
                log.get().error("sign_ins_unwritten", detail=str(fault))
