"""What the worker gives up before it sees a key: network, core dumps, children's leisure, swap, endless memory.

Each step that the system refuses is skipped, except dying with the parent: inside a container a user namespace may
not be allowed, and the worker opens no socket anyway. Must not know what is extracted.
"""

import ctypes
import os
import resource
import signal
import sys

from kuramori.clips.no_sockets import refuse_sockets

MEMORY_BYTES_MOST = 3 << 30  # address space: libraries map far more than they use
FILE_BYTES_MOST = 1 << 44
OPEN_FILES_MOST = 1024
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def confine() -> None:
    """Confine this process for good. Call before any thread is started."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.umask(0o077)
    _limit(resource.RLIMIT_CORE, 0)
    _keep_out_of_swap(libc)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    refuse_sockets(libc)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES_MOST)
    _limit(resource.RLIMIT_FSIZE, FILE_BYTES_MOST)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES_MOST)


def stay_off_disk() -> None:
    """Keep what this process holds out of core dumps, and out of swap where it may lock its memory. For good.

    For a process that passes pictures on without reading them. Off Linux there is no such call: nothing is done.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _keep_out_of_swap(libc)


def _keep_out_of_swap(libc: ctypes.CDLL) -> None:
    """Lock memory where there is no limit on locked memory; with one, later allocations would fail."""
    if os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (value, value))
