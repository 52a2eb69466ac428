"""What the system tells of the medium under a path, for the register: file system, label, serial number.

What it does not tell is left out; other systems than Linux tell nothing. Must not know what is written.
"""

import os
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kuramori.desk.granted import TEXT_MOST, one_line

MOUNTS = Path("/proc/self/mountinfo")
SYSFS = Path("/sys")
LABELS = Path("/dev/disk/by-label")
MOUNTS_BYTES_MOST = 4 << 20
FACT_CHARACTERS_MOST = 64
_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})")  # as udev writes blanks in names


@dataclass(frozen=True, slots=True)
class FileSystem:
    """The file system that a path lies on; empty where it is not told."""

    kind: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """Where to look; other places in tests."""

    mounts: Path = MOUNTS
    sysfs: Path = SYSFS
    labels: Path = LABELS


HERE = System()


def file_system(path: Path, system: System = HERE) -> FileSystem:
    """Return the file system of a path that is there."""
    with suppress(OSError):
        number = path.stat().st_dev
        wanted = f"{os.major(number)}:{os.minor(number)}"
        with system.mounts.open("rb") as file:
            lines = file.read(MOUNTS_BYTES_MOST).decode(errors="replace").splitlines()
        for line in lines:
            before, _, after = line.partition(" - ")
            left, right = before.split(), after.split()
            if len(left) > 2 and left[2] == wanted and len(right) > 1:
                return FileSystem(right[0], right[1])
    return FileSystem()


def medium_text(said: str, path: Path, more: tuple[str, ...] = (), system: System = HERE) -> str:
    """Return what the register notes: what the person says, and what the system tells of the medium under `path`."""
    found = file_system(path, system)
    facts = [found.kind, *more]
    label, serial = _label(found.source, system), _serial(path, system)
    facts += [f"label {label}"] if label else []
    facts += [f"serial {serial}"] if serial else []
    told = ", ".join(fact for fact in facts if fact)
    whole = f"{said} ({told})" if told else said
    return whole if one_line(whole) and len(whole) <= TEXT_MOST else said


def _label(source: str, system: System) -> str:
    with suppress(OSError):
        for link in sorted(system.labels.iterdir()):
            if link.resolve() == Path(source).resolve():
                name = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), os.fsencode(link.name))
                return _clean(name.decode("utf-8", "replace"))
    return ""


def _serial(path: Path, system: System) -> str:
    """Return the serial number of the disk, or of the USB device that it is in."""
    with suppress(OSError):
        number = path.stat().st_dev
        node = (system.sysfs / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}").resolve(strict=True)
        for place in (node, *node.parents):
            for name in ("serial", "device/serial", "device/cid"):
                found = _clean((place / name).read_text(errors="replace")) if (place / name).is_file() else ""
                if found:
                    return found
            if (place / "idVendor").exists():  # a USB device without a number of its own; above it stands the hub
                return ""
    return ""


def _clean(text: str) -> str:
    """Return a device's own word as one visible line: whoever made it may have put anything there."""
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    visible = "".join(letter for letter in plain if letter.isprintable())
    return visible[:FACT_CHARACTERS_MOST].strip()
