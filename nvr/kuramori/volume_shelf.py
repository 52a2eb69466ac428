"""The volumes of a recorder: those that are open now, and those that are away and why. Both change while it runs.

Read by several threads at any time: what is handed out is a whole that never changes, and changes replace it. This
module must not know what is in a volume.
"""

from collections.abc import Mapping
from pathlib import Path

from kuramori.volume_return import VolumeAway
from kuramori_segments.storage_fault import StorageFault, VolumeRefused
from kuramori_segments.volume import Volume

Refusal = VolumeAway | VolumeRefused | StorageFault


class VolumeShelf:
    """A place for each volume of the configuration, in its order."""

    def __init__(self, places: tuple[Path, ...]) -> None:
        self.places = places
        self._open: dict[Path, Volume] = {}
        self._away: dict[Path, Refusal] = {}
        self._silent: frozenset[Path] = frozenset()

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Those that were opened, also while they fail: what is known of them is in memory."""
        return tuple(self._open.values())

    @property
    def paths(self) -> tuple[Path, ...]:
        """Their paths, in the same order."""
        return tuple(self._open)

    @property
    def readable(self) -> tuple[Volume, ...]:
        """Those that answer: who reads another one would wait for nobody knows how long."""
        return tuple(volume for path, volume in self._open.items() if path not in self._silent)

    @property
    def away(self) -> Mapping[Path, Refusal]:
        """Those that could not be opened yet, and why."""
        return self._away

    def path_of(self, volume: Volume) -> Path | None:
        """Return where a volume lies; None for one that was opened anew meanwhile."""
        return next((path for path, other in self._open.items() if other is volume), None)

    def add(self, path: Path) -> None:
        """One more volume belongs to the recorder; it is neither open nor away yet."""
        if path not in self.places:
            self.places = (*self.places, path)

    def put(self, path: Path, volume: Volume) -> None:
        """A volume was opened, or opened anew."""
        volumes = {**self._open, path: volume}
        self._open = {place: volumes[place] for place in self.places if place in volumes}
        self._away = {place: why for place, why in self._away.items() if place != path}

    def miss(self, path: Path, why: Refusal) -> None:
        """A volume could not be opened."""
        self._away = {**self._away, path: why}

    def retire(self, path: Path) -> None:
        """A volume is out of use for good; who has it closes it."""
        self.places = tuple(place for place in self.places if place != path)
        self._open = {place: volume for place, volume in self._open.items() if place != path}
        self._away = {place: why for place, why in self._away.items() if place != path}

    def silence(self, paths: frozenset[Path]) -> None:
        """Name the volumes that do not answer now: nobody reads them, and they cannot be closed."""
        self._silent = paths

    def require_one(self) -> None:
        """Raise the first refusal unless at least one volume is open."""
        if not self._open:
            raise next(iter(self._away.values()))

    def close(self) -> None:
        """Let go of all volumes but those that do not answer."""
        for path, volume in self._open.items():
            if path not in self._silent:
                volume.close()
