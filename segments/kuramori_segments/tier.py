"""How strong an erasure is: E2 where the root lies on another disk than the recordings, E0 where it does not.

E2: a copy of the recording medium alone, whenever it was made, shows nothing after expiry. E0: "best effort"; no
claim about an image of the medium taken before the root was destroyed. Anything uncertain is E0. The texts of the
claims stand in the hall; here are the tier and the facts. This module must not know cells or keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kuramori_segments.physical_disk import DiskFinder, Disks


class ErasureTier(StrEnum):
    """The tiers, weakest first. E3 (keys of the day held by another machine) is reserved."""

    E0 = "E0"
    E2 = "E2"


class TierReason(StrEnum):
    """Why it is that tier."""

    SEPARATE_DISK = "separate-disk"  # E2
    TPM = "tpm"  # E2: a chip of its own
    SOFTWARE_TPM = "software-tpm"  # a program that plays a TPM: what it keeps lies in a file somewhere
    SAME_DISK = "same-disk"
    CELL_DISK_UNKNOWN = "cell-disk-unknown"
    RECORDING_DISK_UNKNOWN = "recording-disk-unknown"
    CELL_UNFIT = "cell-unfit"  # accepted for a trial only: overwriting may not reach the old bytes


@dataclass(frozen=True, slots=True)
class TierAssessment:
    """A tier with its facts: names of the disks under the cell and under the recordings (empty: unknown)."""

    tier: ErasureTier
    reason: TierReason
    cell_disks: tuple[str, ...] = ()
    recording_disks: tuple[str, ...] = ()


def assess_tier(cell: Path, recordings: Iterable[Path], finder: DiskFinder | None = None) -> TierAssessment:
    """Compare the disks under a cell with those under every recording volume.

    Volumes that do not exist yet are looked for where they are to be made. Without any volume: E0.
    """
    finder = finder or DiskFinder()
    return compare(finder.under(cell), [finder.under(recording) for recording in recordings])


def compare(cell: Disks, recordings: list[Disks]) -> TierAssessment:
    """Return the tier for a cell on these disks and volumes on those."""
    names = tuple(sorted(frozenset().union(*(disks.names for disks in recordings))))
    cell_names = tuple(sorted(cell.names))
    if not cell.known:
        return TierAssessment(ErasureTier.E0, TierReason.CELL_DISK_UNKNOWN, cell_names, names)
    if not recordings or not all(disks.known for disks in recordings):
        return TierAssessment(ErasureTier.E0, TierReason.RECORDING_DISK_UNKNOWN, cell_names, names)
    if any(disks.identities & cell.identities for disks in recordings):
        return TierAssessment(ErasureTier.E0, TierReason.SAME_DISK, cell_names, names)
    return TierAssessment(ErasureTier.E2, TierReason.SEPARATE_DISK, cell_names, names)
