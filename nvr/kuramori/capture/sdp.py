"""Session descriptions: what a camera offers, and which of it is taken (RFC 8866, RFC 6184, RFC 7798).

Pure. What is chosen here is the first video in a codec that is recorded. Audio is noticed, so that it can be
reported; which of it a written decision would allow is said in `audio_offer` (R3).
"""

import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kuramori.capture.rtsp_url import MAX_URL_CHARACTERS, is_plain_text, without_credentials
from kuramori.capture.source import Codec

MAX_MEDIA = 32
MAX_LINES = 2048
MAX_PARAMETER_SETS = 64
MAX_PARAMETER_SET_BYTES = 4096
DEFAULT_CLOCK_RATE_HZ = 90_000
_CODECS = {"H264": Codec.H264, "H265": Codec.H265, "HEVC": Codec.H265}
_STATIC_ENCODINGS = {  # RFC 3551 section 6
    0: "PCMU", 3: "GSM", 4: "G723", 5: "DVI4", 6: "DVI4", 7: "LPC", 8: "PCMA", 9: "G722", 10: "L16", 11: "L16",
    12: "QCELP", 13: "CN", 14: "MPA", 15: "G728", 16: "DVI4", 17: "DVI4", 18: "G729",
    25: "CELB", 26: "JPEG", 28: "NV", 31: "H261", 32: "MPV", 33: "MP2T", 34: "H263",
}  # fmt: skip


