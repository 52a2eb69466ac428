"""Takes from a process the ability to make sockets, for good, by a filter of system calls (seccomp(2)).

Unlike a network namespace it needs no right that a container or a service's sandbox may refuse. It must not know who is
confined.
"""

import ctypes
import errno
import os
import struct

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_KILL = 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: LD|W|ABS, JMP|JEQ|K, JMP|JGE|K, RET|K
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4  # in struct seccomp_data
_OTHER_TABLE = 0x40000000  # x86-64: numbers from here on are those of the x32 calls
_IO_URING_SETUP = 425  # it can make sockets too; the same number everywhere
# by machine: AUDIT_ARCH of its 64-bit calls, and the number of socket(2) there
_MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198), "riscv64": (0xC00000F3, 198)}


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def filter_for(machine: str) -> bytes:
    """Return the filter for a machine as `uname -m` names it; empty where its numbers are not known."""
    if machine not in _MACHINES:
        return b""
    architecture, socket_number = _MACHINES[machine]
    steps = (
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_AT_LEAST, 2, 0, _OTHER_TABLE),
        (_EQUAL, 1, 0, socket_number),
        (_EQUAL, 0, 1, _IO_URING_SETUP),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    )
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def refuse_sockets(libc: ctypes.CDLL) -> bool:
    """Refuse socket(2) with EPERM from now on; no_new_privs must be set. False: the system cannot."""
    steps = filter_for(os.uname().machine)
    if not steps:
        return False
    program = _Program(len(steps) // 8, steps)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)
