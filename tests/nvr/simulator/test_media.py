"""The simulated camera's media profiles, masks and clock: changed as asked, refused, or only said to be changed."""

from collections.abc import Callable
from typing import Any

import pytest

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.onvif_camera import OnvifCamera
from kuramori.simulator.profile_mounts import follow
from kuramori.simulator.rtsp_mount import Mount
from tests.fakes.onvif_questions import NOW_UTC_MS, ask, attributes, camera, conforms, profile, texts
from tests.fakes.rtsp_camera import fast_material, running_camera

ALL = "<tr2:Type>All</tr2:Type>"
VIDEO_ONLY = (
    "<tr2:Name>own</tr2:Name><tr2:Configuration><tr2:Type>VideoSource</tr2:Type><tr2:Token>source</tr2:Token>"
    "</tr2:Configuration><tr2:Configuration><tr2:Type>VideoEncoder</tr2:Type><tr2:Token>video-main</tr2:Token>"
    "</tr2:Configuration>"
)


def part(kind: str, token: str = "main") -> str:
    """A part of a profile, as media2 names it."""
    return (
        f"<tr2:ProfileToken>{token}</tr2:ProfileToken><tr2:Configuration><tr2:Type>{kind}</tr2:Type>"
        "</tr2:Configuration>"
    )


def sounds(its: OnvifCamera) -> dict[str, AudioKind]:
    """What each profile carries."""
    return {one.token: one.audio for one in its.profiles}


def test_a_silent_profile_is_made_in_one_request() -> None:
    """Media2: source and encoder of an existing one, no sound, a stream of its own; deletable."""
    its = camera()
    (token,) = texts(ask(its, "tr2:CreateProfile", VIDEO_ONLY), "Token")
    told = ask(its, "tr2:GetProfiles", f"<tr2:Token>{token}</tr2:Token>{ALL}")
    assert attributes(told, "Profiles", "fixed") == ["false"]
    assert attributes(told, "VideoEncoder", "token") == ["video-main"]
    assert "AudioEncoder" not in told.body
    uri = texts(ask(its, "tr2:GetStreamUri", f"<tr2:ProfileToken>{token}</tr2:ProfileToken>"), "Uri")
    assert uri == [f"rtsp://127.0.0.1:8554/main/{token}"]
    assert ask(its, "tr2:DeleteProfile", f"<tr2:Token>{token}</tr2:Token>").status == 200
    assert list(sounds(its)) == ["main"]


def test_the_older_service_makes_one_step_by_step() -> None:
    """Bare at first and not playable; a fixed one cannot be deleted; every answer fits its WSDL."""
    its = camera()
    made = conforms("trt:CreateProfile", ask(its, "trt:CreateProfile", "<trt:Name>own</trt:Name>"))
    token = f"<trt:ProfileToken>{made.token}</trt:ProfileToken>"
    assert "IncompleteConfiguration" in ask(its, "trt:GetStreamUri", token).body
    for kind, configuration in (("VideoSource", "source"), ("VideoEncoder", "video-main")):
        operation = f"trt:Add{kind}Configuration"
        conforms(
            operation, ask(its, operation, f"{token}<trt:ConfigurationToken>{configuration}</trt:ConfigurationToken>")
        )
    (main, own) = conforms("trt:GetProfiles", ask(its, "trt:GetProfiles"))
    assert (main.AudioEncoderConfiguration.Encoding, own.AudioEncoderConfiguration) == ("AAC", None)
    assert conforms("trt:GetStreamUri", ask(its, "trt:GetStreamUri", token)).Uri.endswith("/main/made-1")
    for operation in ("trt:GetVideoSourceConfigurations", "trt:GetVideoEncoderConfigurations"):
        assert len(conforms(operation, ask(its, operation))) == 1
    fixed = ask(its, "trt:DeleteProfile", "<trt:ProfileToken>main</trt:ProfileToken>")
    assert "DeletionOfFixedProfile" in fixed.body
    assert ask(its, "trt:DeleteProfile", token).status == 200


def test_sound_is_taken_out_encoder_first() -> None:
    """The source alone is refused while its encoder is in; afterwards both are gone, here and in the older service."""
    its = camera()
    assert "ConfigurationConflict" in ask(its, "tr2:RemoveConfiguration", part("AudioSource")).body
    for kind in ("AudioEncoder", "AudioSource"):
        assert ask(its, "tr2:RemoveConfiguration", part(kind)).status == 200
    assert "Audio" not in ask(its, "tr2:GetProfiles", ALL).body.replace("AudioOutput", "")
    token = "<trt:ProfileToken>main</trt:ProfileToken>"
    ask(its, "tr2:AddConfiguration", part("AudioSource"))
    ask(its, "tr2:AddConfiguration", part("AudioEncoder"))
    assert sounds(its) == {"main": AudioKind.AAC}
    assert ask(its, "trt:RemoveAudioEncoderConfiguration", token).status == 200
    assert ask(its, "trt:RemoveAudioSourceConfiguration", token).status == 200
    assert sounds(its) == {"main": AudioKind.NONE}


def test_without_a_type_nothing_is_told_of_the_parts() -> None:
    """Media2 5.2.2: only token and name; with a type, only that part."""
    its = camera()
    assert "Configurations" not in ask(its, "tr2:GetProfiles").body
    only = ask(its, "tr2:GetProfiles", "<tr2:Type>AudioEncoder</tr2:Type>").body
    assert ("AudioEncoder" in only, "VideoEncoder" in only) == (True, False)


