"""The keys of a dead recorder: its keystore opened by its cell, read only, and judged by retention as of now.

Nothing on the evidence changes: what a running keystore would finish, erase or repair at its opening stays as it is. A
key whose time is over opens nothing here either, though nobody could destroy it meanwhile. This module must not know
volumes or requests.
"""

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from kuramori.offline.fault import CellGone, EvidenceUnusable
from kuramori_segments.erasable_cell import CELL_NAMES, FileCell
from kuramori_segments.key_records import KeptKey
from kuramori_segments.key_table import epochs_of
from kuramori_segments.keystore_faults import EpochKeyGone, KeystoreFault, KeystoreMissing, RootGone
from kuramori_segments.keystore_slots import choose_slot
from kuramori_segments.store_files import BytesLike
from kuramori_segments.tier import ErasureTier, TierAssessment, TierReason

MS_PER_SECOND = 1000


class EvidenceFiles:
    """A folder of somebody else's machine, as `StoreFiles`: read, never written, whoever owns it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """See StoreFiles."""
        return str(self._folder)

    def lock(self) -> None:
        """See StoreFiles. Nobody else has evidence open."""

    def read(self, name: str, limit_bytes: int) -> bytes | None:
        """See StoreFiles."""
        try:
            descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read(limit_bytes + 1)

    def create(self, name: str, data: BytesLike) -> None:
        """See StoreFiles."""
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def write(self, name: str, offset_bytes: int, data: BytesLike) -> None:
        """See StoreFiles."""
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def remove(self, name: str) -> None:
        """See StoreFiles."""
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def close(self) -> None:
        """See StoreFiles."""


class EvidenceKeys:
    """Keys that are alive as of now."""

    def __init__(
        self,
        keystore: Path,
        cell: Path,
        retention_ms: Callable[[int], int],
        now_utc_ms: Callable[[], int],
    ) -> None:
        """Open the keystore. `retention_ms`: by camera number. Raises CellGone, EvidenceUnusable."""
        self._retention_ms = retention_ms
        self._now_utc_ms = now_utc_ms
        untold = TierAssessment(ErasureTier.E0, TierReason.CELL_DISK_UNKNOWN, (), ())
        files = EvidenceFiles(cell)
        cells = (FileCell(files, CELL_NAMES[0], untold), FileCell(files, CELL_NAMES[1], untold))
        try:
            self._table = choose_slot(EvidenceFiles(keystore), cells).table
        except RootGone:
            raise CellGone(str(cell)) from None
        except KeystoreMissing:
            raise EvidenceUnusable(str(keystore), "there is no keystore") from None
        except KeystoreFault as fault:
            raise EvidenceUnusable(str(keystore), str(fault)) from fault
        self._epochs = {epoch.epoch_id: epoch for epoch in epochs_of(self._table.epoch_facts())}
        self._kept: Mapping[bytes, tuple[KeptKey, ...]] = {}
        for kept in self._table.kept():
            self._kept = {**self._kept, kept.segment_uid: (*self._kept.get(kept.segment_uid, ()), kept)}

    def alive(self, epoch_id: bytes, segment_uid: bytes) -> bool:
        """Tell whether a segment may be opened now: its hour's retention is not over, or something keeps its key."""
        now = self._now_utc_ms()
        epoch = self._epochs.get(epoch_id)
        if epoch is not None and now < epoch.first_utc_ms + self._retention_ms(epoch.camera_number):
            return True
        return any(now < kept.until_utc_ms for kept in self._kept.get(segment_uid, ()))

    def segment_key(self, epoch_id: bytes, segment_uid: bytes) -> bytes:
        """Return K_seg (secret) of a segment that may be opened now. Raises EpochKeyGone."""
        if not self.alive(epoch_id, segment_uid):
            raise EpochKeyGone(epoch_id, segment_uid)
        return self._table.segment_key(epoch_id, segment_uid)

    def close(self) -> None:
        """Forget all keys."""
        self._table.clear()
