"""The hand-over marks in a clip, and what can be said of them in words (H8).

A clip may be all that is left: then there is no bundle to compare with, and the marks are read by themselves. Must not
know registers: whose copy it is, stands there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.clips.container_reader import ClipUnreadable, open_clip
from kuramori.clips.handover_mark import HandOverMark, mark_in
from kuramori.clips.leaf_match import MARKS_MOST
from kuramori.clips.verdict_words import FACTS

_WORDS = {True: FACTS["mark_signed"], False: FACTS["mark_made_up"], None: FACTS["mark_unchecked"]}


@dataclass(frozen=True, slots=True)
class FoundMark:
    """A mark, and whether the recorder signed it; None where no key of the recorder is at hand."""

    mark: HandOverMark
    signed: bool | None


def judged(marks: Sequence[HandOverMark], device_key: ec.EllipticCurvePublicKey | None) -> tuple[FoundMark, ...]:
    """Return marks with whether this recorder's key signed them."""
    return tuple(FoundMark(mark, mark.is_signed_by(device_key) if device_key is not None else None) for mark in marks)


def marks_of_file(path: Path) -> tuple[HandOverMark, ...]:
    """Return the different marks in any clip; none also where it cannot be read."""
    found: dict[HandOverMark, None] = {}
    try:
        with path.open("rb") as file, open_clip(file) as clip:
            for unit in clip.units:
                mark = mark_in(clip.codec, unit)
                if mark is not None and len(found) < MARKS_MOST:
                    found.setdefault(mark)
    except (ClipUnreadable, OSError):
        return tuple(found)
    return tuple(found)


def mark_words(found: Sequence[FoundMark]) -> Iterator[str]:
    """Yield a line for each."""
    for one in found:
        mark = one.mark
        yield _WORDS[one.signed].say(request=mark.request_id, opening=mark.opening, entry=mark.opened_index)
    if len({one.mark for one in found}) > 1:
        yield FACTS["marks_mixed"].say()
