"""A media profile of a simulated camera: which stream it stands for and what the stream carries."""

from dataclasses import dataclass

from kuramori.simulator.audio_material import AudioKind


@dataclass(frozen=True, slots=True)
class SimulatedProfile:
    """One media profile: a stream of its own. A profile that somebody made begins without any of its parts."""

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
    fixed: bool = True  # cannot be deleted
    video_source: bool = True
    video_encoder: bool = True
    audio_source: bool | None = None  # None: there where audio is
    encoder_token: str = ""  # "": its own encoder
    origin_url: str = ""  # of the stream whose pictures a made profile shows

    @property
    def encoder(self) -> str:
        """Token of its video encoder configuration."""
        return self.encoder_token or f"video-{self.token}"

    @property
    def has_audio_source(self) -> bool:
        """Whether an audio source configuration is in it."""
        return self.audio is not AudioKind.NONE if self.audio_source is None else self.audio_source
