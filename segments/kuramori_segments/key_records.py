"""What the keystore says of its keys, without the keys: frozen values that cross rooms.

Ids are 16 bytes. Times: UTC milliseconds (`_utc_ms`), milliseconds of CLOCK_BOOTTIME (`_boot_ns` in nanoseconds).
This module must not know files, secrets or clocks.
"""

from dataclasses import dataclass

from kuramori_segments.tier import ErasureTier

ID_BYTES = 16
NO_BOOT_ID = bytes(ID_BYTES)  # it is not known which boot this was
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Epoch:
    """At most one hour of one camera, whose recordings die together. `first_*`: its first frame at the earliest."""

    epoch_id: bytes
    camera_number: int
    first_utc_ms: int
    first_boot_ms: int
    boot_id: bytes = NO_BOOT_ID

    @property
    def first_boot_ns(self) -> int:
        """Return the start in nanoseconds of CLOCK_BOOTTIME."""
        return self.first_boot_ms * NS_PER_MS


@dataclass(frozen=True, slots=True)
class KeptKey:
    """One segment's K_seg, kept beyond its epoch key for a hold, or as the rest of an epoch erased in part."""

    hold_id: bytes
    segment_uid: bytes
    epoch_id: bytes
    camera_number: int
    epoch_first_utc_ms: int
    until_utc_ms: int  # destroyed with the first rotation at or after this time


@dataclass(frozen=True, slots=True)
class KeepRequest:
    """Keep one segment's K_seg until a time, for a hold."""

    epoch_id: bytes
    segment_uid: bytes
    until_utc_ms: int
    hold_id: bytes


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of both clocks. `trusted`: the wall clock was synchronised, or k custodians confirmed it."""

    utc_ms: int
    boot_ms: int
    boot_id: bytes = NO_BOOT_ID
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What one rotation destroyed, and how strongly. `generation` counts rotations and is never reused."""

    generation: int
    erased_utc_ms: int
    tier: ErasureTier
    cell: str  # description of the cell whose root was destroyed
    epochs: tuple[Epoch, ...]
    keeps: tuple[KeptKey, ...]
