"""Never heard (R3): a silent profile is chosen, made or edited, always read back, and a liar is called loud.

No peer makes profiles or takes sound out of one: the camera of these tests is hand-built (`ProfileCamera`); the one
that works is also played by the simulator.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from kuramori_onvif import silent_profile
from kuramori_onvif.camera_description import CameraDescription
from kuramori_onvif.device import Credentials, Device
from kuramori_onvif.errors import OnvifError
from kuramori_onvif.models import AudioFact
from kuramori_onvif.profiles import Why
from kuramori_onvif.silent_profile import SILENT_NAME, How
from tests.fakes.hostile_camera import HostileCamera
from tests.fakes.profile_camera import LOUD, ProfileCamera, Shelved

MEDIA_1 = (1,)
OURS = Shelved("ours", SILENT_NAME, fixed=False)


@asynccontextmanager
async def _device(shelf: ProfileCamera, *, total_seconds: float = 5.0) -> AsyncIterator[Device]:
    async with HostileCamera(shelf.script) as camera:
        shelf.port = camera.port
        user = Credentials("operator", "hunter2") if shelf.forbids else None
        async with Device(camera.address, user, utc_ms=lambda: 0, total_seconds=total_seconds) as device:
            yield device


async def _described(
    shelf: ProfileCamera, wanted: str | None = None, *, may_make: bool = True, may_edit: bool = False
) -> CameraDescription:
    async with _device(shelf) as device:
        return await device.describe(wanted, may_make_profile=may_make, may_edit_profile=may_edit)


def _how(found: CameraDescription) -> How:
    assert found.silenced is not None
    assert found.silenced.choice == found.choice
    return found.silenced.how


def _evidence(found: CameraDescription) -> str:
    assert found.silenced is not None
    return found.silenced.evidence


async def test_a_silent_profile_is_chosen_and_nothing_is_changed() -> None:
    """Where the camera has one, it is used as it is."""
    shelf = ProfileCamera([LOUD, Shelved("sub", "Sub", encoder="video-sub")])
    found = await _described(shelf, may_edit=True)
    assert (_how(found), found.choice.profile.token, shelf.changes) == (How.CHOSEN, "sub", [])
    assert found.profiles_with_audio == ("main",)
    assert found.audio_encodings == ("AAC",)
    assert [profile.token for profile in found.profiles] == ["main", "sub"]


@pytest.mark.parametrize("versions", [(1,), (2,), (1, 2)])
async def test_where_all_carry_sound_a_silent_one_is_made(versions: tuple[int, ...]) -> None:
    """Of video source and video encoder only, by either media service; the others stay as they are."""
    shelf = ProfileCamera([LOUD], versions)
    found = await _described(shelf)
    assert _how(found) is How.MADE
    (made,) = shelf.named(SILENT_NAME)
    assert (made.source, made.encoder, made.microphone, made.sound) == ("lens", "video-main", "", "")
    assert shelf.profiles[0] == LOUD
    assert found.choice.profile.token == made.token
    assert (found.choice.why, found.choice.audio_reported) == (Why.SILENT, False)
    assert found.stream.uri == f"rtsp://127.0.0.1:8554/{made.token}"
    assert [profile.token for profile in found.profiles] == ["main", made.token]
    assert '"lens"' in _evidence(found)


async def test_ours_is_found_again_and_never_doubled() -> None:
    """The second start changes nothing."""
    shelf = ProfileCamera([LOUD])
    await _described(shelf)
    changes = shelf.changes
    again = await _described(shelf)
    assert _how(again) is How.MADE
    assert shelf.changes == changes
    assert len(shelf.named(SILENT_NAME)) == 1


async def test_ours_is_used_for_the_configured_profile_too() -> None:
    """The configured profile carries sound: its silent twin is recorded, reused at the next start."""
    shelf = ProfileCamera([LOUD, Shelved("sub", "Sub", encoder="video-sub")])
    first = await _described(shelf, "main")
    assert (_how(first), first.choice.why) == (How.MADE, Why.CONFIGURED)
    changes = shelf.changes
    assert (await _described(shelf, "main")).choice == first.choice
    assert shelf.changes == changes


@pytest.mark.parametrize(
    "broken",
    [
        replace(OURS, sound="aac", microphone="mic"),
        replace(OURS, encoder="", source=""),
        replace(OURS, encoder="video-sub"),
    ],
    ids=["loud", "empty", "of another encoder"],
)
async def test_what_of_ours_is_broken_is_deleted_and_made_anew(broken: Shelved) -> None:
    """A profile of ours that no longer fits is replaced by one that does, not joined by it."""
    shelf = ProfileCamera([LOUD, broken])
    found = await _described(shelf, "main")
    assert _how(found) is How.MADE
    (made,) = shelf.named(SILENT_NAME)
    assert (made.encoder, made.sound) == ("video-main", "")


async def test_a_second_one_of_ours_is_deleted() -> None:
    """However it came there."""
    shelf = ProfileCamera([LOUD, OURS, replace(OURS, token="ours-2")])
    assert _how(await _described(shelf, "main")) is How.MADE
    assert [profile.token for profile in shelf.named(SILENT_NAME)] == ["ours"]


async def test_a_broken_one_that_cannot_be_deleted_is_not_joined_by_another() -> None:
    """The camera says that it deleted it: read back, it is still there, and no more are made."""
    shelf = ProfileCamera([LOUD, replace(OURS, sound="aac")], lies=frozenset({"DeleteProfile"}))
    found = await _described(shelf)
    assert _how(found) is How.NOT_SILENT
    assert found.choice.profile.token == "main"
    assert "CreateProfile" not in shelf.operations
    assert len(shelf.named(SILENT_NAME)) == 1


@pytest.mark.parametrize("makes_loud", [False, True])
async def test_a_profile_that_comes_out_wrong_is_put_right(makes_loud: bool) -> None:
    """Made empty: filled. Made with sound of its own accord: the sound is taken out, it is our profile."""
    shelf = ProfileCamera([LOUD], makes_empty=True, makes_loud=makes_loud)
    assert _how(await _described(shelf)) is How.MADE
    (made,) = shelf.named(SILENT_NAME)
    assert (made.source, made.encoder, made.sound) == ("lens", "video-main", "")


async def test_a_profile_that_cannot_be_put_right_is_deleted() -> None:
    """Not left behind, and not recorded."""
    shelf = ProfileCamera([LOUD], makes_loud=True, lies=frozenset({"RemoveConfiguration"}))
    shelf.refuses = frozenset({"RemoveAudioEncoderConfiguration"})
    found = await _described(shelf)
    assert (_how(found), found.choice.profile.token) == (How.NOT_SILENT, "main")
    assert shelf.profiles == [LOUD]


async def test_a_wrong_one_that_cannot_be_deleted_is_the_only_one() -> None:
    """Made loud, kept in spite of its deletion: the other media service is not asked for a second."""
    shelf = ProfileCamera(
        [LOUD],
        makes_loud=True,
        lies=frozenset({"RemoveConfiguration", "RemoveAudioEncoderConfiguration", "DeleteProfile"}),
    )
    for _ in range(2):
        assert _how(await _described(shelf)) is How.NOT_SILENT
    assert len(shelf.named(SILENT_NAME)) == 1
    assert shelf.operations.count("CreateProfile") == 1


async def test_a_camera_that_only_says_that_it_made_one_is_loud() -> None:
    """OK and a token, but no profile when read back."""
    shelf = ProfileCamera([LOUD], lies=frozenset({"CreateProfile"}))
    found = await _described(shelf)
    assert (_how(found), found.choice.audio_reported) == (How.NOT_SILENT, True)
    assert "there is none" in _evidence(found)


@pytest.mark.parametrize("versions", [(1,), (2,), (1, 2)])
async def test_an_existing_profile_is_edited_only_where_that_is_configured(versions: tuple[int, ...]) -> None:
    """Encoder before source, read back; without permission it is left alone and reported."""
    shelf = ProfileCamera([LOUD], versions, refuses=frozenset({"CreateProfile"}))
    left = await _described(shelf)
    assert (_how(left), shelf.profiles) == (How.NOT_SILENT, [LOUD])
    assert "not allowed" in _evidence(left)
    found = await _described(shelf, may_edit=True)
    assert (_how(found), found.choice.profile.audio) == (How.EDITED, AudioFact.ABSENT)
    assert shelf.profiles == [replace(LOUD, microphone="", sound="")]
    assert found.profiles_with_audio == ()


async def test_a_fixed_profile_is_edited_all_the_same() -> None:
    """Fixed only means that it cannot be deleted."""
    shelf = ProfileCamera([LOUD], refuses=frozenset({"CreateProfile"}))
    assert shelf.profiles[0].fixed
    assert _how(await _described(shelf, may_edit=True)) is How.EDITED


async def test_a_camera_that_says_ok_and_changes_nothing_is_not_silent() -> None:
    """Both services answer OK to the removal; the profile read back still carries the encoder."""
    shelf = ProfileCamera(
        [LOUD],
        refuses=frozenset({"CreateProfile"}),
        lies=frozenset({"RemoveConfiguration", "RemoveAudioEncoderConfiguration"}),
    )
    found = await _described(shelf, may_edit=True)
    assert (_how(found), found.choice.profile.audio) == (How.NOT_SILENT, AudioFact.CONFIGURED)
    assert found.choice.audio_reported
    assert "still there" in _evidence(found)


async def test_what_is_done_counts_not_what_is_answered() -> None:
    """The removal is answered with rubbish and was done: read back, the profile is silent."""
    shelf = ProfileCamera([LOUD], refuses=frozenset({"CreateProfile"}), mumbles=frozenset({"RemoveConfiguration"}))
    assert _how(await _described(shelf, may_edit=True)) is How.EDITED


@pytest.mark.parametrize("operation", ["CreateProfile", "RemoveConfiguration"])
async def test_what_cannot_be_read_back_is_not_silent(operation: str) -> None:
    """After the change the list of profiles is rubbish: nothing is concluded from it, and recording goes on."""
    refused = frozenset({"CreateProfile"}) if operation != "CreateProfile" else frozenset()
    shelf = ProfileCamera([LOUD], refuses=refused, unreadable_after=operation)
    found = await _described(shelf, may_edit=True)
    assert (_how(found), found.choice.profile.token) == (How.NOT_SILENT, "main")
    assert found.stream.uri.endswith("/main")


async def test_an_account_that_may_not_change_profiles_costs_no_recording() -> None:
    """The refusal is said; the account is not tried again and again with the next change."""
    shelf = ProfileCamera([LOUD], forbids=frozenset({"CreateProfile"}))
    found = await _described(shelf, may_edit=True)
    assert _how(found) is How.NOT_SILENT
    assert "refuses the user" in _evidence(found)
    assert set(shelf.changes) == {"CreateProfile"}


async def test_a_camera_that_never_answers_a_change_is_recorded_all_the_same() -> None:
    """It is given up after the deadline of one exchange; the stream is found."""
    shelf = ProfileCamera([LOUD], sleeps=frozenset({"CreateProfile"}))
    async with _device(shelf, total_seconds=0.5) as device:
        found = await device.describe(may_edit_profile=True)
    assert (_how(found), shelf.changes) == (How.NOT_SILENT, ["CreateProfile"])


async def test_all_changes_together_have_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera that takes its time for each of many changes does not keep recording waiting."""
    monkeypatch.setattr(silent_profile, "SILENCE_SECONDS", 0.3)
    shelf = ProfileCamera([LOUD], sleeps=frozenset({"CreateProfile"}))
    found = await _described(shelf)
    assert _how(found) is How.NOT_SILENT
    assert "0.3 s" in _evidence(found)


