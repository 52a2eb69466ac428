"""Silence, time server and masks against the simulated camera: the whole way over HTTP, honest and not.

No peer of ours makes profiles, lets sound be taken out, has masks or lets its time server be set: the simulator plays
all of these.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account, Challenge, Scheme
from kuramori.simulator.onvif_camera import OnvifCamera, SimulatedProfile
from kuramori.simulator.onvif_server import OnvifServer
from kuramori_onvif.camera_description import CameraDescription
from kuramori_onvif.device import Credentials, Device
from kuramori_onvif.network_time import NtpOutcome
from kuramori_onvif.silent_profile import SILENT_NAME, How

LOUD = SimulatedProfile("main", "Main", "H264", 1280, 720, 15, 2000, 15, AudioKind.AAC, "rtsp://127.0.0.1:8554/c")


def utc_ms() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def _running(*, old_firmware: bool = False, signed: bool = False) -> AsyncIterator[OnvifCamera]:
    account = Account("operator", "hunter2") if signed else None
    challenge = Challenge("r", "0123456789", (Scheme.DIGEST_SHA256,), qop="auth") if signed else None
    camera = OnvifCamera("gate", 1, "urn:uuid:1", (LOUD,), account, challenge, old_firmware=old_firmware)
    server = OnvifServer((camera,))
    await server.start()
    try:
        yield camera
    finally:
        await server.stop()


async def _described(camera: OnvifCamera, *, may_edit: bool = False) -> tuple[How, CameraDescription]:
    user = Credentials("operator", "hunter2") if camera.account else None
    async with Device(camera.device_url, user, utc_ms=utc_ms) as device:
        found = await device.describe(may_edit_profile=may_edit)
    assert found.silenced is not None
    return found.silenced.how, found


@pytest.mark.parametrize(("old_firmware", "signed"), [(False, False), (True, False), (False, True)])
async def test_a_silent_profile_is_made_once(old_firmware: bool, signed: bool) -> None:
    """By media2 or the older service, signed in or not; its stream is another; the second start finds it."""
    async with _running(old_firmware=old_firmware, signed=signed) as camera:
        how, found = await _described(camera)
        again_how, again = await _described(camera)
    assert how is again_how is How.MADE
    assert again.choice == found.choice
    assert [profile.name for profile in camera.profiles] == ["Main", SILENT_NAME]
    assert found.stream.uri != LOUD.rtsp_url
    assert camera.operations.count("CreateProfile") == 1


async def test_a_camera_that_adds_sound_by_itself_gets_it_taken_out_of_ours() -> None:
    """It is our profile: no permission is needed for it."""
    async with _running() as camera:
        camera.media.adds_audio = True
        how, _ = await _described(camera)
    assert how is How.MADE
    assert [profile.audio for profile in camera.profiles] == [AudioKind.AAC, AudioKind.NONE]


@pytest.mark.parametrize(
    ("may_edit", "lies", "expected"),
    [(True, False, How.EDITED), (False, False, How.NOT_SILENT), (True, True, How.NOT_SILENT)],
)
async def test_where_none_can_be_made_one_is_edited_if_allowed(may_edit: bool, lies: bool, expected: How) -> None:
    """Taken out and read back; left alone without permission; a liar is called loud."""
    async with _running() as camera:
        camera.media.refuses_profiles, camera.media.lies_on_removal = True, lies
        how, found = await _described(camera, may_edit=may_edit)
    assert how is expected
    assert (camera.profiles[0].audio is AudioKind.NONE) is (expected is How.EDITED)
    assert found.stream.uri == LOUD.rtsp_url
    assert any(name.startswith("Remove") for name in camera.operations) is may_edit


async def test_a_fixed_profile_that_cannot_be_changed_stays_loud() -> None:
    """Refused with a fault, recorded without its sound, reported."""
    async with _running() as camera:
        camera.media.refuses_profiles = camera.media.fixed_means_unchangeable = True
        how, found = await _described(camera, may_edit=True)
    assert (how, found.choice.audio_reported) == (How.NOT_SILENT, True)


async def test_an_inspection_changes_nothing() -> None:
    """`camera add` looks before anything is decided."""
    async with _running() as camera:
        async with Device(camera.device_url, utc_ms=utc_ms) as device:
            found = await device.inspect()
        assert camera.profiles == (LOUD,)
        assert not any(name.startswith(("Create", "Add", "Remove", "Delete", "Set")) for name in camera.operations)
    assert [profile.audio_encoding for profile in found.profiles] == ["AAC"]


@pytest.mark.parametrize(
    ("switch", "outcome"), [("", NtpOutcome.SET), ("refuses", NtpOutcome.REFUSED), ("ignores", NtpOutcome.IGNORED)]
)
async def test_the_time_server_is_told_and_read_back(switch: str, outcome: NtpOutcome) -> None:
    """Set, refused or ignored: each is said as it is; a second telling sends nothing."""
    async with _running() as camera, Device(camera.device_url, utc_ms=utc_ms) as device:
        camera.time.kind = "Manual"
        if switch:
            setattr(camera.time, switch, True)
        assert (await device.set_network_time("192.0.2.123")).outcome is outcome
        if not switch:
            assert (await device.set_network_time("192.0.2.123")).outcome is NtpOutcome.ALREADY
            assert camera.operations.count("SetNTP") == 1


async def test_masks_are_listed_where_they_are_offered() -> None:
    """Two, none, not told."""
    async with _running() as camera, Device(camera.device_url, utc_ms=utc_ms) as device:
        camera.media.masks = 2
        two = await device.privacy_masks()
        camera.media.masks = 0
        none = await device.privacy_masks(await device.profiles())
        camera.media.masks_offered = False
        untold = await device.privacy_masks()
    assert two is not None
    assert two.on == 2
    assert none is not None
    assert [(source.on, source.off) for source in none.sources] == [(0, 0)]
    assert untold is None
