"""Why a second of a camera is missing: one number per reason, shared by footers and the ledger (R1).

The numbers are part of the format (FORMAT.md, "Gap reasons") and are never reused. Texts for people live in
the hall; this module must not know them, nor who detects a gap.
"""

from enum import IntEnum


class GapReason(IntEnum):
    """The reason of one gap, as written to disk (u8; 0 is never written)."""

    CAMERA_OFFLINE = 1  # not reachable, or the connection broke
    CAMERA_STALLED = 2  # connected, but nothing came
    CAMERA_REFUSED = 3  # 401, 403, 454 and their like
    STREAM_DAMAGED = 4  # packets lost or rubbish received, until the next key frame
    CODEC_CHANGED = 5
    STORAGE_FAULT = 6  # no volume took the data
    RECORDER_STOPPED = 7  # an orderly stop
    RECORDER_CRASHED = 8  # a kill or a power cut
    MAINTENANCE = 9  # planned, announced beforehand
    NO_CUSTODIANS = 10  # no valid custodian set: nothing is recorded in the clear
    STREAM_ENDED = 11  # the camera ended the stream in order
    CLOCK_UNKNOWN = 12  # recorded, but not datable (yet)
    NOT_YET_STARTED = 13  # before the camera's first recording
