"""Drives floor.c: connects N cameras, hands their sockets to C, prints one JSON line of totals. Runs as a child.

Usage: python -m tests.bench.floor LIBRARY RING CAMERAS SECONDS LOW_WATER rtsp://host:port/cam{}
The RTSP conversation here is the shortest that makes a camera play; it is not the recorder's.
"""

import ctypes
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

SOURCE = Path(__file__).with_name("floor.c")
RING_BYTES = 64 << 20  # as in floor.c
WARM_UP_SECONDS = 2.0


NAMES = ("bytes", "packets", "frames", "lost", "wake_ups", "written", "cpu_ns", "wall_ns")


class Totals(ctypes.Structure):
    """Mirrors `struct totals` of floor.c."""

    _fields_ = [(name, ctypes.c_uint64) for name in NAMES]


def build(library: Path) -> Path:
    """Compile floor.c unless the library is newer."""
    if not library.exists() or library.stat().st_mtime < SOURCE.stat().st_mtime:
        command = ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-lcrypto"]
        subprocess.run(command, check=True)
    return library


def _ask(camera: socket.socket, request: str) -> str:
    camera.sendall(request.encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += camera.recv(1)
    head = answer.decode("latin1")
    if " 200 " not in head.split("\r\n", 1)[0]:
        raise ConnectionError(head.split("\r\n", 1)[0])
    length = re.search(r"content-length:\s*(\d+)", head, re.I)
    body = b""
    while length and len(body) < int(length[1]):
        body += camera.recv(int(length[1]) - len(body))
    return head + body.decode("latin1")


def play(url: str) -> socket.socket:
    """Connect, describe, set the first media up and play; return the socket with the first packet unread."""
    parts = urlsplit(url)
    camera = socket.create_connection((parts.hostname or "", parts.port or 554))
    described = _ask(camera, f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n")
    control = re.search(r"m=video.*?a=control:(\S+)", described, re.S)
    track = control[1] if control and "://" in control[1] else f"{url}/{control[1] if control else ''}"
    transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
    answer = _ask(camera, f"SETUP {track} RTSP/1.0\r\nCSeq: 2\r\n{transport}\r\n")
    session = re.search(r"session:\s*([^;\r]+)", answer, re.I)
    _ask(camera, f"PLAY {url} RTSP/1.0\r\nCSeq: 3\r\nSession: {session[1] if session else ''}\r\n\r\n")
    camera.setblocking(False)
    return camera


def main(library: str, ring: str, cameras: int, seconds: float, low_water: int, url: str) -> None:
    """Record `cameras` cameras for `seconds` and print the totals."""
    floor = ctypes.CDLL(library)
    floor.floor_run.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int, *[ctypes.c_double] * 2, ctypes.c_int]
    floor.floor_run.argtypes += [ctypes.c_void_p]
    sockets = [play(url.format(number)) for number in range(cameras)]
    descriptors = (ctypes.c_int * cameras)(*[camera.fileno() for camera in sockets])
    file = os.open(ring, os.O_RDWR | os.O_CREAT, 0o600)
    os.posix_fallocate(file, 0, cameras * RING_BYTES)
    totals = Totals()
    result = floor.floor_run(descriptors, cameras, file, WARM_UP_SECONDS, seconds, low_water, ctypes.byref(totals))
    print(json.dumps({name: getattr(totals, name) for name in NAMES} | {"result": result}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]), sys.argv[6])
