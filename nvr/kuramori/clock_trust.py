"""Whether the machine's wall clock is synchronised, as the kernel says (adjtimex(2)). It must not set anything."""

import ctypes

_STATUS_OFFSET_BYTES = 5 * ctypes.sizeof(ctypes.c_long)  # modes (padded), offset, freq, maxerror, esterror
_TIMEX_BYTES = 256  # larger than struct timex
_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


def clock_synchronised() -> bool:
    """Tell whether a time source keeps the wall clock; False where the kernel cannot be asked."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    if state < 0 or state == _TIME_ERROR:
        return False
    status = ctypes.c_int.from_buffer(buffer, _STATUS_OFFSET_BYTES).value
    return not status & _STA_UNSYNC
