"""Which sound could be recorded, and the reason for every sound that is not (R3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.audio_offer import NoSuitableAudio, choose_audio
from kuramori.capture.audio_specific_config import NotAac, SpecificConfig, read_specific_config
from kuramori.capture.sdp import parse_session_description
from kuramori.capture.source import AudioDescription
from tests.fakes.sound import aac_media
from tests.nvr.capture.test_sdp import H264, HEAD

PCMU = "m=audio 0 RTP/AVP 0\r\na=control:pcmu\r\n"
PCMA = "m=audio 0 RTP/AVP 8\r\n"
G726 = "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 G726-32/8000\r\n"
OPUS = "m=audio 0 RTP/AVP 99\r\na=rtpmap:99 opus/48000/2\r\n"
LATM = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/16000/1\r\na=fmtp:97 cpresent=0;config=400028103FC0\r\n"


def chosen(*media: str) -> object:
    """The offer, or the reason."""
    try:
        return choose_audio(parse_session_description((HEAD + H264 + "".join(media)).encode()))
    except NoSuitableAudio as reason:
        return reason.detail


def test_the_first_aac_is_chosen_behind_other_codecs() -> None:
    """With its clock, its channels, its configuration as written, and its own address."""
    offer = choose_audio(parse_session_description((HEAD + H264 + PCMU + aac_media("aac")).encode()))
    assert (offer.payload_type, offer.control, offer.frame_duration) == (97, "aac", 1024)
    assert offer.audio == AudioDescription(16_000, 16_000, 1, b"\x14\x08")


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        ((), "the camera offers no sound"),
        ((PCMU,), "refused: PCMU"),
        ((PCMA,), "refused: PCMA"),
        ((G726,), "refused: G726-32"),
        ((OPUS,), "refused: OPUS"),
        ((LATM,), "refused: MP4A-LATM"),
        ((PCMU, OPUS, PCMU), "refused: PCMU, OPUS"),
        ((aac_media().replace("AAC-hbr", "AAC-lbr"),), "refused: AAC in mode aac-lbr"),
        ((aac_media().replace("sizelength=13", "sizelength=6"),), "refused: AAC in mode aac-hbr"),
        ((aac_media().replace("mode=", "maxdisplacement=4;mode="),), "another order"),
        ((aac_media(config=""),), "its configuration is missing"),
        ((aac_media(config="140"),), "cannot be read"),
        ((aac_media(config="zz"),), "cannot be read"),
        ((aac_media(config="1788"),), "sampling rate"),
        ((aac_media(config="1400"),), "channels"),
        ((aac_media(config="B988"),), "object type 23"),
        ((aac_media() + "a=sendonly\r\n",), "refused: a loudspeaker"),
        ((aac_media().replace("/16000/", "/999999999/"),), "impossible clock"),
    ],
)
def test_everything_else_is_refused_with_its_reason(media: tuple[str, ...], reason: str) -> None:
    """By name, once each; what the camera wants to hear from us is no sound of the camera."""
    assert reason in str(chosen(*media))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("1408", SpecificConfig(16_000, 16_000, 1, 1024)),
        ("1190", SpecificConfig(48_000, 48_000, 2, 1024)),
        ("140856e500", SpecificConfig(16_000, 16_000, 1, 1024)),
        ("2b8a0800", SpecificConfig(22_050, 44_100, 1, 1024)),
        ("140c", SpecificConfig(16_000, 16_000, 1, 960)),
        ("17803e8008", SpecificConfig(32_000, 32_000, 1, 1024)),
    ],
)
def test_configurations_are_read(config: str, expected: SpecificConfig) -> None:
    """Rate, channels and length of a frame; with spectral band replication the rate that is heard."""
    assert read_specific_config(bytes.fromhex(config)) == expected


@given(st.binary(max_size=80))
def test_any_configuration_is_read_or_refused(config: bytes) -> None:
    """Whatever the bytes: plausible values, or NotAac."""
    try:
        told = read_specific_config(config)
    except NotAac:
        return
    assert 0 < told.core_rate_hz <= 96_000
    assert 0 < told.channels <= 8


PIECES = st.sampled_from([aac_media(), PCMU, LATM, "a=fmtp:97 config=;=;mode", "m=audio", "a=sendonly", "\r\n", "x"])


@given(st.lists(PIECES | st.text(max_size=20), max_size=12))
def test_any_description_gives_an_offer_or_a_reason(pieces: list[str]) -> None:
    """Whatever lines stand there."""
    assert chosen(*pieces)
