"""Media as the register has them: disposal records, permits to leave, and what is missed now.

Pure: fed with the register's steps. `judge` refuses what cannot follow from what happened, before it is written. Must
not know the recorder, files or the register.
"""

from dataclasses import dataclass, field, replace

from kuramori.desk.ending_fault import DisposalUnknown
from kuramori.desk.ending_steps import (
    DisposalCompleted,
    EndingStep,
    MediumBack,
    MediumMissed,
    MediumPermitted,
    RetirementOrdered,
    VolumeRetired,
)


@dataclass(frozen=True, slots=True)
class Disposal:
    """One disposal record (K6). `completed` is None while it is open, `retired` until the keys are destroyed."""

    record: int
    volume: str
    reason: str
    ordered_by: str
    ordered_utc_ms: int
    retired: VolumeRetired | None = None
    retired_utc_ms: int = 0
    completed: DisposalCompleted | None = None
    completed_by: str = ""  # who filled it in
    completed_utc_ms: int = 0

    @property
    def is_open(self) -> bool:
        """Tell whether something is still to be done or told."""
        return self.completed is None


@dataclass(frozen=True, slots=True)
class Permit:
    """A permission to leave, by the manager or a deputy (K7)."""

    permit: int
    volume: str
    carrier: str
    until_utc_ms: int
    reason: str
    permitted_by: str
    permitted_utc_ms: int


@dataclass(slots=True)
class MediaBook:
    """What follows from the register."""

    disposals: dict[int, Disposal] = field(default_factory=dict)
    permits: dict[int, Permit] = field(default_factory=dict)
    missed: dict[str, MediumMissed] = field(default_factory=dict)

    def next_record(self) -> int:
        """Return the number of the next disposal record."""
        return max(self.disposals, default=0) + 1

    def next_permit(self) -> int:
        """Return the number of the next permit."""
        return max(self.permits, default=0) + 1

    def open_disposals(self) -> tuple[Disposal, ...]:
        """Return the records that are not filled in yet."""
        return tuple(disposal for _, disposal in sorted(self.disposals.items()) if disposal.is_open)

    def under_way(self, volume: str) -> Disposal | None:
        """Return the order to retire this volume whose keys are not known to be destroyed yet."""
        return next((one for one in self.open_disposals() if one.volume == volume and one.retired is None), None)

    def in_force(self, volume: str, utc_ms: int) -> Permit | None:
        """Return the permit by which a volume may be away now: the one that lasts longest."""
        fitting = [one for one in self.permits.values() if one.volume == volume and utc_ms < one.until_utc_ms]
        return max(fitting, key=lambda one: one.until_utc_ms, default=None)

    def judge(self, step: EndingStep) -> None:
        """Refuse a step that cannot follow. Raises DisposalUnknown."""
        if isinstance(step, RetirementOrdered):
            if step.record != self.next_record():
                raise DisposalUnknown(step.record)
        elif isinstance(step, VolumeRetired):
            known = self.disposals.get(step.record)
            if known is None or known.retired is not None:
                raise DisposalUnknown(step.record)
        elif isinstance(step, DisposalCompleted):
            known = self.disposals.get(step.record)
            if known is None or known.retired is None or not known.is_open:
                raise DisposalUnknown(step.record)

    def apply(self, step: EndingStep, person: str, utc_ms: int) -> None:
        """Note a step that happened."""
        match step:
            case RetirementOrdered():
                self.disposals[step.record] = Disposal(step.record, step.volume, step.reason, person, utc_ms)
            case VolumeRetired():
                known = self.disposals[step.record]
                self.disposals[step.record] = replace(known, retired=step, retired_utc_ms=utc_ms)
                self.missed.pop(step.volume, None)
            case DisposalCompleted():
                known = self.disposals[step.record]
                self.disposals[step.record] = replace(
                    known, completed=step, completed_by=person, completed_utc_ms=utc_ms
                )
            case MediumPermitted():
                self.permits[step.permit] = Permit(
                    step.permit, step.volume, step.carrier, step.until_utc_ms, step.reason, person, utc_ms
                )
            case MediumMissed():
                self.missed[step.volume] = step
            case MediumBack():
                self.missed.pop(step.volume, None)
