"""Privacy masks (R4): counted by video source, only what hides something; not told is not none.

No peer offers masks; the simulator plays one that does, other answers are written by hand.
"""

import pytest

from kuramori_onvif.device import Device
from kuramori_onvif.errors import AnswerMalformed
from kuramori_onvif.models import AudioFact, MediaProfile
from kuramori_onvif.privacy_masks import PrivacyMasks, SourceMasks
from tests.fakes.hostile_camera import HostileCamera
from tests.fakes.profile_camera import LOUD, ProfileCamera

MASK = (
    '<tr2:Masks token="{0}"><tr2:ConfigurationToken>{1}</tr2:ConfigurationToken><tr2:Polygon><tt:Point x="0" y="0"/>'
    "</tr2:Polygon><tr2:Type>Color</tr2:Type>{2}</tr2:Masks>"
)
ON, OFF = "<tr2:Enabled>true</tr2:Enabled>", "<tr2:Enabled>false</tr2:Enabled>"


async def _masks(shelf: ProfileCamera, sources: tuple[str, ...] = ()) -> PrivacyMasks | None:
    profiles = tuple(
        MediaProfile(str(number), "", False, 2, None, AudioFact.ABSENT, "", source)
        for number, source in enumerate(sources)
    )
    async with HostileCamera(shelf.script) as camera:
        shelf.port = camera.port
        async with Device(camera.address, utc_ms=lambda: 0) as device:
            return await device.privacy_masks(profiles)


async def test_masks_are_counted_by_video_source() -> None:
    """Those that are on, those that are not; a known source without any is there with none."""
    content = MASK.format("a", "lens", ON) + MASK.format("b", "lens", "<tr2:Enabled>1</tr2:Enabled>")
    content += MASK.format("c", "lens", OFF) + MASK.format("d", "second", "")
    found = await _masks(ProfileCamera([LOUD], extra={"GetMasks": content}), ("lens", "lens", "third", ""))
    assert found is not None
    assert found.sources == (SourceMasks("lens", 2, 1), SourceMasks("third", 0, 0), SourceMasks("second", 0, 1))
    assert found.on == 2


async def test_a_mask_that_does_not_say_that_it_is_on_hides_nothing() -> None:
    """A camera that should have a mask is not passed for one that may be off."""
    found = await _masks(ProfileCamera([LOUD], extra={"GetMasks": MASK.format("a", "lens", "")}))
    assert found is not None
    assert found.on == 0


async def test_no_mask_is_told_apart_from_not_told() -> None:
    """An empty answer is none; no such operation, a fault or no media2 service is not told."""
    empty = await _masks(ProfileCamera([LOUD], extra={"GetMasks": ""}))
    assert empty == PrivacyMasks(())
    assert await _masks(ProfileCamera([LOUD])) is None
    assert await _masks(ProfileCamera([LOUD], refuses=frozenset({"GetMasks"}))) is None
    assert await _masks(ProfileCamera([LOUD], (1,), extra={"GetMasks": ""})) is None


async def test_an_unreadable_answer_is_an_error_not_no_mask() -> None:
    """Nothing is concluded from it."""
    with pytest.raises(AnswerMalformed):
        await _masks(ProfileCamera([LOUD], extra={"GetMasks": ""}, mumbles=frozenset({"GetMasks"})))
