"""What the extraction worker has given up, asked in a process that was confined."""

import subprocess
import sys

CONFINED = """
import socket
from kuramori.clips.confinement import confine
confine()
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
    try:
        socket.socket(family)
    except PermissionError:
        print("refused")
left, right = socket.socketpair()
left.send(b"pipes stay")
print(right.recv(64).decode())
"""

UNNAMED = """
import ctypes
from kuramori.clips import no_sockets
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
print(no_sockets.refuse_sockets(libc), libc.syscall(425, 1, 0), ctypes.get_errno())
"""


def answer(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_a_confined_worker_can_make_no_socket() -> None:
    """Whatever its namespaces: every family is refused; the pipes that it answers by stay."""
    assert answer(CONFINED).split("\n")[:4] == ["refused"] * 3 + ["pipes stay"]


def test_nor_by_the_other_way() -> None:
    """io_uring makes sockets without socket(2): it cannot be set up."""
    assert answer(UNNAMED).split() == ["True", "-1", "1"]
