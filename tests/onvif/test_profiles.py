"""Which profile is recorded (R3): the configured one, else the best silent one, else video only and reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_onvif.errors import NoSuitableProfile
from kuramori_onvif.models import AudioFact, MediaProfile, VideoEncoder
from kuramori_onvif.profiles import RECORDED_ENCODINGS, Why, choose_profile


def _profile(
    token: str,
    width: int = 1920,
    *,
    audio: AudioFact = AudioFact.ABSENT,
    encoding: str = "H264",
    fps: float | None = 15.0,
    video: bool = True,
    name: str = "",
) -> MediaProfile:
    encoder = VideoEncoder(f"v-{token}", encoding, width, width * 9 // 16, fps, 4000, 30) if video else None
    return MediaProfile(token, name or token.upper(), False, 1, encoder, audio, "")


LOUD = AudioFact.CONFIGURED
UNKNOWN = AudioFact.UNKNOWN


def test_the_best_silent_profile_is_preferred_to_a_better_loud_one() -> None:
    """A smaller picture without audio encoder wins over a larger one with."""
    choice = choose_profile((_profile("big", 3840, audio=LOUD), _profile("small", 1280)), None)
    assert (choice.profile.token, choice.why, choice.audio_reported) == ("small", Why.SILENT, False)


def test_among_silent_ones_the_largest_then_h265_then_the_fastest() -> None:
    """Picture size, codec, frame rate, in this order."""
    candidates = (
        _profile("a", 1280),
        _profile("b", 1920),
        _profile("c", 1920, encoding="H265", fps=10.0),
        _profile("d", 1920, encoding="H265", fps=25.0),
    )
    assert choose_profile(candidates, None).profile.token == "d"
    assert choose_profile(candidates, None, h265=False).profile.token == "b"


def test_if_all_carry_audio_the_video_is_taken_and_the_camera_reported() -> None:
    """Recording goes on, and somebody is told."""
    choice = choose_profile((_profile("a", audio=LOUD), _profile("b", 640, audio=LOUD)), None)
    assert (choice.profile.token, choice.why, choice.audio_reported) == ("a", Why.VIDEO_ONLY, True)


def test_not_told_is_not_silent() -> None:
    """A profile of which nothing is known of audio is never taken for one without (fail closed)."""
    choice = choose_profile((_profile("a", 3840, audio=UNKNOWN), _profile("b", 640)), None)
    assert choice.profile.token == "b"
    assert choose_profile((_profile("a", audio=UNKNOWN),), None).audio_reported


def test_the_configured_profile_is_taken_by_token_before_name() -> None:
    """Also when it carries audio, which is then reported."""
    candidates = (_profile("x", name="main", audio=LOUD), _profile("main", name="other"))
    assert choose_profile(candidates, "main").profile.token == "main"
    choice = choose_profile(candidates, "x")
    assert (choice.why, choice.audio_reported) == (Why.CONFIGURED, True)
    assert choose_profile(candidates, "other").profile.token == "main"


@pytest.mark.parametrize("wanted", ["absent", "", "X"])
def test_a_configured_profile_that_is_not_there_is_no_licence_to_take_another(wanted: str) -> None:
    """The error names what is offered; a name that two profiles have is not unique."""
    candidates = (_profile("a", name="X"), _profile("b", name="X"))
    with pytest.raises(NoSuitableProfile) as refusal:
        choose_profile(candidates, wanted, "192.0.2.7:80")
    assert "a (X: H264)" in str(refusal.value)


@pytest.mark.parametrize(
    "profiles",
    [(), (_profile("a", video=False),), (_profile("a", encoding="JPEG"),)],
    ids=["none", "audio only", "jpeg"],
)
def test_without_h264_or_h265_there_is_nothing_to_record(profiles: tuple[MediaProfile, ...]) -> None:
    """No profile, no video or another codec: an error, not a guess."""
    with pytest.raises(NoSuitableProfile):
        choose_profile(profiles, None)


PROFILES = st.lists(
    st.builds(
        _profile,
        st.text("abc", min_size=1, max_size=3),
        st.integers(0, 4000),
        audio=st.sampled_from(AudioFact),
        encoding=st.sampled_from((*RECORDED_ENCODINGS, "JPEG")),
        fps=st.none() | st.floats(1, 60),
        video=st.booleans(),
    ),
    max_size=6,
).map(tuple)


@given(PROFILES)
def test_whenever_a_silent_profile_exists_the_choice_is_silent(profiles: tuple[MediaProfile, ...]) -> None:
    """For any profiles: audio is avoided where it can be, reported where it cannot, never overlooked."""
    try:
        choice = choose_profile(profiles, None)
    except NoSuitableProfile:
        assert not any(p.video is not None and p.video.encoding in RECORDED_ENCODINGS for p in profiles)
        return
    silent = any(
        p.audio is AudioFact.ABSENT and p.video is not None and p.video.encoding in RECORDED_ENCODINGS for p in profiles
    )
    assert (choice.profile.audio is AudioFact.ABSENT) is silent
    assert choice.audio_reported is not silent
