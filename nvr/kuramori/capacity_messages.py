"""What recorder, desk and command line say to one another about capacity: how long pictures will stay, and until when.

Times are UTC milliseconds, None where something never happens at the present rates. This module must not know how any
of it is found out.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CapacityRequest:
    """How long will pictures stay, and when is something overwritten too early?"""


@dataclass(frozen=True, slots=True)
class CameraCapacity:
    """One camera: how fast it takes slots, how long its pictures are to stay and how long they will."""

    name: str
    slots_per_day: float
    mbit_per_second: float  # of the ring, everything included
    expected_slots_per_day: float  # by its configuration
    measured_seconds: float  # over how much recorded time; 0: nothing measured, the configuration's expectation
    retention_seconds: int
    floor_seconds: int
    reached_seconds: float  # its retention at most

    @property
    def measured(self) -> bool:
        """Tell whether the rate was measured."""
        return self.measured_seconds > 0


@dataclass(frozen=True, slots=True)
class VolumeCapacity:
    """One ring and the cameras that record into it."""

    path: str
    size_bytes: int
    slots: int  # that can be written
    free_slots: int
    held_slots: int
    needed_slots: int  # for every camera's whole retention, what is held included
    needed_bytes: int  # the size that would do, rounded up
    first_overwrite_utc_ms: int | None  # from then on no slot is free
    first_loss_utc_ms: int | None  # from then on something within its retention is overwritten
    floor_missed_utc_ms: int | None  # from then on something within its floor is overwritten
    cameras: tuple[CameraCapacity, ...]


@dataclass(frozen=True, slots=True)
class HoldBudget:
    """How much of all rings holds may keep, and how much they do, recordings still to come included."""

    percent: float
    slots: int
    used_slots: int


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """The whole site. `running`: from the rings as they stand; else from the configuration alone, with empty rings."""

    utc_ms: int
    running: bool
    volumes: tuple[VolumeCapacity, ...]
    holds: HoldBudget
