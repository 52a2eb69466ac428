"""What time it is for sure, judged by boot time and one trusted moment instead of the wall clock's last word. Pure.

The *reference* is a moment that a keystore remembers. It is advanced along CLOCK_BOOTTIME, never along the wall
clock, so a wall clock that jumps after it was trusted moves nothing:

R1. The first trusted moment of a boot becomes the reference. If it says less than has passed for sure, what is sure
    counts: time does not run backwards.
R2. Later in that boot the reference moves on by elapsed boot time alone.
R3. In a boot without a trusted moment it moves on too, as a lower bound: the power was off for nobody knows how long.
R4. k custodians can vouch that it is later than a date: then it is at least that, and as much a lower bound as before.

Epochs are dated by it, as their dates decide after the next restart when they die:

D1. In a boot with a trusted reference: reference plus the difference of boot times, whatever the wall clock says.
D2. In a boot without: the wall clock's word, but not less than has passed for sure.
D3. When a boot gets its trusted reference, D1 is applied to its earlier epochs; and epochs of earlier boots that
    claim to be younger than this boot (their clock was ahead) are dated to its start, the latest they can be.

What has an end at a date (a hold, the rest of an epoch erased in part) ends by the reference:

E1. With a reference: when the reference has reached the date. In a boot without trusted time that is later than the
    true time by as long as the power was off; never earlier.
E2. Without any reference: not yet.

This module must not know keys, files or clocks.
"""

from dataclasses import replace

from kuramori_segments.key_records import NO_BOOT_ID, Epoch, Moment

REDATE_LEAST_MS = 1000  # smaller differences are drift


def same_boot(one: bytes, other: bytes) -> bool:
    """Tell whether two boot ids are known and name the same boot."""
    return one == other != NO_BOOT_ID


def anchored(reference: Moment | None, boot_id: bytes) -> bool:
    """Tell whether there is a trusted reference of this boot."""
    return reference is not None and reference.trusted and same_boot(reference.boot_id, boot_id)


def certain_utc_ms(now: Moment, reference: Moment | None) -> int | None:
    """Return the latest UTC that has been reached for sure; None without any reference."""
    if reference is None:
        return None
    if same_boot(reference.boot_id, now.boot_id):
        return reference.utc_ms + now.boot_ms - reference.boot_ms
    if NO_BOOT_ID in (reference.boot_id, now.boot_id):
        return reference.utc_ms  # perhaps the same boot, perhaps not: only what was reached then
    return reference.utc_ms + now.boot_ms


def next_reference(reference: Moment | None, now: Moment, *, confirmed_utc_ms: int | None = None) -> Moment | None:
    """Return the reference after a rotation at this moment (R1 to R4). `confirmed_utc_ms`: custodians vouch for it."""
    following = _by_clocks(reference, now)
    if confirmed_utc_ms is None:
        return following
    if following is None:
        return replace(now, utc_ms=confirmed_utc_ms, trusted=False)
    return replace(following, utc_ms=max(following.utc_ms, confirmed_utc_ms))


def _by_clocks(reference: Moment | None, now: Moment) -> Moment | None:
    certain = certain_utc_ms(now, reference)
    if now.trusted and not anchored(reference, now.boot_id):
        return replace(now, utc_ms=now.utc_ms if certain is None else max(now.utc_ms, certain))
    if reference is None or certain is None:
        return None
    return replace(now, utc_ms=certain, trusted=anchored(reference, now.boot_id))


def judged_utc_ms(now: Moment, reference: Moment | None) -> int | None:
    """Return the time by which ends are judged at this moment (E1); None: nothing ends yet (E2)."""
    following = next_reference(reference, now)
    return None if following is None else following.utc_ms


def date_of_new(first_utc_ms: int, first_boot_ms: int, boot_id: bytes, reference: Moment | None) -> int:
    """Return the date of an epoch that begins now (D1, D2)."""
    certain = certain_utc_ms(Moment(first_utc_ms, first_boot_ms, boot_id), reference)
    if certain is None:
        return first_utc_ms
    if anchored(reference, boot_id):
        return certain if abs(certain - first_utc_ms) >= REDATE_LEAST_MS else first_utc_ms
    return max(first_utc_ms, certain)


def date_of_old(epoch: Epoch, reference: Moment) -> int:
    """Return the date of an epoch now that this boot has its trusted reference (D3)."""
    if same_boot(epoch.boot_id, reference.boot_id):
        return date_of_new(epoch.first_utc_ms, epoch.first_boot_ms, epoch.boot_id, reference)
    if NO_BOOT_ID in (epoch.boot_id, reference.boot_id):
        return epoch.first_utc_ms
    return min(epoch.first_utc_ms, reference.utc_ms - reference.boot_ms)
