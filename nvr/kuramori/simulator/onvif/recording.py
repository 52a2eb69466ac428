"""The recording service of a simulated camera (ONVIF Recording Control): what its card holds and whether it records.

Pure: a call in, the content of the answer out. Nothing can be set here. This module must not know RTSP.
"""

from kuramori.simulator.card import CardState, SimulatedCard
from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import Call, Fault
from kuramori.simulator.onvif.event_topics import JOB, RECORDING, job_state_fields
from kuramori_onvif import hardened_xml as xml

VIDEO_TRACK, AUDIO_TRACK = "video-1", "audio-1"
JOB_STATES = {CardState.OFF: "Idle", CardState.RECORDING: "Active", CardState.FAILED: "Error"}
SOURCE = (
    "<tt:Source><tt:SourceId>http://vendor.example/source</tt:SourceId><tt:Name>camera</tt:Name><tt:Location/>"
    "<tt:Description>the camera itself</tt:Description><tt:Address>http://127.0.0.1/</tt:Address></tt:Source>"
)


def tracks(card: SimulatedCard) -> tuple[tuple[str, str], ...]:
    """Return token and type of each track."""
    audio = ((AUDIO_TRACK, "Audio"),) if card.with_audio else ()
    return ((VIDEO_TRACK, "Video"), *audio)


def answer(camera: CameraState, call: Call) -> str | None:
    """Return the content of the answer, or None for an operation that the camera does not know."""
    card = camera.card
    if card is None:
        return None
    match call.operation:
        case "GetRecordings":
            items = "".join(_recording(card, token) for token in card.recordings(call.utc_ms))
        case "GetRecordingConfiguration":
            items = f"<trc:RecordingConfiguration>{_CONFIGURATION}</trc:RecordingConfiguration>"
        case "GetRecordingJobs":
            items = f"<trc:JobItem><tt:JobToken>{JOB}</tt:JobToken>{_job(card)}</trc:JobItem>"
        case "GetRecordingJobState":
            if xml.text(call.request, "JobToken") != JOB:
                raise Fault("InvalidArgVal/NoRecordingJob", "no such job")
            items = f"<trc:State>{job_state_fields(JOB_STATES[card.state])}</trc:State>"
        case "GetServiceCapabilities":
            items = (
                '<trc:Capabilities DynamicRecordings="false" DynamicTracks="false" Encoding="H264" '
                'MaxRecordings="1" MaxRecordingJobs="1"/>'
            )
        case _:
            return None
    return f"<trc:{call.operation}Response>{items}</trc:{call.operation}Response>"


def _recording(card: SimulatedCard, token: str) -> str:
    items = "".join(
        f"<tt:Track><tt:TrackToken>{track}</tt:TrackToken><tt:Configuration><tt:TrackType>{kind}</tt:TrackType>"
        "<tt:Description/></tt:Configuration></tt:Track>"
        for track, kind in tracks(card)
    )
    return (
        f"<trc:RecordingItem><tt:RecordingToken>{token}</tt:RecordingToken><tt:Configuration>{_CONFIGURATION}"
        f"</tt:Configuration><tt:Tracks>{items}</tt:Tracks></trc:RecordingItem>"
    )


def _job(card: SimulatedCard) -> str:
    mode = "Idle" if card.state is CardState.OFF else "Active"
    return (
        f"<tt:JobConfiguration><tt:RecordingToken>{RECORDING}</tt:RecordingToken><tt:Mode>{mode}</tt:Mode>"
        "<tt:Priority>1</tt:Priority></tt:JobConfiguration>"
    )


_CONFIGURATION = f"{SOURCE}<tt:Content>everything</tt:Content><tt:MaximumRetentionTime>PT0S</tt:MaximumRetentionTime>"