async def test_a_made_profile_without_a_stream_is_deleted_and_the_loud_one_recorded() -> None:
    """It can be made but not streamed: recording goes before, the camera is reported."""
    shelf = ProfileCamera([LOUD], no_stream=frozenset({SILENT_NAME}))
    found = await _described(shelf)
    assert (_how(found), found.choice.profile.token) == (How.NOT_SILENT, "main")
    assert found.stream.uri.endswith("/main")
    assert shelf.profiles == [LOUD]


async def test_nothing_is_made_where_that_is_not_wanted() -> None:
    """After a failure the caller need not have it tried in each round."""
    shelf = ProfileCamera([LOUD])
    assert _how(await _described(shelf, may_make=False)) is How.NOT_SILENT
    assert shelf.changes == []


async def test_a_profile_whose_parts_have_no_names_cannot_be_made_again() -> None:
    """The old one is recorded and reported."""
    shelf = ProfileCamera([replace(LOUD, source="")])
    found = await _described(shelf)
    assert _how(found) is How.NOT_SILENT
    assert "does not name" in _evidence(found)


async def test_an_inspection_changes_nothing() -> None:
    """All profiles with what they carry, a proposal and its stream; only questions were sent."""
    shelf = ProfileCamera([LOUD, replace(OURS, sound="aac")])
    async with _device(shelf) as device:
        found = await device.inspect()
    assert shelf.changes == []
    assert [profile.audio for profile in found.profiles] == [AudioFact.CONFIGURED] * 2
    assert found.proposal is not None
    assert found.proposal.audio_reported
    assert found.stream is not None


