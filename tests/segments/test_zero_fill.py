"""How zero-filling goes on: what is written next, what is published, and what is never filled."""

from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.zero_fill import PUBLISH_BYTES, ZeroFill

SLOT = 16 << 20


def test_steps_are_whole_blocks_and_end_at_the_end() -> None:
    """Any wish gives at least one block, never half a block, never more than is left."""
    fill = ZeroFill.resume(SLOT, 2, 0)
    assert fill.next_stretch(1) == (0, BLOCK_BYTES)
    assert fill.next_stretch(10_000) == (0, 8192)
    fill.synced_bytes = 2 * SLOT - BLOCK_BYTES
    assert fill.next_stretch(1 << 30) == (2 * SLOT - BLOCK_BYTES, BLOCK_BYTES)
    fill.synced_bytes = 2 * SLOT
    assert fill.next_stretch(1 << 30) == (2 * SLOT, 0)


def test_progress_is_published_in_whole_slots_now_and_then_and_at_the_end() -> None:
    """A superblock is written after 64 MiB, or when all is filled; never for half a slot."""
    fill = ZeroFill.resume(SLOT, 10, 0)
    fill.synced_bytes = PUBLISH_BYTES - BLOCK_BYTES
    assert fill.to_publish() is None
    fill.synced_bytes = PUBLISH_BYTES + BLOCK_BYTES
    assert fill.to_publish() == 4
    fill.published_slots = 4
    assert fill.to_publish() is None
    fill.synced_bytes = 10 * SLOT
    assert fill.to_publish() == 10
    fill.published_slots = 10
    assert fill.done
    assert fill.to_publish() is None


def test_goes_on_where_the_superblock_says() -> None:
    """After a restart nothing published is filled again."""
    assert ZeroFill.resume(SLOT, 10, 4).next_stretch(SLOT) == (4 * SLOT, SLOT)


def test_never_fills_what_is_in_use() -> None:
    """Slots that recording took ahead of filling are stepped over, and never stepped back to."""
    fill = ZeroFill.resume(SLOT, 10, 4)
    fill.leave_alone(6)
    assert fill.next_stretch(SLOT) == (6 * SLOT, SLOT)
    fill.leave_alone(5)
    assert fill.next_stretch(SLOT) == (6 * SLOT, SLOT)


def test_steps_over_a_failing_place_in_whole_slots() -> None:
    """The slots a failed stretch touches are named, and the next stretch begins behind them."""
    fill = ZeroFill.resume(SLOT, 10, 0)
    fill.synced_bytes = SLOT + BLOCK_BYTES
    assert list(fill.skip(SLOT)) == [1, 2]
    assert fill.next_stretch(SLOT) == (3 * SLOT, SLOT)
