"""Requirement O5 at the connection: unencrypted pictures go only where the configuration lets them."""

from functools import partial
from ipaddress import ip_network

import pytest

from kuramori.capture.rtsp_url import StreamUrl, parse_stream_url
from kuramori.capture.source import Codec, EndReason, Sink, SourceEnded, SourceStatistics, StreamDescription
from kuramori.local_source import LocalSource, Permits, at_address, resolve
from kuramori_config.addresses import may_travel_unencrypted

LOCAL = (ip_network("192.168.10.0/24"), ip_network("fd00::/64"))
DESCRIPTION = StreamDescription(Codec.H264, 90000, (), (), ("video",), "a camera")
local_only: Permits = partial(may_travel_unencrypted, local_networks=LOCAL, vpn=None)


class NoSink:
    """Takes nothing."""

    def on_access_unit(self, unit: object) -> None:
        """See Sink."""

    def on_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None:
        """See Sink."""

    def on_sender_report(self, report: object) -> None:
        """See Sink."""

    def on_audio_frame(self, frame: object) -> None:
        """See Sink."""


class Attempts:
    """Makes sources that note where they were to connect; those in `dead` are unreachable."""

    def __init__(self, *dead: str) -> None:
        self.urls: list[StreamUrl] = []
        self.dead = dead
        self.closed = 0

    def make(self, url: StreamUrl, _sink: Sink) -> "Attempt":
        """Return a source for that address."""
        self.urls.append(url)
        return Attempt(self, url)


class Attempt:
    """One source."""

    def __init__(self, attempts: Attempts, url: StreamUrl) -> None:
        self.attempts, self.url = attempts, url
        self.statistics = SourceStatistics(access_units=7)

    async def open(self) -> StreamDescription:
        """Play, or be unreachable."""
        if self.url.host in self.attempts.dead:
            raise SourceEnded(EndReason.UNREACHABLE, "refused")
        return DESCRIPTION

    def drain(self) -> None:
        """Nothing comes."""

    async def ended(self) -> SourceEnded:
        """Be over."""
        return SourceEnded(EndReason.VANISHED, "gone")

    async def close(self) -> None:
        """Count."""
        self.attempts.closed += 1


def source(address: str, attempts: Attempts, *answers: str, permits: Permits = local_only) -> LocalSource:
    """Return a source for an address; the resolver gives these answers."""

    async def resolver(_host: str, _port: int) -> tuple[str, ...]:
        if not answers:
            raise OSError(-2, "Name or service not known")
        return answers

    url = parse_stream_url(address)[0]
    return LocalSource(url, NoSink(), permits=permits, make=attempts.make, resolve_seconds=1.0, resolve_name=resolver)


@pytest.mark.parametrize(
    ("address", "answers"),
    [
        ("rtsp://camera.example/s", ("203.0.113.9",)),
        ("rtsp://203.0.113.9/s", ()),
        ("rtsp://camera.example/s", ("2001:db8::9", "203.0.113.9")),
        ("rtsp://[::ffff:203.0.113.9]/s", ()),
    ],
)
async def test_it_connects_to_nobody_outside(address: str, answers: tuple[str, ...]) -> None:
    """Where every address lies outside, nothing is connected to, and the sentence says what to do."""
    attempts = Attempts()
    with pytest.raises(SourceEnded, match=r"network\.local_networks") as caught:
        await source(address, attempts, *answers).open()
    assert caught.value.reason is EndReason.UNTRUSTED
    assert attempts.urls == []


async def test_of_several_addresses_only_the_permitted_are_tried() -> None:
    """A name with an address inside and one outside leads inside."""
    attempts = Attempts()
    assert await source("rtsp://camera.example:8554/s", attempts, "203.0.113.9", "192.168.10.4").open() == DESCRIPTION
    assert [(url.host, url.port, url.text) for url in attempts.urls] == [
        ("192.168.10.4", 8554, "rtsp://192.168.10.4:8554/s")
    ]


async def test_the_next_permitted_address_is_tried_when_one_is_dead() -> None:
    """An unreachable address is closed and the next one tried."""
    attempts = Attempts("192.168.10.4")
    await source("rtsp://camera.example/s", attempts, "192.168.10.4", "fd00::5").open()
    assert [url.text for url in attempts.urls] == ["rtsp://192.168.10.4/s", "rtsp://[fd00::5]/s"]
    assert attempts.closed == 1


async def test_when_all_are_dead_the_last_reason_is_told() -> None:
    """Nobody reached: unreachable."""
    with pytest.raises(SourceEnded, match="refused"):
        await source("rtsp://camera.example/s", Attempts("192.168.10.4"), "192.168.10.4").open()


async def test_a_vpn_or_encryption_lets_it_go_anywhere() -> None:
    """With the VPN named every address is permitted; RTSPS is not even resolved here."""
    vpn = partial(may_travel_unencrypted, local_networks=(), vpn="city")
    attempts = Attempts()
    await source("rtsp://203.0.113.9/s", attempts, permits=vpn).open()
    await source("rtsps://camera.example/s", attempts).open()
    assert [url.host for url in attempts.urls] == ["203.0.113.9", "camera.example"]


async def test_a_name_that_is_not_known_is_unreachable() -> None:
    """A failing resolver is a reason like any other."""
    with pytest.raises(SourceEnded, match="not known") as caught:
        await source("rtsp://camera.example/s", Attempts()).open()
    assert caught.value.reason is EndReason.UNREACHABLE


async def test_the_inner_source_does_the_work() -> None:
    """Statistics, end and close are those of the source that plays."""
    attempts = Attempts()
    local = source("rtsp://192.168.10.4/s", attempts)
    assert local.statistics == SourceStatistics()
    assert (await local.ended()).reason is EndReason.STOPPED
    await local.open()
    local.drain()
    assert local.statistics.access_units == 7
    assert (await local.ended()).reason is EndReason.VANISHED
    await local.close()
    assert attempts.closed == 1


async def test_stopped_before_it_opened_it_does_not_open() -> None:
    """After close nothing is connected to."""
    attempts = Attempts()
    local = source("rtsp://192.168.10.4/s", attempts)
    await local.close()
    with pytest.raises(SourceEnded):
        await local.open()
    assert attempts.urls == []


async def test_the_system_resolver_is_asked() -> None:
    """A real name gives real addresses."""
    assert set(await resolve("localhost", 554)) <= {"127.0.0.1", "::1"}


def test_an_address_takes_the_place_of_the_name() -> None:
    """Host, port, path and query stay as they were, and IPv6 gets its brackets."""
    url = parse_stream_url("rtsp://Camera.Example:8554/s?x=1")[0]
    assert at_address(url, "fd00::5").text == "rtsp://[fd00::5]:8554/s?x=1"
    assert at_address(parse_stream_url("rtsp://[fd00::6]/s")[0], "10.0.0.1").text == "rtsp://10.0.0.1/s"
