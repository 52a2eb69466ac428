"""Whether every medium is in its place (K7): one that vanishes without permission alarms, one that may leave is noted.

A medium is missing when its path is gone, when another file or device lies there, or when the device under it left the
machine. Looking blocks, and may hang with a medium: each has a thread of its own, and a look that does not end says
nothing. This module must not know recording, or who permits.
"""

import asyncio
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kuramori import log
from kuramori.media_keeping import MediaKeeping, volume_id_at
from kuramori.texts import tr
from kuramori.vault_thread import WorkThread

LOOK_SECONDS = 1.5
LOOKS_TO_MISS = 2  # in a row: an alarm within five seconds, none for a blink
MISSED_SECONDS = 4.0  # so long after it failed it is known whether the medium is missing
SYSFS_BLOCK = Path("/sys/dev/block")
PROBLEM = "medium "


@dataclass(frozen=True, slots=True)
class Place:
    """What lay at a path when it was last known to be right."""

    node: tuple[int, int]  # device and inode; of a block device its number and 0
    device: int  # the block device under it
    had_device: bool  # the system knew that device then
    volume_id: str


def look_at(path: Path, known: Place | None, sysfs: Path = SYSFS_BLOCK) -> Place | None:
    """Return what lies at a path; None where the medium is not there. Blocks."""
    try:
        status = path.stat()
    except OSError:
        return None
    block = stat.S_ISBLK(status.st_mode)
    node = (status.st_rdev, 0) if block else (status.st_dev, status.st_ino)
    device = status.st_rdev if block else status.st_dev
    there = (sysfs / f"{os.major(device)}:{os.minor(device)}").exists()
    if known is not None and known.node == node:
        return None if known.had_device and not there else known
    found = volume_id_at(path)  # another file: the same volume, mounted anew, or something else
    if found is None or (known is not None and known.volume_id != found):
        return None
    return Place(node, device, there, found)


@dataclass(slots=True)
class _Medium:
    place: Place | None = None
    in_vain: int = 0
    missing_since_utc_ms: int | None = None
    told_permit: int | None = None  # what was said when it was missed
    thread: WorkThread = field(default_factory=lambda: WorkThread("medium"))
    looking: asyncio.Task[None] | None = None


class MediaWatch:
    """Looks at every medium, until cancelled. `problems` is what the operator is told."""

    def __init__(
        self,
        volumes: tuple[Path, ...],
        keeping: MediaKeeping,
        now_utc_ms: Callable[[], int],
        problems: dict[str, str],
        noted: Callable[[str, Mapping[str, str]], None] = lambda _kind, _facts: None,
    ) -> None:
        self._media = {path: _Medium() for path in volumes}
        self._keeping = keeping
        self._now_utc_ms = now_utc_ms
        self._problems = problems
        self._noted = noted

    @property
    def keeping(self) -> MediaKeeping:
        """Permits and retired volumes."""
        return self._keeping

    @property
    def missing(self) -> Mapping[Path, int | None]:
        """Since when each medium is missing; None: it is in its place."""
        return {path: medium.missing_since_utc_ms for path, medium in self._media.items()}

    def permit_of(self, path: Path) -> int:
        """Return the permit by which a medium may be away now; 0 for none."""
        return self._keeping.permit_in_force(str(path), self._now_utc_ms())

    def excuses(self, path: Path, seconds: float) -> bool:
        """Tell whether a volume that has not worked for so long is away by permission: that is no alarm."""
        medium = self._media.get(path)
        away = medium is not None and medium.missing_since_utc_ms is not None
        return (away or seconds < MISSED_SECONDS) and self.permit_of(path) != 0

    def add(self, path: Path) -> None:
        """Look at one more medium from now on."""
        self._media.setdefault(path, _Medium())

    def forget(self, path: Path) -> None:
        """It is retired: where it lies now is told by its disposal record."""
        medium = self._media.pop(path, None)
        if medium is not None:
            medium.thread.close(wait=False)
        self._problems.pop(PROBLEM + str(path), None)

    async def run(self) -> None:
        """Look again and again."""
        try:
            while True:
                for path, medium in list(self._media.items()):
                    if medium.looking is None or medium.looking.done():
                        medium.looking = asyncio.create_task(self._look(path, medium), name="medium")
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for medium in self._media.values():
                if medium.looking is not None:
                    medium.looking.cancel()
                medium.thread.close(wait=False)

    async def _look(self, path: Path, medium: _Medium) -> None:
        found = await medium.thread.call(look_at, path, medium.place)
        if path not in self._media:
            return
        if found is not None:
            medium.place, medium.in_vain = found, 0
            self._found(path, medium)
            return
        medium.in_vain += 1
        if medium.in_vain >= LOOKS_TO_MISS:
            self._missed(path, medium)

    def _found(self, path: Path, medium: _Medium) -> None:
        if medium.missing_since_utc_ms is not None:
            log.get(volume=str(path)).warning("medium_back")
            self._noted("medium_back", {"volume": str(path)})
        medium.missing_since_utc_ms = medium.told_permit = None
        self._problems.pop(PROBLEM + str(path), None)

    def _missed(self, path: Path, medium: _Medium) -> None:
        """Say it once, and again when the permission ends meanwhile."""
        permit = self.permit_of(path)
        if medium.missing_since_utc_ms is None:
            medium.missing_since_utc_ms = self._now_utc_ms()
        if permit:
            self._problems.pop(PROBLEM + str(path), None)
        else:
            self._problems[PROBLEM + str(path)] = _problem(path)
        if medium.told_permit is None or bool(medium.told_permit) != bool(permit):
            line = log.get(volume=str(path), permit=permit)
            line.warning("medium_away") if permit else line.error("medium_gone")
            self._noted("medium_away" if permit else "medium_gone", {"volume": str(path), "permit": str(permit)})
        medium.told_permit = permit


def _problem(path: Path) -> str:
    return tr(
        f"The medium of {path} has left its place without permission. Find it; whoever has it has sealed recordings. "
        "If it was meant to leave, the manager permits it: kuramori medium permit.",
        f"記録媒体 {path} が許可なく所定の場所からなくなりました。所在を確認してください（画像は封印されています）。"
        "持出しが予定のものであれば、管理責任者が kuramori medium permit で許可してください。",
    )
