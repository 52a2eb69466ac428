"""The media2 service of a simulated camera (ONVIF Media2), as far as a recorder asks: H.265 is told only here.

Pure: a call in, the content of the answer out. This module must not know HTTP or sign-in.
"""

from xml.sax.saxutils import escape, quoteattr

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import Call
from kuramori.simulator.onvif.media import AUDIO_NAMES, resolution
from kuramori.simulator.onvif.profile import SimulatedProfile
from kuramori_onvif import hardened_xml as xml


def answer(camera: CameraState, call: Call) -> str | None:
    """Return the content of the answer, or None for an operation that the camera does not know."""
    match call.operation:
        case "GetProfiles":
            items = "".join(_profile(profile) for profile in camera.profiles)
            return f"<tr2:GetProfilesResponse>{items}</tr2:GetProfilesResponse>"
        case "GetStreamUri":
            token = xml.text(call.request, "ProfileToken")
            profile = next((one for one in camera.profiles if one.token == token), None)
            if profile is None:
                return None
            uri = escape(profile.rtsp_url)
            return f"<tr2:GetStreamUriResponse><tr2:Uri>{uri}</tr2:Uri></tr2:GetStreamUriResponse>"
        case _:
            return None


def _profile(profile: SimulatedProfile) -> str:
    return (
        f'<tr2:Profiles token={quoteattr(profile.token)} fixed="true"><tr2:Name>{escape(profile.name)}</tr2:Name>'
        f"<tr2:Configurations>{_encoders(profile)}</tr2:Configurations></tr2:Profiles>"
    )


def _encoders(profile: SimulatedProfile) -> str:
    audio = ""
    if profile.audio is not AudioKind.NONE:
        audio = (
            '<tr2:AudioEncoder token="audio"><tt:Name>audio</tt:Name><tt:UseCount>1</tt:UseCount>'
            f"<tt:Encoding>{AUDIO_NAMES[profile.audio]}</tt:Encoding><tt:Bitrate>32</tt:Bitrate>"
            "<tt:SampleRate>16</tt:SampleRate></tr2:AudioEncoder>"
        )
    return (
        f"<tr2:VideoEncoder token={quoteattr('video-' + profile.token)} "
        f'GovLength="{profile.gop_frames}" Profile="Main">'
        f"<tt:Name>video</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>{profile.encoding}</tt:Encoding>"
        f'{resolution(profile)}<tt:RateControl ConstantBitRate="true">'
        f"<tt:FrameRateLimit>{profile.frames_per_second}</tt:FrameRateLimit>"
        f"<tt:BitrateLimit>{profile.bitrate_kbps}</tt:BitrateLimit></tt:RateControl><tt:Quality>5</tt:Quality>"
        f"</tr2:VideoEncoder>{audio}"
    )
