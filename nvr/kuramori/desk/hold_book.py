"""Which holds and erasures the register asks for: what the recorder has to be told, however often it was away.

Pure: fed with the register's steps, it knows the holds that should be in force and the erasures that were ordered
and not yet confirmed. Must not know the recorder or the register.
"""

import hashlib
from dataclasses import dataclass, field

from kuramori.desk.steps import Erased, EraseOrdered, HoldLifted, HoldPlaced, HoldRefused, Taken, TimeConfirmed
from kuramori.erasure_messages import ConfirmTimeRequest
from kuramori.messages import EraseRequest, PlaceHoldRequest


def hold_id_of(request_id: str, revision: int) -> str:
    """Return the id of the hold that filing this revision of a request places: the same again after a crash."""
    return hashlib.sha256(f"kuramori/v1/hold\0{request_id}\0{revision}".encode()).hexdigest()[:32]


@dataclass(slots=True)
class HoldBook:
    """Holds and erasures as the register has them."""

    placed: dict[str, PlaceHoldRequest] = field(default_factory=dict)  # should be in force, until their end
    lifted: dict[str, HoldLifted] = field(default_factory=dict)  # should not be in force any more
    ordered: dict[str, EraseRequest] = field(default_factory=dict)  # no receipt yet
    confirmed: dict[str, ConfirmTimeRequest] = field(default_factory=dict)  # no receipt yet
    statements_used: set[str] = field(default_factory=set)  # ids of statements of time: each counts once
    last_erasure_number: int = 0

    def apply(self, taken: Taken) -> None:
        """Note a step; steps of other kinds are none of this book's business."""
        step = taken.step
        if isinstance(step, HoldPlaced):
            self.placed[step.hold_id] = PlaceHoldRequest(
                step.hold_id,
                step.cameras,
                step.from_utc_ms,
                step.to_utc_ms,
                step.until_utc_ms,
                taken.request_id,
                taken.person,
                step.reason,
            )
        elif isinstance(step, HoldLifted):
            if self.placed.pop(step.hold_id, None) is not None:
                self.lifted[step.hold_id] = step
        elif isinstance(step, HoldRefused):
            self.placed.pop(step.hold_id, None)
        elif isinstance(step, EraseOrdered):
            self.ordered[step.erasure_id] = EraseRequest(
                step.erasure_id, step.camera, step.from_utc_ms, step.to_utc_ms, taken.person, step.reason
            )
        elif isinstance(step, TimeConfirmed):
            self.statements_used.add(step.erasure_id)
            self.confirmed[step.erasure_id] = ConfirmTimeRequest(step.erasure_id, step.confirmations, taken.person)
        elif isinstance(step, Erased):
            self.note_receipt(step.receipt.number, step.receipt.erasure_id)

    def note_receipt(self, number: int, erasure_id: str) -> None:
        """Note that the recorder's receipt of this number stands in the register."""
        self.ordered.pop(erasure_id, None)
        self.confirmed.pop(erasure_id, None)
        self.last_erasure_number = max(self.last_erasure_number, number)

    def forget(self, requests: set[str]) -> None:
        """Drop the holds of these requests: their bodies are deleted, and their time is long over."""
        for hold_id in [hold.hold_id for hold in self.placed.values() if hold.request_id in requests]:
            del self.placed[hold_id]

    def of_request(self, request_id: str) -> tuple[PlaceHoldRequest, ...]:
        """Return the holds that stand for a request."""
        return tuple(hold for hold in self.placed.values() if request_id and hold.request_id == request_id)

    def in_force(self, utc_ms: int) -> list[PlaceHoldRequest]:
        """Return the holds that should be in force at this time."""
        return [hold for hold in self.placed.values() if hold.until_utc_ms > utc_ms]
