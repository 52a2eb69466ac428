"""What happens to machines and media, as the register knows it: backups, restores, retired volumes, permits to leave.

Frozen values with what the register must tell in years; who and when stand beside them. Like `steps`, whose tables name
them: field names are part of the register's format (REGISTER.md). Must not know the recorder.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackedUp:
    """Copies of ledger and register are about to leave in a backup; no key of a recording is among them."""

    with_secrets: bool  # the cameras' passwords too


@dataclass(frozen=True, slots=True)
class Restored:
    """The recorder goes on here from a backup; whatever happened after that was made is not in this register."""

    backup_utc_ms: int
    entries: int  # of the register in the backup
    origin: str  # the configuration's path where it was made


@dataclass(frozen=True, slots=True)
class RetirementOrdered:
    """A medium is taken out of use for good: the keys of all that lies on it are about to be destroyed (K6)."""

    record: int  # number of the disposal record, from 1
    volume: str
    reason: str


@dataclass(frozen=True, slots=True)
class VolumeRetired:
    """The keys are destroyed; the disposal record is open until it is told how the medium itself was destroyed."""

    record: int
    volume: str
    volume_id: str  # hexadecimal; "" where the medium could not be read any more
    size_bytes: int
    epochs: int  # keys of whole hours
    segment_keys: int  # keys of single segments
    erasure_number: int  # of the recorder's receipt; 0 where no key was left
    tier: str


@dataclass(frozen=True, slots=True)
class DisposalCompleted:
    """How the medium was destroyed, by whom, before which witness (K6): the record is closed."""

    record: int
    method: str
    date: str  # ISO 8601
    carried_out_by: str
    witness: str


@dataclass(frozen=True, slots=True)
class MediumPermitted:
    """A medium may leave its place until then (K7)."""

    permit: int  # from 1
    volume: str
    carrier: str  # who takes it
    until_utc_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class MediumMissed:
    """A medium is not in its place. `permit` is 0 where nobody permitted it: that is an alarm."""

    volume: str
    permit: int
    since_utc_ms: int


@dataclass(frozen=True, slots=True)
class MediumBack:
    """A medium that was missed is in its place again."""

    volume: str


@dataclass(frozen=True, slots=True)
class MediumAccepted:
    """Another medium than before lies under a volume, and that is right: an exchanged card, a copied disk."""

    volume: str
    identity: str  # what lies there now, such as "cid:…"
    before: str  # the one that was right until now


EndingStep = (
    BackedUp
    | Restored
    | RetirementOrdered
    | VolumeRetired
    | DisposalCompleted
    | MediumPermitted
    | MediumMissed
    | MediumBack
    | MediumAccepted
)
ENDING_STEPS = (
    BackedUp,
    Restored,
    RetirementOrdered,
    VolumeRetired,
    DisposalCompleted,
    MediumPermitted,
    MediumMissed,
    MediumBack,
    MediumAccepted,
)
