"""The media service of a simulated camera (ONVIF Media, version 1), as far as a recorder asks.

Pure: a call in, the content of the answer out. This module must not know HTTP or sign-in.
"""

from xml.sax.saxutils import escape, quoteattr

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import Call
from kuramori.simulator.onvif.profile import SimulatedProfile
from kuramori_onvif import hardened_xml as xml

AUDIO_NAMES = {AudioKind.AAC: "AAC", AudioKind.PCMU: "G711"}


def answer(camera: CameraState, call: Call) -> str | None:
    """Return the content of the answer, or None for an operation that the camera does not know."""
    match call.operation:
        case "GetProfiles":
            items = "".join(_profile(profile) for profile in camera.profiles)
            return f"<trt:GetProfilesResponse>{items}</trt:GetProfilesResponse>"
        case "GetStreamUri":
            return _stream_uri(camera, call.request)
        case _:
            return None


def _profile(profile: SimulatedProfile) -> str:
    """The media service cannot say H.265: such a profile carries no video encoder here."""
    return (
        f'<trt:Profiles token={quoteattr(profile.token)} fixed="true"><tt:Name>{escape(profile.name)}</tt:Name>'
        f"{_video_source(profile)}{_video_encoder(profile)}{_audio_encoder(profile)}</trt:Profiles>"
    )


def _stream_uri(camera: CameraState, request: xml.Element) -> str | None:
    token = xml.text(request, "ProfileToken")
    profile = next((one for one in camera.profiles if one.token == token), None)
    if profile is None:
        return None
    return (
        f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{escape(profile.rtsp_url)}</tt:Uri>"
        "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false"
        "</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
    )


def _video_source(profile: SimulatedProfile) -> str:
    return (
        '<tt:VideoSourceConfiguration token="source"><tt:Name>source</tt:Name><tt:UseCount>1</tt:UseCount>'
        f'<tt:SourceToken>sensor</tt:SourceToken><tt:Bounds x="0" y="0" width="{profile.width}" '
        f'height="{profile.height}"/></tt:VideoSourceConfiguration>'
    )


def resolution(profile: SimulatedProfile) -> str:
    """Write the picture size."""
    return f"<tt:Resolution><tt:Width>{profile.width}</tt:Width><tt:Height>{profile.height}</tt:Height></tt:Resolution>"


def _video_encoder(profile: SimulatedProfile) -> str:
    if profile.encoding != "H264":
        return ""
    return (
        f"<tt:VideoEncoderConfiguration token={quoteattr('video-' + profile.token)}><tt:Name>video</tt:Name>"
        f"<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>{resolution(profile)}<tt:Quality>5</tt:Quality>"
        f"<tt:RateControl><tt:FrameRateLimit>{profile.frames_per_second}</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval>"
        f"<tt:BitrateLimit>{profile.bitrate_kbps}</tt:BitrateLimit></tt:RateControl>"
        f"<tt:H264><tt:GovLength>{profile.gop_frames}</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>"
        f"{_MULTICAST}<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration>"
    )


def _audio_encoder(profile: SimulatedProfile) -> str:
    if profile.audio is AudioKind.NONE:
        return ""
    return (
        '<tt:AudioEncoderConfiguration token="audio"><tt:Name>audio</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{AUDIO_NAMES[profile.audio]}</tt:Encoding><tt:Bitrate>32</tt:Bitrate>"
        f"<tt:SampleRate>16</tt:SampleRate>{_MULTICAST}<tt:SessionTimeout>PT60S</tt:SessionTimeout>"
        "</tt:AudioEncoderConfiguration>"
    )


_MULTICAST = (
    "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
    "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
)
