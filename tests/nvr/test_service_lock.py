"""One service for one runtime directory, until its last process has ended."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from kuramori.service_lock import ServiceRunning, lock_service

WAITS_FOR_INPUT = "import sys; sys.stdin.read()"


async def test_a_second_service_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """Who comes second waits for a while, then is told what to do; the first is not touched."""
    lock = await lock_service(tmp_path)
    with pytest.raises(ServiceRunning, match=r"^A service runs in .* already: stop it first[^.]*\.[^.]*\.$"):
        await lock_service(tmp_path, patience_seconds=0.1)
    lock.close()
    (await lock_service(tmp_path, patience_seconds=0.1)).close()


async def test_the_lock_lasts_as_long_as_any_process_of_the_service(tmp_path: Path) -> None:
    """A supervisor was killed and its recorder still ends in order: the next service waits for that."""
    lock = await lock_service(tmp_path)
    command = [sys.executable, "-c", WAITS_FOR_INPUT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(lock.descriptor,)) as process:
        lock.close()
        with pytest.raises(ServiceRunning):
            await lock_service(tmp_path, patience_seconds=0.1)
        waiting = asyncio.create_task(lock_service(tmp_path))
        await asyncio.sleep(0)
        assert not waiting.done()
        assert process.stdin is not None
        process.stdin.close()
        (await waiting).close()


async def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    """Whoever could put a link there cannot make the service open another file."""
    (tmp_path / "service.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        await lock_service(tmp_path)
    assert not (tmp_path / "elsewhere").exists()
