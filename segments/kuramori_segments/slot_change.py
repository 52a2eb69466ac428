"""What a commit is asked to do to slots, and what it did: plain values between the recorder and the volume.

They must not know the medium, nor what stands in a segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kuramori_segments.block_layout import BytesLike
from kuramori_segments.codes import SlotState
from kuramori_segments.ring import SlotChoice
from kuramori_segments.slot_entry import SlotEntry


@dataclass(frozen=True, slots=True)
class SlotWrite:
    """Whole blocks to be appended to a slot: `offset_bytes` (from the slot's start) must be where it ends now."""

    slot: int
    offset_bytes: int
    buffers: Sequence[BytesLike]


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """A new segment begins in a slot that was taken; its header stands in the same commit's writes."""

    slot: int
    camera_number: int
    sequence: int
    epoch_id: bytes
    start_utc_ms: int


@dataclass(frozen=True, slots=True)
class CloseSlot:
    """The segment in the slot is finished; its footer stands in this commit's writes (or was durable before).

    `state`: CLOSED, RECOVERED, or BAD (the place is broken; what is readable of it stays catalogued, and the slot is
    never taken again). `extent_blocks` counts from the slot's start through the footer.
    """

    slot: int
    end_utc_ms: int
    extent_blocks: int
    state: SlotState = SlotState.CLOSED


@dataclass(frozen=True, slots=True)
class EmptySlot:
    """The slot holds nothing any more: its keys are gone, or it never came to hold a segment."""

    slot: int


@dataclass(frozen=True, slots=True)
class DateSlot:
    """The times of a finished segment, known only now (it was recorded without a trustworthy clock)."""

    slot: int
    start_utc_ms: int
    end_utc_ms: int


SlotChange: TypeAlias = OpenSlot | CloseSlot | EmptySlot | DateSlot


@dataclass(frozen=True, slots=True)
class TakenSlot:
    """A slot reserved for one camera. `displaced` is what it held, gone for good with the next commit.

    `ready` False: the next commit makes the old entry's withdrawal durable on the way; a first write in that very
    commit costs one sync more. Take slots one commit ahead.
    """

    slot: int
    offset_bytes: int  # of the slot, from the volume's start
    choice: SlotChoice
    displaced: SlotEntry | None
    ready: bool


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What one commit cost. Everything in its batch is durable."""

    data_bytes: int = 0
    table_bytes: int = 0  # slot table and superblock
    runs: int = 0  # contiguous stretches written
    syncs: int = 0


@dataclass(frozen=True, slots=True)
class FillProgress:
    """How far the volume is zero-filled. `filled_slots` are usable now."""

    filled_slots: int
    slot_count: int
    done: bool


@dataclass(frozen=True, slots=True)
class LeasedSegment:
    """A segment that stays until its lease ends. `extent_bytes` are durable; `entry` says the rest."""

    slot: int
    offset_bytes: int  # of the slot, from the volume's start
    extent_bytes: int
    entry: SlotEntry


@dataclass(frozen=True, slots=True)
class SlotUsage:
    """How many slots are in which state; `lost`: both copies of the table entry are invalid."""

    empty: int
    open: int
    closed: int
    recovered: int
    bad: int
    lost: int
    doubtful: int
    usable: int
    damaged_entry_copies: int


@dataclass(slots=True)
class VolumeStatistics:
    """Plain counters since the volume was opened, read at scrape time."""

    commits: int = 0
    syncs: int = 0
    data_bytes: int = 0
    table_bytes: int = 0
    fill_bytes: int = 0
    faults: int = 0

    def add(self, result: CommitResult) -> None:
        """Count one commit."""
        self.commits += 1
        self.syncs += result.syncs
        self.data_bytes += result.data_bytes
        self.table_bytes += result.table_bytes
