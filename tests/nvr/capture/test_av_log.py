"""What FFmpeg's lines tell of loss: the wording is FFmpeg's, and a change of it would silently hide loss."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.av_log import LOGGER, MOST_PACKETS_MISSED, LossCounter, counted_losses, missed_packets


@pytest.fixture
def counter() -> Iterator[LossCounter]:
    """A counter on the library's lines; afterwards they go where they went before."""
    logger = logging.getLogger(LOGGER)
    handlers, propagate = list(logger.handlers), logger.propagate
    yield counted_losses()
    logger.handlers[:], logger.propagate = handlers, propagate


@pytest.mark.parametrize(
    ("line", "missed"),
    [
        ("RTP: missed 3 packets\n", 3),
        ("RTP: missed 65535 packets", 65_535),
        ("RTP: missed 999999999 packets", MOST_PACKETS_MISSED),
        ("RTP: missed -7 packets", 0),
        ("max delay reached. need to consume packet\n", 0),
        ("jitter buffer full\n", 0),
        ("RTP: dropping old packet received too late\n", 0),
        ("RTP: PT=60: bad cseq 1234 expected=1230", 0),
        ("rtsp://user:secret@camera/ CSeq 3 expected, 4 received.", 0),
    ],
)
def test_only_what_is_said_to_be_missing_is_counted(line: str, missed: int) -> None:
    """The lines around it are the same loss said again."""
    assert missed_packets(line) == missed


@given(st.text())
def test_any_line_is_a_number_of_packets(line: str) -> None:
    """A camera can make the library say many things."""
    assert 0 <= missed_packets(line) <= MOST_PACKETS_MISSED


def test_lines_are_added_up_until_they_are_taken(counter: LossCounter) -> None:
    """Taken once; below a warning nothing counts."""
    logger = logging.getLogger(f"{LOGGER}.rtsp")
    logger.warning("max delay reached. need to consume packet")
    logger.warning("RTP: missed %d packets", 2)
    logger.warning("RTP: missed 5 packets")
    logger.info("RTP: missed 9 packets")
    assert (counter.take(), counter.take()) == (7, 0)


def test_no_line_is_kept_or_passed_on(counter: LossCounter, capfd: pytest.CaptureFixture[str]) -> None:
    """They may hold an address with its password, and their number is the camera's to choose."""
    logger = logging.getLogger(f"{LOGGER}.udp")
    for _ in range(1000):
        logger.warning("rtsp://user:secret@camera/ is broken")
    assert capfd.readouterr() == ("", "")
    assert not logging.getLogger(LOGGER).propagate
    assert vars(counter).keys() <= {"_missed", *vars(logging.Handler())}
