"""Which epochs must die now, so that no frame outlives its retention and none dies more than two hours early. Pure.

An epoch is one hour at most, and dies with its *first* frame: at the last rotation before that frame's retention is
over. Rotations follow one another within the horizon (one hour). So a frame dies at most one hour (the epoch's
length) plus one hour (the horizon) early.

How old an epoch is, is not asked of the wall clock where anything better is known (see reference_time):

1. An epoch of this boot: its age is the difference of two readings of CLOCK_BOOTTIME, exact, whatever the wall
   clock did since.
2. An epoch of an earlier boot, and a trusted reference of this boot: now = reference + elapsed boot time. A wall clock
   that jumps ahead later (trusted or not) kills nothing; one that jumps back saves nothing.
3. An epoch of an earlier boot, no trusted reference of this boot yet: a trusted wall clock is believed once. This is
   the only leap that boot time cannot bound, as nobody measured how long the power was off. If it says less than has
   passed for sure, it is not believed: the ceiling is never exceeded.
4. The same with an untrusted wall clock: only what is certain counts. The reference plus the time since this boot
   began has passed for sure; and an earlier boot's epoch is at least as old as this boot.

What the wall clock would have die but rules 2 and 4 do not is *overdue*: it is refused to requests, overwritten first
and alarmed, and destroyed when time is trusted or k custodians vouch that it is later (a reference moved by R4).
This module must not know keys, files or clocks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kuramori_segments.key_records import NO_BOOT_ID, Epoch, KeptKey, Moment
from kuramori_segments.keystore_faults import RotationTooLate
from kuramori_segments.reference_time import anchored, certain_utc_ms, same_boot

EPOCH_LENGTH_MS = 3_600_000
ROTATION_HORIZON_MS = 3_600_000  # the next rotation is done by then, at the latest
ROTATION_INTERVAL_MS = ROTATION_HORIZON_MS - 60_000  # how often to rotate, so that it is
EARLIEST_DEATH_MS = EPOCH_LENGTH_MS + ROTATION_HORIZON_MS  # no frame dies earlier than this before its time


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """How long each camera's frames may exist, in milliseconds; `otherwise_ms` for cameras no longer configured."""

    by_camera_ms: Mapping[int, int]
    otherwise_ms: int

    def of(self, camera_number: int) -> int:
        """Return a camera's retention."""
        return self.by_camera_ms.get(camera_number, self.otherwise_ms)


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """Which epochs to destroy now (ids), and which are overdue but may not be destroyed on this clock's word."""

    destroy: frozenset[bytes]
    overdue: tuple[Epoch, ...]


def plan_rotation(
    epochs: Iterable[Epoch],
    rules: RetentionRules,
    now: Moment,
    next_rotation_in_ms: int = ROTATION_HORIZON_MS,
    reference: Moment | None = None,
) -> RotationPlan:
    """Return what must die at a rotation now, with the next one done within `next_rotation_in_ms`.

    `reference` is the keystore's: the last trusted moment of a rotation. Raises RotationTooLate for a next rotation
    that is not within the horizon.
    """
    if not 0 < next_rotation_in_ms <= ROTATION_HORIZON_MS:
        raise RotationTooLate(next_rotation_in_ms, ROTATION_HORIZON_MS)
    believed = Moment(now.utc_ms, now.boot_ms, now.boot_id, trusted=True)
    destroy: set[bytes] = set()
    overdue: list[Epoch] = []
    for epoch in epochs:
        most_ms = rules.of(epoch.camera_number) - next_rotation_in_ms
        if age_ms(epoch, now, reference) >= most_ms:
            destroy.add(epoch.epoch_id)
        elif age_ms(epoch, believed, None) >= most_ms:
            overdue.append(epoch)
    return RotationPlan(frozenset(destroy), tuple(overdue))


def age_ms(epoch: Epoch, now: Moment, reference: Moment | None) -> int:
    """Return how old an epoch's first frame is for certain, by the four rules above."""
    if same_boot(epoch.boot_id, now.boot_id):
        return now.boot_ms - epoch.first_boot_ms
    certain = certain_utc_ms(now, reference)
    if certain is not None and anchored(reference, now.boot_id):
        return certain - epoch.first_utc_ms
    ages_ms = [now.boot_ms if NO_BOOT_ID not in (epoch.boot_id, now.boot_id) else 0]
    if certain is not None:
        ages_ms.append(certain - epoch.first_utc_ms)
    if now.trusted:
        ages_ms.append(now.utc_ms - epoch.first_utc_ms)
    return max(ages_ms)


def remainder_until_utc_ms(epoch_first_utc_ms: int, retention_ms: int) -> int:
    """Return the end to give to keys kept as the rest of an epoch that was erased in part.

    A kept key dies with the first rotation at or after its end; with this one, within its retention.
    """
    return epoch_first_utc_ms + retention_ms - ROTATION_HORIZON_MS


def oldest_decryptable(epochs: Iterable[Epoch], camera_number: int | None = None) -> Epoch | None:
    """Return the epoch with the oldest first frame (of one camera, or of all); None where there is none.

    Hand in `Keystore.decryptable()`: every key under any root that may exist, overwritten footage included.
    """
    mine = (epoch for epoch in epochs if camera_number in (None, epoch.camera_number))
    return min(mine, key=lambda epoch: epoch.first_utc_ms, default=None)


def oldest_held(kept: Iterable[KeptKey], camera_number: int | None = None) -> KeptKey | None:
    """Return the kept key of the oldest epoch: a series of its own beside `oldest_decryptable`."""
    mine = (key for key in kept if camera_number in (None, key.camera_number))
    return min(mine, key=lambda key: key.epoch_first_utc_ms, default=None)
