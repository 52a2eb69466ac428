"""What the ledger says and is told: frozen values, one for each kind of row.

Times are UTC milliseconds (`_utc_ms`) or nanoseconds of CLOCK_BOOTTIME (`_boot_ns`); ranges are half open. This
module must not know SQL, files or who asks.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from kuramori_segments.gap_reason import GapReason
from kuramori_segments.time_ranges import joined, without

Scalar = str | int | float | bool | None


class Provenance(IntEnum):
    """Where a run's pictures came from (the same numbers as in the segment header)."""

    LIVE = 1
    FILLED = 2  # fetched later from the camera's own card; see numbering


@dataclass(frozen=True, slots=True)
class CameraEntry:
    """A camera that ever recorded. Its number is never given to another name."""

    camera_number: int
    name: str
    added_utc_ms: int
    retired_utc_ms: int | None  # None: in use


@dataclass(frozen=True, slots=True)
class Run:
    """An unbroken run of access units: from a key frame to the end of the last one (R1).

    While it is open the three fields of its end are None. `end_utc_ms` is the end of the last access unit's
    showing time, `end_access_unit` that unit's number. `end_reason` is the reason of the gap that follows.
    """

    run_id: int
    camera_number: int
    start_utc_ms: int
    start_access_unit: int
    end_utc_ms: int | None = None
    end_access_unit: int | None = None
    end_reason: GapReason | None = None
    detail: str = ""
    provenance: Provenance = Provenance.LIVE
    recovered: bool = False  # its end was found by reading the volume after a crash

    @property
    def is_open(self) -> bool:
        return self.end_utc_ms is None


@dataclass(frozen=True, slots=True)
class DurableEnd:
    """The last access unit of a camera that the volume holds whole, as recovery found it."""

    last_utc_ms: int
    last_access_unit: int


class Repair(StrEnum):
    """What start-up after a crash did to a run."""

    CLOSED = "closed"  # it was open
    SHORTENED = "shortened"  # its end had been noted, but its last pictures never became durable
    DELETED = "deleted"  # nothing of it became durable


@dataclass(frozen=True, slots=True)
class RepairedRun:
    """One run that start-up changed; `run` is what it is now, or what it was before it was deleted."""

    repair: Repair
    run: Run


@dataclass(frozen=True, slots=True)
class Outage:
    """From this time on, as long as no run is open, the camera is missing for this reason.

    A run's end gives a gap its first reason; an outage tells that the reason changed since (the recorder was
    stopped, and when it came back the camera refused it).
    """

    camera_number: int
    utc_ms: int
    reason: GapReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something that happened and moves no run: a clock step, a start, a repaired ledger."""

    event_id: int
    utc_ms: int
    boot_ns: int
    kind: str  # a short fixed name such as clock_step
    camera_number: int | None = None  # None: the recorder as a whole
    facts: tuple[tuple[str, Scalar], ...] = ()  # sorted by name

    def fact(self, name: str) -> Scalar:
        """Return the fact of that name, None when there is none."""
        return dict(self.facts).get(name)


@dataclass(frozen=True, slots=True)
class Hold:
    """Named minutes of named cameras that are kept beyond their retention, by whom, why and until when (K5)."""

    hold_id: str
    camera_numbers: tuple[int, ...]  # ascending, no doubles
    from_utc_ms: int
    to_utc_ms: int
    reason: str
    person: str
    created_utc_ms: int
    ends_utc_ms: int
    request_id: str = ""  # empty: no request stands behind it
    lifted_utc_ms: int | None = None  # ended by a person before its time
    lifted_by: str = ""
    lift_reason: str = ""

    def in_force(self, utc_ms: int) -> bool:
        """Tell whether it keeps anything at that time."""
        return self.lifted_utc_ms is None and utc_ms < self.ends_utc_ms


@dataclass(frozen=True, slots=True)
class KeySpan:
    """A key by the id of its epoch or segment (16 bytes), and the time that it opened: [from, to)."""

    key_id: bytes
    from_utc_ms: int
    to_utc_ms: int


@dataclass(frozen=True, slots=True)
class ErasedEpochs:
    """What one erasure destroyed of one camera: the keys, and the first and last frame that they opened."""

    camera_number: int
    epoch_ids: tuple[bytes, ...]  # 16 bytes each; may be empty where only kept segment keys went
    first_utc_ms: int
    last_utc_ms: int
    epochs: tuple[KeySpan, ...] = ()  # each with its time; empty in receipts of older recorders
    segments: tuple[KeySpan, ...] = ()  # kept segment keys that were destroyed
    kept: tuple[KeySpan, ...] = ()  # segments of these epochs whose keys live on: held, or the rest of an hour

    def destroyed(self) -> tuple[tuple[int, int], ...]:
        """Return the times that nothing opens any more because of this, in order, without overlap."""
        gone = [(span.from_utc_ms, span.to_utc_ms) for span in (*self.epochs, *self.segments)]
        return without(joined(gone), joined((span.from_utc_ms, span.to_utc_ms) for span in self.kept))


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """The proof of one destruction of keys: the moment the old root was gone (K4)."""

    erasure_number: int  # counts up from 1, never reused
    erased_utc_ms: int
    rule: str  # why: retention, request, hold_ended
    tier: str  # E0, E2: how strong it is
    erased: tuple[ErasedEpochs, ...]
    erasure_id: str = ""  # of the person's order; empty for the daily rule
    person: str = ""
    reason: str = ""
    kept_for_holds: int = 0  # segment keys that a hold keeps
    signature: bytes = b""  # by the device key, over erasure_statement
    cell: str = ""  # whose root was destroyed


@dataclass(frozen=True, slots=True)
class CustodianSetEntry:
    """A set of custodians and since when segments are sealed to it."""

    custodian_set_id: bytes  # 16 bytes
    threshold: int  # k
    custodians: int  # n
    document: bytes  # the set as installed, public
    installed_utc_ms: int
    replaced_utc_ms: int | None = None  # None: the one in use


@dataclass(frozen=True, slots=True)
class ClockAnchor:
    """Which UTC belonged to which moment of which boot."""

    boot_id: str
    boot_ns: int
    utc_ms: int
    source: str  # how UTC was known: synchronised, unchecked, person
