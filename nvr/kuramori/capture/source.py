"""The contract between a camera's stream and the recorder: what every source promises.

A source opens one camera's video and hands over whole access units in decode order. It never decodes, asks for
audio only where it is told of a written decision (R3), and knows nothing of files, keys or other cameras. Two
sources keep this contract: the native RTSP client (`rtsp_source`) and the compatibility source in a child process
(`av_process`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol


class Codec(StrEnum):
    """The video codecs that are recorded."""

    H264 = "h264"
    H265 = "h265"


class AccessUnit(NamedTuple):
    """One coded picture with everything that belongs to it.

    `payload` holds `nal_count` NAL units, each behind a big-endian 32-bit length, every byte as received.
    It is borrowed: valid only during the call that delivers it.
    """

    rtp_time: int  # clock units, extended to 64 bit: never wraps within one source
    arrival_boot_ns: int  # CLOCK_BOOTTIME when its last byte was read from the socket
    is_key: bool  # decodable on its own: H.264 IDR, H.265 IRAP
    damaged: bool  # packets of it are missing
    lost_packets: int  # RTP packets missing since the previous access unit
    nal_count: int
    payload: memoryview


class AudioFrame(NamedTuple):
    """One coded frame of sound, every byte as received. Only of a camera whose sound was decided (R3)."""

    rtp_time: int  # of its first sample, the sound's clock units, extended to 64 bit
    packet_end_rtp_time: int  # behind the last sample of its packet: all of that was taken before it arrived
    arrival_boot_ns: int
    lost_packets: int  # RTP packets of sound missing since the previous frame
    payload: bytes


@dataclass(frozen=True, slots=True)
class AudioDescription:
    """Sound as it is set up: AAC, always."""

    clock_rate_hz: int  # of RTP time
    sample_rate_hz: int
    channels: int
    specific_config: bytes  # AudioSpecificConfig as the camera wrote it


@dataclass(frozen=True, slots=True)
class StreamDescription:
    """What the camera said of its stream before the first packet."""

    codec: Codec
    clock_rate_hz: int
    parameter_sets: tuple[bytes, ...]  # from the SDP; empty when they come in-band only
    audio_offered: tuple[str, ...]  # encodings of audio media in the SDP, e.g. ("MPEG4-GENERIC",)
    setups: tuple[str, ...]  # control URLs that were SETUP (without credentials): the video, and decided sound
    server: str  # what the camera calls itself
    audio: AudioDescription | None = None  # sound that was set up; None unless the source was told of a decision
    audio_refused: str = ""  # with a decision: why its sound is not set up


@dataclass(frozen=True, slots=True)
class SenderReport:
    """An RTCP sender report: the camera's own clock against its RTP time (RFC 3550 section 6.4.1)."""

    ntp: int  # 64-bit NTP time stamp as received
    rtp_time: int  # extended like AccessUnit.rtp_time
    arrival_boot_ns: int


@dataclass(slots=True)
class SourceStatistics:
    """Plain counters, read at scrape time by whoever wants them."""

    received_bytes: int = 0
    rtp_packets: int = 0
    lost_packets: int = 0
    access_units: int = 0
    key_frames: int = 0
    wake_ups: int = 0
    rejected_packets: int = 0
    dropped_units: int = 0  # access units that were larger than the limit
    throttled_ticks: int = 0  # seconds in which more came than any camera needs, and reading was put off
    setups: list[str] = field(default_factory=list)  # media kinds that were SETUP, e.g. ["video"]
    audio_packets: int = 0  # these four only with a decision on sound
    audio_frames: int = 0
    lost_audio_packets: int = 0
    rejected_audio_packets: int = 0


class EndReason(StrEnum):
    """Why a source ended or could not start; each becomes a gap's reason."""

    UNREACHABLE = "unreachable"  # name, route, refused connection, time-out while connecting
    VANISHED = "vanished"  # the connection was closed or reset
    STALLED = "stalled"  # connected, but nothing came
    REFUSED = "refused"  # authentication or authorisation failed, or no such stream
    UNSUITABLE = "unsuitable"  # no video, or a codec or transport that is not recorded
    GARBAGE = "garbage"  # what came is not RTSP/RTP
    CODEC_CHANGED = "codec_changed"
    UNTRUSTED = "untrusted"  # TLS: the certificate is not the pinned one
    STOPPED = "stopped"  # we ended it


class SourceEnded(Exception):
    """The source is over: why, and the facts for the operator (never a secret)."""

    def __init__(self, reason: EndReason, detail: str, *, wrong_credentials: bool = False) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail
        self.wrong_credentials = wrong_credentials  # trying again soon may lock the account


class Sink(Protocol):
    """Who receives what a source delivers. Called synchronously from `drain` or from the loop's reader."""

    def on_access_unit(self, unit: AccessUnit) -> None:
        """Take one access unit; its payload is borrowed for the duration of this call."""

    def on_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None:
        """Parameter sets (SPS, PPS; H.265: VPS too) differ from those known; valid from the next unit on."""

    def on_sender_report(self, report: SenderReport) -> None:
        """The camera told its clock."""

    def on_audio_frame(self, frame: AudioFrame) -> None:
        """Take one frame of sound. Never called unless the source was told of a written decision (R3)."""


class Source(Protocol):
    """One camera's stream, from connect to end. Used once: a reconnect makes a new source.

    Nothing is delivered before the first `drain`, so that whoever opened it has seen the description. From then
    on `drain` is called about once a second: it also keeps the session alive and notices a stall, for a source
    has no timer of its own.
    """

    statistics: SourceStatistics

    async def open(self) -> StreamDescription:
        """Connect, sign in, describe, set the video up and play. Raises SourceEnded."""

    def drain(self) -> None:
        """Read and deliver what has arrived, without waiting. Never raises for a camera's fault."""

    async def ended(self) -> SourceEnded:
        """Wait until the stream is over and say why."""

    async def close(self) -> None:
        """End it (TEARDOWN where the camera listens, at most a moment). May be called twice."""


SourceFactory = Callable[[Sink], Source]
