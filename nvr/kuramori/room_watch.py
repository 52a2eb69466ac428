"""Watches whether the state directory has room left: a full file system is told before anything fails of it.

Volumes are preallocated, so recording goes on; ledger and keystore need a little. This module must not know what is
written there.
"""

import asyncio
import os
from pathlib import Path

from kuramori import log
from kuramori.recorder import Recorder
from kuramori.texts import tr

LOOK_SECONDS = 10.0
ROOM_BYTES_LEAST = 32 << 20  # a rotation of the largest keystore, and the ledger's growth of weeks
PROBLEM = "state room"  # among the recorder's problems


class RoomWatch:
    """Looks every ten seconds, in the books' thread: a medium that hangs holds nothing else up."""

    def __init__(self, recorder: Recorder, directory: Path) -> None:
        self._recorder = recorder
        self._directory = directory

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._judge(await self._recorder.books.call(_room_bytes, self._directory))
            await asyncio.sleep(LOOK_SECONDS)

    def _judge(self, room_bytes: int | None) -> None:
        problems = self._recorder.problems
        if room_bytes is None or room_bytes >= ROOM_BYTES_LEAST:
            problems.pop(PROBLEM, None)
            return
        if PROBLEM not in problems:
            log.get().error("state_directory_full", path=str(self._directory), room_bytes=room_bytes)
        problems[PROBLEM] = full_problem(self._directory, room_bytes)


def full_problem(directory: Path, room_bytes: int) -> str:
    """Return the sentence for a file system without room."""
    room = room_bytes >> 20
    return tr(
        f"The file system of {directory} has {room} MiB left: make room there. Recording goes on in the volumes, "
        "but ledger and keys will soon not be written.",
        f"{directory} のファイルシステムの空きが {room} MiB です。空きを確保してください。"
        "録画は保存領域で継続しますが、台帳と鍵をまもなく書き込めなくなります。",
    )


def _room_bytes(directory: Path) -> int | None:
    """Return what may still be written there; None where that cannot be asked, which others tell."""
    try:
        status = os.statvfs(directory)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize
