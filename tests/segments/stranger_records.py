"""What stands inside a segment, read by somebody who has FORMAT.md and none of our code: records, leaves, their tree.

It imports nothing of ours; the section numbers are those of FORMAT.md.
"""

import json
import struct
from collections.abc import Iterator
from hashlib import sha256


class Refused(Exception):
    """An event of section 12, by name."""

    def __init__(self, event: str) -> None:
        super().__init__(event)
        self.event = event


def number(data: bytes, code: str, offset: int) -> int:
    """Return one integer."""
    return int(struct.unpack_from("<" + code, data, offset)[0])


# ---- sections 5 and 6: records and leaves


def records(plaintexts: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Cut the stream into records: type and payload."""
    stream = b"".join(plaintexts)
    position = 0
    while position < len(stream):
        kind, flags, zero, length = struct.unpack_from("<BBHI", stream, position)
        payload = stream[position + 8 : position + 8 + length]
        if kind not in range(1, 9) or zero or (flags and kind != 2) or (kind == 8 and not is_event(payload)):
            raise Refused("record_refused")
        yield kind, payload
        position += 8 + length


def is_event(payload: bytes) -> bool:
    """Tell whether a CAMERA_EVENT has the members that it always has."""
    try:
        event = json.loads(payload)
        return len(payload) <= 1024 and isinstance(event["kind"], str) and type(event["utc_ms"]) is int
    except (ValueError, KeyError, TypeError):
        return False


def is_sound(payload: bytes) -> bool:
    """Tell whether an AUDIO record holds a frame behind its head."""
    return 32 < len(payload) <= 32 + 8191 and number(payload, "I", 28) == 0


def sound_is_decided(config: bytes) -> bool:
    """Tell whether CONFIG names a track of sound, with who decided it, when and why."""
    track = json.loads(config).get("audio_track")
    if track is None:
        return False
    decision = track["decision"]
    if track["codec"] != "aac" or not all(decision[name] for name in ("who", "date", "reason")):
        raise Refused("record_refused")
    return True


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + tree_root(leaves[:split]) + tree_root(leaves[split:])).digest()


def leaves_of(payload: bytes, codec: int, salt: bytes) -> Iterator[bytes]:
    """Yield the leaves of one access unit."""
    position = 40
    while position < len(payload):
        (length,) = struct.unpack_from(">I", payload, position)
        unit = payload[position + 4 : position + 4 + length]
        position += 4 + length
        kind = unit[0] & 31 if codec == 1 else unit[0] >> 1 & 63
        if (1 <= kind <= 6) if codec == 1 else (kind <= 31 or kind in (39, 40)):
            yield sha256(b"\0" + salt + unit.rstrip(b"\0")).digest()
