"""Reads the answers that decide something out of vetted XML: profiles, stream addresses, the date. Pure.

By local names, in any order and namespace: the library leaves out elements that stand where the schema does not
expect them, and an audio encoder left out would read as silence (R3). This module must not know HTTP, sign-in or
what is chosen.
"""

from lxml import etree

from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.clock import CameraDate
from kuramori_onvif.models import AudioFact, MediaProfile, VideoEncoder

MAX_PROFILES = 256
MAX_TOKEN_CHARACTERS = 256  # ONVIF allows 64; some use more
MAX_NAME_CHARACTERS = 128
MAX_ENCODING_CHARACTERS = 32
MAX_DIGITS = 12
_ENCODINGS = {"H.264": "H264", "AVC": "H264", "H.265": "H265", "HEVC": "H265"}


def number(words: str) -> int | None:
    """Return a whole number that is not negative, or None for anything else; "25.0" counts as 25."""
    whole, _, fraction = words.partition(".")
    if not whole.isascii() or not whole.isdigit() or len(whole) > MAX_DIGITS or fraction.strip("0"):
        return None
    return int(whole)


def rate(words: str) -> float | None:
    """Return a frame rate, or None for anything that is not a plain decimal number above zero."""
    whole, _, fraction = words.partition(".")
    digits = whole + fraction
    if not digits.isascii() or not digits.isdigit() or len(digits) > MAX_DIGITS:
        return None
    value = float(f"{whole or '0'}.{fraction or '0'}")
    return value if value > 0 else None


def camera_date(content: xml.Element) -> CameraDate:
    """Read GetSystemDateAndTimeResponse: the UTC parts only."""
    utc = xml.child(content, "SystemDateAndTime", "UTCDateTime")
    return CameraDate(
        *(number(xml.text(utc, "Date", part)) for part in ("Year", "Month", "Day")),
        *(number(xml.text(utc, "Time", part)) for part in ("Hour", "Minute", "Second")),
    )


def profiles(content: xml.Element, media_version: int) -> tuple[MediaProfile, ...]:
    """Read a GetProfilesResponse of the media service (1) or the media2 service (2).

    A profile without a token cannot be asked for and is left out.
    """
    found: list[MediaProfile] = []
    for element in xml.children(content, "Profiles"):
        token = token_of(element)
        if token and len(found) < MAX_PROFILES:
            found.append(_profile(element, token, media_version))
    return tuple(found)


def _profile(element: xml.Element, token: str, media_version: int) -> MediaProfile:
    if media_version == 1:
        parts: xml.Element | None = element
        suffix = "Configuration"
    else:
        parts = xml.child(element, "Configurations")
        suffix = ""
    video = xml.child(parts, f"VideoEncoder{suffix}")
    audio, audio_encoding, audio_token = _audio(element, parts is not None)
    return MediaProfile(
        token=token,
        name=xml.text(element, "Name")[:MAX_NAME_CHARACTERS],
        fixed=element.get("fixed", "").strip().lower() in ("true", "1"),
        media_version=media_version,
        video=_video_encoder(video) if video is not None else None,
        audio=audio,
        audio_encoding=audio_encoding[:MAX_ENCODING_CHARACTERS],
        video_source_token=token_of(xml.child(parts, f"VideoSource{suffix}")),
        audio_encoder_token=audio_token,
        audio_source_token=token_of(xml.child(parts, f"AudioSource{suffix}")),
    )


def token_of(element: xml.Element | None) -> str:
    """Return an element's token as a camera can be asked with it; "" where there is none that we would send."""
    token = "" if element is None else element.get("token", "")
    return token if len(token) <= MAX_TOKEN_CHARACTERS and token.isprintable() else ""


def _audio(profile: xml.Element, told: bool) -> tuple[AudioFact, str, str]:
    """Any audio encoder anywhere inside counts, wherever the firmware has put it: fact, encoding, token."""
    for element in profile.iter():
        name = xml.local_name(element)
        if name.startswith("AudioEncoder"):
            return AudioFact.CONFIGURED, xml.text(element, "Encoding"), token_of(element)
    return (AudioFact.ABSENT if told else AudioFact.UNKNOWN), "", ""


def _video_encoder(element: xml.Element) -> VideoEncoder:
    encoding = xml.text(element, "Encoding").upper()
    gop = xml.text(element, "H264", "GovLength") or element.get("GovLength", "")
    return VideoEncoder(
        token=token_of(element),
        encoding=_ENCODINGS.get(encoding, encoding)[:MAX_ENCODING_CHARACTERS],
        width=number(xml.text(element, "Resolution", "Width")) or 0,
        height=number(xml.text(element, "Resolution", "Height")) or 0,
        frames_per_second=rate(xml.text(element, "RateControl", "FrameRateLimit")),
        bitrate_kbps=number(xml.text(element, "RateControl", "BitrateLimit")),
        frames_per_gop=number(gop),
    )


def stream_uri(content: xml.Element) -> str:
    """Read a GetStreamUriResponse of the media2 service, "" where none stands."""
    return xml.text(content, "Uri") or xml.text(content, "MediaUri", "Uri")


def request(namespace: str, operation: str, *fields: tuple[str, str]) -> xml.Element:
    """Write a request element with flat text fields."""
    element = etree.Element(etree.QName(namespace, operation), nsmap={"q": namespace})
    for name, value in fields:
        etree.SubElement(element, etree.QName(namespace, name)).text = value
    return element
