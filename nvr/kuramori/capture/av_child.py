"""The child process of the compatibility source: FFmpeg's demuxer (through PyAV) between two pipes.

It lives alone because a container that is closed while it reads brings the process down, and because a C parser
that meets a camera's bytes belongs where it can be killed. It knows one camera and nothing of the recorder. Texts
of the library are not passed on: they may hold the URL with its password.
"""

import ctypes
import errno
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO

import av
import av.logging
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from kuramori.capture.av_log import LossCounter, counted_losses
from kuramori.capture.av_protocol import (
    ChildEnded,
    ChildMessage,
    ChildOrder,
    ChildStarted,
    encode,
    parse_order,
)
from kuramori.capture.av_units import CLOCK_RATE_HZ, MAX_PIECE_BYTES, Piece, timed, whole
from kuramori.capture.source import Codec, EndReason

DEFAULT_FRAMES_PER_SECOND = 25
MEMORY_BYTES_MOST = 1 << 30  # addresses; it begins with a quarter, and looks at some 4K pictures while opening
RECEIVE_BYTES = 1 << 20  # of the sockets, as far as the kernel grants it: a key frame comes at once
UDP_REFUSED = "the camera does not send over UDP: set transport = native"
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read the order, deliver units until the stream ends or standard input is closed."""
    _die_with_parent()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MOST, MEMORY_BYTES_MOST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    order = parse_order(sys.stdin.buffer.readline())
    stopping = threading.Event()
    threading.Thread(target=_watch_parent, args=(sys.stdin.buffer, stopping), daemon=True).start()
    output = sys.stdout.buffer
    try:
        ended = _deliver(order, output, stopping)
    except BrokenPipeError:
        return
    _write(output, ended)


def _deliver(order: ChildOrder, output: BinaryIO, stopping: threading.Event) -> ChildEnded:
    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)
    options = {
        "rtsp_transport": order.transport,
        "allowed_media_types": "video",
        "buffer_size": str(RECEIVE_BYTES),
        "timeout": str(int(order.timeout_seconds * 1_000_000 / 2)),  # it fires after twice its value
    }
    losses = counted_losses()
    try:
        with av.open(order.url, options=options) as container:
            if not container.streams.video:
                return ChildEnded(EndReason.UNSUITABLE, "the stream has no video")
            _write(output, ChildStarted())
            stream = container.streams.video[0]
            codec = Codec.H264 if stream.codec_context.name == "h264" else Codec.H265
            pieces = whole(_pieces(container, stream, losses), codec)
            rate = stream.average_rate or Fraction(DEFAULT_FRAMES_PER_SECOND)
            for unit in timed(pieces, Fraction(rate.numerator, rate.denominator)):  # PyAV 19 has a type of its own
                _write(output, unit)
                if stopping.is_set():
                    return ChildEnded(EndReason.STOPPED, "stopped")
    except FFmpegError as error:
        return _explained(error)
    except MemoryError:
        return ChildEnded(EndReason.GARBAGE, "the stream needs more memory than any camera's does")
    return ChildEnded(EndReason.VANISHED, "the camera ended the stream")


def _pieces(container: InputContainer, stream: VideoStream, losses: LossCounter) -> Iterator[Piece]:
    """Yield what the demuxer hands out, in arrival order."""
    to_clock = (stream.time_base or Fraction(1, CLOCK_RATE_HZ)) * CLOCK_RATE_HZ
    for packet in container.demux(stream):
        data = bytes(packet)
        if 0 < len(data) <= MAX_PIECE_BYTES:  # what is missing before a larger one stands with the next
            yield Piece(data, None if packet.pts is None else round(packet.pts * to_clock), losses.take())


def _explained(error: FFmpegError) -> ChildEnded:
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return ChildEnded(EndReason.REFUSED, "wrong user name or password", wrong_credentials=True)
    if isinstance(error, av.error.HTTPClientError):
        return ChildEnded(EndReason.REFUSED, "the camera refuses the stream")
    if isinstance(error, av.error.InvalidDataError):
        return ChildEnded(EndReason.GARBAGE, "what comes is not the video that was described")
    if isinstance(error, TimeoutError):
        return ChildEnded(EndReason.STALLED, "nothing came")
    if error.errno == errno.EPROTONOSUPPORT:
        return ChildEnded(EndReason.UNSUITABLE, UDP_REFUSED)
    if isinstance(error, ConnectionError):
        return ChildEnded(EndReason.UNREACHABLE, "no connection")
    return ChildEnded(EndReason.VANISHED, f"the stream broke (code {error.errno})")


def _write(output: BinaryIO, message: ChildMessage) -> None:
    output.write(encode(message))
    output.flush()


def _watch_parent(orders: BinaryIO, stopping: threading.Event) -> None:
    """Standard input is closed: the parent wants an end after the next packet."""
    orders.read()
    stopping.set()


def _die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent is gone: a reader that blocks would not notice (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