async def test_an_inspection_lists_what_cannot_be_recorded() -> None:
    """No proposal, and the reason."""
    shelf = ProfileCamera([replace(LOUD, encoder="")])
    async with _device(shelf) as device:
        found = await device.inspect()
    assert (found.proposal, found.stream, len(found.profiles)) == (None, None, 1)
    assert any("no media profile" in oddity for oddity in found.oddities)


async def test_an_inspection_of_rubbish_is_an_error() -> None:
    """An unreadable list of profiles is no empty one."""
    shelf = ProfileCamera([LOUD], mumbles=frozenset({"GetProfiles"}))
    async with _device(shelf) as device:
        with pytest.raises(OnvifError):
            await device.inspect()


async def test_a_look_uses_ours_where_it_is_there_and_changes_nothing() -> None:
    """Without the permission to make one, also beside a loud configured profile; of no use, it stays where it is."""
    shelf = ProfileCamera([LOUD, OURS])
    found = await _described(shelf, "main", may_make=False)
    assert (_how(found), found.choice.profile.token, shelf.changes) == (How.MADE, "ours", [])
    blind = ProfileCamera([LOUD, OURS], no_stream=frozenset({SILENT_NAME}))
    found = await _described(blind, may_make=False)
    assert (_how(found), found.choice.profile.token, blind.changes) == (How.NOT_SILENT, "main", [])


async def test_ours_is_shunned_where_it_streams_nothing() -> None:
    """It is deleted and another is chosen; where it cannot be deleted, it is left out all the same."""
    shelf = ProfileCamera([LOUD, OURS])
    async with _device(shelf) as device:
        found = await device.describe(may_make_profile=False, shun_made=True)
    assert (_how(found), found.choice.profile.token) == (How.NOT_SILENT, "main")
    assert shelf.named(SILENT_NAME) == []
    stuck = ProfileCamera([LOUD, OURS], lies=frozenset({"DeleteProfile"}))
    async with _device(stuck) as device:
        found = await device.describe(may_make_profile=False, shun_made=True)
    assert (_how(found), found.choice.profile.token) == (How.NOT_SILENT, "main")
