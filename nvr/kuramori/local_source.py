"""A source that goes only where pictures may travel unencrypted: into declared networks, or over a named VPN (O5).

The name is resolved at each connection, every address is asked for permission, and the stream is then opened at a
permitted address itself, so that a name cannot lead elsewhere between the question and the connection. RTSPS needs
none of this. This module must not know RTSP, keys or files.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

from kuramori.capture.rtsp_url import StreamUrl
from kuramori.capture.source import EndReason, Sink, Source, SourceEnded, SourceStatistics, StreamDescription

ADDRESSES_MOST = 8  # of one name; a camera has one or two

Resolve = Callable[[str, int], Awaitable[tuple[str, ...]]]
Permits = Callable[[str], bool]
MakeSource = Callable[[StreamUrl, Sink], Source]


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """Return the IP addresses of a name, in the resolver's order. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))[:ADDRESSES_MOST]


def at_address(url: StreamUrl, address: str) -> StreamUrl:
    """Return the same stream at an IP address: connected to there, and named so in requests."""
    named = f"[{url.host}]" if ":" in url.host else url.host
    written = f"[{address}]" if ":" in address else address
    scheme, _, rest = url.text.partition("://")
    text = f"{scheme}://{written}{rest[len(named) :]}" if rest.lower().startswith(named) else url.text
    return replace(url, text=text, host=address)


class LocalSource:
    """Keeps the contract of `source`: decides where, then lets the source that `make` gives do the work."""

    def __init__(
        self,
        url: StreamUrl,
        sink: Sink,
        *,
        permits: Permits,
        make: MakeSource,
        resolve_seconds: float,
        resolve_name: Resolve = resolve,
    ) -> None:
        self._url = url
        self._sink = sink
        self._permits = permits
        self._make = make
        self._resolve_seconds = resolve_seconds
        self._resolve_name = resolve_name
        self._inner: Source | None = None
        self.statistics = SourceStatistics()  # then those of the source that does the work
        self._closed = False

    async def open(self) -> StreamDescription:
        """See the contract in `source`. UNTRUSTED where no address is permitted."""
        addresses = (self._url.host,) if self._url.secure else await self._permitted()
        for position, address in enumerate(addresses):
            if self._closed:
                raise SourceEnded(EndReason.STOPPED, "stopped while opening")
            url = self._url if self._url.secure else at_address(self._url, address)
            self._inner = self._make(url, self._sink)
            self.statistics = self._inner.statistics
            try:
                return await self._inner.open()
            except SourceEnded as ended:
                await self._inner.close()
                if ended.reason is not EndReason.UNREACHABLE or position + 1 == len(addresses):
                    raise
        raise SourceEnded(EndReason.UNREACHABLE, "the name has no address")

    async def _permitted(self) -> tuple[str, ...]:
        host = self._url.host
        try:
            addresses: tuple[str, ...] = (str(ipaddress.ip_address(host)),)
        except ValueError:
            addresses = await self._resolved(host)
        permitted = tuple(address for address in addresses if self._permits(address))
        if addresses and not permitted:
            detail = (
                f"{host} leads to {', '.join(addresses)}, outside network.local_networks; pictures would travel "
                "unencrypted: declare the network, use rtsps://, or name the VPN in network.vpn"
            )
            raise SourceEnded(EndReason.UNTRUSTED, detail)
        return permitted

    async def _resolved(self, host: str) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(self._resolve_seconds):
                return await self._resolve_name(host, self._url.port)
        except TimeoutError:
            raise SourceEnded(EndReason.UNREACHABLE, "the name was not resolved in time") from None
        except OSError as error:
            raise SourceEnded(EndReason.UNREACHABLE, f"the name is not known: {error.strerror}") from None

    def drain(self) -> None:
        """See the contract in `source`."""
        if self._inner is not None:
            self._inner.drain()

    async def ended(self) -> SourceEnded:
        """See the contract in `source`."""
        if self._inner is None:
            return SourceEnded(EndReason.STOPPED, "never opened")
        return await self._inner.ended()

    async def close(self) -> None:
        """See the contract in `source`."""
        self._closed = True
        if self._inner is not None:
            await self._inner.close()
