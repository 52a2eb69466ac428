"""The media service of a simulated camera (ONVIF Media, version 1), as far as a recorder asks. No snapshots.

Pure: a call in, the content of the answer out. This module must not know HTTP or sign-in.
"""

import re
from xml.sax.saxutils import escape, quoteattr

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.onvif import profile_desk
from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import Call, Fault
from kuramori.simulator.onvif.profile import SimulatedProfile
from kuramori_onvif import hardened_xml as xml

AUDIO_NAMES = {AudioKind.AAC: "AAC", AudioKind.PCMU: "G711"}
_ADD = re.compile(r"Add(VideoSource|VideoEncoder|AudioSource|AudioEncoder)Configuration")
_REMOVE = re.compile(r"Remove(VideoSource|VideoEncoder|AudioSource|AudioEncoder)Configuration")


def answer(camera: CameraState, call: Call) -> str | None:
    """Return the content of the answer, or None for an operation that the camera does not know."""
    changed = _changed(camera, call)
    return changed if changed is not None else _told(camera, call)


def _changed(camera: CameraState, call: Call) -> str | None:
    token = xml.text(call.request, "ProfileToken")
    if call.operation == "CreateProfile":
        name = xml.text(call.request, "Name")
        made = profile_desk.create(camera, name, xml.text(call.request, "Token"), ())
        return f"<trt:CreateProfileResponse>{_profile(made, 'trt:Profile')}</trt:CreateProfileResponse>"
    if call.operation == "DeleteProfile":
        profile_desk.delete(camera, token)
    elif match := _ADD.fullmatch(call.operation):
        configuration = xml.text(call.request, "ConfigurationToken")
        if not configuration:
            raise Fault("InvalidArgVal/NoConfig", "no such configuration")
        profile_desk.add(camera, token, ((match[1], configuration),))
    elif match := _REMOVE.fullmatch(call.operation):
        profile_desk.remove(camera, token, (match[1],))
    else:
        return None
    return f"<trt:{call.operation}Response/>"


def _told(camera: CameraState, call: Call) -> str | None:
    match call.operation:
        case "GetProfiles":
            items = "".join(_profile(profile, "trt:Profiles") for profile in camera.profiles)
        case "GetProfile":
            items = _profile(profile_desk.profile_of(camera, xml.text(call.request, "ProfileToken")), "trt:Profile")
        case "GetStreamUri":
            items = _stream_uri(profile_desk.profile_of(camera, xml.text(call.request, "ProfileToken")))
        case "GetVideoSourceConfigurations" | "GetCompatibleVideoSourceConfigurations":
            first = next(iter(profile_desk.encoders(camera).values()), None)
            items = _video_source(first, "trt:Configurations") if first is not None else ""
        case "GetVideoEncoderConfigurations" | "GetCompatibleVideoEncoderConfigurations":
            known = profile_desk.encoders(camera).values()
            items = "".join(_video_encoder(profile, "trt:Configurations") for profile in known)
        case "GetAudioEncoderConfigurations" | "GetCompatibleAudioEncoderConfigurations":
            items = _audio_encoder(profile_desk.audio_kind(camera), "trt:Configurations")
        case "GetServiceCapabilities":
            items = (
                '<trt:Capabilities SnapshotUri="false"><trt:ProfileCapabilities MaximumNumberOfProfiles='
                f'"{camera.media.most_profiles}"/><trt:StreamingCapabilities RTPMulticast="false" RTP_TCP="true" '
                'RTP_RTSP_TCP="true"/></trt:Capabilities>'
            )
        case _:
            return None
    return f"<trt:{call.operation}Response>{items}</trt:{call.operation}Response>"


def _profile(profile: SimulatedProfile, element: str) -> str:
    """The media service cannot say H.265: such a profile carries no video encoder here."""
    source = _video_source(profile, "tt:VideoSourceConfiguration") if profile.video_source else ""
    audio_source = _audio_source("tt:AudioSourceConfiguration") if profile.has_audio_source else ""
    encoder = _video_encoder(profile, "tt:VideoEncoderConfiguration") if profile.video_encoder else ""
    audio = _audio_encoder(profile.audio, "tt:AudioEncoderConfiguration")
    return (
        f'<{element} token={quoteattr(profile.token)} fixed="{str(profile.fixed).lower()}">'
        f"<tt:Name>{escape(profile.name)}</tt:Name>{source}{audio_source}{encoder}{audio}</{element}>"
    )


def playable(profile: SimulatedProfile) -> str:
    """Return the stream's address, escaped. Raises Fault for a profile that lacks its parts."""
    if not (profile.video_source and profile.video_encoder):
        raise Fault("Action/IncompleteConfiguration", "the profile is not complete")
    return escape(profile.rtsp_url)


def _stream_uri(profile: SimulatedProfile) -> str:
    return (
        f"<trt:MediaUri><tt:Uri>{playable(profile)}</tt:Uri>"
        "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false"
        "</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
    )


def _video_source(profile: SimulatedProfile, element: str) -> str:
    return f'<{element} token="{profile_desk.VIDEO_SOURCE}">{video_source_fields(profile)}</{element}>'


def video_source_fields(profile: SimulatedProfile) -> str:
    """Write what stands in a video source configuration."""
    return (
        "<tt:Name>source</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>sensor</tt:SourceToken>"
        f'<tt:Bounds x="0" y="0" width="{profile.width}" height="{profile.height}"/>'
    )


def _audio_source(element: str) -> str:
    return f'<{element} token="{profile_desk.AUDIO_SOURCE}">{AUDIO_SOURCE_FIELDS}</{element}>'


def resolution(profile: SimulatedProfile) -> str:
    """Write the picture size."""
    return f"<tt:Resolution><tt:Width>{profile.width}</tt:Width><tt:Height>{profile.height}</tt:Height></tt:Resolution>"


def _video_encoder(profile: SimulatedProfile, element: str) -> str:
    if profile.encoding != "H264":
        return ""
    return (
        f"<{element} token={quoteattr(profile.encoder)}><tt:Name>video</tt:Name>"
        f"<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>{resolution(profile)}<tt:Quality>5</tt:Quality>"
        f"<tt:RateControl><tt:FrameRateLimit>{profile.frames_per_second}</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval>"
        f"<tt:BitrateLimit>{profile.bitrate_kbps}</tt:BitrateLimit></tt:RateControl>"
        f"<tt:H264><tt:GovLength>{profile.gop_frames}</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>"
        f"{_MULTICAST}<tt:SessionTimeout>PT60S</tt:SessionTimeout></{element}>"
    )


def _audio_encoder(kind: AudioKind, element: str) -> str:
    if kind is AudioKind.NONE:
        return ""
    return (
        f'<{element} token="{profile_desk.AUDIO_ENCODER}"><tt:Name>audio</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{AUDIO_NAMES[kind]}</tt:Encoding><tt:Bitrate>32</tt:Bitrate>"
        f"<tt:SampleRate>16</tt:SampleRate>{_MULTICAST}<tt:SessionTimeout>PT60S</tt:SessionTimeout></{element}>"
    )


AUDIO_SOURCE_FIELDS = (
    "<tt:Name>microphone</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>microphone</tt:SourceToken>"
)
_MULTICAST = (
    "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
    "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
)
