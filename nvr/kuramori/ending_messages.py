"""What the desk asks the recorder about machines and media: copies for a backup, retired volumes, permits to leave.

Frozen values as in `messages`, which names them in its protocol. This module must not know sockets.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """Copy the ledger, and what the cameras have reached, into the folder that the desk has made for a backup."""


@dataclass(frozen=True, slots=True)
class RetireVolumeRequest:
    """Destroy the keys of all that lies on a volume and use it no more; the same record again has no further effect."""

    volume: str  # its path, as configured
    record: int  # number of the disposal record
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class RetiredVolume:
    """The keys are destroyed and the volume is out of use."""

    volume: str
    volume_id: str  # hexadecimal; "" where the medium could not be read
    size_bytes: int
    epochs: int  # keys of whole hours
    segment_keys: int  # keys of single segments
    erasure_number: int  # of the receipt; 0 where no key was left
    tier: str


@dataclass(frozen=True, slots=True)
class PermitMediumRequest:
    """This volume may be away until then (K7)."""

    volume: str
    permit: int
    until_utc_ms: int


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """Which media are in their places?"""


@dataclass(frozen=True, slots=True)
class MediumStatus:
    """One medium. `missing_since_utc_ms` is None where it is in its place; `permit` is 0 where it may not be away."""

    volume: str
    missing_since_utc_ms: int | None = None
    permit: int = 0
    retired_record: int = 0
    kept_because: str = ""  # why it could not be retired now; "" where it could


@dataclass(frozen=True, slots=True)
class Media:
    """Every configured medium, and those that are retired."""

    media: tuple[MediumStatus, ...]
