"""The wire to one camera: the only module that opens camera sockets.

Plain TCP is read by hand from a non-blocking socket, few and large reads at a time; RTSPS goes through asyncio's
TLS. Both read into one buffer that all cameras of the process share: what is read is taken in at once, and only
the incomplete end is kept per camera. It must not know RTSP or video.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kuramori.capture.rtsp_url import StreamUrl
from kuramori.capture.source import EndReason, SourceEnded

RECEIVE_BUFFER_BYTES = 256 << 10  # stays in the cache of one core
MAX_READS_PER_WAKE = 16  # one camera that floods must not keep the others waiting
MAX_UNSENT_BYTES = 64 << 10
MAX_LOW_WATER_BYTES = 4 << 20  # the kernel takes less by itself where its buffers are smaller


class ReceiveBuffer:
    """Where bytes arrive. One is enough for all connections of an event loop: it is empty between callbacks."""

    __slots__ = ("data", "view")

    def __init__(self, size_bytes: int = RECEIVE_BUFFER_BYTES) -> None:
        self.data = bytearray(size_bytes)
        self.view = memoryview(self.data)


class Receiver(Protocol):
    """Who takes in what a connection reads."""

    def received(self, end: int) -> int:
        """Take the bytes [0, end) of the receive buffer in; return how many are done with."""

    def connection_over(self, ended: SourceEnded) -> None:
        """The connection is gone."""


class Connection(Protocol):
    """One open connection."""

    def start_reading(self, low_water_bytes: int = 1) -> None:
        """Call the receiver whenever that much is there (TLS: whenever anything is there)."""

    def stop_reading(self) -> None:
        """Leave what comes where it is."""

    def read_available(self) -> None:
        """Read what is there, without waiting."""

    def feed_kept(self) -> None:
        """Let the receiver look again at what it left."""

    def send(self, data: bytes) -> None:
        """Send now or as soon as possible."""

    def close(self) -> None:
        """Close at once. May be called twice."""


class CertificateMemory(Protocol):
    """Who remembers by which certificate a camera is known."""

    async def first_seen(self, fingerprint_sha256: bytes) -> None:
        """The camera was not known; it is known by this one from now on."""

    def refused(self, fingerprint_sha256: bytes) -> str:
        """The camera is known by another one. Return what the operator is to be told, beside the fingerprint."""

    def well(self) -> None:
        """The camera showed the one that it is known by."""


@dataclass(frozen=True, slots=True)
class TlsTrust:
    """Whom to believe: a pinned certificate; a CA file; with a memory, whoever is met first; else the system's CAs.

    `fingerprint_sha256` is the SHA-256 of the certificate in DER (32 bytes).
    """

    fingerprint_sha256: bytes | None = None
    ca_file: Path | None = None
    memory: CertificateMemory | None = None

    @property
    def is_first_use(self) -> bool:
        """Whether the certificate that is shown is taken for the camera's."""
        return self.memory is not None and self.fingerprint_sha256 is None and self.ca_file is None


