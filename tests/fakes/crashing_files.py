"""A machine whose power can be cut before every single step on its media, and whose media can fail.

Each place is a directory with what is durable and what is only in memory kept apart: content becomes durable by a
sync of the file, names by a sync of the directory. A failed sync throws away what it should have made durable, and
the next one says all is well (as Linux does). After a power cut, `restart` decides what of the rest survived.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from kuramori_segments.keystore_faults import KeystoreInUse
from kuramori_segments.store_files import BytesLike


class PowerCut(BaseException):
    """Nothing catches this: the machine is off."""


class Survival(Enum):
    """What was not yet durable when the power went."""

    LOST = "lost"
    KEPT = "kept"
    FRONT = "the first half of what was written, all names"
    BACK = "the second half of what was written, all names"


@dataclass(slots=True)
class Inode:
    """A file: what the medium has, what programs see, and what a sync would write."""

    durable: bytearray = field(default_factory=bytearray)
    seen: bytearray = field(default_factory=bytearray)
    waiting: list[tuple[int, bytes]] = field(default_factory=list)

    def write(self, offset: int, data: bytes) -> None:
        _place(self.seen, offset, data)
        self.waiting.append((offset, data))

    def sync(self) -> None:
        for offset, data in self.waiting:
            _place(self.durable, offset, data)
        self.waiting.clear()

    def restart(self, survival: Survival) -> None:
        for offset, data in self.waiting:
            half = len(data) // 2
            if survival is Survival.KEPT:
                _place(self.durable, offset, data)
            elif survival is Survival.FRONT:
                _place(self.durable, offset, data[:half])
            elif survival is Survival.BACK:
                _place(self.durable, offset + half, data[half:])
        self.waiting.clear()
        self.seen = bytearray(self.durable)


@dataclass(slots=True)
class Step:
    """One step on a medium, as logged: where, what, which file."""

    place: str
    kind: str  # "enter", "write", "sync", "unlink", "sync-directory", "read"
    name: str


@dataclass(slots=True)
class Machine:
    """Counts steps; cuts the power before step `cut_at`; fails those for which `fails(number, step)` is true.

    Reads have no number (0) unless `count_reads`.
    """

    cut_at: int = 0
    fails: Callable[[int, Step], bool] = field(default=lambda _number, _step: False)
    count_reads: bool = False
    steps: list[Step] = field(default_factory=list)
    places: dict[str, "CrashingFiles"] = field(default_factory=dict)
    parts: dict[str, object] = field(default_factory=dict)  # what else the machine has, such as a TPM

    def files(self, place: str) -> "CrashingFiles":
        """Return the directory of that name."""
        return self.places.setdefault(place, CrashingFiles(self, place))

    def step(self, place: str, kind: str, name: str) -> None:
        step = Step(place, kind, name)
        number = 0
        if kind != "read" or self.count_reads:
            self.steps.append(step)
            number = len(self.steps)
            if number == self.cut_at:
                raise PowerCut
        if self.fails(number, step):
            raise OSError(errno.EIO, "the medium failed")

    def restart(self, survival: Survival = Survival.LOST) -> None:
        """Power is back; what was not durable is as `survival` says. No further cut or fault."""
        self.cut_at = 0
        self.fails = lambda _number, _step: False
        for place in self.places.values():
            place.restart(survival)

    def image(self, place: str) -> dict[str, bytes]:
        """Return what a thief who copies the medium now gets: every durable byte under every name that ever was."""
        return {name: bytes(inode.durable) for name, inode in self.places[place].everything.items()}


class CrashingFiles:
    """A StoreFiles on a Machine."""

    def __init__(self, machine: Machine, place: str) -> None:
        self._machine = machine
        self._place = place
        self._durable: dict[str, Inode] = {}
        self._names: dict[str, Inode] = {}
        self.everything: dict[str, Inode] = {}
        self._locked = False

    @property
    def place(self) -> str:
        return self._place

    def lock(self) -> None:
        if self._locked:
            raise KeystoreInUse(self._place)
        self._locked = True

    def close(self) -> None:
        self._locked = False

    def read(self, name: str, limit_bytes: int) -> bytes | None:
        self._machine.step(self._place, "read", name)
        inode = self._names.get(name)
        return None if inode is None else bytes(inode.seen[: limit_bytes + 1])

    def create(self, name: str, data: BytesLike) -> None:
        if name in self._names:
            raise FileExistsError(errno.EEXIST, name)
        self._machine.step(self._place, "enter", name)
        inode = Inode()
        self._names[name] = inode
        self.everything[f"{name} {len(self.everything)}"] = inode
        self._write(inode, name, 0, data)
        self._sync_names(name)

    def write(self, name: str, offset_bytes: int, data: BytesLike) -> None:
        if name not in self._names:
            raise FileNotFoundError(errno.ENOENT, name)
        self._write(self._names[name], name, offset_bytes, data)

    def remove(self, name: str) -> None:
        if name in self._names:
            self._machine.step(self._place, "unlink", name)
            del self._names[name]
        self._sync_names(name)

    def durable_content(self) -> dict[str, bytes]:
        """Return what a copy of the medium made now shows under its names."""
        return {name: bytes(inode.durable) for name, inode in self._durable.items()}

    def _write(self, inode: Inode, name: str, offset: int, data: BytesLike) -> None:
        self._machine.step(self._place, "write", name)
        inode.write(offset, bytes(data))
        try:
            self._machine.step(self._place, "sync", name)
        except OSError:
            inode.waiting.clear()
            raise
        inode.sync()

    def _sync_names(self, name: str) -> None:
        self._machine.step(self._place, "sync-directory", name)
        self._durable = dict(self._names)

    def restart(self, survival: Survival) -> None:
        if survival is not Survival.LOST:
            self._durable = dict(self._names)
        self._names = dict(self._durable)
        for inode in self.everything.values():
            inode.restart(survival)
        self._locked = False


def _place(target: bytearray, offset: int, data: bytes) -> None:
    if len(target) < offset:
        target.extend(bytes(offset - len(target)))
    target[offset : offset + len(data)] = data
