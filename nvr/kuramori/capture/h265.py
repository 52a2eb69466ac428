"""H.265 out of RTP: single units, aggregation packets and fragments (RFC 7798 sections 4.4.1 to 4.4.3).

Pure. Decoding order numbers (DONL) are never agreed to; PACI packets count as malformed. It knows payloads,
nothing of RTP headers, loss or time: those stand in `video_receiver` and `access_unit`.
"""

from functools import lru_cache

from kuramori.capture.access_unit import MAX_AGGREGATED_NALS, AccessUnitBuilder
from kuramori.capture.nal_kind import FORBIDDEN, H265_KINDS, PICTURE

AGGREGATION = 48
FRAGMENTATION = 49
NAL_HEADER_BYTES = 2
_START, _END = 0x80, 0x40


@lru_cache
def _later_headers(first: int, second: int, nal_type: int) -> tuple[bytes, bytes]:
    return bytes((first, second, nal_type)), bytes((first, second, _END | nal_type))


class H265Depacketizer:
    """Feeds NAL units to a builder."""

    fragment_header_bytes = 3  # of each fragment: payload header and FU header

    def feed(self, payload: memoryview, unit: AccessUnitBuilder) -> bool:
        """Take one RTP payload (not empty) in; False when it is malformed."""
        if len(payload) < NAL_HEADER_BYTES or payload[0] & 0x80 or payload[1] & 7 == 0:
            return False
        nal_type = payload[0] >> 1
        if nal_type == FRAGMENTATION:
            return self._fragment(payload, unit)
        if nal_type == AGGREGATION:
            return self._aggregate(payload, unit)
        kind = H265_KINDS[nal_type]
        if kind & FORBIDDEN:
            return False
        unit.add(payload, kind, _is_first_slice(payload))
        return True

    def later_fragment_headers(self, payload: memoryview) -> tuple[bytes, bytes]:
        """How the headers of the fragments after this one look: those in the middle, and the last."""
        return _later_headers(payload[0], payload[1], payload[2] & 63)

    def is_later_slice(self, payload: memoryview) -> bool:
        """Tell whether this is a slice of a picture that began earlier."""
        if len(payload) < 3:
            return False
        if payload[0] >> 1 & 63 == FRAGMENTATION:
            starts = len(payload) > 3 and payload[2] & _START != 0
            return starts and H265_KINDS[payload[2] & 63] & PICTURE != 0 and payload[3] < 0x80
        return H265_KINDS[payload[0] >> 1 & 63] & PICTURE != 0 and payload[2] < 0x80

    def begins_cleanly(self, payload: memoryview) -> bool:
        """Tell whether a picture can begin with this payload, so that nothing of it is missing before."""
        if len(payload) < 3:
            return False
        if payload[0] >> 1 & 63 == FRAGMENTATION:
            starts = len(payload) > 3 and payload[2] & _START != 0
            return starts and (not H265_KINDS[payload[2] & 63] & PICTURE or payload[3] >= 0x80)
        return not H265_KINDS[payload[0] >> 1 & 63] & PICTURE or payload[2] >= 0x80

    def _fragment(self, payload: memoryview, unit: AccessUnitBuilder) -> bool:
        if len(payload) < 4:
            return False
        flags = payload[2]
        if flags & _START:
            kind = H265_KINDS[flags & 63]
            if kind & FORBIDDEN:
                return False
            header = bytes((payload[0] & 0x81 | (flags & 63) << 1, payload[1]))
            unit.open_fragment(header, payload[3:], kind, payload[3] & 0x80 != 0)
            known = True
        else:
            known = unit.extend_fragment(payload[3:])
        if flags & _END:
            unit.close_fragment()
        return known

    def _aggregate(self, payload: memoryview, unit: AccessUnitBuilder) -> bool:
        units: list[memoryview] = []
        at, size = NAL_HEADER_BYTES, len(payload)
        while at < size:
            if at + 2 > size:
                return False
            stop = at + 2 + (payload[at] << 8 | payload[at + 1])
            if stop > size or stop < at + 2 + NAL_HEADER_BYTES:
                return False
            nal = payload[at + 2 : stop]
            if nal[0] & 0x80 or H265_KINDS[nal[0] >> 1] & FORBIDDEN:
                return False
            units.append(nal)
            at = stop
            if len(units) > MAX_AGGREGATED_NALS:
                return False
        unit.aggregated_nals += len(units)
        for nal in units:
            unit.add(nal, H265_KINDS[nal[0] >> 1], _is_first_slice(nal))
        return bool(units)


def _is_first_slice(nal: memoryview) -> bool:
    return len(nal) > NAL_HEADER_BYTES and nal[NAL_HEADER_BYTES] & 0x80 != 0
