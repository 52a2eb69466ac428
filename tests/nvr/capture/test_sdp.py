"""Session descriptions: which video is taken, what audio is noticed, where control URLs lead."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.sdp import (
    NoSuitableVideo,
    NotADescription,
    choose_video,
    parse_session_description,
    resolve_control,
)
from kuramori.capture.source import Codec

SPS = bytes.fromhex("6742c028da01e0089f9610000003001000000303c8f1832a")
PPS = bytes.fromhex("68ce0fc8")


def b64(unit: bytes) -> str:
    return base64.b64encode(unit).decode()


HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\n"
H264 = (
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    f"a=fmtp:96 packetization-mode=1; profile-level-id=42C028; sprop-parameter-sets={b64(SPS)},{b64(PPS)}\r\n"
    "a=control:trackID=1\r\n"
)
AUDIO = "m=audio 0 RTP/AVP 0\r\na=control:trackID=2\r\n"


def test_video_is_taken_with_its_parameter_sets() -> None:
    """Codec, payload type, clock, sets and control URL come from the media section."""
    offer = choose_video(parse_session_description((HEAD + AUDIO + H264).encode()))
    assert (offer.codec, offer.payload_type, offer.clock_rate_hz) == (Codec.H264, 96, 90_000)
    assert offer.parameter_sets == (SPS, PPS)
    assert offer.control == "trackID=1"


def test_h265_names_its_sets_one_by_one() -> None:
    """RFC 7798 section 7.1; base64 without padding is read too."""
    vps, sps, pps = b"\x40\x01v", b"\x42\x01ss", b"\x44\x01p"
    text = (
        "m=video 0 RTP/AVP 98\na=rtpmap:98 h265/90000\n"
        f"a=fmtp:98 sprop-pps={b64(pps)};sprop-vps={b64(vps).rstrip('=')};sprop-sps={b64(sps)}\n"
    )
    offer = choose_video(parse_session_description((HEAD + text).encode()))
    assert (offer.codec, offer.parameter_sets, offer.control) == (Codec.H265, (vps, sps, pps), None)


def test_audio_is_noticed_in_every_form() -> None:
    """For the report: by name where there is one, by the static number where there is none."""
    text = HEAD + AUDIO + H264 + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000/1\r\n"
    text += "m=audio 0 RTP/AVP 101\r\n"
    assert parse_session_description(text.encode()).audio_offered == ("PCMU", "MPEG4-GENERIC", "unknown")


@pytest.mark.parametrize(
    ("media", "why"),
    [
        (AUDIO, "no video"),
        ("m=video 0 RTP/AVP 26\r\n", "JPEG"),
        ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\n", "MP4V-ES"),
        (H264.replace("mode=1", "mode=2"), "H264"),
        ("m=video 0 RTP/AVP 96\r\n", "unknown"),
    ],
)
def test_do_not_take_what_is_not_recorded(media: str, why: str) -> None:
    """No video, another codec, or pictures that come interleaved."""
    with pytest.raises(NoSuitableVideo, match=why):
        choose_video(parse_session_description((HEAD + media).encode()))


def test_another_codec_of_the_same_media_is_remembered() -> None:
    """A camera that changes to it in mid-stream is told apart from rubbish."""
    text = HEAD + "m=video 0 RTP/AVP 96 98 99\r\na=rtpmap:96 H264/90000\r\na=rtpmap:98 H265/90000\r\n"
    assert choose_video(parse_session_description(text.encode())).other_codec_payload_types == {98}


def test_parameter_sets_that_cannot_be_decoded_are_left_out() -> None:
    """Rubbish, wrong kinds and giants; a start code in front is cut off."""
    sets = ",".join(["!!!", b64(b"\x65idr"), b64(b"\x00\x00\x00\x01" + SPS), b64(b"\x67" + b"x" * 5000), ""])
    text = HEAD + H264.replace(f"{b64(SPS)},{b64(PPS)}", sets)
    assert choose_video(parse_session_description(text.encode())).parameter_sets == (SPS,)


@pytest.mark.parametrize("body", [b"", b"hello", b"v=0\n" * 3000, b"v=0\n" + b"m=video 0 RTP/AVP 96\n" * 40])
def test_do_not_read_what_is_no_description(body: bytes) -> None:
    """Nothing, something else, or larger than any honest one."""
    with pytest.raises(NotADescription):
        parse_session_description(body)


@given(st.binary(max_size=300), st.lists(st.text(max_size=40), max_size=12))
def test_any_description_gives_an_offer_or_our_error(noise: bytes, lines: list[str]) -> None:
    """Hostile descriptions raise nothing else."""
    attributes = "".join(f"a={line}\r\n" for line in lines).encode("utf-8", "replace")
    try:
        choose_video(parse_session_description(HEAD.encode() + H264.encode() + attributes + noise))
    except (NoSuitableVideo, NotADescription):
        return


@pytest.mark.parametrize(
    ("base", "control", "resolved"),
    [
        ("rtsp://cam/live/", "trackID=1", "rtsp://cam/live/trackID=1"),
        ("rtsp://cam/live", "trackID=1", "rtsp://cam/live/trackID=1"),
        ("rtsp://cam/live?channel=1", "track0", "rtsp://cam/live?channel=1/track0"),
        ("rtsp://cam/live/", "/other/track1", "rtsp://cam/other/track1"),
        ("rtsp://cam/live/", "*", "rtsp://cam/live/"),
        ("rtsp://cam/live/", None, "rtsp://cam/live/"),
        ("rtsp://cam/live/", "rtsp://u:p@10.0.0.1/x/track1", "rtsp://10.0.0.1/x/track1"),
        ("rtsp://cam/live/", "http://cam/x", None),
        ("rtsp://cam/live/", "track 1", None),
        ("rtsp://cam/live/", "x" * 3000, None),
    ],
)
def test_control_urls_lead_where_cameras_mean(base: str, control: str | None, resolved: str | None) -> None:
    """Absolute, relative, with a query; what cannot stand in a request is refused."""
    assert resolve_control(base, control) == resolved
