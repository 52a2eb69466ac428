"""Simulated cameras that are cut, rebooted and moved, and the truth of what they sent meanwhile."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kuramori.simulator.card import CardState
from kuramori.simulator.discovery_responder import DiscoveryResponder, crowd
from kuramori.simulator.fleet import Fleet, FleetFault, FleetPlan
from kuramori.simulator.live_camera import LiveCamera
from kuramori.simulator.live_fleet import LiveFleet
from kuramori.simulator.onvif.event_topics import EventKind
from kuramori.simulator.source_clip import ClipSettings
from kuramori.simulator.truth_log import Interval, SessionTruth, TruthLog
from kuramori_onvif.discovery import DiscoverySession, discover
from kuramori_onvif.interfaces import list_interfaces
from kuramori_onvif.models import FoundDevice

(LOOPBACK,) = (one for one in list_interfaces() if one.is_loopback)
CLIP = ClipSettings(width=160, height=90, frames_per_second=20, bits_per_second=100_000, gop_seconds=0.5, seconds=2)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of clips for all tests."""
    return tmp_path_factory.mktemp("clips")


@asynccontextmanager
async def living(cache: Path, **settings: object) -> AsyncIterator[LiveFleet]:
    """A fleet for the duration of a block."""
    plan = FleetPlan(**{"cameras": 1, "clip": CLIP, "cache_directory": cache, "discovery": False, **settings})  # type: ignore[arg-type]
    fleet = LiveFleet(plan)
    await fleet.start()
    try:
        yield fleet
    finally:
        await fleet.stop()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something, with patience."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def playing(camera: LiveCamera, context: ssl.SSLContext | None = None) -> AsyncIterator[asyncio.StreamReader]:
    """A client that plays the main stream and reads all that comes."""
    parts = urlsplit(camera.rtsp_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)

    async def ask(method: str, url: str, more: str) -> str:
        writer.write(f"{method} {url} RTSP/1.0\r\nCSeq: 1\r\n{more}\r\n".encode())
        return (await reader.readuntil(b"\r\n\r\n")).decode()

    answer = await ask("SETUP", f"{camera.rtsp_url}/track0", "Transport: RTP/AVP/TCP;interleaved=0-1\r\n")
    session = answer.partition("Session: ")[2].partition(";")[0]
    await ask("PLAY", camera.rtsp_url, f"Session: {session}\r\n")
    try:
        yield reader
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def drained(reader: asyncio.StreamReader) -> None:
    """Read until the connection is gone."""
    try:
        while await reader.read(65536):
            pass
    except ConnectionError:
        return


async def test_what_was_sent_is_known_to_the_tenth_of_a_second(cache: Path) -> None:
    """From the first key frame to the cut, and again from the reconnect: two spans with the outage between them."""
    async with living(cache) as fleet:
        (camera,) = fleet.cameras
        began = time.time() * 1000
        async with playing(camera) as reader:
            reading = asyncio.create_task(drained(reader))
            await until(lambda: camera.sent() and camera.sent()[0].to_utc_ms - camera.sent()[0].from_utc_ms > 400)
            await camera.cut()
            cut = time.time() * 1000
            await asyncio.wait_for(reading, 5)
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(camera.host, camera.rtsp_port)
        await asyncio.sleep(0.2)  # the outage; a shorter one than a frame interval would be none
        await camera.restore()
        async with playing(camera) as reader:
            reading = asyncio.create_task(drained(reader))
            await until(lambda: len(camera.sent()) == 2)
            reading.cancel()
        first, second = camera.sent()
        assert abs(first.from_utc_ms - began) < 150
        assert abs(first.to_utc_ms - cut) < 150
        assert second.from_utc_ms > first.to_utc_ms
        assert [one.what for one in camera.happenings] == ["cut", "restored"]


def test_the_truth_is_reckoned_by_the_rule() -> None:
    """Begins with a whole key frame, ends at a loss, a long silence or the end; what never left does not count."""
    log = TruthLog()
    session = log.session(100)
    frames = [(0, False), (100, True), (200, False)]
    for at, is_key in frames:
        session.wrote(at, is_key, True)
    assert log.intervals() == (Interval(100, 300),)
    session.missed()
    session.wrote(300, False, True)
    session.wrote(400, True, True)
    session.wrote(1401, False, True)  # a second and more: a gap, and no key frame
    session.wrote(1500, True, True)
    session.wrote(1600, False, False)
    session.ended(sent=False)
    assert log.intervals() == (Interval(100, 300), Interval(400, 500), Interval(1500, 1600))
    other = log.session(100)
    other.wrote(450, True, False)
    other.wrote(550, False, True)
    assert log.intervals()[1] == Interval(400, 650)


def test_a_slow_rhythm_may_pause_longer() -> None:
    """Three times the spacing, where that is more than a second."""
    session = SessionTruth(600)
    for at, is_key in ((0, True), (1800, False), (3601, False)):
        session.wrote(at, is_key, True)
    assert session.intervals() == [Interval(0, 2400)]


async def test_a_frozen_camera_says_nothing_and_keeps_the_line(cache: Path) -> None:
    """Its truth ends there; when it thaws it goes on with a gap in its numbers."""
    async with living(cache) as fleet:
        (camera,) = fleet.cameras
        async with playing(camera) as reader:
            reading = asyncio.create_task(drained(reader))
            await until(camera.sent)
            camera.freeze()
            await asyncio.sleep(0.2)
            frozen = camera.sent()
            assert camera.sent() == frozen
            assert not reading.done()
            camera.freeze(False)
            await until(lambda: len(camera.sent()) == 2)
            reading.cancel()


