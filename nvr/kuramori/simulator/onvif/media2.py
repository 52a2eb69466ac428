"""The media2 service of a simulated camera (ONVIF Media2), as far as a recorder asks: H.265 is told only here.

Pure: a call in, the content of the answer out. This module must not know HTTP or sign-in.
"""

from xml.sax.saxutils import escape, quoteattr

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.onvif import profile_desk
from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import Call
from kuramori.simulator.onvif.media import (
    AUDIO_NAMES,
    AUDIO_SOURCE_FIELDS,
    playable,
    resolution,
    video_source_fields,
)
from kuramori.simulator.onvif.profile import SimulatedProfile
from kuramori_onvif import hardened_xml as xml


def answer(camera: CameraState, call: Call) -> str | None:
    """Return the content of the answer, or None for an operation that the camera does not know."""
    changed = _changed(camera, call)
    return changed if changed is not None else _told(camera, call)


def _changed(camera: CameraState, call: Call) -> str | None:
    request = call.request
    token = xml.text(request, "ProfileToken")
    wanted = [(xml.text(one, "Type"), xml.text(one, "Token")) for one in xml.children(request, "Configuration")]
    match call.operation:
        case "CreateProfile":
            made = profile_desk.create(camera, xml.text(request, "Name"), "", wanted)
            return f"<tr2:CreateProfileResponse><tr2:Token>{escape(made.token)}</tr2:Token></tr2:CreateProfileResponse>"
        case "AddConfiguration":
            profile_desk.add(camera, token, wanted)
        case "RemoveConfiguration":
            profile_desk.remove(camera, token, (kind for kind, _ in wanted))
        case "DeleteProfile":
            profile_desk.delete(camera, xml.text(request, "Token"))
        case _:
            return None
    return f"<tr2:{call.operation}Response/>"


def _told(camera: CameraState, call: Call) -> str | None:
    request = call.request
    match call.operation:
        case "GetProfiles":
            items = _profiles(camera, request)
        case "GetStreamUri":
            profile = profile_desk.profile_of(camera, xml.text(request, "ProfileToken"))
            items = f"<tr2:Uri>{playable(profile)}</tr2:Uri>"
        case "GetVideoSourceConfigurations":
            first = next(iter(profile_desk.encoders(camera).values()), None)
            items = _video_source(first, "tr2:Configurations") if first is not None else ""
        case "GetVideoEncoderConfigurations":
            known = profile_desk.encoders(camera).values()
            items = "".join(_video_encoder(profile, "tr2:Configurations") for profile in known)
        case "GetAudioEncoderConfigurations":
            items = _audio_encoder(profile_desk.audio_kind(camera), "tr2:Configurations")
        case "GetMasks" if camera.media.masks_offered:
            items = "".join(_mask(number) for number in range(1, camera.media.masks + 1))
        case "GetServiceCapabilities":
            items = (
                f'<tr2:Capabilities SnapshotUri="false" Mask="{str(camera.media.masks_offered).lower()}">'
                f'<tr2:ProfileCapabilities MaximumNumberOfProfiles="{camera.media.most_profiles}" '
                'ConfigurationsSupported="VideoSource VideoEncoder AudioSource AudioEncoder"/>'
                '<tr2:StreamingCapabilities RTSPStreaming="true" RTPMulticast="false" RTP_RTSP_TCP="true"/>'
                "</tr2:Capabilities>"
            )
        case _:
            return None
    return f"<tr2:{call.operation}Response>{items}</tr2:{call.operation}Response>"


def _profiles(camera: CameraState, request: xml.Element) -> str:
    """Without a type, a profile is told by token and name only (ONVIF Media2 5.2.2)."""
    token = xml.text(request, "Token")
    types = {(one.text or "").strip() for one in xml.children(request, "Type")}
    chosen = (profile_desk.profile_of(camera, token),) if token else camera.profiles
    return "".join(_profile(profile, types) for profile in chosen)


def _profile(profile: SimulatedProfile, types: set[str]) -> str:
    parts = ""
    if types:
        shown = {kind for kind in profile_desk.KINDS if kind in types or "All" in types}
        if profile.video_source and "VideoSource" in shown:
            parts += _video_source(profile, "tr2:VideoSource")
        if profile.has_audio_source and "AudioSource" in shown:
            parts += f'<tr2:AudioSource token="{profile_desk.AUDIO_SOURCE}">{AUDIO_SOURCE_FIELDS}</tr2:AudioSource>'
        if profile.video_encoder and "VideoEncoder" in shown:
            parts += _video_encoder(profile, "tr2:VideoEncoder")
        if "AudioEncoder" in shown:
            parts += _audio_encoder(profile.audio, "tr2:AudioEncoder")
        parts = f"<tr2:Configurations>{parts}</tr2:Configurations>"
    return (
        f'<tr2:Profiles token={quoteattr(profile.token)} fixed="{str(profile.fixed).lower()}">'
        f"<tr2:Name>{escape(profile.name)}</tr2:Name>{parts}</tr2:Profiles>"
    )


def _video_source(profile: SimulatedProfile, element: str) -> str:
    return f'<{element} token="{profile_desk.VIDEO_SOURCE}">{video_source_fields(profile)}</{element}>'


def _video_encoder(profile: SimulatedProfile, element: str) -> str:
    return (
        f'<{element} token={quoteattr(profile.encoder)} GovLength="{profile.gop_frames}" Profile="Main">'
        f"<tt:Name>video</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>{profile.encoding}</tt:Encoding>"
        f'{resolution(profile)}<tt:RateControl ConstantBitRate="true">'
        f"<tt:FrameRateLimit>{profile.frames_per_second}</tt:FrameRateLimit>"
        f"<tt:BitrateLimit>{profile.bitrate_kbps}</tt:BitrateLimit></tt:RateControl><tt:Quality>5</tt:Quality>"
        f"</{element}>"
    )


def _audio_encoder(kind: AudioKind, element: str) -> str:
    if kind is AudioKind.NONE:
        return ""
    return (
        f'<{element} token="{profile_desk.AUDIO_ENCODER}"><tt:Name>audio</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{AUDIO_NAMES[kind]}</tt:Encoding><tt:Bitrate>32</tt:Bitrate>"
        f"<tt:SampleRate>16</tt:SampleRate></{element}>"
    )


def _mask(number: int) -> str:
    points = "".join(f'<tt:Point x="{x}" y="{y}"/>' for x, y in ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)))
    return (
        f'<tr2:Masks token="mask-{number}"><tr2:ConfigurationToken>{profile_desk.VIDEO_SOURCE}'
        f"</tr2:ConfigurationToken><tr2:Polygon>{points}</tr2:Polygon><tr2:Type>Color</tr2:Type>"
        "<tr2:Enabled>true</tr2:Enabled></tr2:Masks>"
    )
