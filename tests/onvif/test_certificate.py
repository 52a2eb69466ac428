"""Pinning a camera's certificate on first use, and refusing another one later, against a real TLS server."""

import asyncio
from pathlib import Path

import pytest

from kuramori_onvif.device import Credentials, Device, TlsTrust
from kuramori_onvif.errors import AddressRefused, CameraUnreachable, CertificateUntrusted, DeadlineExceeded
from kuramori_onvif.transport import peer_fingerprint
from tests.fakes.certificates import camera_certificate
from tests.fakes.hostile_camera import HostileCamera, always, soap

USER = Credentials("operator", "hunter2")
NAMED = soap(
    "<tds:GetDeviceInformationResponse><tds:Manufacturer>M</tds:Manufacturer></tds:GetDeviceInformationResponse>"
)


async def test_the_certificate_is_seen_without_sending_anything(tmp_path: Path) -> None:
    """A handshake only: the camera has read no request, let alone a sign-in; rtsps is looked at in the same way."""
    tls, fingerprint = camera_certificate(tmp_path)
    async with HostileCamera(always(NAMED), tls) as camera:
        assert await peer_fingerprint(camera.address) == fingerprint
        assert await peer_fingerprint(f"rtsps://127.0.0.1:{camera.port}/stream") == fingerprint
        assert camera.requests == []


async def test_what_was_seen_first_is_the_pin_from_then_on(tmp_path: Path) -> None:
    """Seen, pinned, signed in."""
    tls, _ = camera_certificate(tmp_path)
    async with HostileCamera(always(NAMED), tls) as camera:
        trust = TlsTrust(fingerprint=await peer_fingerprint(camera.address))
        async with Device(camera.address, USER, utc_ms=lambda: 0, trust=trust) as device:
            assert (await device.information()).manufacturer == "M"


async def test_a_changed_certificate_is_refused_and_both_are_named(tmp_path: Path) -> None:
    """The operator sees what is shown and what was expected, and how to accept it; the camera gets no byte."""
    _, first = camera_certificate(tmp_path, "first")
    tls, second = camera_certificate(tmp_path, "second")
    async with HostileCamera(always(NAMED), tls) as camera:
        async with Device(camera.address, USER, utc_ms=lambda: 0, trust=TlsTrust(fingerprint=first)) as device:
            with pytest.raises(CertificateUntrusted) as refused:
                await device.information()
        assert camera.requests == []
    assert (refused.value.presented, refused.value.expected) == (second.hex(), first.hex())
    assert f"shows sha256:{second.hex()}, expected is sha256:{first.hex()}" in str(refused.value)
    assert "accept the new fingerprint" in str(refused.value)


async def test_a_certificate_of_no_known_authority_is_named_too(tmp_path: Path) -> None:
    """Without a pin the operator learns what could be accepted."""
    tls, fingerprint = camera_certificate(tmp_path)
    async with HostileCamera(always(NAMED), tls) as camera:
        async with Device(camera.address, USER, utc_ms=lambda: 0) as device:
            with pytest.raises(CertificateUntrusted) as refused:
                await device.information()
        assert camera.requests == []
    assert (refused.value.presented, refused.value.expected) == (fingerprint.hex(), "")


async def test_where_no_tls_is_spoken_there_is_no_certificate() -> None:
    """A server that answers the handshake in plain HTTP, or nobody at all."""

    async def complain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(complain, "127.0.0.1", 0)
    address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        with pytest.raises(CameraUnreachable):
            await peer_fingerprint(address)
    finally:
        server.close()
        await server.wait_closed()
    with pytest.raises(CameraUnreachable, match="Connection refused"):
        await peer_fingerprint(address)


async def test_somebody_who_never_shakes_hands_is_given_up() -> None:
    """A listener that says nothing ends at the deadline."""
    held = asyncio.Event()

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.transport.abort()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        with pytest.raises(DeadlineExceeded):
            await peer_fingerprint(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", total_seconds=0.3)
    finally:
        held.set()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("address", ["http://127.0.0.1/", "https:///", "https://a b/", ""])
async def test_only_an_address_with_tls_has_a_certificate(address: str) -> None:
    """Anything else is refused before a connection."""
    with pytest.raises(AddressRefused):
        await peer_fingerprint(address)


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "[::1%25nowhere]"])
async def test_a_name_that_no_host_has_is_unreachable(host: str) -> None:
    """Whatever the resolver says to it, it is our error."""
    with pytest.raises(CameraUnreachable):
        await peer_fingerprint(f"https://{host}:9/")
