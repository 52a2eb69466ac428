"""The child process of the compatibility source: FFmpeg's demuxer (through PyAV) between two pipes.

It lives alone because a container that is closed while it reads brings the process down, and because a C parser
that meets a camera's bytes belongs where it can be killed. It knows one camera and nothing of the recorder. Texts
of the library are not passed on: they may hold the URL with its password.
"""

import ctypes
import errno
import re
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
    MAX_UNIT_BYTES,
    ChildEnded,
    ChildMessage,
    ChildOrder,
    ChildStarted,
    ChildUnit,
    encode,
    parse_order,
)
from kuramori.capture.source import EndReason

CLOCK_RATE_HZ = 90_000
RTP_TIME_ORIGIN = 1 << 32  # so that a step back before the first picture stays positive
DEFAULT_FRAMES_PER_SECOND = 25
MEMORY_BYTES_MOST = 1 << 30  # addresses; it begins with a quarter, and looks at some 4K pictures while opening
RECEIVE_BYTES = 1 << 20  # of the sockets, as far as the kernel grants it: a key frame comes at once
UDP_REFUSED = "the camera does not send over UDP: set transport = native"
_PR_SET_PDEATHSIG = 1
_START_CODE = re.compile(b"\x00\x00\x01")


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
            for unit in _units(container, container.streams.video[0], losses):
                _write(output, unit)
                if stopping.is_set():
                    return ChildEnded(EndReason.STOPPED, "stopped")
    except FFmpegError as error:
        return _explained(error)
    except MemoryError:
        return ChildEnded(EndReason.GARBAGE, "the stream needs more memory than any camera's does")
    return ChildEnded(EndReason.VANISHED, "the camera ended the stream")


def _units(container: InputContainer, stream: VideoStream, losses: LossCounter) -> Iterator[ChildUnit]:
    """Yield access units in arrival order; the first packet has no time, so it waits for the second."""
    frames_per_second = stream.average_rate or Fraction(DEFAULT_FRAMES_PER_SECOND)
    spacing = max(1, round(CLOCK_RATE_HZ / frames_per_second))
    to_clock = (stream.time_base or Fraction(1, CLOCK_RATE_HZ)) * CLOCK_RATE_HZ
    untimed: list[tuple[bytes, int]] = []
    last_time = RTP_TIME_ORIGIN
    for packet in container.demux(stream):
        data = bytes(packet)
        if not 0 < len(data) <= MAX_UNIT_BYTES // 2:
            continue  # what is missing before it stands with the next one
        lost = losses.take()
        if packet.pts is None:
            untimed.append((data, lost))
            if len(untimed) < 2:
                continue
            first_time = last_time + spacing
        else:
            first_time = RTP_TIME_ORIGIN + round(packet.pts * to_clock) - spacing * len(untimed)
            untimed.append((data, lost))
        for index, (its_data, its_lost) in enumerate(untimed):
            last_time = max(0, first_time + spacing * index)
            payload, count = length_prefixed(its_data)
            if count:
                yield ChildUnit(last_time, its_lost, count, payload)
        untimed.clear()


def length_prefixed(annexb: bytes) -> tuple[memoryview, int]:
    """Turn start codes into 32-bit lengths; return the payload and the number of NAL units."""
    out, count = bytearray(), 0
    starts = [match.end() for match in _START_CODE.finditer(annexb)]
    for index, start in enumerate(starts):
        end = starts[index + 1] - 3 if index + 1 < len(starts) else len(annexb)
        nal = annexb[start:end].rstrip(b"\x00")
        if nal:
            out += len(nal).to_bytes(4, "big") + nal
            count += 1
    return memoryview(bytes(out)), count


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
