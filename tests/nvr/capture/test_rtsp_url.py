"""Stream addresses: credentials are taken out once and appear nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.rtsp_url import Credentials, NotAStreamUrl, parse_stream_url, without_credentials


def test_credentials_are_separated_from_the_address() -> None:
    """User name and password are unquoted; what stands in requests holds neither."""
    url, credentials = parse_stream_url("rtsp://ad%40min:s%2Fe:cret@cam.example:8554/a/b?channel=1&x=y#frag")
    assert credentials == Credentials("ad@min", "s/e:cret")
    assert url.text == "rtsp://cam.example:8554/a/b?channel=1&x=y"
    assert (url.host, url.port, url.secure) == ("cam.example", 8554, False)


def test_default_ports_and_ipv6_are_understood() -> None:
    """554, or 322 for RTSPS (RFC 7826); an IPv6 address keeps its brackets."""
    assert parse_stream_url("rtsp://cam/")[0].port == 554
    url, credentials = parse_stream_url("rtsps://[fd00::1]/live")
    assert (url.text, url.host, url.port, url.secure) == ("rtsps://[fd00::1]/live", "fd00::1", 322, True)
    assert credentials is None


@pytest.mark.parametrize(
    "text", ["http://cam/", "rtsp://", "rtsp:///x", "rtsp://cam:port/", "rtsp://cam:99999/", "rtsp://ca m/", "カメラ"]
)
def test_do_not_take_what_is_no_stream(text: str) -> None:
    """The error says what was expected and does not repeat the text, which may hold a password."""
    with pytest.raises(NotAStreamUrl) as caught:
        parse_stream_url(text)
    assert text not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_gives_an_address_or_our_error(text: str) -> None:
    """Hostile texts raise nothing else."""
    try:
        url, _ = parse_stream_url("rtsp://" + text)
    except NotAStreamUrl:
        return
    assert "@" not in url.text.partition("://")[2].partition("/")[0]


def test_addresses_from_a_camera_lose_their_credentials() -> None:
    """Some cameras echo them in Content-Base."""
    assert without_credentials("rtsp://u:p@cam/a@b") == "rtsp://cam/a@b"
    assert without_credentials("track1") == "track1"
