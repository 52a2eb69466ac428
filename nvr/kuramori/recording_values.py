"""What a camera's recording takes, gives and asks for: plain values and two protocols. No behaviour."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kuramori.segment_factory import BegunSegment
from kuramori_segments.block_layout import BytesLike
from kuramori_segments.chunk_buffers import Commit
from kuramori_segments.slot_change import SlotChange, SlotWrite, TakenSlot


class Epoch(Protocol):
    """An epoch whose key is durable in the keystore."""

    @property
    def epoch_id(self) -> bytes: ...

    @property
    def first_boot_ms(self) -> int: ...


class Slots(Protocol):
    """Where slots come from: a volume."""

    def take(self, camera_number: int, now_utc_ms: int) -> TakenSlot | None:
        """Reserve the next slot, or None when every slot must stay."""

    def give_back(self, slot: int) -> None:
        """Free a slot that was taken and not written."""


class Unit(NamedTuple):
    """One access unit as it is stored; its number is given when it is taken."""

    utc_us: int
    rtp_time: int
    arrival_boot_us: int
    flags: int
    lost_packets: int
    payload: BytesLike
    nal_count: int


@dataclass(frozen=True, slots=True)
class DurableMark:
    """What is durable of a camera."""

    access_unit: int
    utc_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one tick writes for one camera. `release` once it is durable or given up."""

    writes: tuple[SlotWrite, ...]
    changes: tuple[SlotChange, ...]
    commits: tuple[tuple[Commit, BegunSegment], ...]
    mark: DurableMark | None
    chain_digest: bytes  # of the newest segment in it, with this batch durable

    def release(self) -> None:
        """Give the buffers back."""
        for commit, _ in self.commits:
            commit.release()


@dataclass(slots=True)
class RecordingState:
    """Where a camera's recording goes on: from the ring and the ledger at start, then kept here."""

    next_sequence: int = 1
    previous_digest: bytes = bytes(32)
    next_access_unit: int = 1
