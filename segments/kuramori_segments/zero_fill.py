"""How far a new volume has been zero-filled: pure; it names the next stretch and what may be believed of the past.

The first write into a preallocated extent costs about twice an overwrite, so slots are written once with zeros before
they are used. That is a matter of speed only: where recording is faster it takes the next slot as it is, and filling
goes on behind it. Never is a slot filled that is or was in use. Two marks: synced (zeros are durable, or the slot is in
use), published (the superblock that says so is durable). It must not know files.
"""

from dataclasses import dataclass

from kuramori_segments.limits import BLOCK_BYTES

PUBLISH_BYTES = 64 << 20  # progress is published after so much, and at the end: at most so much is filled twice


@dataclass(slots=True)
class ZeroFill:
    """The two marks: published in slots, synced in bytes from slot 0."""

    slot_bytes: int
    slot_count: int
    published_slots: int
    synced_bytes: int

    @classmethod
    def resume(cls, slot_bytes: int, slot_count: int, published_slots: int) -> "ZeroFill":
        """Go on where the superblock says: what was not published is filled again."""
        return cls(slot_bytes, slot_count, published_slots, published_slots * slot_bytes)

    def leave_alone(self, slots: int) -> None:
        """Never fill the first so many slots: some of them are in use."""
        self.synced_bytes = max(self.synced_bytes, slots * self.slot_bytes)

    @property
    def done(self) -> bool:
        """Tell whether every slot is filled and published."""
        return self.published_slots == self.slot_count

    def next_stretch(self, max_bytes: int) -> tuple[int, int]:
        """Return offset and length of what to write next: whole blocks, at least one; length 0 at the end."""
        length = max(BLOCK_BYTES, max_bytes - max_bytes % BLOCK_BYTES)
        return self.synced_bytes, min(length, self.slot_bytes * self.slot_count - self.synced_bytes)

    def to_publish(self) -> int | None:
        """Return the number of slots that a superblock may claim now, or None when it is not worth a write."""
        slots = self.synced_bytes // self.slot_bytes
        gained = slots - self.published_slots
        if gained > 0 and (slots == self.slot_count or gained * self.slot_bytes >= PUBLISH_BYTES):
            return slots
        return None

    def skip(self, length_bytes: int) -> range:
        """Step over a stretch that a failing place did not take, to the next slot; return those doubtful slots."""
        first = self.synced_bytes // self.slot_bytes
        behind = -(-(self.synced_bytes + length_bytes) // self.slot_bytes)
        self.synced_bytes = behind * self.slot_bytes
        return range(first, behind)
