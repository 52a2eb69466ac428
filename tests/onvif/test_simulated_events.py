"""Listening to our own simulated cameras with each of their switches; no peer offers events by PullPoint."""

import time

import pytest

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account, Challenge, Scheme
from kuramori.simulator.onvif.event_desk import EventQuirks
from kuramori.simulator.onvif.event_topics import EventKind as Happening
from kuramori.simulator.onvif_camera import OnvifCamera, SimulatedProfile
from kuramori.simulator.onvif_server import OnvifServer
from kuramori_onvif.device import Credentials, Device
from kuramori_onvif.event_models import EventKind, Tamper
from kuramori_onvif.events import EventSubscription

ACCOUNT = Account("operator", "hunter2")
PROFILE = SimulatedProfile("sub", "Sub", "H264", 640, 360, 10, 500, 10, AudioKind.NONE, "rtsp://127.0.0.1:8554/c")
SWITCHES = {
    "none": EventQuirks(),
    "closes on an empty pull": EventQuirks(closes_on_empty_pull=True),
    "wants its subscription id": EventQuirks(wants_subscription_id=True),
    "wants a time": EventQuirks(absolute_time_only=True),
    "chokes on addressing": EventQuirks(chokes_on_addressing=True),
    "wants addressing": EventQuirks(wants_addressing=True),
    "all that go together": EventQuirks(True, True, True, False, True, "AnalyticsService", False, True),
    "chokes and wants a time": EventQuirks(absolute_time_only=True, chokes_on_addressing=True, ending="ImagingService"),
    "no synchronisation, but tells at once": EventQuirks(no_synchronization_point=True, initialized_at_once=True),
}


def utc_ms() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


async def _heard(subscription: EventSubscription, steps: int) -> list[EventKind]:
    kinds: list[EventKind] = []
    for _ in range(steps):
        heard = await subscription.step()
        assert heard.problem is None
        kinds += [event.kind for event in heard.events]
    return kinds


@pytest.mark.parametrize("name", SWITCHES)
async def test_each_switch_is_borne(name: str) -> None:
    """What holds is heard first, then what happens; the subscription is renewed and given back in the end."""
    challenge = Challenge("r", "0123456789", (Scheme.DIGEST_SHA256,), qop="auth")
    camera = OnvifCamera("gate", 1, "urn:uuid:1", (PROFILE,), ACCOUNT, challenge, "", -7200)
    camera.events.quirks = SWITCHES[name]
    camera.emit(Happening.TOO_DARK, True, utc_ms())
    camera.emit(Happening.STORAGE_FAILURE, False, utc_ms())
    server = OnvifServer((camera,))
    await server.start()
    boot_ns = 0
    try:
        async with Device(camera.device_url, Credentials("operator", "hunter2"), utc_ms=utc_ms) as device:
            subscription = EventSubscription(device, boot_ns=lambda: boot_ns, wait_seconds=1)
            assert set(await _heard(subscription, 3)) == {EventKind.STORAGE_FAILURE, EventKind.TAMPER}
            assert subscription.states.tampers() == (Tamper.TOO_DARK,)
            boot_ns += 2_000_000_000
            camera.emit(Happening.TOO_DARK, False, utc_ms())
            camera.emit(Happening.SIGNAL_LOSS, True, utc_ms())
            assert await _heard(subscription, 1) == [EventKind.TAMPER, EventKind.SIGNAL_LOSS]
            assert subscription.states.tampers() == (Tamper.SIGNAL_LOSS,)
            boot_ns += 240_000_000_000
            await _heard(subscription, 1)
            assert "Renew" in camera.operations
            assert len(camera.events.subscriptions) == 1
            await subscription.close()
        assert not camera.events.subscriptions
        assert camera.events.opened == 1
    finally:
        await server.stop()


async def test_after_a_restart_everything_is_heard_again() -> None:
    """The camera forgets the subscription; the next steps make a new one and ask for its states."""
    camera = OnvifCamera("gate", 1, "urn:uuid:1", (PROFILE,))
    camera.emit(Happening.SCENE_CHANGE, True, utc_ms())
    server = OnvifServer((camera,))
    await server.start()
    boot_ns = 0
    try:
        async with Device(camera.device_url, utc_ms=utc_ms) as device:
            subscription = EventSubscription(device, boot_ns=lambda: boot_ns, wait_seconds=1)
            await _heard(subscription, 3)
            camera.reboot(utc_ms())
            boot_ns += 60_000_000_000
            assert (await subscription.step()).problem is not None
            assert subscription.states.tampers() == ()
            assert EventKind.TAMPER in await _heard(subscription, 3)
            assert subscription.states.tampers() == (Tamper.SCENE_CHANGE,)
            await subscription.close()
    finally:
        await server.stop()


async def test_nothing_happening_is_heard_as_nothing() -> None:
    """An empty pull takes its time and says nothing, also where the camera closes the connection."""
    for quirks in (EventQuirks(), EventQuirks(closes_on_empty_pull=True)):
        camera = OnvifCamera("gate", 1, "urn:uuid:1", (PROFILE,))
        camera.events.quirks = quirks
        server = OnvifServer((camera,))
        await server.start()
        try:
            async with Device(camera.device_url, utc_ms=utc_ms) as device:
                subscription = EventSubscription(device, boot_ns=time.monotonic_ns, wait_seconds=1)
                await _heard(subscription, 2)
                started = time.monotonic()
                assert await _heard(subscription, 1) == []
                assert time.monotonic() - started > 0.9
                assert subscription.subscribed
                await subscription.close()
        finally:
            await server.stop()
