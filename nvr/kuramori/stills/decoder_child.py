"""The decoder child: one key frame in, one JPEG out, without network or disk, then it ends.

    python -m kuramori.stills.decoder_child         key frame on standard input, picture on standard output

A large C library meets a camera's bytes here and nowhere near the desk. It confines itself before it reads them. This
module must not know cameras, the desk or the recorder.
"""

import importlib
import os
import resource
import sys
from fractions import Fraction
from typing import TYPE_CHECKING

from kuramori.clips.confinement import confine

if TYPE_CHECKING:
    from kuramori.stills.still_wire import KeyFrame, Still

WIDTH_MOST = 1920
PIXELS_MOST = 64 << 20
INPUT_BYTES_MOST = 10 << 20
_DECODERS = {"h264": "h264", "h265": "hevc"}


def main() -> None:
    """Decode one picture."""
    confine()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for name in ("av", "kuramori.stills.still_wire"):  # only now, inside the confinement
        importlib.import_module(name)
    from kuramori.stills.still_wire import StillFailed, encode_failure, encode_still, parse_frame

    try:
        frame = parse_frame(sys.stdin.buffer.read(INPUT_BYTES_MOST))
        answer = encode_still(decode(frame))
    except StillFailed as failed:
        answer = encode_failure(failed)
    view = memoryview(answer)
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


def decode(frame: "KeyFrame") -> "Still":
    """Return the picture of a key frame, at most WIDTH_MOST wide. Raises StillFailed."""
    import av.logging
    from av.codec import CodecContext
    from av.error import FFmpegError
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext

    from kuramori.stills.still_wire import Still, StillFailed, annex_b

    av.logging.set_level(None)
    try:
        decoder = CodecContext.create(_DECODERS[frame.codec.value], "r")
        encoder = CodecContext.create("mjpeg", "w")
        if not isinstance(decoder, VideoCodecContext) or not isinstance(encoder, VideoCodecContext):
            raise StillFailed("undecodable", "there is no decoder for this video")
        decoder.thread_count = 1
        pictures = [*decoder.decode(Packet(annex_b(frame))), *decoder.decode(None)]
        if not pictures or not 0 < pictures[0].width * pictures[0].height <= PIXELS_MOST:
            raise StillFailed("undecodable", "the key frame shows no picture")
        picture = pictures[0]
        width = min(WIDTH_MOST, picture.width) & ~1
        height = max(2, picture.height * width // picture.width & ~1)
        flat = picture.reformat(width=width, height=height, format="yuvj420p")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
        encoder.time_base = Fraction(1, 25)
        encoder.options = {"qmin": "2", "qmax": "4"}
        flat.pts = 0
        packets = [*encoder.encode(flat), *encoder.encode(None)]
    except (FFmpegError, ValueError, MemoryError):
        raise StillFailed("undecodable", "the key frame cannot be decoded") from None
    return Still(width, height, b"".join(bytes(packet) for packet in packets))


if __name__ == "__main__":
    main()
