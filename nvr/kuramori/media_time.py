"""When a picture was taken: arrival is the truth, RTP time gives the spacing.

Bytes wait in the network and in the socket, so arrival is late by a varying amount, never early. The smallest
delay seen is nearest to the truth: RTP time is laid on boot time with that smallest delay. A camera whose
clock runs slow is followed at DRIFT_PPM; one whose RTP time jumps is laid on again. Pure: no clock is read.
"""

NS_PER_SECOND = 1_000_000_000
DRIFT_PPM = 200  # how fast the smallest delay may grow again: crystals are better than this
JUMP_NS = 5 * NS_PER_SECOND  # RTP time that far from arrival was set anew by the camera


class MediaTime:
    """Maps one source's RTP time to boot time."""

    __slots__ = ("_arrival_ns", "_clock_rate_hz", "_offset_ns")

    def __init__(self, clock_rate_hz: int) -> None:
        self._clock_rate_hz = clock_rate_hz
        self._offset_ns: int | None = None
        self._arrival_ns = 0

    def boot_ns(self, rtp_time: int, arrival_boot_ns: int) -> int:
        """Return the boot time at which the unit with this RTP time (extended, clock units) was taken.

        Never later than its arrival. Pictures that are coded out of order keep their spacing.
        """
        media_ns = rtp_time * NS_PER_SECOND // self._clock_rate_hz
        delay_ns = arrival_boot_ns - media_ns
        offset_ns = self._offset_ns
        if offset_ns is None or not -JUMP_NS < delay_ns - offset_ns < JUMP_NS or delay_ns < offset_ns:
            offset_ns = delay_ns
        else:
            drift_ns = (arrival_boot_ns - self._arrival_ns) * DRIFT_PPM // 1_000_000
            if drift_ns > 0:
                offset_ns = min(offset_ns + drift_ns, delay_ns)
        self._offset_ns = offset_ns
        self._arrival_ns = arrival_boot_ns
        return media_ns + offset_ns

    def placed_ns(self, rtp_time: int) -> int | None:
        """Return the boot time of an RTP time told beside the pictures; it moves nothing. None before the first."""
        if self._offset_ns is None:
            return None
        return rtp_time * NS_PER_SECOND // self._clock_rate_hz + self._offset_ns

    def duration_ns(self, clock_units: int) -> int:
        """Return how long so many clock units last."""
        return clock_units * NS_PER_SECOND // self._clock_rate_hz
