"""What can go wrong with the keystore and its cells: one class per event, the facts as attributes.

    KeystoreFault
      PlaceRefused            a directory or file is not fit to hold keys; `reason` says why
      CellUnusable            an erasable cell cannot be read, written or destroyed
      KeystoreMissing         no keystore here; make one
      KeystoreExists          there is one already; nothing was changed
      KeystoreInUse           another process has it open
      KeystoreClosed          it was closed by this process
      RootGone                the snapshot is there, its root is not: cell medium missing, or all was erased
      KeystoreDamaged         root and snapshot do not fit, or the journal is broken in its middle
      JournalForged           a whole journal block that this store did not write there
      KeystoreFull            a limit of KEYS.md is reached
      KeystoreUnreadable      its medium gives an error where a file should be read
      KeystoreUnwritable      a new key could not be made durable, neither in the journal nor in a new snapshot
      RotationFailed          stopped before the old root was touched: nothing erased, everything else still true
      ErasureIncomplete       the new store counts, but the old root may still exist: raise the alarm
      EpochKeyGone            no key for that segment: erased, or never made
    RetentionFault
      RotationTooLate         the next rotation was announced further away than the horizon

Messages are English, for logs; the hall says them to people. No message holds a secret.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kuramori_segments.key_records import ErasureReceipt


class KeystoreFault(Exception):
    """Something is wrong with the keystore or with one of its cells."""


class PlaceFault(StrEnum):
    """Why a place may not hold keys."""

    MISSING = "missing"
    NOT_A_DIRECTORY = "not-a-directory"
    NOT_A_FILE = "not-a-file"  # a symbolic link, a device, or a file with several names
    FOREIGN_OWNER = "foreign-owner"
    OPEN_TO_OTHERS = "open-to-others"  # mode grants something to group or others
    CHANGED = "changed"  # another file system is mounted there than when it was opened
    COPY_ON_WRITE = "copy-on-write"  # overwriting would leave the old bytes
    SNAPSHOT = "snapshot"  # the device below keeps old blocks: a snapshot, or a thin pool
    NETWORK = "network"
    VOLATILE = "volatile"  # in memory: gone at the next power cut, and every recording with it
    DATA_JOURNAL = "data-journal"  # a copy of what is written stays in the file system's journal
    UNKNOWN_FILE_SYSTEM = "unknown-file-system"


class PlaceRefused(KeystoreFault):
    """A directory or file is not fit to hold keys. `detail`: file system, owner or mode."""

    def __init__(self, place: str, reason: PlaceFault, detail: str = "") -> None:
        super().__init__(f"{place} may not hold keys: {reason.value}{f' ({detail})' if detail else ''}")
        self.place = place
        self.reason = reason
        self.detail = detail


class CellUnusable(KeystoreFault):
    """An erasable cell failed. `operation`: "reach", "read", "write" or "destroy"; `errno` 0 where there is none."""

    def __init__(self, cell: str, operation: str, errno: int, detail: str = "") -> None:
        super().__init__(f"{cell}: {operation} failed ({detail or f'error {errno}'})")
        self.cell = cell
        self.operation = operation
        self.errno = errno
        self.detail = detail


class KeystoreMissing(KeystoreFault):
    """There is no keystore here."""

    def __init__(self, place: str) -> None:
        super().__init__(f"there is no keystore in {place}")
        self.place = place


class KeystoreExists(KeystoreFault):
    """There is something here already; making a new keystore would destroy every recording's keys."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} holds a keystore, or a cell of one, already")
        self.place = place


class KeystoreInUse(KeystoreFault):
    """Another process has it open."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} is in use by another process")
        self.place = place


class KeystoreClosed(KeystoreFault):
    """It was closed: its keys are forgotten here, and nothing may be written."""

    def __init__(self, place: str) -> None:
        super().__init__(f"the keystore in {place} is closed")
        self.place = place


class RootGone(KeystoreFault):
    """A snapshot is there but neither cell holds a root."""

    def __init__(self, place: str, cells: tuple[str, str]) -> None:
        super().__init__(
            f"the keystore in {place} cannot be opened: neither {cells[0]} nor {cells[1]} holds a root. "
            "Attach the medium of the cell; if it is lost, the recordings are erased for good"
        )
        self.place = place
        self.cells = cells


class KeystoreDamaged(KeystoreFault):
    """What is there cannot be used. `detail` says which file and why."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(f"the keystore in {place} is damaged: {detail}")
        self.place = place
        self.detail = detail


class JournalForged(KeystoreFault):
    """A whole block in the journal was not written there by this store: forged, moved or replayed."""

    def __init__(self, place: str, sequence: int) -> None:
        super().__init__(f"the keystore's journal in {place} holds a forged block at position {sequence}")
        self.place = place
        self.sequence = sequence


class KeystoreFull(KeystoreFault):
    """A limit is reached: `what` names it."""

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"the keystore holds at most {most} {what}")
        self.what = what
        self.most = most


class KeystoreUnreadable(KeystoreFault):
    """The medium gives an error where a file should be read."""

    def __init__(self, place: str, name: str, errno: int) -> None:
        super().__init__(f"{name} in {place} cannot be read (error {errno}); check its medium")
        self.place = place
        self.name = name
        self.errno = errno


class KeystoreUnwritable(KeystoreFault):
    """A new key could not be made durable: nothing may be recorded under it."""

    def __init__(self, place: str, errno: int) -> None:
        super().__init__(f"the keystore in {place} cannot be written (error {errno}); check its medium")
        self.place = place
        self.errno = errno


class RotationFailed(KeystoreFault):
    """A rotation stopped before the old root was touched. `step` is the number in KEYS.md."""

    def __init__(self, step: int, detail: str) -> None:
        super().__init__(f"rotation stopped at step {step}: {detail}; nothing was erased, try again")
        self.step = step
        self.detail = detail


class ErasureIncomplete(KeystoreFault):
    """The new store is in force, but the old root may still exist. The next rotation tries to destroy it again."""

    def __init__(self, receipt: "ErasureReceipt", detail: str) -> None:
        super().__init__(f"the old root may still exist: {detail}")
        self.receipt = receipt
        self.detail = detail


class EpochKeyGone(KeystoreFault):
    """There is no key for that segment: erased, or never made."""

    def __init__(self, epoch_id: bytes, segment_uid: bytes) -> None:
        super().__init__(f"no key for segment {segment_uid.hex()} of epoch {epoch_id.hex()}")
        self.epoch_id = epoch_id
        self.segment_uid = segment_uid


class RetentionFault(Exception):
    """A retention plan was asked for with impossible values."""


class RotationTooLate(RetentionFault):
    """The next rotation must follow within the horizon, or frames would outlive their retention."""

    def __init__(self, next_rotation_in_ms: int, horizon_ms: int) -> None:
        super().__init__(f"the next rotation in {next_rotation_in_ms} ms; at most {horizon_ms}")
        self.next_rotation_in_ms = next_rotation_in_ms
        self.horizon_ms = horizon_ms
