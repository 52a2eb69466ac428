"""The hand-made socket reader: partial sends, resets, names, and what it leaves for later."""

import asyncio
import socket
import struct
from dataclasses import dataclass, field

from kuramori.capture.rtsp_connection import (
    MAX_LOW_WATER_BYTES,
    MAX_UNSENT_BYTES,
    PlainConnection,
    ReceiveBuffer,
    TlsTrust,
    connect,
)
from kuramori.capture.rtsp_url import parse_stream_url
from kuramori.capture.source import EndReason, SourceEnded


@dataclass
class Lines:
    """A receiver that takes whole lines in."""

    buffer: ReceiveBuffer = field(default_factory=lambda: ReceiveBuffer(64))
    taken: list[bytes] = field(default_factory=list)
    over: list[SourceEnded] = field(default_factory=list)

    def received(self, end: int) -> int:
        data = bytes(self.buffer.data[:end])
        done = data.rfind(b"\n") + 1
        self.taken += data[:done].split(b"\n")[:-1]
        return done

    def connection_over(self, ended: SourceEnded) -> None:
        self.over.append(ended)


def connected() -> tuple[PlainConnection, socket.socket, Lines]:
    """A connection and the camera's end of it."""
    ours, cameras = socket.socketpair()
    ours.setblocking(False)
    lines = Lines()
    return PlainConnection(ours, lines.buffer, lines), cameras, lines


async def test_the_incomplete_end_is_kept_per_connection() -> None:
    """Two connections on one buffer, read in turns: each line comes out whole."""
    one, camera_one, lines_one = connected()
    two, camera_two, lines_two = connected()
    two._buffer = lines_two.buffer = one._buffer
    one.start_reading()
    two.start_reading()
    text = b"".join(b"line %d\n" % number for number in range(40))
    for at in range(0, len(text), 5):
        camera_one.send(text[at : at + 5])
        camera_two.send(text[at : at + 5].upper())
        one.read_available()
        two.read_available()
    assert lines_one.taken == text.split(b"\n")[:-1]
    assert lines_two.taken == text.upper().split(b"\n")[:-1]
    for end in (one, two, camera_one, camera_two):
        end.close()


async def test_more_than_the_buffer_holds_is_read_in_several_goes() -> None:
    """One wake-up empties the kernel's queue, within bounds."""
    connection, camera, lines = connected()
    camera.send(b"0123456789\n" * 30)
    connection.start_reading()
    connection.read_available()
    assert len(lines.taken) == 30
    connection.close()
    camera.close()


async def test_nothing_is_read_before_start_and_after_stop() -> None:
    """What comes meanwhile waits in the kernel."""
    connection, camera, lines = connected()
    camera.send(b"a\n")
    connection.read_available()
    assert lines.taken == []
    connection.start_reading()
    connection.read_available()
    connection.stop_reading()
    camera.send(b"b\n")
    connection.read_available()
    assert lines.taken == [b"a"]
    connection.close()
    camera.close()


async def test_what_the_kernel_does_not_take_is_sent_later() -> None:
    """In order, and not twice."""
    connection, camera, lines = connected()
    connection.start_reading()
    sent = b""
    while not connection._unsent:
        piece = bytes([len(sent) // 5000 % 256]) * 5000
        connection.send(piece)
        sent += piece
    received = b""
    camera.setblocking(False)
    while len(received) < len(sent):
        received += camera.recv(1 << 20)
        connection.read_available()
    assert received == sent
    assert lines.over == []
    connection.close()
    camera.close()


async def test_a_camera_that_takes_nothing_in_is_given_up() -> None:
    """A few answers may wait, not any number."""
    connection, camera, lines = connected()
    for _ in range(1000):
        connection.send(bytes(MAX_UNSENT_BYTES // 2))
    assert [ended.reason for ended in lines.over] == [EndReason.VANISHED]
    connection.send(b"more")
    connection.start_reading()
    connection.close()
    camera.close()


async def test_a_reset_is_an_end() -> None:
    """The camera lost its power: said once, by reading or by sending."""
    listener = socket.create_server(("127.0.0.1", 0))
    url, _ = parse_stream_url(f"rtsp://localhost:{listener.getsockname()[1]}/")
    for act in ("read", "send"):
        lines = Lines()
        connection = await connect(url, TlsTrust(), lines.buffer, lines)
        camera, _ = listener.accept()
        camera.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        camera.close()
        await asyncio.sleep(0)
        if act == "read":
            connection.start_reading()
            connection.read_available()
        else:
            connection.send(b"x")
        connection.send(b"x")
        assert [ended.reason for ended in lines.over] == [EndReason.VANISHED]
    listener.close()


async def test_the_kernel_is_told_how_much_to_gather_within_bounds() -> None:
    """The mark reaches the socket; one that no kernel would take is cut, not an error."""
    connection, camera, _ = connected()
    for wanted, told in ((300 << 10, 300 << 10), (1 << 40, MAX_LOW_WATER_BYTES)):
        connection.start_reading(wanted)
        assert connection._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == told
    connection.close()
    camera.close()
