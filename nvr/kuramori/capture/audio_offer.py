"""Which sound of a session description could be recorded, if a written decision allows any (R3). Pure.

One codec is recorded: AAC as of RFC 3640, mode AAC-hbr. Everything else is refused by name. What the camera wants
to *receive* (a loudspeaker) is never taken.
"""

import binascii
from dataclasses import dataclass

from kuramori.capture.audio_specific_config import MAX_RATE_HZ, NotAac, SpecificConfig, read_specific_config
from kuramori.capture.sdp import MediaDescription, SessionDescription, shown
from kuramori.capture.source import AudioDescription

GENERIC = "MPEG4-GENERIC"
_HBR = {"sizelength": "13", "indexlength": "3", "indexdeltalength": "3"}  # what the mode demands
_ABSENT = ("ctsdeltalength", "dtsdeltalength", "streamstateindication", "auxiliarydatasizelength", "maxdisplacement")


class NoSuitableAudio(Exception):
    """No sound in a codec that is recorded; `detail` says what is offered instead."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class AudioOffer:
    """The one sound that could be set up."""

    payload_type: int
    frame_duration: int  # clock units of one frame
    control: str | None
    audio: AudioDescription


def choose_audio(description: SessionDescription) -> AudioOffer:
    """Choose the first sound that is recorded. Raises NoSuitableAudio with the reason for each that is not."""
    refused: list[str] = []
    for media in description.media:
        if media.kind != "audio":
            continue
        if media.sendonly:
            refused.append("a loudspeaker")
            continue
        for number in media.payload_types:
            try:
                return _offer(media, number)
            except NotAac as reason:
                refused.append(reason.detail)
    if not refused:
        raise NoSuitableAudio("the camera offers no sound")
    raise NoSuitableAudio("refused: " + ", ".join(dict.fromkeys(refused)))


def _offer(media: MediaDescription, number: int) -> AudioOffer:
    name, clock_rate_hz = media.encoding(number)
    if name != GENERIC:
        raise NotAac(shown(name))
    parameters = media.parameters.get(number, {})
    mode = parameters.get("mode", "").lower()
    if mode != "aac-hbr" or any(parameters.get(key, value) != value for key, value in _HBR.items()):
        raise NotAac(f"AAC in mode {shown(mode)}")
    if any(parameters.get(key, "0") not in ("0", "") for key in _ABSENT):
        raise NotAac("AAC in another order than it was recorded")
    config = _config(parameters.get("config", ""))
    told = read_specific_config(config)
    rate_hz = clock_rate_hz or told.sample_rate_hz
    if rate_hz > MAX_RATE_HZ:
        raise NotAac("AAC with an impossible clock")
    audio = AudioDescription(rate_hz, told.sample_rate_hz, told.channels, config)
    return AudioOffer(number, _frame_duration(parameters, told, rate_hz), media.control, audio)


def _config(text: str) -> bytes:
    try:
        return binascii.unhexlify(text.strip().strip('"'))
    except (binascii.Error, ValueError):
        raise NotAac("AAC with a configuration that cannot be read") from None


def _frame_duration(parameters: dict[str, str], told: SpecificConfig, clock_rate_hz: int) -> int:
    constant = parameters.get("constantduration", "")
    if constant.isascii() and constant.isdigit() and len(constant) <= 5 and int(constant):
        return int(constant)
    return max(1, told.frame_samples * clock_rate_hz // told.core_rate_hz)