async def test_a_reboot_forgets_and_a_move_keeps_the_identity(cache: Path) -> None:
    """Bye, then Hello; afterwards another address of the loopback under the same name, heard by who listens."""
    seen: list[tuple[str, FoundDevice]] = []
    session = DiscoverySession(
        (LOOPBACK,),
        on_device=lambda one: seen.append(("came", one)),
        on_gone=lambda one: seen.append(("went", one)),
    )
    await session.start()
    try:
        async with living(cache, discovery=True, card=CardState.RECORDING, profiles_can_be_made=True) as fleet:
            (camera,) = fleet.cameras

            def heard() -> list[tuple[str, str]]:
                return [(kind, one.address) for kind, one in seen if one.endpoint_id == camera.endpoint_id]

            assert camera.onvif.events.subscribe(0, 1 << 41, "") is not None
            card = camera.onvif.card
            assert card is not None
            before, recorded = camera.onvif_url, card.since_utc_ms or 0
            await camera.reboot(0.05)
            assert camera.onvif.events.subscriptions == {}
            assert camera.onvif_url == before
            await until(lambda: [kind for kind, _ in heard()] == ["came", "went", "came"])
            assert card.state is CardState.RECORDING
            assert (card.since_utc_ms or 0) >= recorded + 50
            await camera.move()
            assert camera.host == "127.2.0.1"
            assert urlsplit(camera.onvif_url).hostname == urlsplit(camera.rtsp_url).hostname == camera.host
            await until(lambda: heard()[-1] == ("came", camera.onvif_url))
            async with playing(camera) as reader:
                assert await reader.read(1) == b"$"
    finally:
        session.close()


async def test_clocks_step_and_events_storm(cache: Path) -> None:
    """The card notes the step; every event of the storm waits for its subscriber."""
    async with living(cache, card=CardState.RECORDING) as fleet:
        (camera,) = fleet.cameras
        camera.step_clock(-30)
        camera.step_clock(10)
        assert camera.onvif.clock_offset_seconds == -20
        subscription = camera.onvif.events.subscribe(0, 1 << 41, "")
        assert subscription is not None
        count = await camera.storm(400, 0.1)
        assert len(subscription.queue) == count
        assert 20 <= count <= 41
        camera.emit(EventKind.STORAGE_FAILURE)
        assert subscription.queue[-1].value == "true"


async def test_certificates_are_shown_and_changed(cache: Path) -> None:
    """HTTPS and RTSPS show the same one; after a change, both show the other."""
    async with living(cache, tls=True) as fleet:
        (camera,) = fleet.cameras
        assert camera.certificate is not None
        assert (camera.onvif_url[:8], camera.rtsp_url[:8]) == ("https://", "rtsps://")

        def shown(port: int) -> bytes:
            pem = ssl.get_server_certificate((camera.host, port), timeout=5)
            return ssl.PEM_cert_to_DER_cert(pem)

        for _ in range(2):
            expected = ssl.PEM_cert_to_DER_cert(camera.certificate.pem.decode())
            for port in (camera.onvif_port, camera.rtsp_port):
                assert await asyncio.to_thread(shown, port) == expected
            camera.change_certificate()
            assert ssl.PEM_cert_to_DER_cert(camera.certificate.pem.decode()) != expected
        context = ssl.create_default_context(cadata=camera.certificate.pem.decode())
        async with playing(camera, context) as reader:
            assert await reader.read(1) == b"$"


async def test_two_hundred_devices_answer_within_one_search() -> None:
    """Each from an address of its own: no share of one source is exceeded."""
    responder = DiscoveryResponder(crowd(200), LOOPBACK)
    await responder.start()
    began = time.process_time()
    try:
        wanted = {device.endpoint_id: device.addresses[0] for device in responder.devices}
        report = await discover(seconds=2.0, interfaces=("lo",))
    finally:
        responder.stop()
    found = {one.endpoint_id: one.address for one in report.devices if one.endpoint_id in wanted}
    assert found == wanted
    assert len({one.source for one in report.devices if one.endpoint_id in wanted}) == 200
    assert time.process_time() - began < 2.0


async def test_a_fleet_with_cards_motion_and_tls(cache: Path) -> None:
    """What `kuramori simulate` starts: cards in their state, motion now and then, addresses of TLS."""
    plan = FleetPlan(
        cameras=2,
        clip=CLIP,
        cache_directory=cache,
        discovery=False,
        tls=True,
        card=CardState.FAILED,
        card_audio=True,
        motion_seconds=0.02,
        clock_offset_seconds=90,
    )
    fleet = Fleet(plan)
    first, _ = await fleet.start()
    try:
        assert (first.card, first.onvif_url[:6], first.rtsp_url[:6]) == ("failed", "https:", "rtsps:")
        assert fleet.certificate is not None
        assert first.certificate == fleet.certificate.fingerprint.hex()
        assert fleet.onvif is not None
        one, other = fleet.onvif.cameras
        assert one.card is not None
        assert other.card is not None
        assert (one.card.with_audio, other.card.with_audio, one.clock_offset_seconds) == (True, False, 90)
        await until(lambda: EventKind.MOTION in other.events.states)
    finally:
        await fleet.stop()


async def test_a_live_fleet_needs_an_address_of_this_machine(cache: Path) -> None:
    """One sentence, nothing left running."""
    with pytest.raises(FleetFault, match="IPv4"):
        await LiveFleet(FleetPlan(host="::1", cache_directory=cache)).start()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        fleet = LiveFleet(FleetPlan(cameras=1, clip=CLIP, cache_directory=cache, discovery=False))
        fleet.prepare()
        camera = fleet._camera(1)
        camera.rtsp_port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            await camera.start()
        await camera.stop()
