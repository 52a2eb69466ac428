"""What one examination looks at, and the order of its checks.

Each check is a function from the case to findings; it reads and never writes. A check that cannot look says so as a
finding. This module must not know what a check looks at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kuramori.doctor.finding import Finding
from kuramori.doctor.machine import Machine
from kuramori.places import Places
from kuramori_config.schema import Configuration


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that checks may look at."""

    file: Path  # the configuration file
    configuration: Configuration
    places: Places
    machine: Machine
    credentials: Path | None  # systemd's credentials directory, if any


Check = Callable[[Case], Iterator[Finding]]


def examine(case: Case, checks: tuple[Check, ...]) -> list[Finding]:
    """Return what all checks found, in their order."""
    return [finding for check in checks for finding in check(case)]
