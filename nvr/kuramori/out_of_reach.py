"""Which volumes an order cannot see into, so that it must wait: what lies on them would survive it, or die with it.

An order destroys the keys of named segments and keeps the rest of their hours, segment by segment; both need every
segment's header. This module must not know sockets or the register.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from kuramori.forgetting_values import OutOfReach
from kuramori.ring_segments import UnreadSegment
from kuramori.volume_shelf import VolumeShelf
from kuramori_segments.key_records import Epoch, KeptKey


def require_reach(shelf: VolumeShelf, unread: Iterable[UnreadSegment], living: Collection[bytes]) -> None:
    """Raise OutOfReach where a segment that may open (its hour is among `living`) was not read."""
    silent = {id(item.volume): item.volume for item in unread if item.epoch_id in living}
    if silent:
        raise OutOfReach(names_of(shelf.path_of(volume) for volume in silent.values()))


def require_nothing_away(shelf: VolumeShelf, camera_number: int, keys: Iterable[Epoch | KeptKey]) -> None:
    """Raise OutOfReach where a volume that was never opened may hold segments of the camera that open.

    Nothing is known of it; but where no key of the camera lives, nothing opens there either.
    """
    if shelf.away and any(key.camera_number == camera_number for key in keys):
        raise OutOfReach(names_of(shelf.away))


def names_of(paths: Iterable[Path | None]) -> tuple[str, ...]:
    """Return the volumes' names, for people."""
    return tuple(sorted({str(path) for path in paths if path is not None})) or ("a volume",)


def living_epochs(epochs: Sequence[Epoch], kept: Sequence[KeptKey]) -> frozenset[bytes]:
    """Return the hours of which something opens."""
    return frozenset(epoch.epoch_id for epoch in epochs) | {key.epoch_id for key in kept}
