"""From a configured camera to sources of its stream: which address, which credentials, which of the two kinds.

An ONVIF camera's address comes from the door and is remembered (without credentials), so that recording begins again
after a restart even while the door is dead. A refused password or address is a reason, not a crash. This module must
not know slots or keys.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from kuramori.capture.av_process import AvOptions, AvSource
from kuramori.capture.replay import ReplayAsk
from kuramori.capture.rtsp_connection import ReceiveBuffer, TlsTrust
from kuramori.capture.rtsp_source import RtspOptions, RtspSource
from kuramori.capture.rtsp_url import Credentials, NotAStreamUrl, parse_stream_url
from kuramori.capture.source import (
    EndReason,
    Sink,
    Source,
    SourceEnded,
    SourceFactory,
    SourceStatistics,
    StreamDescription,
)
from kuramori.certificate_book import CertificateBook, is_pinned_here
from kuramori.door_messages import KnownCertificate
from kuramori.durable_file import write_file
from kuramori.local_source import LocalSource
from kuramori.sign_in_book import mark_of
from kuramori.stream_pin import StreamPin
from kuramori_config.addresses import may_travel_unencrypted
from kuramori_config.faults import SecretRefused
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Network as NetworkTable
from kuramori_config.schema import Recorder as RecorderTable
from kuramori_config.schema import Transport
from kuramori_config.secrets import credentials_directory, read_secret

STREAMS_VERSION = 1
MAX_STREAMS_BYTES = 1024 * 1024


class StreamBook:
    """The last known stream address of each ONVIF camera, kept in `streams.json`. Blocking, small."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._addresses: dict[str, str] = {}
        try:
            document = json.loads(path.read_bytes()[:MAX_STREAMS_BYTES])
            if document.get("version") == STREAMS_VERSION:
                self._addresses = {str(name): str(address) for name, address in document["streams"].items()}
        except (FileNotFoundError, ValueError, AttributeError, KeyError):
            self._addresses = {}  # the door will tell again

    def address_of(self, camera: str) -> str | None:
        """Return the address that the camera streamed at when it was last seen."""
        return self._addresses.get(camera)

    def note(self, camera: str, address: str) -> bool:
        """Remember an address; tell whether it is another than before. Raises OSError."""
        if self._addresses.get(camera) == address:
            return False
        self._addresses[camera] = address
        self._write()
        return True

    def forget(self, camera: str) -> None:
        """The camera is another one now, or gone. Raises OSError."""
        if self._addresses.pop(camera, None) is not None:
            self._write()

    def _write(self) -> None:
        document = {"version": STREAMS_VERSION, "streams": self._addresses}
        write_file(self._path, json.dumps(document, indent=1).encode())


class RefusedSource:
    """Stands for a camera that cannot be tried as it is configured: it ends when it is opened, with the reason."""

    def __init__(self, reason: EndReason, detail: str) -> None:
        self.statistics = SourceStatistics()
        self._ended = SourceEnded(reason, detail)

    async def open(self) -> StreamDescription:
        """See the contract in `source`."""
        raise self._ended

    def drain(self) -> None:
        """See the contract in `source`."""

    async def ended(self) -> SourceEnded:
        """See the contract in `source`."""
        return self._ended

    async def close(self) -> None:
        """See the contract in `source`."""


