"""What is remembered of each medium over restarts: its identity, what was written to it, its errors, its usual pace.

A medium's life follows its identity: a card that comes back brings its own figures along. The place remembers which
medium was accepted there and since when it shows its light. Kept in `storage_health.json`; the file may be lost: then
everything is counted anew. Reading and writing block; the rest is pure. This module must not know how media are read.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from kuramori import log
from kuramori.camera_messages import Light
from kuramori.durable_file import write_file
from kuramori.storage_health.medium_facts import MediumFacts
from kuramori.storage_health.sync_pace import SyncPace
from kuramori.wire import WireInvalid, from_plain, to_plain

HISTORY_VERSION = 1
HISTORY_BYTES_MOST = 1024 * 1024
LIVES_KEPT = 64  # media remembered; those seen last
SECTOR_BYTES = 512


@dataclass(frozen=True, slots=True)
class MediumLife:
    """One medium, wherever it lies."""

    identity: str  # of the medium; where it has none, "place:" and the path
    seen_utc_ms: int = 0
    written_bytes: int = 0  # as the system counted it since the recorder first saw the medium
    counted_sectors: int | None = None  # the system's counter when that was last added
    boot_id: str = ""  # of the boot that it counts in
    io_errors: int = 0
    last_error_utc_ms: int | None = None
    pace: SyncPace = field(default_factory=SyncPace)

    def counted(self, sectors: int | None, boot_id: str) -> "MediumLife":
        """Add what the system's counter rose by; a counter that began anew counts from zero."""
        if sectors is None:
            return self
        known = self.counted_sectors
        if known is None:
            return replace(self, counted_sectors=sectors, boot_id=boot_id)
        goes_on = self.boot_id == boot_id and sectors >= known
        risen = sectors - known if goes_on else sectors
        written = self.written_bytes + risen * SECTOR_BYTES
        return replace(self, written_bytes=written, counted_sectors=sectors, boot_id=boot_id)


@dataclass(frozen=True, slots=True)
class MediumPlace:
    """What is remembered of a path."""

    volume: str
    accepted_identity: str = ""
    present_identity: str = ""
    light: Light = Light.UNKNOWN
    light_since_utc_ms: int = 0

    @property
    def swapped(self) -> bool:
        """Tell whether another medium lies there than the one accepted last."""
        return is_another(self.accepted_identity, self.present_identity)


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """The whole file."""

    version: int
    places: tuple[MediumPlace, ...] = ()
    lives: tuple[MediumLife, ...] = ()


def is_another(accepted: str, present: str) -> bool:
    """Tell whether two identities are of two media; one that is not told is no other."""
    return bool(accepted) and bool(present) and accepted != present


class MediumHistory:
    """All places and lives."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, MediumPlace] = {}
        self._lives: dict[str, MediumLife] = {}
        self.changed = False  # something happened that should be written soon

    def read(self) -> None:
        """Take over what the file says; call it once, before anything else. Blocking."""
        try:
            with self._path.open("rb") as file:
                found = from_plain(HistoryFile, json.loads(file.read(HISTORY_BYTES_MOST)))
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError, WireInvalid) as fault:
            log.get().error("storage_history_unreadable", path=str(self._path), detail=str(fault))
            return
        if found.version == HISTORY_VERSION:
            self._places = {one.volume: one for one in found.places}
            self._lives = {one.identity: one for one in found.lives}

    def place(self, volume: str) -> MediumPlace:
        """Return what is remembered of a path."""
        return self._places.get(volume, MediumPlace(volume))

    def life(self, volume: str) -> MediumLife:
        """Return what is remembered of the medium that lies there now."""
        identity = self.place(volume).present_identity or f"place:{volume}"
        return self._lives.get(identity, MediumLife(identity))

    def look(self, volume: str, facts: MediumFacts, boot_id: str, utc_ms: int) -> None:
        """Take in what a look found. The first medium that is ever seen at a place is accepted."""
        place = self.place(volume)
        if facts.identity and facts.identity != place.present_identity:
            accepted = place.accepted_identity or facts.identity
            self._places[volume] = replace(place, present_identity=facts.identity, accepted_identity=accepted)
            self.changed = True
        life = self.life(volume)
        self._keep(replace(life.counted(facts.written_sectors, boot_id), seen_utc_ms=utc_ms))

    def met(self, volume: str, errors: int, utc_ms: int) -> None:
        """The recorder met so many more errors of the medium."""
        life = self.life(volume)
        self._keep(replace(life, io_errors=life.io_errors + errors, last_error_utc_ms=utc_ms))
        self.changed = True

    def paced(self, volume: str, commits: int, seconds: float) -> None:
        """So many commits took so long since the last look."""
        life = self.life(volume)
        self._keep(replace(life, pace=life.pace.seen(commits, seconds)))

    def lit(self, volume: str, light: Light, utc_ms: int) -> int:
        """Note the light that a medium shows; return since when it does."""
        place = self.place(volume)
        if place.light is not light or not place.light_since_utc_ms:
            place = replace(place, light=light, light_since_utc_ms=utc_ms)
            self._places[volume] = place
            self.changed = True
        return place.light_since_utc_ms

    def accept(self, volume: str) -> None:
        """The medium that lies there now is the right one."""
        place = self.place(volume)
        self._places[volume] = replace(place, accepted_identity=place.present_identity)
        self.changed = True

    def snapshot(self) -> HistoryFile:
        """Return what `save` writes."""
        self.changed = False
        return HistoryFile(HISTORY_VERSION, tuple(self._places.values()), tuple(self._lives.values()))

    def save(self, snapshot: HistoryFile) -> None:
        """Make it durable. Blocking. Raises OSError."""
        write_file(self._path, json.dumps(to_plain(snapshot), ensure_ascii=False, indent=1).encode())

    def _keep(self, life: MediumLife) -> None:
        self._lives.pop(life.identity, None)
        self._lives[life.identity] = life
        while len(self._lives) > LIVES_KEPT:
            self._lives.pop(next(iter(self._lives)))
