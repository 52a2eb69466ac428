"""What a player must know before the first sound (the sample entry of an AAC track), worked out by the media library.

The track's description is shown to the library as a Matroska file without a single frame, and opened again: the
library builds the sample entry, AudioSpecificConfig stays as the camera wrote it. Must not know files.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError

from kuramori.clips.sample_entry import StreamUnusable
from kuramori_segments.audio_track import AudioTrack

# Elements of Matroska (RFC 9559), by their identifiers.
_EBML, _DOC_TYPE, _SEGMENT, _TRACKS, _TRACK_ENTRY = "1A45DFA3", "4282", "18538067", "1654AE6B", "AE"
_TRACK_NUMBER, _TRACK_UID, _TRACK_TYPE, _CODEC_ID, _CODEC_PRIVATE = "D7", "73C5", "83", "86", "63A2"
_AUDIO, _SAMPLING_FREQUENCY, _CHANNELS, _CLUSTER, _TIMESTAMP = "E1", "B5", "9F", "1F43B675", "E7"
_IS_AUDIO = b"\x02"
_TWO_BYTE_LENGTH = 0x4000


@contextmanager
def sound_template(track: AudioTrack) -> Iterator[AudioStream]:
    """Open a stream that a new one can be made from. Raises StreamUnusable."""
    try:
        with av.open(BytesIO(_described(track)), "r", format="matroska") as container:
            stream = container.streams.audio[0]
            if bytes(stream.codec_context.extradata or b"") != track.specific_config:
                raise StreamUnusable("its sound cannot be described")
            yield stream
    except (FFmpegError, IndexError, ValueError) as fault:
        raise StreamUnusable(type(fault).__name__) from None


def _described(track: AudioTrack) -> bytes:
    rate, channels = struct.pack(">d", track.sample_rate_hz), bytes([track.channels])
    entry = (
        _element(_TRACK_NUMBER, b"\x01")
        + _element(_TRACK_UID, b"\x01")
        + _element(_TRACK_TYPE, _IS_AUDIO)
        + _element(_CODEC_ID, b"A_AAC")
        + _element(_CODEC_PRIVATE, track.specific_config)
        + _element(_AUDIO, _element(_SAMPLING_FREQUENCY, rate) + _element(_CHANNELS, channels))
    )
    tracks = _element(_TRACKS, _element(_TRACK_ENTRY, entry))
    return _element(_EBML, _element(_DOC_TYPE, b"matroska")) + _element(
        _SEGMENT, tracks + _element(_CLUSTER, _element(_TIMESTAMP, b"\x00"))
    )


def _element(identifier: str, content: bytes) -> bytes:
    return bytes.fromhex(identifier) + (_TWO_BYTE_LENGTH | len(content)).to_bytes(2, "big") + content
