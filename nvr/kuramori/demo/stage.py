"""The stage: starts the product's commands as a user would, keeps track of them, and takes everything down.

Every command runs in a process group of its own, so that whatever it started ends with it. It must not know the story.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from kuramori.demo.narrator import command_line
from kuramori.texts import tr

COMMAND = "kuramori"
COMMAND_SECONDS = 120.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
LOG_TAIL_BYTES = 4000


class StepFailed(Exception):
    """Something did not go as the story says. The text says what; `detail` is what the step printed."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(what)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    words: tuple[str, ...]
    code: int
    output: str
    errors: str

    @property
    def all_output(self) -> str:
        """Both outputs, the ordinary one first."""
        return "\n".join(part.rstrip() for part in (self.output, self.errors) if part.strip())


@dataclass(slots=True)
class Actor:
    """A command that goes on in the background."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")


@dataclass(slots=True)
class Stage:
    """Everything that runs. Leave it with `clear`, whatever happened."""

    folder: Path
    environment: dict[str, str]
    actors: list[Actor] = field(default_factory=list)
    runtime: Path = field(init=False)  # sockets: short paths, not in the folder
    _current: subprocess.Popen[str] | None = None
    _starting: bool = False
    _interrupted: bool = False

    def __post_init__(self) -> None:
        self.runtime = Path(tempfile.mkdtemp(prefix="kuramori-demo-"))

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt, while a command is being started only afterwards: none is lost sight of."""
        if self._starting:
            self._interrupted = True
        else:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        self._starting = True
        try:
            yield
        finally:
            self._starting = False
        if self._interrupted:
            raise KeyboardInterrupt

    def run(self, words: Sequence[str]) -> Outcome:
        """Run a `kuramori` command to its end. Raises StepFailed only where it does not end."""
        with self._child(words, stdin=subprocess.DEVNULL) as child:
            try:
                output, errors = child.communicate(timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired as late:
                raise _endless(words) from late
        return Outcome(tuple(words), child.returncode, output, errors)

    def converse(self, words: Sequence[str], lines: int, answer: Callable[[list[str]], str]) -> Outcome:
        """Run a command that first prints some lines and then wants an answer to them."""
        with self._child(words, stdin=subprocess.PIPE) as child:
            if child.stdout is None:
                raise StepFailed(command_line(words))
            heard = [child.stdout.readline() for _ in range(lines)]
            try:
                output, errors = child.communicate(answer(heard) if all(heard) else "", timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired as late:
                raise _endless(words) from late
        return Outcome(tuple(words), child.returncode, output, errors)

    def start(self, name: str, words: Sequence[str]) -> Actor:
        """Start a `kuramori` command that stays; what it writes goes into a log."""
        log = self.folder / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as file, self._noting():
            process = subprocess.Popen(
                [sys.executable, "-m", "kuramori.cli", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=self.environment,
                start_new_session=True,
            )
            actor = Actor(name, process, log)
            self.actors.append(actor)
        return actor

    def require_alive(self) -> None:
        """Raise StepFailed where a background command has ended by itself."""
        for actor in self.actors:
            if actor.process.poll() is not None:
                raise StepFailed(
                    tr(
                        f"{actor.name} ended by itself (exit code {actor.process.returncode}).",
                        f"{actor.name} が途中で終了しました（終了コード {actor.process.returncode}）。",
                    ),
                    actor.tail(),
                )

    def stop(self, actor: Actor) -> float:
        """End a background command in the orderly way; return how many seconds that took. Raises StepFailed."""
        began = time.monotonic()
        actor.process.terminate()
        try:
            code = actor.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as late:
            raise StepFailed(
                tr(f"{actor.name} does not end.", f"{actor.name} が終了しません。"), actor.tail()
            ) from late
        self.actors.remove(actor)
        while _group_lives(actor.process.pid) and time.monotonic() - began < STOP_SECONDS:
            time.sleep(POLL_SECONDS)
        if code != 0 or _group_lives(actor.process.pid):
            _end_group(actor.process)
            raise StepFailed(
                tr(
                    f"{actor.name} did not end cleanly (exit code {code}).",
                    f"{actor.name} が正常に終了しませんでした（終了コード {code}）。",
                ),
                actor.tail(),
            )
        return time.monotonic() - began

    def clear(self) -> None:
        """End whatever still runs, the last one first, and remove the sockets. May be called twice."""
        if self._current is not None:
            _end_group(self._current)
            self._current = None
        for actor in reversed(self.actors):
            with contextlib.suppress(ProcessLookupError):
                actor.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for actor in reversed(self.actors):
            with contextlib.suppress(subprocess.TimeoutExpired):
                actor.process.wait(max(0.0, deadline - time.monotonic()))
            _end_group(actor.process)
        self.actors.clear()
        shutil.rmtree(self.runtime, ignore_errors=True)

    @contextlib.contextmanager
    def _child(self, words: Sequence[str], stdin: int) -> Iterator[subprocess.Popen[str]]:
        with self._noting():
            child = self._current = subprocess.Popen(
                [sys.executable, "-m", "kuramori.cli", *words],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=self.environment,
                start_new_session=True,
            )
        try:
            yield child
        finally:
            _end_group(child)
            for stream in (child.stdin, child.stdout, child.stderr):
                _close(stream)
            self._current = None


def _close(stream: IO[str] | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.close()


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end_group(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Kill what is left of a command's process group, and wait for the command itself."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _endless(words: Sequence[str]) -> StepFailed:
    line = command_line((COMMAND, *words))
    return StepFailed(
        tr(f"No end after {COMMAND_SECONDS:.0f} s: {line}", f"{COMMAND_SECONDS:.0f}秒待っても終わりません: {line}")
    )


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody uses just now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
