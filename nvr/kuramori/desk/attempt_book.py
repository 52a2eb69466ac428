"""How many refused approvals of each request the register holds: enough are kept, and nobody fills it with them.

Pure: fed with the register's steps in order. Must not know the register itself.
"""

from dataclasses import dataclass, field

from kuramori.desk.attempt_steps import ApprovalTurnedDown

ATTEMPTS_MOST = 64  # of one request, in the register


@dataclass(slots=True)
class AttemptBook:
    """What follows from the register."""

    refused: dict[str, int] = field(default_factory=dict)  # by request

    def apply(self, step: object, request_id: str) -> None:
        """Note a step; steps of other kinds are none of this book's business."""
        if isinstance(step, ApprovalTurnedDown):
            self.refused[request_id] = self.refused.get(request_id, 0) + 1

    def left(self, request_id: str) -> int:
        """Return how many more of a request are registered."""
        return max(0, ATTEMPTS_MOST - self.refused.get(request_id, 0))

    def forget(self, requests: set[str]) -> None:
        """Let go of requests whose bodies are deleted."""
        for request_id in requests:
            self.refused.pop(request_id, None)
