"""When a picture was taken: the smallest delay seen lays RTP time on boot time."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kuramori.media_time import DRIFT_PPM, MediaTime

RATE_HZ = 90_000
FRAME_90K = 3_000
FRAME_NS = 33_333_333
SECOND_NS = 1_000_000_000
ARRIVAL_NS = 1_000 * SECOND_NS


def test_the_first_unit_is_dated_by_its_arrival() -> None:
    """Nothing is known of the delay yet, so arrival is the best date."""
    assert MediaTime(RATE_HZ).boot_ns(123_456, ARRIVAL_NS) == ARRIVAL_NS


def test_units_read_in_one_burst_keep_their_rtp_spacing() -> None:
    """Thirty pictures that waited in the socket for a second are dated one frame apart, the last one now."""
    media = MediaTime(RATE_HZ)
    for frame in range(30):
        media.boot_ns(frame * FRAME_90K, ARRIVAL_NS)
    burst_ns = ARRIVAL_NS + SECOND_NS
    dates = [media.boot_ns(frame * FRAME_90K, burst_ns) for frame in range(30, 60)]
    drift_ns = SECOND_NS * DRIFT_PPM // 1_000_000
    assert all(abs(b - a - FRAME_NS) <= drift_ns + 1 for a, b in itertools.pairwise(dates))
    # the first burst's last unit had no delay: its laying holds for the second burst
    assert abs(dates[-1] - burst_ns) <= drift_ns + 2


def test_pictures_coded_out_of_order_are_dated_by_their_own_time() -> None:
    """A B-frame that arrives after its reference is dated before it."""
    media = MediaTime(RATE_HZ)
    reference_ns = media.boot_ns(3 * FRAME_90K, ARRIVAL_NS)
    assert media.boot_ns(FRAME_90K, ARRIVAL_NS + FRAME_NS) < reference_ns


def test_rtp_time_set_anew_is_laid_on_again() -> None:
    """A camera that restarts its RTP time at zero does not send its pictures years away."""
    media = MediaTime(RATE_HZ)
    media.boot_ns(4_000_000_000, ARRIVAL_NS)
    assert media.boot_ns(0, ARRIVAL_NS + SECOND_NS) == ARRIVAL_NS + SECOND_NS


def test_a_slow_camera_clock_is_followed() -> None:
    """A clock 100 ppm slow is never more than a frame behind after an hour."""
    media = MediaTime(RATE_HZ)
    for second in range(3600):
        arrival_ns = ARRIVAL_NS + second * SECOND_NS
        rtp = int(second * RATE_HZ * (1 - 100e-6))
        dated_ns = media.boot_ns(rtp, arrival_ns)
    assert arrival_ns - dated_ns < FRAME_NS


@given(st.lists(st.tuples(st.integers(-200_000, 200_000), st.integers(0, 3 * SECOND_NS)), max_size=60))
def test_no_picture_is_dated_after_its_arrival(steps: list[tuple[int, int]]) -> None:
    """Arrival is the latest possible truth, whatever the camera says."""
    media = MediaTime(RATE_HZ)
    rtp, arrival_ns = 0, ARRIVAL_NS
    for rtp_step, arrival_step_ns in steps:
        rtp, arrival_ns = rtp + rtp_step, arrival_ns + arrival_step_ns
        assert media.boot_ns(rtp, arrival_ns) <= arrival_ns
