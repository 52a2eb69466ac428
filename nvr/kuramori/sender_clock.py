"""How a camera's clock stands to ours, by its sender reports: to milliseconds, where asking it gives whole seconds.

A sender report says which moment of the camera's clock belongs to which RTP time (RFC 3550 section 6.4.1); we know
which moment of ours does. Not every camera reports its wall clock: whoever uses this compares it with what the
camera says when it is asked. Pure; must not know sockets.
"""

NTP_EPOCH_OFFSET_SECONDS = 2_208_988_800  # from 1900 to 1970
NTP_ERA_SECONDS = 1 << 32
ERA_ENDS_BEFORE = 1_500_000_000  # UTC seconds: what seems older belongs to the era that begins in 2036


def ntp_utc_us(seconds: int, fraction: int) -> int:
    """Return an NTP time (seconds since 1900, 32 bits of fraction) in UTC microseconds."""
    utc_seconds = seconds - NTP_EPOCH_OFFSET_SECONDS
    if utc_seconds < ERA_ENDS_BEFORE:
        utc_seconds += NTP_ERA_SECONDS
    return utc_seconds * 1_000_000 + (fraction * 1_000_000 >> 32)


def sender_offset_ms(ntp: int, our_utc_us: int) -> int:
    """Return the camera's clock minus ours, from the 64-bit NTP time of a report and our time of the same moment."""
    return (ntp_utc_us(ntp >> 32 & 0xFFFFFFFF, ntp & 0xFFFFFFFF) - our_utc_us) // 1000