class NoSuitableVideo(Exception):
    """The description offers no video that can be recorded; `detail` says what it offers instead."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotADescription(Exception):
    """What came is not a session description, or larger than any honest one."""


@dataclass(slots=True)
class MediaDescription:
    """One m= section: kind ("video", "audio"), payload types, and their encodings and parameters."""

    kind: str
    payload_types: tuple[int, ...]
    control: str | None = None
    encodings: dict[int, tuple[str, int]] = field(default_factory=dict)  # name in upper case, clock rate
    parameters: dict[int, dict[str, str]] = field(default_factory=dict)
    sendonly: bool = False  # the camera's word for what it wants to receive: a loudspeaker

    def encoding(self, payload_type: int) -> tuple[str, int]:
        """Name and clock rate of one payload type; ("", 0) when the camera does not say."""
        if payload_type in self.encodings:
            return self.encodings[payload_type]
        return _STATIC_ENCODINGS.get(payload_type, ""), 0


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """What the camera offers."""

    control: str | None
    media: tuple[MediaDescription, ...]

    @property
    def audio_offered(self) -> tuple[str, ...]:
        """The encoding of each audio media, for the report (R3)."""
        offers = (media for media in self.media if media.kind == "audio")
        return tuple(_audio_name(media) for media in offers)


@dataclass(frozen=True, slots=True)
class VideoOffer:
    """The one video that is taken."""

    codec: Codec
    payload_type: int
    other_codec_payload_types: frozenset[int]  # of the same media, in another recorded codec
    clock_rate_hz: int
    parameter_sets: tuple[bytes, ...]
    control: str | None


def parse_session_description(body: bytes) -> SessionDescription:
    """Read a description; lines that are not understood are passed over. Raises NotADescription."""
    lines = body.decode("utf-8", "replace").splitlines()
    if len(lines) > MAX_LINES:
        raise NotADescription(f"more than {MAX_LINES} lines")
    control: str | None = None
    media: list[MediaDescription] = []
    if not any(line.startswith("v=") for line in lines[:3]):
        raise NotADescription("it does not begin with v=")
    for line in lines:
        if line.startswith("m="):
            if len(media) == MAX_MEDIA:
                raise NotADescription(f"more than {MAX_MEDIA} media")
            media.append(_parse_media_line(line[2:]))
        elif line.startswith("a=control:") and not media:
            control = line[10:].strip()
        elif line.startswith("a=") and media:
            _parse_attribute(media[-1], line[2:])
    return SessionDescription(control, tuple(media))


def choose_video(description: SessionDescription) -> VideoOffer:
    """Choose the first video media in a codec that is recorded. Raises NoSuitableVideo."""
    videos = [media for media in description.media if media.kind == "video"]
    if not videos:
        raise NoSuitableVideo("the stream has no video")
    for media in videos:
        codecs = {number: _CODECS.get(media.encoding(number)[0]) for number in media.payload_types}
        for number, codec in codecs.items():
            parameters = media.parameters.get(number, {})
            if codec is None or not _packetization_is_known(codec, parameters):
                continue
            others = frozenset(other for other, its in codecs.items() if its is not None and its is not codec)
            return VideoOffer(
                codec,
                number,
                others,
                media.encoding(number)[1] or DEFAULT_CLOCK_RATE_HZ,
                _parameter_sets(codec, parameters),
                media.control,
            )
    names = sorted({shown(media.encoding(number)[0]) for media in videos for number in media.payload_types})
    raise NoSuitableVideo(f"the video is {', '.join(names)}; H.264 and H.265 are recorded")


def resolve_control(base: str, control: str | None) -> str | None:
    """Join a control attribute to its base as cameras mean it (RFC 2326 C.1.1); None when it cannot be used.

    A relative one is appended behind the whole base, a query included: that is what cameras expect.
    """
    if control is None or control in ("", "*"):
        joined = base
    elif "://" in control:
        joined = without_credentials(control)
        if not joined.lower().startswith(("rtsp://", "rtsps://")):
            return None
    elif control.startswith("/"):
        parts = urlsplit(base)
        joined = f"{parts.scheme}://{parts.netloc}{control}"
    else:
        joined = base + control if base.endswith("/") else f"{base}/{control}"
    return joined if len(joined) <= MAX_URL_CHARACTERS and is_plain_text(joined) else None


def _parse_media_line(text: str) -> MediaDescription:
    words = text.split()
    numbers = tuple(int(word) for word in words[3:] if word.isascii() and word.isdigit() and len(word) <= 3)
    return MediaDescription(words[0].lower() if words else "", tuple(n for n in numbers if n < 128))


def _parse_attribute(media: MediaDescription, text: str) -> None:
    name, _, value = text.partition(":")
    if name == "control":
        media.control = value.strip()
        return
    if name == "sendonly":
        media.sendonly = True
        return
    if name not in ("rtpmap", "fmtp"):
        return
    number_text, _, rest = value.strip().partition(" ")
    if not (number_text.isascii() and number_text.isdigit() and len(number_text) <= 3):
        return
    number = int(number_text)
    if name == "rtpmap":
        words = rest.strip().split("/")
        rate = words[1] if len(words) > 1 else ""
        usable = rate.isascii() and rate.isdigit() and len(rate) <= 9
        media.encodings[number] = (words[0].strip().upper(), int(rate) if usable else 0)
        return
    pairs = (piece.partition("=") for piece in rest.split(";"))
    media.parameters[number] = {key.strip().lower(): its.strip() for key, _, its in pairs if key.strip()}


def _packetization_is_known(codec: Codec, parameters: dict[str, str]) -> bool:
    """Refuse what comes out of order: H.264 packetization-mode 2, H.265 with a decoding order (DON)."""
    if codec is Codec.H264:
        return parameters.get("packetization-mode", "0") in ("0", "1", "")
    return parameters.get("sprop-max-don-diff", "0") in ("0", "")


def _parameter_sets(codec: Codec, parameters: dict[str, str]) -> tuple[bytes, ...]:
    if codec is Codec.H264:
        texts = parameters.get("sprop-parameter-sets", "").split(",")
        kinds = {7, 8}
    else:
        names = ("sprop-vps", "sprop-sps", "sprop-pps")
        texts = [text for name in names for text in parameters.get(name, "").split(",")]
        kinds = {32, 33, 34}
    sets: list[bytes] = []
    for text in texts[:MAX_PARAMETER_SETS]:
        unit = _decoded(text)
        kind = -1 if not unit else (unit[0] & 31 if codec is Codec.H264 else unit[0] >> 1 & 63)
        if kind in kinds and len(unit) <= MAX_PARAMETER_SET_BYTES:
            sets.append(unit)
    return tuple(sets)


def _decoded(text: str) -> bytes:
    """Decode base64 with or without padding; some cameras leave a start code in front of the unit."""
    text = text.strip().rstrip("=")
    try:
        unit = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return unit.removeprefix(b"\x00\x00\x00\x01")


def _audio_name(media: MediaDescription) -> str:
    names = [media.encoding(number)[0] for number in media.payload_types]
    return shown(next((name for name in names if name), ""))


def shown(name: str) -> str:
    """A camera's word, fit for a log: short and visible."""
    plain = "".join(character for character in name if character.isalnum() or character in "-_.")
    return plain[:32] or "unknown"
