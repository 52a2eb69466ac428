"""Plain figures of one camera's filling, kept by the filler, shown at scrape time. They know nothing."""

from dataclasses import dataclass


@dataclass(slots=True)
class FillFigures:
    """Plain figures of one camera's filling since the start, read at scrape time."""

    filled_ms: int = 0
    pieces: int = 0  # fetched, whole or in part
    failed_pieces: int = 0  # tried in vain, or only in part
    pending_ms: int = 0  # missing, allowed, and not given up
    given_up_ms: int = 0  # tried too often
    problem: str = ""  # why nothing is fetched now, "" when something is or nothing is missing
