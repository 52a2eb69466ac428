"""H.264 out of RTP: single units, STAP-A and FU-A (RFC 6184 sections 5.6, 5.7.1, 5.8).

Pure. Interleaved packetization (STAP-B, MTAP, FU-B) is never agreed to and counts as malformed here. It knows
payloads, nothing of RTP headers, loss or time: those stand in `video_receiver` and `access_unit`.
"""

from functools import lru_cache

from kuramori.capture.access_unit import MAX_AGGREGATED_NALS, AccessUnitBuilder
from kuramori.capture.nal_kind import FORBIDDEN, H264_KINDS

STAP_A = 24
FU_A = 28
_START, _END = 0x80, 0x40


@lru_cache
def _later_headers(indicator: int, nal_type: int) -> tuple[bytes, bytes]:
    return bytes((indicator, nal_type)), bytes((indicator, _END | nal_type))


class H264Depacketizer:
    """Feeds NAL units to a builder."""

    fragment_header_bytes = 2  # of each fragment: FU indicator and FU header

    def feed(self, payload: memoryview, unit: AccessUnitBuilder) -> bool:
        """Take one RTP payload (not empty) in; False when it is malformed."""
        first = payload[0]
        nal_type = first & 31
        if first & 0x80:
            return False
        if nal_type == FU_A:
            return self._fragment(payload, unit)
        if nal_type == STAP_A:
            return self._aggregate(payload, unit)
        kind = H264_KINDS[nal_type]
        if kind & FORBIDDEN:
            return False
        unit.add(payload, kind, len(payload) > 1 and payload[1] & 0x80 != 0)
        return True

    def later_fragment_headers(self, payload: memoryview) -> tuple[bytes, bytes]:
        """How the headers of the fragments after this one look: those in the middle, and the last."""
        return _later_headers(payload[0], payload[1] & 31)

    def is_later_slice(self, payload: memoryview) -> bool:
        """Tell whether this is a slice of a picture that began earlier."""
        nal_type = payload[0] & 31
        if nal_type == FU_A and len(payload) > 2:
            return bool(payload[1] & _START) and payload[1] & 31 in (1, 5) and payload[2] < 0x80
        return nal_type in (1, 5) and len(payload) > 1 and payload[1] < 0x80

    def begins_cleanly(self, payload: memoryview) -> bool:
        """Tell whether a picture can begin with this payload, so that nothing of it is missing before."""
        nal_type = payload[0] & 31
        if nal_type == FU_A and len(payload) > 2:
            return bool(payload[1] & _START) and (payload[1] & 31 not in (1, 5) or payload[2] >= 0x80)
        return nal_type not in (1, 5) or (len(payload) > 1 and payload[1] >= 0x80)

    def _fragment(self, payload: memoryview, unit: AccessUnitBuilder) -> bool:
        if len(payload) < 3:
            return False
        flags = payload[1]
        if flags & _START:
            kind = H264_KINDS[flags & 31]
            if kind & FORBIDDEN:
                return False
            header = bytes((payload[0] & 0xE0 | flags & 31,))
            unit.open_fragment(header, payload[2:], kind, payload[2] & 0x80 != 0)
            known = True
        else:
            known = unit.extend_fragment(payload[2:])
        if flags & _END:
            unit.close_fragment()
        return known

    def _aggregate(self, payload: memoryview, unit: AccessUnitBuilder) -> bool:
        units: list[memoryview] = []
        at, size = 1, len(payload)
        while at < size:
            if at + 2 > size:
                return False
            stop = at + 2 + (payload[at] << 8 | payload[at + 1])
            if stop > size or stop == at + 2:
                return False
            nal = payload[at + 2 : stop]
            if nal[0] & 0x80 or H264_KINDS[nal[0] & 31] & FORBIDDEN:
                return False
            units.append(nal)
            at = stop
            if len(units) > MAX_AGGREGATED_NALS:
                return False
        unit.aggregated_nals += len(units)
        for nal in units:
            unit.add(nal, H264_KINDS[nal[0] & 31], len(nal) > 1 and nal[1] & 0x80 != 0)
        return bool(units)
