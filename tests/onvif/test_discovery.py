"""Searching on the loopback, without privileges: cameras are found, liars are bound and capped, nothing is signed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kuramori_onvif.discovery import GROUP_IPV4, PORT, DiscoverySession, discover, group_socket, probe_socket
from kuramori_onvif.errors import DiscoveryImpossible
from kuramori_onvif.interfaces import Interface, choose_interfaces, list_interfaces
from kuramori_onvif.models import FoundDevice
from kuramori_onvif.sightings import DEVICES_PER_LOOPBACK_SOURCE
from kuramori_onvif.ws_discovery_message import (
    TYPE_CAMERA,
    Announcement,
    Probe,
    build_bye,
    build_hello,
    build_probe_matches,
    new_message_id,
    parse,
)
from tests.fakes.search import finds, search

(LOOPBACK,) = (one for one in list_interfaces() if one.is_loopback)


def _camera(port: int, host: str = "127.0.0.1") -> Announcement:
    return Announcement(
        new_message_id(),
        (TYPE_CAMERA,),
        ("onvif://www.onvif.org/name/x",),
        (f"http://{host}:{port}/onvif/device_service",),
    )


class Responder(asyncio.DatagramProtocol):
    """Answers each probe with these datagrams; notes the probes."""

    def __init__(self, *devices: Announcement, raw: tuple[bytes, ...] = ()) -> None:
        self.devices = devices
        self.raw = raw
        self.probes: list[Probe] = []
        self.sender: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if not isinstance(message, Probe) or self.sender is None:
            return
        self.probes.append(message)
        for datagram in self.raw:
            self.sender.sendto(datagram, addr)
        for start in range(0, len(self.devices), 40):
            matches = self.devices[start : start + 40]
            self.sender.sendto(build_probe_matches(new_message_id(), message.message_id, matches), addr)


@asynccontextmanager
async def _listening(responder: Responder) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    listener, _ = await loop.create_datagram_endpoint(lambda: responder, sock=group_socket(LOOPBACK, socket.AF_INET))
    sender, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, sock=probe_socket(LOOPBACK, socket.AF_INET)
    )
    responder.sender = sender
    try:
        yield
    finally:
        listener.close()
        sender.close()


def _of(devices: tuple[FoundDevice, ...], *wanted: Announcement) -> list[FoundDevice]:
    """Only what this test announced: other simulators may share the loopback."""
    ids = {one.endpoint_id for one in wanted}
    return [device for device in devices if device.endpoint_id in ids]


async def test_a_camera_is_found_by_name_or_address_of_the_loopback() -> None:
    """One answer, one device, its address as it said; probes went out twice, with types and without."""
    camera = _camera(8001)
    responder = Responder(camera)
    async with _listening(responder):
        for wish in ("lo", "127.0.0.1"):
            report = await search(finds(camera.endpoint_id), wish)
            (found,) = _of(report.devices, camera)
            assert (found.address, found.address_replaced) == (camera.addresses[0], False)
            assert (found.source, found.interface) == ("127.0.0.1", "lo")
            assert report.problems == ()
    assert {probe.types for probe in responder.probes} == {(TYPE_CAMERA,), ()}
    assert len(responder.probes) >= 4


async def test_rubbish_and_foreign_answers_do_not_disturb() -> None:
    """Garbage, a wrong relation and a printer beside the camera: only the camera is listed."""
    camera, stranger = _camera(8002), _camera(8003)
    garbage = (b"\xff" * 50, b"<a>", b"", build_probe_matches("m", "urn:uuid:somebody-else", (stranger,)))
    async with _listening(Responder(camera, raw=garbage)):
        report = await search(lambda one: finds(camera.endpoint_id)(one) and one.malformed >= 3)
    assert len(_of(report.devices, camera, stranger)) == 1
    assert report.malformed >= 3


async def test_an_answer_without_relation_is_taken() -> None:
    """A few cameras leave it out."""
    camera = _camera(8006)
    async with _listening(Responder(raw=(build_probe_matches("m", "", (camera,)),))):
        report = await search(finds(camera.endpoint_id))
    assert len(_of(report.devices, camera)) == 1


async def test_an_address_elsewhere_is_bound_to_the_sender() -> None:
    """A responder that names another host leads to itself."""
    camera = _camera(8004, "192.0.2.99")
    async with _listening(Responder(camera)):
        report = await search(finds(camera.endpoint_id))
    (found,) = _of(report.devices, camera)
    assert (found.address, found.address_replaced) == ("http://127.0.0.1:8004/onvif/device_service", True)


async def test_a_responder_that_claims_to_be_a_crowd_is_capped() -> None:
    """The list does not grow beyond the share of one source; what is beyond is counted."""
    crowd = tuple(_camera(9000) for _ in range(DEVICES_PER_LOOPBACK_SOURCE + 40))
    async with _listening(Responder(*crowd)):
        report = await search(lambda one: one.dropped > 0)
    assert len(_of(report.devices, *crowd)) <= DEVICES_PER_LOOPBACK_SOURCE
    assert report.dropped > 0


async def test_hello_and_bye_are_heard_without_asking() -> None:
    """A camera that comes is reported at once, one that goes too; others cannot say Bye for it."""
    camera = _camera(8005)
    seen: asyncio.Queue[tuple[str, FoundDevice]] = asyncio.Queue()

    def note(kind: str, device: FoundDevice) -> None:
        if device.endpoint_id == camera.endpoint_id:
            seen.put_nowait((kind, device))

    session = DiscoverySession(
        (LOOPBACK,), on_device=lambda one: note("came", one), on_gone=lambda one: note("went", one)
    )
    await session.start()
    try:
        with probe_socket(LOOPBACK, socket.AF_INET) as sender:
            sender.sendto(build_hello(new_message_id(), camera), (GROUP_IPV4, PORT))
            kind, device = await asyncio.wait_for(seen.get(), 5)
            assert (kind, device.address) == ("came", camera.addresses[0])
            sender.sendto(build_bye(new_message_id(), camera), (GROUP_IPV4, PORT))
            assert (await asyncio.wait_for(seen.get(), 5))[0] == "went"
    finally:
        session.close()


async def test_an_unknown_interface_is_one_clear_sentence() -> None:
    """Nothing is searched instead of it."""
    with pytest.raises(DiscoveryImpossible, match="no interface nowhere0"):
        await discover(seconds=0.1, interfaces=("nowhere0",))


def test_the_loopback_is_searched_only_when_asked() -> None:
    """Without wishes: every interface with multicast and an address."""
    up = Interface("eth0", 2, "192.0.2.2", "fe80::1", False, True)
    dumb = Interface("tun0", 3, "192.0.2.3", "", False, False)
    bare = Interface("eth1", 4, "", "", False, True)
    assert choose_interfaces((LOOPBACK, up, dumb, bare), ()) == ((up,), ())
    assert choose_interfaces((LOOPBACK, up, dumb), ("192.0.2.2", "127.0.0.9", "eth9")) == ((up, LOOPBACK), ("eth9",))
    assert choose_interfaces((up,), ("fe80::1%eth0", "eth0")) == ((up,), ())
