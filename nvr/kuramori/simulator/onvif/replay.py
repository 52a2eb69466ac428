"""The replay service of a simulated camera (ONVIF Replay Control): where a recording can be fetched. Pure."""

from xml.sax.saxutils import escape

from kuramori.simulator.card import CardState
from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import Call, Fault
from kuramori_onvif import hardened_xml as xml

RECORDING_PATH = "/recording/"


def answer(camera: CameraState, call: Call) -> str | None:
    """Return the content of the answer, or None for an operation that the camera does not know."""
    card = camera.card
    if card is None:
        return None
    match call.operation:
        case "GetReplayUri":
            token = xml.text(call.request, "RecordingToken")
            if card.state is CardState.FAILED or token not in card.recordings(call.utc_ms):
                raise Fault("InvalidArgVal/NoRecording", "no such recording")
            uri = escape(f"{camera.profiles[0].rtsp_url}{RECORDING_PATH}{token}")
            return f"<trp:GetReplayUriResponse><trp:Uri>{uri}</trp:Uri></trp:GetReplayUriResponse>"
        case "GetReplayConfiguration":
            return (
                "<trp:GetReplayConfigurationResponse><trp:Configuration><tt:SessionTimeout>PT60S</tt:SessionTimeout>"
                "</trp:Configuration></trp:GetReplayConfigurationResponse>"
            )
        case "GetServiceCapabilities":
            return (
                '<trp:GetServiceCapabilitiesResponse><trp:Capabilities ReversePlayback="false" '
                'RTP_RTSP_TCP="true"/></trp:GetServiceCapabilitiesResponse>'
            )
        case _:
            return None
