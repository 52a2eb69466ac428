"""Making, changing and deleting media profiles of a simulated camera, for both media services alike.

Pure. Faults are those of ONVIF Media2 section 5.2. This module must not know SOAP or RTSP.
"""

from collections.abc import Iterable
from dataclasses import replace

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import Fault
from kuramori.simulator.onvif.profile import SimulatedProfile

VIDEO_SOURCE, AUDIO_SOURCE, AUDIO_ENCODER = "source", "audio-source", "audio"
KINDS = ("VideoSource", "VideoEncoder", "AudioSource", "AudioEncoder")


def profile_of(camera: CameraState, token: str) -> SimulatedProfile:
    """Return the profile with this token. Raises Fault."""
    for profile in camera.profiles:
        if profile.token == token:
            return profile
    raise Fault("InvalidArgVal/NoProfile", "no such profile")


def encoders(camera: CameraState) -> dict[str, SimulatedProfile]:
    """Return each video encoder configuration by its token: a profile that shows its settings."""
    for profile in camera.profiles:
        if profile.video_encoder and not profile.origin_url:
            camera.media.encoders.setdefault(profile.encoder, profile)
    return camera.media.encoders


def audio_kind(camera: CameraState) -> AudioKind:
    """Return what the camera's one audio encoder makes."""
    kinds = [one.audio for one in (*encoders(camera).values(), *camera.profiles)]
    return next((kind for kind in kinds if kind is not AudioKind.NONE), AudioKind.NONE)


def create(camera: CameraState, name: str, token: str, parts: Iterable[tuple[str, str]]) -> SimulatedProfile:
    """Make a profile of these parts (kind and configuration token). Raises Fault."""
    settings = camera.media
    encoders(camera)
    if settings.refuses_profiles or len(camera.profiles) >= settings.most_profiles:
        raise Fault("Action/MaxNVTProfiles", "no more profiles can be made", code="Receiver", status=500)
    settings.made += 1
    token = token or f"made-{settings.made}"
    if any(profile.token == token for profile in camera.profiles):
        raise Fault("InvalidArgVal/ProfileExists", "there is such a profile")
    bare = SimulatedProfile(token, name or token, "", 0, 0, 0, 0, 0, AudioKind.NONE, "", False, False, False)
    if settings.adds_audio:
        bare = replace(bare, audio=audio_kind(camera))
    made = _with_parts(camera, bare, parts)
    camera.profiles = (*camera.profiles, made)
    if made.rtsp_url:
        settings.on_profile(made, True)
    return made


def add(camera: CameraState, token: str, parts: Iterable[tuple[str, str]]) -> None:
    """Put parts into a profile. Raises Fault."""
    _change(camera, _with_parts(camera, _changeable(camera, token), parts))


def remove(camera: CameraState, token: str, kinds: Iterable[str]) -> None:
    """Take parts out of a profile; a part that is not in it is no fault. An encoder goes before its source."""
    profile = _changeable(camera, token)
    wanted = list(kinds)
    if "All" in wanted:
        wanted = ["AudioEncoder", "AudioSource", "VideoEncoder", "VideoSource"]
    changed = profile
    for kind in wanted:
        changed = _without(changed, kind)
    if not camera.media.lies_on_removal:
        _change(camera, changed, told=not camera.media.removes_on_paper_only)


def delete(camera: CameraState, token: str) -> None:
    """Delete a profile that is not fixed. Raises Fault."""
    profile = profile_of(camera, token)
    if profile.fixed:
        raise Fault("Action/DeletionOfFixedProfile", "a fixed profile cannot be deleted")
    encoders(camera)
    camera.profiles = tuple(one for one in camera.profiles if one.token != token)
    camera.media.on_profile(profile, False)


def _changeable(camera: CameraState, token: str) -> SimulatedProfile:
    encoders(camera)
    profile = profile_of(camera, token)
    if profile.fixed and camera.media.fixed_means_unchangeable:
        raise Fault("Action/ConfigurationConflict", "a fixed profile cannot be changed")
    return profile


def _change(camera: CameraState, changed: SimulatedProfile, *, told: bool = True) -> None:
    camera.profiles = tuple(changed if one.token == changed.token else one for one in camera.profiles)
    if told and changed.rtsp_url:
        camera.media.on_profile(changed, True)


def _with_parts(camera: CameraState, profile: SimulatedProfile, parts: Iterable[tuple[str, str]]) -> SimulatedProfile:
    for kind, token in parts:
        if kind not in KINDS:
            raise Fault("InvalidArgVal/NoConfig", f"no configuration of type {kind}")
        if kind == "VideoSource":
            _known(token, VIDEO_SOURCE)
            profile = replace(profile, video_source=True)
        elif kind == "VideoEncoder":
            profile = _with_encoder(camera, profile, token)
        elif audio_kind(camera) is AudioKind.NONE:
            raise Fault("InvalidArgVal/NoConfig", "this camera has no microphone")
        elif kind == "AudioSource":
            _known(token, AUDIO_SOURCE)
            profile = replace(profile, audio_source=True)
        else:
            _known(token, AUDIO_ENCODER)
            if not profile.has_audio_source:
                raise Fault("Action/ConfigurationConflict", "the audio source is missing")
            profile = replace(profile, audio=audio_kind(camera))
    return profile


def _known(token: str, expected: str) -> None:
    if token not in ("", expected):
        raise Fault("InvalidArgVal/NoConfig", "no such configuration")


def _with_encoder(camera: CameraState, profile: SimulatedProfile, token: str) -> SimulatedProfile:
    known = encoders(camera)
    origin = known.get(token) if token else next(iter(known.values()), None)
    if origin is None:
        raise Fault("InvalidArgVal/NoConfig", "no such configuration")
    if not profile.video_source:
        raise Fault("Action/ConfigurationConflict", "the video source is missing")
    return replace(
        profile,
        encoding=origin.encoding,
        width=origin.width,
        height=origin.height,
        frames_per_second=origin.frames_per_second,
        bitrate_kbps=origin.bitrate_kbps,
        gop_frames=origin.gop_frames,
        video_encoder=True,
        encoder_token=origin.encoder,
        rtsp_url=profile.rtsp_url or f"{origin.rtsp_url}/{profile.token}",
        origin_url=profile.origin_url or origin.rtsp_url,
    )


def _without(profile: SimulatedProfile, kind: str) -> SimulatedProfile:
    match kind:
        case "AudioEncoder":
            return replace(profile, audio=AudioKind.NONE, audio_source=profile.has_audio_source)
        case "AudioSource" if profile.audio is not AudioKind.NONE:
            raise Fault("Action/ConfigurationConflict", "the encoder must be removed before its source")
        case "AudioSource":
            return replace(profile, audio_source=False)
        case "VideoEncoder":
            return replace(profile, video_encoder=False)
        case "VideoSource" if profile.video_encoder:
            raise Fault("Action/ConfigurationConflict", "the encoder must be removed before its source")
        case "VideoSource":
            return replace(profile, video_source=False)
        case _:
            return profile
