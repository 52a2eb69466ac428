"""Which keys die with a medium: of the hours that are on it, and of single segments that are nowhere else.

What of those hours lies on other volumes is kept, segment by segment. Blocking: reads slot tables and headers. This
module must not know how keys are destroyed.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from kuramori_segments.header import SegmentHeader
from kuramori_segments.key_records import Epoch, KeepRequest
from kuramori_segments.keystore_pair import KeystorePair
from kuramori_segments.retention import EPOCH_LENGTH_MS, remainder_until_utc_ms
from kuramori_segments.volume import Volume

FRESH_MS = 60_000  # an hour that began so lately may have no segment yet

Headers = Callable[[int, int, int], Iterable[SegmentHeader]]  # camera, from, to → of the volumes that stay


@dataclass(frozen=True, slots=True)
class Doomed:
    """What is destroyed, and what is kept of it before."""

    epoch_ids: frozenset[bytes]
    keeps: tuple[KeepRequest, ...]
    dropped_holds: frozenset[bytes]  # ids under which single keys were kept; those that live on are in `keeps`


@dataclass(frozen=True, slots=True)
class LostMedium:
    """A volume that is out of use."""

    epoch_ids: frozenset[bytes]  # hours that are on it, as far as is known
    complete: bool  # they are all; False: hours that are on no other volume are on it too

    def doomed(
        self,
        keystore: KeystorePair,
        volumes: Collection[Volume],
        headers: Headers,
        *,
        holds: Collection[bytes],
        in_use: Collection[bytes],
        retention_ms: Callable[[int], int],
        now_utc_ms: int,
        keep_id: bytes,
    ) -> Doomed:
        """Return what dies. `holds` are those in force, `in_use` the epochs that are recorded into."""
        elsewhere = frozenset[bytes]().union(*(volume.epochs() for volume in volumes))
        epochs = [
            epoch
            for epoch in keystore.epochs()
            if epoch.epoch_id not in in_use and self._is_on_it(epoch, elsewhere, now_utc_ms)
        ]
        keeps: list[KeepRequest] = []
        for epoch in epochs:
            if epoch.epoch_id in elsewhere:
                until = remainder_until_utc_ms(epoch.first_utc_ms, retention_ms(epoch.camera_number))
                keeps += [
                    KeepRequest(epoch.epoch_id, header.segment_uid, until, keep_id)
                    for header in _headers_of(epoch, headers)
                ]
        dropped: set[bytes] = set()
        kept = [key for key in keystore.kept() if key.hold_id not in holds]
        there: dict[bytes, bool] = {}
        for key in kept:
            found = headers(key.camera_number, key.epoch_first_utc_ms, key.epoch_first_utc_ms + 2 * EPOCH_LENGTH_MS)
            there[key.segment_uid] = any(header.segment_uid == key.segment_uid for header in found)
            if not there[key.segment_uid]:
                dropped.add(key.hold_id)
        keeps += [
            KeepRequest(key.epoch_id, key.segment_uid, key.until_utc_ms, keep_id)
            for key in kept
            if key.hold_id in dropped and there[key.segment_uid]
        ]
        return Doomed(frozenset(epoch.epoch_id for epoch in epochs), tuple(keeps), frozenset(dropped - {keep_id}))

    def _is_on_it(self, epoch: Epoch, elsewhere: Collection[bytes], now_utc_ms: int) -> bool:
        if epoch.epoch_id in self.epoch_ids:
            return True
        lost = not self.complete and epoch.epoch_id not in elsewhere
        return lost and epoch.first_utc_ms < now_utc_ms - FRESH_MS


def _headers_of(epoch: Epoch, headers: Headers) -> list[SegmentHeader]:
    found = headers(epoch.camera_number, epoch.first_utc_ms, epoch.first_utc_ms + 2 * EPOCH_LENGTH_MS)
    return [header for header in found if header.epoch_id == epoch.epoch_id]
