"""Where pictures may travel unencrypted (requirement O5), and what a camera's address looks like."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_config.addresses import (
    RTSP_SHAPE,
    CameraAddress,
    may_travel_unencrypted,
    parse_address,
    parse_network,
)
from kuramori_config.faults import Unfit

LOCAL = (ip_network("192.168.10.0/24"), ip_network("fd00::/64"))


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("192.168.10.1", True),
        ("192.168.11.1", False),
        ("127.0.0.1", True),
        ("::1", True),
        ("fd00::1", True),
        ("fd01::1", False),
        ("::ffff:192.168.10.1", True),
        ("::ffff:8.8.8.8", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
    ],
)
def test_declared_networks_and_loopback_only(address: str, permitted: bool) -> None:
    """Inside a declared network or on the machine itself; an IPv4 address in IPv6 clothes is what it is."""
    assert may_travel_unencrypted(address, LOCAL, None) is permitted


def test_a_vpn_carries_anything() -> None:
    """Naming the VPN declares that it carries what leaves."""
    assert may_travel_unencrypted("203.0.113.9", (), "city")


def test_an_address_falls_into_its_parts() -> None:
    """Scheme, host and port; an IPv6 host without its brackets."""
    address = parse_address("RTSP://[fd00::5]:8554/s?x=1", ("rtsp", "rtsps"), RTSP_SHAPE)
    assert (address.scheme, address.host, address.port, address.encrypted) == ("rtsp", "fd00::5", 8554, False)
    assert str(address.literal_ip) == "fd00::5"
    assert parse_address("rtsps://Camera.Example/s", ("rtsp", "rtsps"), RTSP_SHAPE).literal_ip is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rtsp://",
        "rtsp:///s",
        "rtsp://a b/",
        "rtsp://h/\n",
        "rtsp://h:0/",
        "rtsp://h#x",
        "rtsp://1.2.3/",
        "x://h/",
        5,
        "rtsp://é/",
    ],
)
def test_what_is_no_address_is_refused(text: object) -> None:
    """Each way to be wrong is refused."""
    with pytest.raises(Unfit):
        parse_address(text, ("rtsp", "rtsps"), RTSP_SHAPE)


@given(st.text(max_size=40), st.text(min_size=1, max_size=12, alphabet="abcdefXYZ0123456789"))
def test_no_refusal_repeats_a_password(prefix: str, password: str) -> None:
    """An address with an @ in it is refused, and what stands before the @ is in no message."""
    try:
        outcome: CameraAddress | Unfit = parse_address(f"rtsp://{prefix}:{password}Q7@h/", ("rtsp",), RTSP_SHAPE)
    except Unfit as unfit:
        outcome = unfit
    assert isinstance(outcome, Unfit)
    assert outcome.found is not None
    assert f"{password}Q7" not in outcome.found.english + outcome.expected.english


@given(st.text(max_size=30))
def test_any_text_is_a_network_or_unfit(text: str) -> None:
    """No text ends in another error."""
    try:
        network = parse_network(text)
    except Unfit:
        return
    assert network.prefixlen >= 8
