"""The hand-over mark (H8): one SEI NAL unit before each key picture that says which hand-over a copy comes from.

`user_data_unregistered` (payload type 5; ITU-T H.264 D.1.7, H.265 D.2.7) under a UUID of its own, the only message of
its NAL unit. Every other NAL unit stays as it was. The body is signed by the recorder's device key: a mark can be
removed, and copied from one file into another, but not made up. Layout: MANIFEST.md. Pure; must not know containers,
files or requests.
"""

import struct
import uuid
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori_segments import es256
from kuramori_segments.codes import VideoCodec

MARK_UUID = uuid.UUID("18229e4f-bc47-42d3-a156-015661afb992").bytes
# Cameras that sign their stream hash every NAL unit of it: ONVIF Media Signing, and what came before it.
CAMERA_SIGNATURES = (
    uuid.UUID("005bc93f-2d71-5e95-ada4-796f90877a6f").bytes,
    uuid.UUID("5369676e-6564-2056-6964-656f2e2e2e30").bytes,
)
SIGNATURE_LABEL = b"kuramori/v1/hand-over-mark\0"
VERSION = 1
REQUEST_BYTES_MOST = 32

_USER_DATA_UNREGISTERED = 5
_STOP = 0x80  # rbsp_stop_one_bit and its alignment
_HEADS = {VideoCodec.H264: b"\x06", VideoCodec.H265: b"\x4e\x01"}  # SEI; PREFIX_SEI of layer 0
_FIXED = struct.Struct(">B16sIQ32sB")
_SIGNATURE_BYTES = 64
_SIZE_ESCAPE = 255  # sizes from here on take a second byte; a mark is shorter


class MarkInvalid(ValueError):
    """These facts do not fit into a mark."""


class CameraSigns(Exception):
    """The camera signs its stream itself: no mark may be put in."""


@dataclass(frozen=True, slots=True)
class HandOverMark:
    """Which hand-over. Of the recipient it holds only the granted request's digest, which nobody can guess back."""

    recorder_id: bytes  # 16 bytes
    request_id: str
    opening: int  # 1 for the first copy of this request, 2 for the next
    opened_index: int  # the register's entry of this opening
    granted_digest: bytes  # SHA-256 of granted-request.json
    signature: bytes = b""  # ES256, r then s

    def body(self) -> bytes:
        """Return what is signed. Raises MarkInvalid."""
        request = self.request_id.encode("ascii", "replace")
        if not 0 < len(request) <= REQUEST_BYTES_MOST:
            raise MarkInvalid("request")
        try:
            fixed = _FIXED.pack(
                VERSION, self.recorder_id, self.opening, self.opened_index, self.granted_digest, len(request)
            )
        except struct.error as fault:
            raise MarkInvalid("number") from fault
        return fixed + request

    def signed(self, device_key: ec.EllipticCurvePrivateKey) -> "HandOverMark":
        """Return the mark with the recorder's signature. Raises MarkInvalid."""
        signature = es256.sign(device_key, SIGNATURE_LABEL + self.body())
        return HandOverMark(
            self.recorder_id, self.request_id, self.opening, self.opened_index, self.granted_digest, signature
        )

    def is_signed_by(self, device_key: ec.EllipticCurvePublicKey) -> bool:
        """Tell whether the device key signed exactly this mark."""
        return es256.verify(device_key, self.signature, SIGNATURE_LABEL + self.body())


def mark_unit(codec: VideoCodec, mark: HandOverMark) -> bytes:
    """Return the NAL unit that carries a signed mark. Raises MarkInvalid."""
    payload = MARK_UUID + mark.body() + mark.signature
    if len(mark.signature) != _SIGNATURE_BYTES or len(payload) >= _SIZE_ESCAPE:
        raise MarkInvalid("signature")
    content = bytes((_USER_DATA_UNREGISTERED, len(payload))) + payload + bytes((_STOP,))
    return _HEADS[codec] + escaped(content)


def mark_in(codec: VideoCodec, unit: bytes | memoryview) -> HandOverMark | None:
    """Return the mark that a NAL unit is, whoever signed it; None where it is anything else, or holds anything more."""
    head = _HEADS[codec]
    at = len(head) + 2
    if bytes(unit[: len(head)]) != head or bytes(unit[at : at + len(MARK_UUID)]) != MARK_UUID:
        return None
    content = unescaped(bytes(unit[len(head) :]).rstrip(b"\0"))
    size = content[1]
    whole = content[0] == _USER_DATA_UNREGISTERED and size < _SIZE_ESCAPE and len(content) == size + 3
    if not whole or content[-1] != _STOP:
        return None
    return _read(content[2 + len(MARK_UUID) : -1])


def is_camera_signature(sei: bytes | memoryview) -> bool:
    """Tell whether a SEI NAL unit holds a signature of the camera's own, which a mark would break."""
    content = bytes(sei)
    return any(one in content for one in CAMERA_SIGNATURES)


def _read(body: bytes) -> HandOverMark | None:
    if len(body) < _FIXED.size:
        return None
    version, recorder_id, opening, opened_index, granted_digest, length = _FIXED.unpack_from(body)
    request, signature = body[_FIXED.size : _FIXED.size + length], body[_FIXED.size + length :]
    fits = version == VERSION and 0 < length <= REQUEST_BYTES_MOST and len(request) == length
    if not fits or len(signature) != _SIGNATURE_BYTES or not request.isascii():
        return None
    return HandOverMark(recorder_id, request.decode("ascii"), opening, opened_index, granted_digest, signature)


def escaped(content: bytes) -> bytes:
    """Put emulation_prevention_three_byte behind two zeros where a byte up to 3 follows (H.264 and H.265, 7.3.1)."""
    made, zeros = bytearray(), 0
    for byte in content:
        if zeros == 2 and byte <= 3:
            made.append(3)
            zeros = 0
        made.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes(made)


def unescaped(content: bytes) -> bytes:
    """Take emulation_prevention_three_byte out again."""
    made, zeros = bytearray(), 0
    for byte in content:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        made.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes(made)