async def connect(url: StreamUrl, trust: TlsTrust, buffer: ReceiveBuffer, receiver: Receiver) -> Connection:
    """Connect to a camera; with RTSPS, only a camera that is trusted. Not a byte is sent to another.

    Raises SourceEnded: UNREACHABLE, UNTRUSTED, or GARBAGE where no TLS is spoken.
    """
    try:
        if url.secure:
            return await _connect_tls(url, trust, buffer, receiver)
        return await _connect_plain(url, buffer, receiver)
    except ssl.SSLCertVerificationError as error:
        raise SourceEnded(EndReason.UNTRUSTED, f"the certificate is refused: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise SourceEnded(EndReason.GARBAGE, f"no TLS connection: {error.reason or 'handshake failed'}") from None
    except socket.gaierror as error:
        raise SourceEnded(EndReason.UNREACHABLE, f"the name is not known: {error.strerror}") from None
    except OSError as error:
        detail = error.strerror or "the connection failed"
        raise SourceEnded(EndReason.UNREACHABLE, f"no connection: {detail}") from None


class PlainConnection:
    """TCP without asyncio's transports: one system call per read, straight into the shared buffer."""

    def __init__(self, camera: socket.socket, buffer: ReceiveBuffer, receiver: Receiver) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = camera
        self._buffer = buffer
        self._receiver = receiver
        self._tail = b""  # the incomplete end of what was read last
        self._unsent = b""
        self._reading = False
        self._closed = False

    def start_reading(self, low_water_bytes: int = 1) -> None:
        """Wake up when `low_water_bytes` are there. The receive buffer's size is left to the kernel."""
        if not self._closed:
            self._reading = True
            mark = min(low_water_bytes, MAX_LOW_WATER_BYTES)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, mark)
            self._loop.add_reader(self._socket.fileno(), self.read_available)

    def stop_reading(self) -> None:
        """Leave what comes in the kernel."""
        if not self._closed:
            self._reading = False
            self._loop.remove_reader(self._socket.fileno())

    def read_available(self) -> None:
        """Read until nothing is left, within bounds."""
        if self._unsent:
            self.send(b"")
        data, view = self._buffer.data, self._buffer.view
        for _ in range(MAX_READS_PER_WAKE):
            if self._closed or not self._reading:
                return
            kept = len(self._tail)
            if kept:
                data[:kept] = self._tail
            try:
                count = self._socket.recv_into(view[kept:])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._over(f"the connection broke: {error.strerror}")
                return
            if count == 0:
                self._over("the camera closed the connection")
                return
            end = kept + count
            done = self._receiver.received(end)
            self._tail = bytes(view[done:end]) if done < end else b""
            if end < len(data):
                return  # the buffer was not filled: nothing is left in the kernel

    def feed_kept(self) -> None:
        """Let the receiver look again at what it left."""
        if self._tail and not self._closed:
            kept = len(self._tail)
            self._buffer.data[:kept] = self._tail
            done = self._receiver.received(kept)
            self._tail = self._tail[done:]

    def send(self, data: bytes) -> None:
        """Send; what the kernel does not take now is sent before the next reading."""
        if self._closed:
            return
        unsent = self._unsent + data
        try:
            sent = self._socket.send(unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._over(f"the connection broke: {error.strerror}")
            return
        self._unsent = unsent[sent:]
        if len(self._unsent) > MAX_UNSENT_BYTES:
            self._over("the camera takes nothing in")

    def close(self) -> None:
        """Close at once."""
        if not self._closed:
            self.stop_reading()
            self._closed = True
            self._socket.close()

    def _over(self, detail: str) -> None:
        self.close()
        self._receiver.connection_over(SourceEnded(EndReason.VANISHED, detail))


class TlsConnection(asyncio.BufferedProtocol):
    """RTSPS: asyncio does the TLS and reads into the shared buffer."""

    def __init__(self, buffer: ReceiveBuffer, receiver: Receiver) -> None:
        self._buffer = buffer
        self._receiver = receiver
        self._transport: asyncio.Transport | None = None
        self._tail = b""
        self._reading = False
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is done; nothing is read before `start_reading`: the certificate comes first."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            transport.pause_reading()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Offer the room behind what was kept; asyncio fills it and reports in the same breath."""
        kept = len(self._tail)
        self._buffer.data[:kept] = self._tail
        return self._buffer.view[kept:]

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have arrived."""
        end = len(self._tail) + nbytes
        done = self._receiver.received(end)
        self._tail = bytes(self._buffer.view[done:end])

    def eof_received(self) -> None:
        """The camera sends no more."""

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over; said once, unless we closed it."""
        if not self._closed:
            self._closed = True
            detail = "the camera closed the connection" if exc is None else "the connection broke"
            self._receiver.connection_over(SourceEnded(EndReason.VANISHED, detail))

    def start_reading(self, low_water_bytes: int = 1) -> None:
        """Read whenever anything is there: TLS records cannot wait for a low-water mark."""
        if self._transport is not None and not self._closed and not self._reading:
            self._reading = True
            self._transport.resume_reading()

    def stop_reading(self) -> None:
        """Leave what comes where it is."""
        if self._transport is not None and not self._closed and self._reading:
            self._reading = False
            self._transport.pause_reading()

    def read_available(self) -> None:
        """Nothing to do: asyncio reads as bytes come."""

    def feed_kept(self) -> None:
        """Let the receiver look again at what it left."""
        if self._tail and not self._closed:
            kept = len(self._tail)
            self._buffer.data[:kept] = self._tail
            done = self._receiver.received(kept)
            self._tail = self._tail[done:]

    def send(self, data: bytes) -> None:
        """Send."""
        if self._transport is not None and not self._closed:
            self._transport.write(data)
            if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                self.close()
                ended = SourceEnded(EndReason.VANISHED, "the camera takes nothing in")
                self._receiver.connection_over(ended)

    def close(self) -> None:
        """Close at once."""
        if not self._closed:
            self._closed = True
            if self._transport is not None:
                self._transport.abort()

    def certificate_der(self) -> bytes:
        """The camera's certificate."""
        if self._transport is None:
            return b""
        tls = self._transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        return certificate or b""


async def _connect_plain(url: StreamUrl, buffer: ReceiveBuffer, receiver: Receiver) -> PlainConnection:
    loop = asyncio.get_running_loop()
    last_error: OSError | None = None
    for family, address in await _addresses(url):
        camera = socket.socket(family, socket.SOCK_STREAM)
        connected = False
        try:
            camera.setblocking(False)
            await loop.sock_connect(camera, address)
            camera.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected = True
        except OSError as error:
            last_error = error
        finally:
            if not connected:
                camera.close()
        if connected:
            return PlainConnection(camera, buffer, receiver)
    raise last_error or OSError("the name has no address")


async def _addresses(url: StreamUrl) -> list[tuple[int, tuple[object, ...]]]:
    """Resolve the host at each connection (O5); an address needs no resolver."""
    try:
        address = ipaddress.ip_address(url.host)
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
        return [(family, where) for family, _, _, _, where in found]
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return [(family, (url.host, url.port))]


async def _connect_tls(url: StreamUrl, trust: TlsTrust, buffer: ReceiveBuffer, receiver: Receiver) -> TlsConnection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: TlsConnection(buffer, receiver),
        url.host,
        url.port,
        ssl=_tls_context(trust),
        server_hostname=url.host,
    )
    trusted = False
    try:
        await _vouch(trust, hashlib.sha256(connection.certificate_der()).digest())
        trusted = True
    finally:
        if not trusted:
            connection.close()
    return connection


async def _vouch(trust: TlsTrust, seen: bytes) -> None:
    """Compare what was shown with what is known, before anything is sent. Raises SourceEnded (UNTRUSTED)."""
    expected, memory = trust.fingerprint_sha256, trust.memory
    if trust.is_first_use and memory is not None:
        await memory.first_seen(seen)
    elif expected is not None and not hmac.compare_digest(seen, expected):
        advice = memory.refused(seen) if memory is not None else ""
        detail = f"the certificate is not the pinned one; its SHA-256 is {seen.hex()}"
        raise SourceEnded(EndReason.UNTRUSTED, f"{detail}; {advice}" if advice else detail)
    elif memory is not None:
        memory.well()


def _tls_context(trust: TlsTrust) -> ssl.SSLContext:
    """With a pin, the certificate itself is compared after the handshake; without, a CA must vouch for it."""
    if trust.fingerprint_sha256 is not None or trust.is_first_use:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    return ssl.create_default_context(cafile=str(trust.ca_file) if trust.ca_file else None)
