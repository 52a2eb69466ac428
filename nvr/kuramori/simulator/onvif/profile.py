"""A media profile of a simulated camera: which stream it stands for and what the stream carries."""

from dataclasses import dataclass

from kuramori.simulator.audio_material import AudioKind


@dataclass(frozen=True, slots=True)
class SimulatedProfile:
    """One media profile: a stream of its own."""

    token: str
    name: str
    encoding: str  # "H264" or "H265"
    width: int
    height: int
    frames_per_second: int
    bitrate_kbps: int
    gop_frames: int
    audio: AudioKind
    rtsp_url: str
