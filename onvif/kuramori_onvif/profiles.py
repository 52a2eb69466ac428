"""Which media profile is recorded (R3). Pure: profiles in, choice out.

The configured one, by token or name; else the best video profile without audio encoder; else the best one at all,
of which only the video is taken, and the camera is reported. This module must not know SOAP or streams.
"""

from dataclasses import dataclass
from enum import StrEnum

from kuramori_onvif.errors import NoSuitableProfile
from kuramori_onvif.models import AudioFact, MediaProfile, VideoEncoder

RECORDED_ENCODINGS = ("H265", "H264")  # better first, among equals in size


class Why(StrEnum):
    """Why this profile was chosen."""

    CONFIGURED = "configured"
    SILENT = "silent"  # the best one without audio encoder
    VIDEO_ONLY = "video_only"  # every usable one carries audio or does not tell: video only, camera reported


@dataclass(frozen=True, slots=True)
class Choice:
    """The profile to record. `audio_reported`: the stream offers sound, or may; somebody must be told (R3)."""

    profile: MediaProfile
    video: VideoEncoder
    why: Why
    audio_reported: bool


def choose_profile(
    profiles: tuple[MediaProfile, ...], wanted: str | None, camera: str = "", *, h265: bool = True
) -> Choice:
    """Choose among a camera's profiles. Raises NoSuitableProfile.

    `wanted` is a token, or else a name, of the configuration. Best = largest picture, then codec, frame rate,
    bit rate, order. `h265` False leaves H.265 out.
    """
    encodings = RECORDED_ENCODINGS if h265 else ("H264",)
    usable = [
        (profile, profile.video)
        for profile in profiles
        if profile.video is not None and profile.video.encoding in encodings
    ]
    if wanted is not None:
        by_token = [pair for pair in usable if pair[0].token == wanted]
        by_name = [pair for pair in usable if pair[0].name == wanted]
        if not by_token and len(by_name) != 1:
            raise NoSuitableProfile(camera, wanted, _labels(profiles))
        profile, video = (by_token or by_name)[0]
        return Choice(profile, video, Why.CONFIGURED, profile.audio is not AudioFact.ABSENT)
    if not usable:
        raise NoSuitableProfile(camera, None, _labels(profiles))
    silent = [pair for pair in usable if pair[0].audio is AudioFact.ABSENT]
    profile, video = max(silent or usable, key=lambda pair: _quality(pair[1]))
    return Choice(profile, video, Why.SILENT if silent else Why.VIDEO_ONLY, not silent)


def _quality(video: VideoEncoder) -> tuple[int, int, float, int]:
    return (
        video.width * video.height,
        -RECORDED_ENCODINGS.index(video.encoding),
        video.frames_per_second or 0.0,
        video.bitrate_kbps or 0,
    )


def _labels(profiles: tuple[MediaProfile, ...]) -> tuple[str, ...]:
    return tuple(
        f"{profile.token} ({profile.name}: {profile.video.encoding if profile.video else 'no video'})"
        for profile in profiles[:16]
    )
