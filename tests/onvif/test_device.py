"""The facade against a camera of our own on loopback: discover, device, profile, address; each way to sign in."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account, Challenge, Scheme
from kuramori.simulator.onvif_camera import OnvifCamera, SimulatedProfile
from kuramori.simulator.onvif_server import OnvifServer
from kuramori_onvif.device import Credentials, Device
from kuramori_onvif.errors import CredentialsMissing, CredentialsRefused, NoSuitableProfile
from kuramori_onvif.models import AudioFact, ClockSource
from kuramori_onvif.profiles import Why

ACCOUNT = Account("operator", "hunter2")
USER = Credentials("operator", "hunter2")
SILENT = SimulatedProfile("sub", "Sub", "H264", 640, 360, 10, 500, 10, AudioKind.NONE, "rtsp://127.0.0.1:8554/c/sub")
LOUD = SimulatedProfile("main", "Main", "H264", 1280, 720, 15, 2000, 15, AudioKind.AAC, "rtsp://127.0.0.1:8554/c")


def utc_ms() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


def _challenge(*schemes: Scheme) -> Challenge:
    return Challenge("r", "0123456789", schemes, qop="auth,auth-int")


@asynccontextmanager
async def _running(
    *profiles: SimulatedProfile,
    schemes: tuple[Scheme, ...] = (),
    account: Account | None = None,
    offset_seconds: int = 0,
) -> AsyncIterator[OnvifCamera]:
    camera = OnvifCamera(
        "gate", 1, "urn:uuid:1", profiles, account, _challenge(*schemes) if schemes else None, "", offset_seconds
    )
    camera.media.refuses_profiles = True
    server = OnvifServer((camera,))
    await server.start()
    try:
        yield camera
    finally:
        await server.stop()


async def test_a_camera_is_described() -> None:
    """Who it is, its clock, the silent profile, the address of its stream."""
    async with _running(LOUD, SILENT) as camera, Device(camera.device_url, utc_ms=utc_ms) as device:
        found = await device.describe()
    assert found.information is not None
    assert (found.information.manufacturer, found.information.serial) == ("Kuramori", "SIM-0001")
    assert found.endpoint_id == "urn:uuid:1"
    assert (found.choice.profile.token, found.choice.why, found.choice.audio_reported) == ("sub", Why.SILENT, False)
    assert found.stream.uri == "rtsp://127.0.0.1:8554/c/sub"
    assert found.oddities == ()


async def test_a_camera_with_sound_in_every_profile_is_reported() -> None:
    """Video only, and somebody is told (R3)."""
    async with _running(LOUD) as camera, Device(camera.device_url, utc_ms=utc_ms) as device:
        found = await device.describe()
    assert (found.choice.why, found.choice.audio_reported) == (Why.VIDEO_ONLY, True)
    assert found.choice.profile.audio is AudioFact.CONFIGURED
    assert found.choice.profile.audio_encoding == "AAC"


async def test_an_old_firmware_is_asked_in_the_old_way() -> None:
    """GetCapabilities and the older media service; its sound is seen all the same."""
    async with _running(LOUD) as camera, Device(camera.device_url, USER, utc_ms=utc_ms) as device:
        camera.old_firmware, camera.account = True, ACCOUNT
        found = await device.describe()
    assert "GetCapabilities" in camera.operations
    assert (found.choice.profile.media_version, found.choice.video.width) == (1, 1280)
    assert found.choice.audio_reported
    assert found.choice.profile.audio_encoding == "AAC"
    assert found.stream.uri == "rtsp://127.0.0.1:8554/c"


async def test_the_configured_profile_is_used_or_nothing() -> None:
    """By name; one that is not there is an error that lists what is."""
    async with _running(LOUD, SILENT) as camera, Device(camera.device_url, utc_ms=utc_ms) as device:
        assert (await device.describe("Main")).choice.profile.token == "main"
        with pytest.raises(NoSuitableProfile, match="main \\(Main"):
            await device.describe("third")


async def test_h265_is_found_through_the_newer_media_service() -> None:
    """The older one cannot name it."""
    h265 = replace(SILENT, encoding="H265", token="hevc")
    async with _running(h265) as camera, Device(camera.device_url, utc_ms=utc_ms) as device:
        found = await device.describe()
    assert (found.choice.video.encoding, found.choice.profile.media_version) == ("H265", 2)


@pytest.mark.parametrize(
    ("schemes", "method"),
    [
        ((Scheme.DIGEST_MD5,), "HTTP Digest"),
        ((Scheme.DIGEST_MD5, Scheme.DIGEST_SHA256), "HTTP Digest"),
        ((Scheme.DIGEST_PLAIN,), "HTTP Digest"),
        ((Scheme.DIGEST_MD5_SESS,), "HTTP Digest"),
        ((Scheme.DIGEST_SHA256_SESS,), "HTTP Digest"),
        ((Scheme.BASIC,), "WS-UsernameToken"),
        ((), "WS-UsernameToken"),
    ],
)
async def test_sign_in_by_what_the_camera_offers(schemes: tuple[Scheme, ...], method: str) -> None:
    """Digest where it challenges, the token else; asked once, then remembered; never Basic."""
    async with _running(SILENT, schemes=schemes, account=ACCOUNT) as camera:
        async with Device(camera.device_url, USER, utc_ms=utc_ms) as device:
            found = await device.describe()
        assert found.sign_in_method == method
        unsigned_and_signed = camera.operations.count("GetDeviceInformation")
        assert unsigned_and_signed == 2
        assert camera.operations.count("GetProfiles") == 1


@pytest.mark.parametrize("offset_seconds", [-86_400, 7_200])
async def test_a_wrong_clock_does_not_keep_us_out(offset_seconds: int) -> None:
    """The token carries the camera's own time; the offset is told to the second."""
    running = _running(SILENT, account=ACCOUNT, offset_seconds=offset_seconds)
    async with running as camera, Device(camera.device_url, USER, utc_ms=utc_ms) as device:
        found = await device.describe()
    assert found.clock.source is ClockSource.ONVIF
    assert abs((found.clock.offset_ms or 0) - offset_seconds * 1000) <= 1500


async def test_a_wrong_password_is_refused_and_sent_twice_at_most() -> None:
    """Once by Digest, once by token; then one clear sentence."""
    async with _running(SILENT, schemes=(Scheme.DIGEST_SHA256,), account=ACCOUNT) as camera:
        async with Device(camera.device_url, Credentials("operator", "wrong"), utc_ms=utc_ms) as device:
            with pytest.raises(CredentialsRefused, match="refuses the user and password"):
                await device.information()
        assert camera.operations == ["GetDeviceInformation"] * 3


async def test_without_credentials_the_operator_is_told() -> None:
    """Not a refusal of a password that nobody gave."""
    running = _running(SILENT, schemes=(Scheme.DIGEST_SHA256,), account=ACCOUNT)
    async with running as camera, Device(camera.device_url, utc_ms=utc_ms) as device:
        with pytest.raises(CredentialsMissing):
            await device.describe()


async def test_a_name_works_as_well_as_an_address() -> None:
    """Addresses that the camera hands out are then bound to the name."""
    async with _running(SILENT) as camera:
        address = camera.device_url.replace("127.0.0.1", "localhost")
        async with Device(address, utc_ms=utc_ms) as device:
            found = await device.describe()
    assert found.stream.uri == "rtsp://localhost:8554/c/sub"
    assert found.stream.replaced_host == "127.0.0.1"
