"""A camera that is asked by name, without encryption: only where the name leads into declared networks (O5)."""

import ipaddress

import pytest

from kuramori.door.unencrypted_way import way_refused
from kuramori.local_source import Resolve
from kuramori_config.schema import Network

LOCAL = Network(local_networks=(ipaddress.ip_network("192.168.10.0/24"),))


def _leads_to(*addresses: str) -> Resolve:
    async def resolve(_host: str, _port: int) -> tuple[str, ...]:
        if not addresses:
            raise OSError(-2, "Name or service not known")
        return addresses

    return resolve


@pytest.mark.parametrize(
    ("url", "addresses", "refused"),
    [
        ("http://gate.example/onvif", ("192.168.10.7",), False),
        ("http://gate.example/onvif", ("127.0.0.1",), False),
        ("http://gate.example/onvif", ("203.0.113.7",), True),
        ("http://gate.example/onvif", ("192.168.10.7", "203.0.113.7"), True),
        ("https://gate.example/onvif", ("203.0.113.7",), False),
        ("http://203.0.113.7/onvif", ("203.0.113.7",), False),  # judged when the configuration is read
        ("http://gate.example/onvif", (), False),
    ],
)
async def test_where_a_name_leads(url: str, addresses: tuple[str, ...], refused: bool) -> None:
    """One address outside is enough to refuse; https may go anywhere; a name that nobody knows leads nowhere."""
    assert bool(await way_refused(url, LOCAL, _leads_to(*addresses))) is refused


async def test_a_named_vpn_carries_it() -> None:
    """Then the way is not unencrypted."""
    assert await way_refused("http://gate.example/", Network(vpn="city"), _leads_to("203.0.113.7")) == ""
