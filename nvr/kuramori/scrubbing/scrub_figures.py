"""Plain figures of reading back, one set for each volume; read at scrape time by whoever shows them."""

from dataclasses import dataclass


@dataclass(slots=True)
class ScrubFigures:
    """Counters rise while the process lives; the rest is as of the last look over the volume."""

    verified_segments: int = 0
    verified_bytes: int = 0
    damage_found: int = 0  # segments that turned out to be damaged, each once
    segments: int = 0  # finished ones in the ring
    unverified: int = 0  # of them, never read back
    damaged: int = 0  # of them, known to be damaged
    oldest_unverified_utc_ms: int | None = None  # last picture of the oldest segment never read back
    last_pass_utc_ms: int | None = None  # when everything on the volume had been read back
    head_mended: int = 0  # copies of blocks of superblock and slot table that had decayed
    fault: str = ""  # why nothing can be read now
