"""What a player must know before the first picture (avcC, hvcC, dimensions), worked out by the media library.

The key frame and its parameter sets are shown to the library as an elementary stream, packed into a tiny MP4 in
memory, and opened again: the library builds the sample entry, no bit of it is written here. Must not know files.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from kuramori.clips.nal_units import in_start_code_form, is_parameter_set, is_slice, nal_units
from kuramori_segments.codes import VideoCodec

_DEMUXERS = {VideoCodec.H264: "h264", VideoCodec.H265: "hevc"}
_TAGS = {VideoCodec.H264: "avc1", VideoCodec.H265: "hvc1"}


class StreamUnusable(Exception):
    """The media library cannot tell from the key frame what the stream is."""


def set_tag(codec: VideoCodec, stream: VideoStream) -> None:
    """Name the sample entry: players of one large maker show H.265 only as `hvc1`."""
    stream.codec_context.codec_tag = _TAGS[codec]


@contextmanager
def template(codec: VideoCodec, parameter_sets: tuple[bytes, ...], key_frame: bytes) -> Iterator[VideoStream]:
    """Open a stream that a new one can be made from. Raises StreamUnusable."""
    units = list(nal_units(key_frame))
    in_band = [unit for unit in units if is_parameter_set(codec, unit[0])]
    slices = [unit for unit in units if is_slice(codec, unit[0])]  # SEI units would end up in the sample entry too
    elementary = in_start_code_form((*(in_band or parameter_sets), *slices))
    packed = BytesIO()
    try:
        with _opened(elementary, _DEMUXERS[codec]) as source:
            _pack(codec, source, packed)
        with _opened(packed.getvalue(), "mp4") as container:
            stream = container.streams.video[0]
            if not stream.codec_context.extradata or stream.codec_context.extradata[0] != 1:
                raise StreamUnusable("its parameter sets are missing")
            yield stream
    except (FFmpegError, IndexError, ValueError) as fault:
        raise StreamUnusable(type(fault).__name__) from None


def _opened(content: bytes, demuxer: str) -> InputContainer:
    return av.open(BytesIO(content), "r", format=demuxer)


def _pack(codec: VideoCodec, source: InputContainer, target: BytesIO) -> None:
    stream = source.streams.video[0]
    if not stream.codec_context.width or not stream.codec_context.height:
        raise StreamUnusable("its picture size is unknown")
    with av.open(target, "w", format="mp4") as container:
        copy = container.add_stream_from_template(stream)
        set_tag(codec, copy)
        packet = next(source.demux(stream))
        packet.pts = packet.dts = 0
        packet.stream = copy
        container.mux_one(packet)
