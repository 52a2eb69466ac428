"""Puts one access unit together: NAL units behind 32-bit lengths in a buffer that is used again and again.

Pure. It is told of NAL units, whole or in fragments, of time stamps, markers and loss, and hands a finished unit
to whoever it was given. It must not know RTP packets or codecs' packet types.

Where one picture ends is decided here: by marker, by time stamp, and, for cameras that set no marker, by the order
of NAL units: a slice that begins a picture ends the one before it, and what came between the two (parameter sets,
SEI, a delimiter) belongs to the new one. A parameter set alone ends nothing: some send it before every slice.
"""

import struct
from collections.abc import Callable

from kuramori.capture.nal_kind import KEY, OPENS, PARAMETER_SET, PICTURE, STARTS

INITIAL_BYTES = 64 << 10
MAX_UNIT_BYTES = 8 << 20  # no camera's picture is larger; what is, is dropped and counted
MAX_UNIT_NALS = 4096
MAX_AGGREGATED_NALS = 128  # in one packet; an aggregation of more is no camera's, and costs time to take apart
UNITS_BETWEEN_SHRINKS = 256
LENGTH_BYTES = 4
_LENGTH = struct.Struct(">I").pack_into


class AccessUnitBuilder:
    """The unit that is being received.

    `deliver(builder)` is called for each finished unit; it reads the public attributes and `view[:fill]`, which
    are valid during that call only.
    """

    __slots__ = (
        "_deliver",
        "_fragment_kind",
        "_largest_bytes",
        "_marker_seen",
        "_since_shrink",
        "_tail",
        "_trusts_marker",
        "aggregated_nals",
        "arrival_boot_ns",
        "capacity_bytes",
        "damaged",
        "dropped_units",
        "fill",
        "fragment_start",
        "has_picture",
        "is_key",
        "lost_packets",
        "nal_count",
        "overflowed",
        "packets",
        "parameter_sets",
        "rtp_time",
        "view",
    )

    def __init__(self, deliver: Callable[["AccessUnitBuilder"], None]) -> None:
        self._deliver = deliver
        self.view = memoryview(bytearray(INITIAL_BYTES))
        self.capacity_bytes = INITIAL_BYTES
        self.dropped_units = 0
        self.aggregated_nals = 0  # taken out of aggregation packets: work that the number of packets does not show
        self._largest_bytes = 0
        self._since_shrink = 0
        self._trusts_marker = True
        self._marker_seen = False
        self.rtp_time = 0
        self.arrival_boot_ns = 0
        self.lost_packets = 0
        self.packets = 0
        self._fragment_kind = 0
        self.damaged = False
        self.parameter_sets: list[bytes] = []
        self._reset()

    def _reset(self) -> None:
        self.fill = 0
        self.nal_count = 0
        self.fragment_start = -1  # where in the buffer the open fragmented unit begins; -1: none is open
        self.has_picture = False
        self.is_key = False
        self.overflowed = False
        self._tail: tuple[int, int, int] | None = None  # fill, NAL units and sets before what may open the next
        if self.parameter_sets:
            self.parameter_sets = []

    # What the packets say

    def at_time(self, rtp_time: int) -> None:
        """The next NAL units carry this time stamp: a picture that is there already is complete.

        Units without a picture (parameter sets sent ahead under another time stamp) stay and join the next one.
        """
        if rtp_time != self.rtp_time:
            if self.fragment_start >= 0:
                self.abandon_fragment()
            if self.has_picture:
                self.finish()
            elif not self.nal_count:
                self.damaged = False  # all of it is missing: that is in `lost_packets`, the next one is whole
            self.rtp_time = rtp_time

    def marked(self) -> None:
        """The last packet carried the marker bit: normally the end of the picture (RFC 6184 section 5.1)."""
        if self.has_picture and self._trusts_marker and self.fragment_start < 0:
            self._marker_seen = True
            self.finish()

    def missing(self, packets: int) -> None:
        """Packets are missing right here."""
        self.lost_packets += packets
        if self.fragment_start >= 0:
            self.abandon_fragment()
        if self.nal_count:
            self.damaged = True

    def continues_finished_unit(self) -> None:
        """A slice of the unit that a marker just ended: this camera marks every slice."""
        self._trusts_marker = False

    # NAL units

    def add(self, nal: memoryview, kind: int, first_slice: bool) -> None:
        """Take one whole NAL unit in."""
        if self.fragment_start >= 0:
            self.abandon_fragment()
        if self.has_picture:
            self._consider_order(kind, first_slice)
        size = len(nal)
        fill = self.fill
        if not self._has_room(LENGTH_BYTES + size):
            return
        _LENGTH(self.view, fill, size)
        begin = fill + LENGTH_BYTES
        self.fill = end = begin + size
        self.view[begin:end] = nal
        self._note(kind, begin, end)

    def open_fragment(self, header: bytes, body: memoryview, kind: int, first_slice: bool) -> None:
        """Begin a NAL unit that comes in fragments."""
        if self.fragment_start >= 0:
            self.abandon_fragment()
        if self.has_picture:
            self._consider_order(kind, first_slice)
        if not self._has_room(LENGTH_BYTES + len(header) + len(body)):
            return
        self.fragment_start = fill = self.fill
        self._fragment_kind = kind
        begin = fill + LENGTH_BYTES + len(header)
        self.view[fill + LENGTH_BYTES : begin] = header
        self.fill = begin + len(body)
        self.view[begin : self.fill] = body

    def extend_fragment(self, body: memoryview) -> bool:
        """Go on with it; False when none is open (its beginning is missing)."""
        if self.fragment_start < 0:
            self.damaged = True
            return self.overflowed
        if self._has_room(len(body)):
            end = self.fill + len(body)
            self.view[self.fill : end] = body
            self.fill = end
        return True

    def close_fragment(self) -> None:
        """The last fragment was added."""
        start = self.fragment_start
        if start >= 0:
            begin = start + LENGTH_BYTES
            _LENGTH(self.view, start, self.fill - begin)
            self.fragment_start = -1
            self._note(self._fragment_kind, begin, self.fill)

    def abandon_fragment(self) -> None:
        """The rest of it will not come: a NAL unit with a hole is not what the camera sent, so it goes."""
        self.fill = self.fragment_start
        self.fragment_start = -1
        self.damaged = True

    def _note(self, kind: int, begin: int, end: int) -> None:
        self.nal_count += 1
        if kind & PICTURE:
            self.has_picture = True
            if kind & KEY:
                self.is_key = True
        elif kind & PARAMETER_SET:
            self.parameter_sets.append(bytes(self.view[begin:end]))

    def _consider_order(self, kind: int, first_slice: bool) -> None:
        """A NAL unit comes behind a picture: see whether it begins the next one (H.264 7.4.1.2.3)."""
        if kind & PICTURE:
            if first_slice and kind & STARTS and not (self._marker_seen and self._trusts_marker):
                self._split()
            self._tail = None
        elif kind & OPENS and self._tail is None:
            self._tail = (self.fill, self.nal_count, len(self.parameter_sets))

    def _split(self) -> None:
        """Finish the picture that is there, and take what came behind it over into the next unit."""
        if self._tail is None or self.overflowed:
            self.finish()
            return
        fill, nal_count, sets = self._tail
        kept, kept_nals = bytes(self.view[fill : self.fill]), self.nal_count - nal_count
        kept_sets = self.parameter_sets[sets:]
        self.fill, self.nal_count = fill, nal_count
        del self.parameter_sets[sets:]
        self.finish()
        if self._has_room(len(kept)):
            self.view[: len(kept)] = kept
            self.fill, self.nal_count, self.parameter_sets = len(kept), kept_nals, kept_sets

    # The finished unit, and the buffer

    def finish(self) -> None:
        """Hand the unit over and begin the next."""
        if self.fragment_start >= 0:
            self.abandon_fragment()
        if self.overflowed:
            self._drop()
            return
        if self.has_picture:
            self._deliver(self)
            self._consider_shrinking()
            self.lost_packets = 0
            self.packets = 0
        self.damaged = False
        self._reset()

    def _drop(self) -> None:
        """Too large: to the recorder its packets are missing before the next unit."""
        self.dropped_units += 1
        self.lost_packets += self.packets
        self.packets = 0
        self.damaged = False
        self._reset()

    def _has_room(self, wanted_bytes: int) -> bool:
        if self.overflowed:
            return False
        needed_bytes = self.fill + wanted_bytes
        if needed_bytes > MAX_UNIT_BYTES or self.nal_count >= MAX_UNIT_NALS:
            self.overflowed = True
            self.fragment_start = -1
            self.fill = 0
            self.has_picture = True  # so that the next boundary ends it
            return False
        if needed_bytes > self.capacity_bytes:
            self._resize(min(MAX_UNIT_BYTES, max(needed_bytes, 2 * self.capacity_bytes)))
        return True

    def _consider_shrinking(self) -> None:
        if self.fill > self._largest_bytes:
            self._largest_bytes = self.fill
        self._since_shrink += 1
        if self._since_shrink >= UNITS_BETWEEN_SHRINKS:
            wanted_bytes = max(INITIAL_BYTES, 2 * self._largest_bytes)
            self._since_shrink = self._largest_bytes = 0
            if wanted_bytes < self.capacity_bytes:
                self.fill = 0
                self._resize(wanted_bytes)

    def _resize(self, capacity_bytes: int) -> None:
        larger = memoryview(bytearray(capacity_bytes))
        larger[: self.fill] = self.view[: self.fill]
        self.view, self.capacity_bytes = larger, capacity_bytes
