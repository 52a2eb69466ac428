"""What the register knows of a request's masked copies: the rules, as a pure state machine beside that of the request.

    begun --confirmed by another person--> confirmed --released like a bundle-->
      |--rejected by another person--> rejected

Must not know pictures, workers or HTTP.
"""

from dataclasses import dataclass, replace

from kuramori.desk.masking_fault import (
    MaskedCopiesUsedUp,
    MaskedCopyNotWaiting,
    MaskedCopyOwn,
    MaskedCopyUnconfirmed,
    MaskedCopyUnknown,
)
from kuramori.desk.masking_steps import MaskedCopyBegun, MaskedCopyConfirmed, MaskedCopyRejected, MaskingStep

COPIES_MOST = 99  # of one request


@dataclass(frozen=True, slots=True)
class MaskedCopyNote:
    """One masked copy of a request. `judged_by` is empty while nobody has looked."""

    number: int
    opening: int
    camera: str
    boxes_sha256: bytes
    drawn_by: str
    begun_utc_ms: int
    judged_by: str = ""
    is_confirmed: bool = False
    judged_utc_ms: int = 0
    reason: str = ""  # of a rejection
    file_sha256: bytes = b""
    strips_sha256: bytes = b""


def with_step(
    copies: tuple[MaskedCopyNote, ...], step: MaskingStep, request_id: str, person: str, utc_ms: int
) -> tuple[MaskedCopyNote, ...]:
    """Return the copies after a step. Raises DeskFault where it is not allowed now."""
    if isinstance(step, MaskedCopyBegun):
        if len(copies) >= COPIES_MOST:
            raise MaskedCopiesUsedUp(COPIES_MOST)
        if step.number != len(copies) + 1:
            raise MaskedCopyUnknown(request_id, step.number)
        begun = MaskedCopyNote(step.number, step.opening, step.camera, bytes(step.boxes_sha256), person, utc_ms)
        return (*copies, begun)
    before = copy_numbered(copies, step.number, request_id)
    if before.judged_by:
        raise MaskedCopyNotWaiting(step.number, "confirmed" if before.is_confirmed else "rejected")
    if person == before.drawn_by:
        raise MaskedCopyOwn(person)
    judged = replace(
        before,
        judged_by=person,
        is_confirmed=isinstance(step, MaskedCopyConfirmed),
        judged_utc_ms=utc_ms,
        reason=step.reason if isinstance(step, MaskedCopyRejected) else "",
        file_sha256=bytes(step.file_sha256),
        strips_sha256=bytes(step.strips_sha256),
    )
    return tuple(judged if copy.number == step.number else copy for copy in copies)


def copy_numbered(copies: tuple[MaskedCopyNote, ...], number: int, request_id: str) -> MaskedCopyNote:
    """Return the copy of that number. Raises MaskedCopyUnknown."""
    if not 1 <= number <= len(copies):
        raise MaskedCopyUnknown(request_id, number)
    return copies[number - 1]


def require_confirmed(copies: tuple[MaskedCopyNote, ...], opening: int) -> None:
    """Let an opening be released: one that a masked copy was made of, only with a confirmed copy."""
    made = [copy for copy in copies if copy.opening == opening]
    if made and not any(copy.is_confirmed for copy in made):
        raise MaskedCopyUnconfirmed(made[-1].number)