def _lies(its: OnvifCamera) -> None:
    its.media.lies_on_removal = True


def _full(its: OnvifCamera) -> None:
    its.media.most_profiles = 1


def _refuses(its: OnvifCamera) -> None:
    its.media.refuses_profiles = True


def _adds(its: OnvifCamera) -> None:
    its.media.adds_audio = True


def _fixed(its: OnvifCamera) -> None:
    its.media.fixed_means_unchangeable = True


@pytest.mark.parametrize(
    ("switch", "operation", "inside", "status", "expected"),
    [
        (_lies, "tr2:RemoveConfiguration", part("AudioEncoder"), 200, {"main": AudioKind.AAC}),
        (_full, "tr2:CreateProfile", VIDEO_ONLY, 500, {"main": AudioKind.AAC}),
        (_refuses, "tr2:CreateProfile", VIDEO_ONLY, 500, {"main": AudioKind.AAC}),
        (_adds, "tr2:CreateProfile", VIDEO_ONLY, 200, {"main": AudioKind.AAC, "made-1": AudioKind.AAC}),
        (_fixed, "tr2:RemoveConfiguration", part("AudioEncoder"), 400, {"main": AudioKind.AAC}),
    ],
)
def test_each_switch_is_one_firmware(
    switch: Callable[[OnvifCamera], Any], operation: str, inside: str, status: int, expected: dict[str, AudioKind]
) -> None:
    """Lies, refuses, is full, adds sound by itself, or takes `fixed` for unchangeable."""
    its = camera()
    switch(its)
    assert ask(its, operation, inside).status == status
    assert sounds(its) == expected


@pytest.mark.parametrize("on_paper", [False, True])
async def test_the_stream_says_what_the_profile_says_unless_it_lies(on_paper: bool) -> None:
    """A made profile's stream has no sound; a removal takes it out of the stream too, unless only on paper."""
    its = camera(profile("main"))
    async with running_camera(Mount("/main", fast_material(), AudioKind.AAC)) as server:
        its.media.on_profile = follow(server.mounts)
        its.media.removes_on_paper_only = on_paper
        ask(its, "tr2:CreateProfile", VIDEO_ONLY)
        assert server.mounts["/main/made-1"].audio is AudioKind.NONE
        ask(its, "tr2:RemoveConfiguration", part("AudioEncoder"))
        assert server.mounts["/main"].audio is (AudioKind.AAC if on_paper else AudioKind.NONE)
        ask(its, "tr2:DeleteProfile", "<tr2:Token>made-1</tr2:Token>")
        assert list(server.mounts) == ["/main"]


def test_masks_are_listed_where_they_are_offered() -> None:
    """As many as are set; a camera without the operation says that it is not there."""
    its = camera()
    its.media.masks = 2
    assert attributes(ask(its, "tr2:GetMasks"), "Masks", "token") == ["mask-1", "mask-2"]
    its.media.masks_offered = False
    assert "ActionNotSupported" in ask(its, "tr2:GetMasks").body


def test_the_clock_is_set_by_hand_or_by_a_time_server() -> None:
    """SetNTP takes effect when the server can be reached; refusing and ignoring are switches."""
    its = camera()
    its.clock_offset_seconds = 500
    wish = (
        "<tds:FromDHCP>false</tds:FromDHCP><tds:NTPManual><tt:Type>IPv4</tt:Type>"
        "<tt:IPv4Address>192.0.2.1</tt:IPv4Address></tds:NTPManual>"
    )
    assert conforms("tds:GetNTP", ask(its, "tds:GetNTP")).FromDHCP is True
    its.time.ignores = True
    assert ask(its, "tds:SetNTP", wish).status == 200
    assert its.time.servers == ()
    its.time.ignores, its.time.reachable = False, True
    assert ask(its, "tds:SetNTP", wish).status == 200
    assert (its.time.servers, its.clock_offset_seconds) == (("192.0.2.1",), 0)
    assert conforms("tds:GetNTP", ask(its, "tds:GetNTP")).NTPManual[0].IPv4Address == "192.0.2.1"
    its.time.refuses = True
    assert ask(its, "tds:SetNTP", wish).status == 500
    date = "<tt:Year>2030</tt:Year><tt:Month>1</tt:Month><tt:Day>2</tt:Day>"
    moment = "<tt:Hour>3</tt:Hour><tt:Minute>4</tt:Minute><tt:Second>5</tt:Second>"
    by_hand = (
        "<tds:DateTimeType>Manual</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings><tds:UTCDateTime>"
        f"<tt:Time>{moment}</tt:Time><tt:Date>{date}</tt:Date></tds:UTCDateTime>"
    )
    assert ask(its, "tds:SetSystemDateAndTime", by_hand).status == 200
    told = conforms("tds:GetSystemDateAndTime", ask(its, "tds:GetSystemDateAndTime"))
    assert (told.DateTimeType, told.UTCDateTime.Date.Year, told.UTCDateTime.Time.Second) == ("Manual", 2030, 5)
    assert its.camera_utc_ms(NOW_UTC_MS) == 1_893_553_445_000
