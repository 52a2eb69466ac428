"""What the desk asks the recorder about custody: which segments are sealed to whom, and that the set has changed.

Frozen values as in `messages`, which names them in its protocol. This module must not know sockets.
"""

from dataclasses import dataclass

from kuramori.wire import WireBytes

CUSTODY_PAGE_SEGMENTS = 2048  # in one answer; with sixteen custodians about 5 MB


@dataclass(frozen=True, slots=True)
class CustodySegmentsRequest:
    """Which segments can still be opened, behind this one (camera number, sequence), and to whom are they sealed?"""

    after_camera_number: int = 0
    after_sequence: int = 0


@dataclass(frozen=True, slots=True)
class CustodySegment:
    """A segment whose key is alive, as its header names it."""

    camera_number: int
    sequence: int
    segment_uid: WireBytes
    epoch_id: WireBytes
    start_utc_ms: int
    custodian_set_id: WireBytes
    k: int
    n: int
    shares: WireBytes  # n times 16 bytes of custodian id and 81 of sealed share
    recovery_seal: WireBytes
    held: bool


@dataclass(frozen=True, slots=True)
class CustodySegments:
    """A page, in the order of camera number and sequence; `more`: ask again behind the last one."""

    segments: tuple[CustodySegment, ...]
    more: bool
    after_camera_number: int  # where the next page begins
    after_sequence: int


@dataclass(frozen=True, slots=True)
class ReloadCustodiansRequest:
    """The chain of custodian sets on disk has grown: seal the next segments to the new set."""


@dataclass(frozen=True, slots=True)
class CustodiansInUse:
    """The set that the next segments are sealed to."""

    custodian_set_id: WireBytes
