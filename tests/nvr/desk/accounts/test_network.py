"""The desk for other machines: TLS 1.3 and nothing older, plain HTTP on loopback only, nothing without a sign-in."""

import asyncio
import os
import ssl
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from kuramori.api.server import PlainBeyondLoopback, bind_tcp, serve_tcp
from kuramori.api.tls import TlsFault, server_context
from tests.fakes.desk_network import Network, desk_network, free_port
from tests.fakes.desk_room import MANAGER
from tests.fakes.desk_steps import content
from tests.fakes.staff import PASSWORD


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    """Served until the test ends."""
    async with desk_network(tmp_path) as made:
        yield made


async def test_other_machines_sign_in_over_tls(network: Network) -> None:
    """Nothing is told to who is not signed in, health neither; who is signs in as on the socket."""
    staff = network.staff
    assert content(await network.ask("/v1/status"), 401)["code"] == "sign-in-missing"
    await staff.found(MANAGER)
    body = {"person": MANAGER, "password": PASSWORD, "code": staff.code(MANAGER)}
    async with httpx.AsyncClient(verify=network.context(), trust_env=False) as client:
        answer = await client.post(f"https://127.0.0.1:{network.tls_port}/v1/sign-in", json=body)
    token = content(answer, 201)["token"]
    content(await network.ask("/v1/status", token))
    assert content(await network.ask("/v1/session", token))["identified_by"] == "signed in, 127.0.0.1"


async def test_the_first_account_and_the_code_from_the_safe_are_for_the_recorder_itself(network: Network) -> None:
    """Over the network neither works, though nobody has an account."""
    async with httpx.AsyncClient(trust_env=False) as client:
        base = f"http://127.0.0.1:{network.plain_port}"
        answer = await client.post(
            f"{base}/v1/users", json={"person": MANAGER}, headers={"Kuramori-Person": "Sato%20Hanako"}
        )
        assert content(answer, 401)["code"] == "sign-in-missing"
        answer = await client.post(f"{base}/v1/sign-in/recovery", json={"person": MANAGER, "code": "x"})
        assert content(answer, 403)["code"] == "local-only"


async def test_nothing_older_than_tls_1_3(network: Network) -> None:
    """A client that knows 1.2 at most is refused in the handshake; the version spoken is 1.3."""
    old = network.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await asyncio.open_connection("127.0.0.1", network.tls_port, ssl=old)
    _, writer = await asyncio.open_connection("127.0.0.1", network.tls_port, ssl=network.context())
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
    writer.close()


async def test_plain_http_is_not_understood_on_the_tls_port(network: Network) -> None:
    """It gets no answer, and the next caller is served."""
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://127.0.0.1:{network.tls_port}/v1/status")
    assert (await network.ask("/v1/status")).status_code == 401


async def test_the_desk_makes_a_key_of_its_own_for_tls(network: Network) -> None:
    """Private, and not the key that signs evidence."""
    key = network.places.api_key
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    assert key.read_bytes() != network.places.device_key.read_bytes()


async def test_plain_http_is_refused_beyond_loopback(network: Network) -> None:
    """Whatever asked for it: a socket that others reach gets no plain server."""
    listener = bind_tcp(f"0.0.0.0:{free_port()}")
    with pytest.raises(PlainBeyondLoopback):
        await serve_tcp(network.app, listener, None, asyncio.Event())


def test_a_certificate_that_does_not_serve_is_named(tmp_path: Path) -> None:
    """Its file stands in the sentence."""
    with pytest.raises(TlsFault, match=r"missing\.pem"):
        server_context(tmp_path / "missing.pem", tmp_path / "missing.key")
