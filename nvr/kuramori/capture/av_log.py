"""What FFmpeg's log lines tell of loss: the only place where its demuxer says that packets are missing.

Lines are counted as they come and none is kept: they may hold the stream's address with its password, and a camera
decides how many there are. It must not import the media library.
"""

import logging
import re

LOGGER = "libav"  # what the media library's lines are logged under, each with its own suffix
MOST_PACKETS_MISSED = 65_535  # RTP numbers its packets with 16 bits: more cannot be told

_MISSED = re.compile(r"RTP: missed (-?\d{1,9}) packets")


def missed_packets(line: str) -> int:
    """Return how many packets a line says are missing: 0 for every other line.

    "max delay reached" and "jitter buffer full" stand before such a line and are no loss of their own; a packet that
    came "too late" was counted as missed before.
    """
    found = _MISSED.search(line)
    return min(max(0, int(found[1])), MOST_PACKETS_MISSED) if found is not None else 0


class LossCounter(logging.Handler):
    """Adds up the packets that are said to be missing, until they are taken."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._missed = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line."""
        self._missed += missed_packets(record.getMessage())

    def take(self) -> int:
        """Return how many are missing since the last call."""
        missed, self._missed = self._missed, 0
        return missed


def counted_losses() -> LossCounter:
    """Return a counter that hears all lines of the library from now on; nobody else hears them."""
    counter = LossCounter()
    logger = logging.getLogger(LOGGER)
    logger.handlers[:] = [counter]
    logger.propagate = False
    return counter
