"""What the service manager is told: ready, reading the configuration again, alive, stopping (sd_notify(3)).

Only the supervisor tells, so that one process answers for all: the address is taken out of the environment, and no
other process of the service inherits it. Without a service manager nothing is sent. This module must not know when
anything is true.
"""

import os
import socket
import time
from collections.abc import MutableMapping

from kuramori.journal_entry import on_one_line

ADDRESS = "NOTIFY_SOCKET"
WATCHDOG_INTERVAL, WATCHDOG_PROCESS = "WATCHDOG_USEC", "WATCHDOG_PID"
STATUS_CHARACTERS_MOST = 400
US_PER_SECOND = 1_000_000


class ServiceManager:
    """Sends to the service manager. `watchdog_seconds`: it wants a sign of life that often; None: never."""

    def __init__(self, address: str = "", watchdog_seconds: float | None = None) -> None:
        self.watchdog_seconds = watchdog_seconds
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        self._status = ""

    @classmethod
    def of(cls, environment: MutableMapping[str, str], pid: int) -> "ServiceManager":
        """Return the one that started this process, and take its address out of the environment."""
        address = environment.pop(ADDRESS, "")
        interval = environment.pop(WATCHDOG_INTERVAL, "")
        meant = environment.pop(WATCHDOG_PROCESS, "") in ("", str(pid))
        if address[:1] not in ("/", "@"):
            return cls()
        wanted = meant and interval.isdecimal() and int(interval) > 0
        return cls(address, int(interval) / US_PER_SECOND if wanted else None)

    @property
    def listens(self) -> bool:
        """Tell whether there is one."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """Recording can begin; or, after `reloading`, the configuration has been read."""
        self._send("READY=1", self._of_status(status))

    def reloading(self, status: str) -> None:
        """The configuration is being read again."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now_us}", self._of_status(status))

    def status(self, status: str) -> None:
        """Say how it is, in one line; nothing is sent when that has not changed."""
        if status != self._status:
            self._send(self._of_status(status))

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def stopping(self, status: str) -> None:
        """The end has begun."""
        self._send("STOPPING=1", self._of_status(status))

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _of_status(self, status: str) -> str:
        self._status = status
        return "STATUS=" + on_one_line(status)[:STATUS_CHARACTERS_MOST]

    def _send(self, *lines: str) -> None:
        """Send, and never wait: a manager that does not listen must hold no recording up."""
        if not self._address:
            return
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            self.close()


def manager_of_this_process() -> ServiceManager:
    """Return the service manager that started this process."""
    return ServiceManager.of(os.environ, os.getpid())
