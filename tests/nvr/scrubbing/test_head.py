"""The recorder reads the head of its volumes back: what decayed is mended, and stands in ledger and log."""

import asyncio
from pathlib import Path

from kuramori.scrubbing.scrubbing import HEAD_EVENT, Scrubbing
from kuramori_segments.check import check_volume
from tests.fakes.house import running_house

LONG_SECONDS = 60.0
FOREVER_UTC_MS = 1 << 52


async def test_a_decayed_copy_of_the_slot_table_is_told_and_mended(tmp_path: Path) -> None:
    """One bit of one copy, on the medium: an event with volume and place; the next commit writes the copy anew."""
    async with running_house(tmp_path) as house:
        house.record("gate", 3)
        (volume,), (path,) = house.vault.volumes, house.vault.volume_paths
        volume.flush()
        offset = volume.superblock.table_b_offset
        with path.open("r+b") as file:
            file.seek(offset + 20)
            byte = file.read(1)[0]
            file.seek(offset + 20)
            file.write(bytes([byte ^ 1]))
        running = asyncio.create_task(Scrubbing(house.recorder).run())
        try:
            async with asyncio.timeout(LONG_SECONDS):
                while not house.vault.ledger.events(0, FOREVER_UTC_MS, kind=HEAD_EVENT):
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.wait([running])
        (event,) = house.vault.ledger.events(0, FOREVER_UTC_MS, kind=HEAD_EVENT)
        assert (event.fact("volume"), event.fact("blocks"), event.fact("offset")) == (str(path), 1, offset)
        assert house.recorder.scrub_figures[volume.superblock.volume_id].head_mended == 1
        assert volume.unsettled  # the tick commits then
        volume.flush()
        assert check_volume(volume._disk.read_at, volume._disk.size_bytes) == []
