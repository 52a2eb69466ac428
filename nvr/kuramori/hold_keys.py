"""Which segments' keys a hold keeps: those that it names, whose key is there, and whose time was not over already.

What a clock that is not trusted calls overdue is refused to requests and waits for its destruction: a hold that is
placed then does not give it back. Pure. This module must not know how keys are kept.
"""

from collections.abc import Callable, Collection, Sequence

from kuramori.forgetting_values import FoundSegment
from kuramori_segments.key_records import Epoch, KeepRequest, KeptKey
from kuramori_segments.ledger_records import Hold


def keys_for_hold(
    hold: Hold,
    named: Sequence[FoundSegment],
    epochs: Sequence[Epoch],
    kept: Sequence[KeptKey],
    too_old: Collection[bytes],
    retention_ms: Callable[[int], int],
) -> list[KeepRequest]:
    """Return what the keystore is to keep for a hold beside what it keeps already.

    `too_old`: the uids of named segments whose time is over and which no hold keeps; `retention_ms`: by camera number.
    """
    hold_id = bytes.fromhex(hold.hold_id)
    known = {key.segment_uid for key in kept if key.hold_id == hold_id}
    rest = {key.segment_uid: key.epoch_first_utc_ms for key in kept}  # of hours erased in part, or kept by another hold
    begun = {epoch.epoch_id: epoch.first_utc_ms for epoch in epochs}
    found = []
    for item in named:
        uid, epoch_id = item.header.segment_uid, item.header.epoch_id
        first_utc_ms = begun.get(epoch_id, rest.get(uid))
        if uid in known or first_utc_ms is None:
            continue
        over_utc_ms = first_utc_ms + retention_ms(item.header.camera_number)
        if uid in too_old and hold.created_utc_ms >= over_utc_ms - 1:
            continue  # it was so when the hold was placed
        found.append(KeepRequest(epoch_id, uid, hold.ends_utc_ms, hold_id))
    return found
