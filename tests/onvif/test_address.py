"""Addresses that a camera hands out: bound to our host, cleaned of secrets, or refused."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kuramori_onvif.address import Unusable, endpoint, pin, same_host

RTSP = ("rtsp", "rtsps")


@pytest.mark.parametrize(
    ("given_address", "pinned"),
    [
        ("rtsp://192.0.2.7/live", "rtsp://192.0.2.7/live"),
        ("rtsp://192.0.2.7:554/live?channel=1&subtype=0", "rtsp://192.0.2.7:554/live?channel=1&subtype=0"),
        ("rtsp://10.0.0.5:554/live", "rtsp://192.0.2.7:554/live"),
        ("rtsp://evil.example/live", "rtsp://192.0.2.7/live"),
        ("rtsp://admin:hunter2@192.0.2.7/live", "rtsp://192.0.2.7/live"),
        ("rtsp://192.0.2.7/live?user=admin&password=hunter2&channel=1", "rtsp://192.0.2.7/live?channel=1"),
        ("rtsp://192.0.2.7/live#fragment", "rtsp://192.0.2.7/live"),
        ("RTSP://192.0.2.7:8554:8554/live", "rtsp://192.0.2.7:8554/live"),
        ("rtsp://[fe80::1]:554/live", "rtsp://192.0.2.7:554/live"),
    ],
)
def test_only_scheme_port_path_and_harmless_query_are_taken(given_address: str, pinned: str) -> None:
    """The host is ours whatever the camera says; user and password are gone; doubled ports are put right."""
    assert pin(given_address, "192.0.2.7", RTSP).url == pinned


def test_another_host_is_reported() -> None:
    """It is said which host the camera named."""
    assert pin("rtsp://10.0.0.5/live", "192.0.2.7", RTSP).replaced_host == "10.0.0.5"
    assert pin("rtsp://192.0.2.7/live", "192.0.2.7", RTSP).replaced_host is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://192.0.2.7/live",
        "file:///etc/passwd",
        "rtsp:///live",
        "rtsp://192.0.2.7:0/live",
        "rtsp://192.0.2.7:99999/live",
        "rtsp://192.0.2.7/li ve",
        "rtsp://192.0.2.7/live\r\nX: y",
        "rtsp://[::1/live",
        "rtsp://192.0.2.7/" + "x" * 2000,
        "rtsp://192.0.2.7/user=admin_password=hunter2_channel=1.sdp",
    ],
)
def test_do_not_use(address: str) -> None:
    """Wrong scheme, no host, odd characters, excess length or a password in the path are refused, unrepeated."""
    with pytest.raises(Unusable) as refusal:
        pin(address, "192.0.2.7", RTSP)
    assert "hunter2" not in str(refusal.value)


@given(st.text(max_size=120))
@example("rtsp://a:b:c")
@example("rtsp://@")
@example("rtsp://[]/")
@example("rtsp://[v1.x]/")
def test_any_text_is_pinned_or_refused(address: str) -> None:
    """No text raises anything but Unusable, and what is pinned leads to our host."""
    try:
        pinned = pin(address, "192.0.2.7", RTSP)
    except Unusable:
        return
    assert pinned.url.split("/")[2].split(":")[0] == "192.0.2.7"


@given(st.text(max_size=60))
def test_any_text_can_be_named_in_a_message(url: str) -> None:
    """The host and port of a message never fail, and never hold a user."""
    assert "@" not in endpoint(url) or "@" not in url.rpartition("//")[0]


def test_a_link_local_address_keeps_its_zone_in_messages() -> None:
    """Without it nobody could tell which cable is meant."""
    assert endpoint("http://[fe80::1%25eth0]:8080/x") == "[fe80::1%25eth0]:8080"
    assert endpoint("rtsp://h/x") == "h:554"
    assert endpoint("http://[::1") == "an unreadable address"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Camera.Example", "camera.example.", True),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("fe80::1%eth0", "fe80:0::1", True),
        ("192.0.2.7", "192.0.2.70", False),
    ],
)
def test_hosts_are_compared_by_value(one: str, other: str, same: bool) -> None:
    """Names without case, addresses by value, zones ignored."""
    assert same_host(one, other) is same
