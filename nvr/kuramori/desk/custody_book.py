"""Custody as the register has it: the set in use, who was released, when each custodian last showed the key.

Pure: fed with the register's steps in order. Must not know the recorder, files or the register itself.
"""

from dataclasses import dataclass, field

from kuramori.desk.custody_steps import (
    CustodiansReleased,
    CustodyChanged,
    CustodyDrilled,
    RecoveryBegun,
    RecoveryOpened,
)

DRILL_DAYS = 90  # a key that nobody has tried for so long may be lost without anybody knowing
DRILL_MS = DRILL_DAYS * 24 * 3600 * 1000


@dataclass(slots=True)
class CustodyBook:
    """What follows from the register."""

    set_id: bytes | None = None
    changed_utc_ms: int = 0
    recovery_key: bytes = b""
    released: set[bytes] = field(default_factory=set)  # ids of sets
    since: dict[bytes, int] = field(default_factory=dict)  # custodian → first named as one
    drilled: dict[bytes, int] = field(default_factory=dict)  # custodian → last drill
    recovery_used_utc_ms: int | None = None  # of the recovery key in use

    def apply(self, step: object, utc_ms: int) -> None:
        """Note a step; steps of other kinds are none of this book's business."""
        if isinstance(step, CustodyChanged):
            self._changed(step, utc_ms)
        elif isinstance(step, CustodiansReleased):
            self.released.update(step.set_ids)
        elif isinstance(step, CustodyDrilled):
            self.drilled[step.custodian_id] = utc_ms
        elif isinstance(step, RecoveryBegun | RecoveryOpened) and step.recovery_key == self.recovery_key:
            self.recovery_used_utc_ms = self.recovery_used_utc_ms or utc_ms

    def last_shown_utc_ms(self, custodian_id: bytes) -> int:
        """When the custodian last showed the key; without a drill, when they were named; 0 where that is not known."""
        return self.drilled.get(custodian_id, self.since.get(custodian_id, self.changed_utc_ms))

    def _changed(self, step: CustodyChanged, utc_ms: int) -> None:
        self.set_id, self.changed_utc_ms = step.set_id, utc_ms
        for custodian_id in step.custodian_ids:
            self.since.setdefault(custodian_id, utc_ms)
        if step.recovery_key != self.recovery_key:
            self.recovery_key, self.recovery_used_utc_ms = step.recovery_key, None
