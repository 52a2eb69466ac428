"""Where each camera's counting goes on at the least: on a machine that was restored, whose ring is empty.

The machine that is gone went on counting after the backup was made, nobody knows how far. So a restored recorder leaps:
no sequence and no access unit ever names two things, and the gap in the numbers shows what is missing. `numbering.json`
stands in a backup with what the recorder had reached, and in the state directory of a restored one, leapt. Pure but
for `read_floor`. This module must not know volumes or the ledger.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kuramori_segments.codes import Provenance
from kuramori_segments.ledger_records import DurableEnd
from kuramori_segments.numbering import first_number

SEQUENCE_LEAP = 1 << 24  # segments: one a minute for thirty years
ACCESS_UNIT_LEAP = 1 << 36  # pictures: sixty a second for thirty years
FILE_LIMIT_BYTES = 4 << 20
NUMBER_MOST = (1 << 53) - 1
CAMERA_NUMBER_MOST = (1 << 32) - 1
KIND = "numbering"
VERSION = 1


class NumberingDamaged(ValueError):
    """A file of numbering is not one."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What comes next in one number space of one camera."""

    next_sequence: int
    next_access_unit: int


@dataclass(frozen=True, slots=True)
class NumberingFloor:
    """What comes next at the least, by camera number and space; and up to where each camera was durable."""

    spaces: Mapping[tuple[int, Provenance], Reached] = field(default_factory=dict)
    durable: Mapping[int, DurableEnd] = field(default_factory=dict)  # only while a backup is made and restored

    def of(self, camera_number: int, provenance: Provenance) -> Reached:
        """Return what comes next at the least."""
        first = first_number(provenance)
        return self.spaces.get((camera_number, provenance), Reached(first, first))

    def leapt(self) -> "NumberingFloor":
        """Return the floor of a recorder that goes on elsewhere."""
        return NumberingFloor(
            {
                key: replace(
                    reached,
                    next_sequence=reached.next_sequence + SEQUENCE_LEAP,
                    next_access_unit=reached.next_access_unit + ACCESS_UNIT_LEAP,
                )
                for key, reached in self.spaces.items()
            }
        )

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        spaces = [
            {
                "camera_number": number,
                "provenance": provenance.name.lower(),
                "next_sequence": reached.next_sequence,
                "next_access_unit": reached.next_access_unit,
            }
            for (number, provenance), reached in sorted(self.spaces.items())
        ]
        durable = [
            {"camera_number": number, "last_utc_ms": end.last_utc_ms, "last_access_unit": end.last_access_unit}
            for number, end in sorted(self.durable.items())
        ]
        document = {"kuramori": KIND, "version": VERSION, "spaces": spaces, "durable": durable}
        return json.dumps(document, indent=1).encode("utf-8") + b"\n"


def parse_floor(content: bytes) -> NumberingFloor:
    """Read a file's content. Raises NumberingDamaged."""
    try:
        document = json.loads(content)
        if document["kuramori"] != KIND or document["version"] != VERSION:
            raise NumberingDamaged("kind and version")
        spaces = {
            (_number(one["camera_number"], CAMERA_NUMBER_MOST), Provenance[one["provenance"].upper()]): Reached(
                _number(one["next_sequence"]), _number(one["next_access_unit"])
            )
            for one in document["spaces"]
        }
        durable = {
            _number(one["camera_number"], CAMERA_NUMBER_MOST): DurableEnd(
                _number(one["last_utc_ms"]), _number(one["last_access_unit"])
            )
            for one in document["durable"]
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NumberingDamaged(str(error)) from None
    return NumberingFloor(spaces, durable)


def _number(value: object, most: int = NUMBER_MOST) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise NumberingDamaged("a number")
    return value


def read_floor(path: Path) -> NumberingFloor:
    """Read the floor of this recorder; none where it was never restored. Raises NumberingDamaged, OSError."""
    try:
        with path.open("rb") as file:
            return parse_floor(file.read(FILE_LIMIT_BYTES))
    except FileNotFoundError:
        return NumberingFloor()
