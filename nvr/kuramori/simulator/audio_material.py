"""What a simulated camera would say if anybody asked: an audio track, to prove that nobody does.

The packets hold silence. This module must not know sockets, sessions or time.
"""

from dataclasses import dataclass
from enum import StrEnum

from kuramori.simulator.material import AUDIO_PAYLOAD_TYPE

_AAC_SILENCE = bytes.fromhex("01402280a37ff85a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5e")
_PCMU_SILENCE = b"\xff" * 160


class AudioKind(StrEnum):
    """The audio tracks that cameras commonly offer."""

    NONE = "none"
    AAC = "aac"
    PCMU = "pcmu"


@dataclass(frozen=True, slots=True)
class AudioMaterial:
    """One packet that is sent over and over."""

    payload: bytes
    payload_type: int
    clock_rate_hz: int
    packet_duration: int  # clock units
    description: str  # rtpmap and fmtp lines

    def sdp_media(self, control: str) -> str:
        """Return the media section of the session description."""
        return f"m=audio 0 RTP/AVP {self.payload_type}\r\n{self.description}a=control:{control}\r\n"


def audio_material(kind: AudioKind) -> AudioMaterial | None:
    """Return the material of one kind (RFC 3640 section 3.3.6 for AAC, RFC 3551 for PCMU)."""
    if kind is AudioKind.AAC:
        payload = b"\x00\x10" + (len(_AAC_SILENCE) << 3).to_bytes(2, "big") + _AAC_SILENCE
        description = (
            f"a=rtpmap:{AUDIO_PAYLOAD_TYPE} mpeg4-generic/16000/1\r\n"
            f"a=fmtp:{AUDIO_PAYLOAD_TYPE} streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;"
            "indexlength=3;indexdeltalength=3;config=1408\r\n"
        )
        return AudioMaterial(payload, AUDIO_PAYLOAD_TYPE, 16_000, 1024, description)
    if kind is AudioKind.PCMU:
        return AudioMaterial(_PCMU_SILENCE, 0, 8_000, 160, "a=rtpmap:0 PCMU/8000\r\n")
    return None
