"""Telling what became of a clip's sound: the recorder's frames in one unbroken run, or others. Pure.

Sound has no proof of its own: what it is compared with is a list that the recorder signed when it made the clip.
Must not know containers or manifests.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

DIGEST_BYTES = 32
FRAMES_MOST = 1 << 23  # two days at 48 kHz: no clip is longer


class SoundVerdict(StrEnum):
    """What the sound of a file is. Stable."""

    ABSENT = "absent"  # the file has none, though the clip had
    WHOLE = "whole"  # every frame, in order
    PART = "part"  # one unbroken run of them
    ALTERED = "altered"  # frames that are others, left out or moved
    UNREADABLE = "unreadable"  # a track of sound, but not of the recorded codec


@dataclass(frozen=True, slots=True)
class SoundMatch:
    """What was found."""

    verdict: SoundVerdict
    frames: int = 0  # in the file
    strange: int = 0  # of them, those that the recorder never handed over


def match_sound(frames: Iterable[bytes], recorded: list[bytes]) -> SoundMatch:
    """Compare frames with the digests of those that were handed over."""
    found = bytearray()
    known, strange, count = set(recorded), 0, 0
    for frame in frames:
        digest = sha256(frame).digest()
        count += 1
        strange += digest not in known
        found += digest
        if count > FRAMES_MOST:
            return SoundMatch(SoundVerdict.ALTERED, count, strange)
    if not count:
        return SoundMatch(SoundVerdict.ABSENT)
    if strange or not _is_run(bytes(found), b"".join(recorded)):
        return SoundMatch(SoundVerdict.ALTERED, count, strange)
    return SoundMatch(SoundVerdict.WHOLE if count == len(recorded) else SoundVerdict.PART, count)


def _is_run(part: bytes, whole: bytes) -> bool:
    at = whole.find(part)
    while at >= 0 and at % DIGEST_BYTES:
        at = whole.find(part, at + 1)
    return at >= 0