@dataclass(frozen=True, slots=True)
class CameraSources:
    """Makes sources for all cameras. One receive buffer serves all native sources of the loop."""

    tuning: RecorderTable
    network: NetworkTable
    secrets_directory: Path
    book: StreamBook
    certificates: CertificateBook
    boot_ns: Callable[[], int]
    receive_buffer: ReceiveBuffer = field(default_factory=ReceiveBuffer)

    def factory_for(self, table: CameraTable, replay: ReplayAsk | None = None) -> SourceFactory | None:
        """Return what makes a source for the camera as it is reached now; None while no address is known.

        With `replay`: of what its card holds, always natively and never with sound.
        """
        text = table.rtsp.url if table.rtsp is not None else self.book.address_of(table.name)
        if replay is not None:
            text = replay.uri
        if text is None:
            return None
        try:
            address, credentials = parse_stream_url(text)[0], self._credentials(table)
        except NotAStreamUrl as refused:
            detail = str(refused)
            return lambda _sink: RefusedSource(EndReason.UNSUITABLE, detail)
        except SecretRefused as refused:
            detail = str(refused)
            return lambda _sink: RefusedSource(EndReason.REFUSED, detail)
        options = RtspOptions(
            url=address,
            credentials=credentials,
            trust=self._trust(table),
            connect_seconds=self.tuning.connect_seconds,
            open_seconds=self.tuning.connect_seconds * 2,
            stall_seconds=self.tuning.stall_seconds,
            low_water_bytes=self.tuning.receive_low_water.total_bytes,
            take_audio=table.audio is not None,
        )
        make = self._av if table.transport is Transport.AV else self._native
        if replay is not None:
            make = partial(self._replay, replay)
        return lambda sink: LocalSource(
            address,
            sink,
            permits=self._permits,
            make=lambda url, inner_sink: make(replace(options, url=url), inner_sink),
            resolve_seconds=self.tuning.connect_seconds,
        )

    def account_of(self, table: CameraTable) -> str:
        """Return what the account that is tried now is known by (`sign_in_book.mark_of`); "" while there is none."""
        text = table.rtsp.url if table.rtsp is not None else self.book.address_of(table.name)
        if text is None or table.user is None:
            return ""
        try:
            address, _ = parse_stream_url(text)
        except NotAStreamUrl:
            return ""
        return mark_of(address.host, address.port, table.user)

    def _trust(self, table: CameraTable) -> TlsTrust:
        """What the configuration says; else the certificate that was seen first."""
        if not is_pinned_here(table):
            return TlsTrust(_fingerprint(table.tls_fingerprint), table.tls_ca_file)
        pin = self.pin_of(table)
        return TlsTrust(pin.known, None, pin)

    def pin_of(self, table: CameraTable) -> StreamPin:
        """Return the memory of a camera's certificate."""
        place = table.rtsp or table.onvif
        return StreamPin(self.certificates, table.name, place.url if place is not None else "")

    def known_certificate(self, table: CameraTable) -> KnownCertificate | None:
        """Return by which certificate the camera's stream is known; None where it never showed one."""
        if not is_pinned_here(table):
            return KnownCertificate((table.tls_fingerprint or "").removeprefix("sha256:"), "", configured=True)
        pin = self.pin_of(table)
        known = KnownCertificate(pin.known.hex() if pin.known else "", self.certificates.refused(table.name))
        return known if known.pinned or known.refused else None

    def _permits(self, ip_address: str) -> bool:
        """Requirement O5: unencrypted pictures stay in declared networks, unless a VPN is named."""
        return may_travel_unencrypted(ip_address, self.network.local_networks, self.network.vpn)

    def _av(self, options: RtspOptions, sink: Sink) -> Source:
        return AvSource(AvOptions(options), sink, boot_ns=self.boot_ns)

    def _replay(self, ask: ReplayAsk, options: RtspOptions, sink: Sink) -> Source:
        options = replace(
            options,
            replay=ask.range,
            take_audio=False,
            most_bytes_per_tick=ask.most_bytes_per_drain,
            low_water_bytes=1,
        )
        return RtspSource(
            options,
            sink,
            boot_ns=self.boot_ns,
            receive_buffer=self.receive_buffer,
            on_replay_time=ask.on_replay_time,
        )

    def _native(self, options: RtspOptions, sink: Sink) -> Source:
        return RtspSource(options, sink, boot_ns=self.boot_ns, receive_buffer=self.receive_buffer)

    def _credentials(self, table: CameraTable) -> Credentials | None:
        if table.user is None:
            return None
        password = ""
        if table.password is not None:
            password = read_secret(
                table.password,
                credentials_directory=credentials_directory(),
                secrets_directory=table.secrets_directory or self.secrets_directory,
            ).reveal()
        return Credentials(table.user, password)


def _fingerprint(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text.removeprefix("sha256:"))
