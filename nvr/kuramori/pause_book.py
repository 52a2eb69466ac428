"""Which cameras are paused for maintenance, and when each pause ends by itself. Kept in `pauses.json`.

A pause has a length that was told in wall time and is counted in boot time: a wall clock that is set neither shortens
nor lengthens it. After another start of the machine the wall clock says what is left, never more than the whole
length, so that a wrong clock cannot keep a camera dark. A file that cannot be read pauses nobody: recording comes
first. Writing blocks; the rest is pure. This module must not know cameras, clocks or who may pause.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from kuramori import log
from kuramori.camera_messages import Pause, PauseCameraRequest
from kuramori.durable_file import write_file
from kuramori.wire import WireInvalid, from_plain, to_plain

PAUSES_VERSION = 1
MAX_PAUSES_BYTES = 1024 * 1024
LONGEST_PAUSE_MS = 31 * 86_400_000
TEXT_CHARACTERS_MOST = 200
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class StoredPause:
    """One line of the file."""

    pause: Pause
    boot_id: str  # of the boot that `end_boot_ns` counts in
    end_boot_ns: int


@dataclass(frozen=True, slots=True)
class PauseFile:
    """The whole file."""

    version: int
    pauses: tuple[StoredPause, ...]


class PauseBook:
    """The pauses in force."""

    def __init__(self, path: Path, boot_id: bytes) -> None:
        self._path = path
        self._boot_id = boot_id.hex()
        self._pauses: dict[str, StoredPause] = {}

    def read(self, utc_ms: int, boot_ns: int) -> None:
        """Take over what the file says; call it once, before anything else. Blocking."""
        try:
            found = from_plain(PauseFile, json.loads(self._path.read_bytes()[:MAX_PAUSES_BYTES]))
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError, WireInvalid) as fault:
            log.get().error("pauses_unreadable", path=str(self._path), detail=str(fault))
            return
        for stored in found.pauses if found.version == PAUSES_VERSION else ():
            self._pauses[stored.pause.camera] = self._counted_here(stored, utc_ms, boot_ns)

    def _counted_here(self, stored: StoredPause, utc_ms: int, boot_ns: int) -> StoredPause:
        pause = stored.pause
        if stored.boot_id == self._boot_id:
            most_ns = boot_ns + LONGEST_PAUSE_MS * NS_PER_MS
            return replace(stored, end_boot_ns=min(stored.end_boot_ns, most_ns))
        left_ms = min(max(0, pause.until_utc_ms - utc_ms), max(0, pause.until_utc_ms - pause.from_utc_ms))
        return StoredPause(pause, self._boot_id, boot_ns + min(left_ms, LONGEST_PAUSE_MS) * NS_PER_MS)

    def in_force(self, camera: str, utc_ms: int, boot_ns: int) -> Pause | None:
        """Return the camera's pause with the wall time at which it will end, as the clock stands now."""
        stored = self._pauses.get(camera)
        if stored is None:
            return None
        return replace(stored.pause, until_utc_ms=utc_ms + (stored.end_boot_ns - boot_ns) // NS_PER_MS)

    def is_paused(self, camera: str) -> bool:
        """Tell whether the camera is paused."""
        return camera in self._pauses

    def due(self, boot_ns: int) -> tuple[str, ...]:
        """Return the cameras whose pause is over."""
        return tuple(camera for camera, stored in self._pauses.items() if stored.end_boot_ns <= boot_ns)

    def begin(self, request: PauseCameraRequest, utc_ms: int, boot_ns: int) -> Pause:
        """Pause a camera, or change the end of its pause. The end lies ahead, by LONGEST_PAUSE_MS at most."""
        before = self._pauses.get(request.camera)
        pause = Pause(
            camera=request.camera,
            from_utc_ms=before.pause.from_utc_ms if before is not None else utc_ms,
            until_utc_ms=request.until_utc_ms,
            person=request.person[:TEXT_CHARACTERS_MOST],
            reason=request.reason[:TEXT_CHARACTERS_MOST],
        )
        end_boot_ns = boot_ns + (request.until_utc_ms - utc_ms) * NS_PER_MS
        self._pauses = {**self._pauses, request.camera: StoredPause(pause, self._boot_id, end_boot_ns)}
        return pause

    def end(self, camera: str) -> None:
        """The pause is over; one that is not there is no fault."""
        self._pauses = {name: stored for name, stored in self._pauses.items() if name != camera}

    def snapshot(self) -> PauseFile:
        """Return what `save` writes."""
        return PauseFile(PAUSES_VERSION, tuple(self._pauses.values()))

    def restore(self, snapshot: PauseFile) -> None:
        """Go back to an earlier state: what was changed since could not be written."""
        self._pauses = {stored.pause.camera: stored for stored in snapshot.pauses}

    def save(self) -> None:
        """Make it durable. Blocking. Raises OSError."""
        write_file(self._path, json.dumps(to_plain(self.snapshot()), ensure_ascii=False, indent=1).encode())
