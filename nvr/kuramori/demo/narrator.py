"""How the demo speaks: acts, plain sentences, the commands it types and what they answered, progress.

English, or Japanese where LANG says so (`kuramori.texts`). It must not know what happens in any act.
"""

import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from kuramori.texts import tr

PLAIN_COLUMNS = 120  # where no terminal says how wide it is
POLL_SECONDS = 0.2
INDENT = 4


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_COLUMNS)


class Narrator:
    """Tells the story on standard output."""

    def __init__(self, acts: int) -> None:
        self.console = _console()
        self._acts = acts
        self._act = 0
        self._began = time.monotonic()

    @property
    def columns(self) -> int:
        """How wide a command's output may be."""
        return self.console.width - INDENT

    def opening(self, title: str, *sentences: str) -> None:
        """Say what is going to happen."""
        self.console.print()
        self.console.print(Text(title, style="bold"))
        self.say(*sentences)

    def act(self, title: str) -> None:
        """Begin the next act."""
        self._act += 1
        elapsed = round(time.monotonic() - self._began)
        self.console.print()
        minutes, seconds = divmod(elapsed, 60)
        self.console.rule(
            Text(f"{self._act}/{self._acts}  {title}  ({minutes}:{seconds:02d})", style="bold cyan"), align="left"
        )

    def say(self, *sentences: str) -> None:
        """Say something in plain words, a paragraph for each text."""
        for sentence in sentences:
            self.console.print(Text(sentence))

    def command(self, words: Sequence[str]) -> None:
        """Show a command as it is typed."""
        self.console.print(Padding(Text(f"$ {shlex.join(words)}", style="bold"), (0, 0, 0, 2), expand=False))

    def call(self, line: str, person: str) -> None:
        """Show a call of the API, and who makes it."""
        self.console.print(Padding(Text.assemble((line, "bold"), f"   {person}"), (0, 0, 0, 2), expand=False))

    def output(self, text: str, most_lines: int | None = None) -> None:
        """Show what a command answered; of a long answer the beginning."""
        lines = text.rstrip().splitlines()
        shown = lines if most_lines is None or len(lines) <= most_lines else [*lines[:most_lines], "…"]
        self.console.print(Padding(Text("\n".join(shown), style="dim"), (0, 0, 0, INDENT), expand=False))

    def good(self, text: str) -> None:
        """Say that something went as it should."""
        self.console.print(Text.assemble(("✓ ", "bold green"), text))

    def refused(self, text: str) -> None:
        """Say that something was refused, as it should be."""
        self.console.print(Text.assemble(("✗ ", "bold yellow"), text))

    def failure(self, text: str, detail: str = "") -> None:
        """Say that the demo itself went wrong, with all that is known."""
        self.console.print()
        self.console.print(Text(text, style="bold red"))
        if detail:
            self.console.print(Padding(Text(detail.rstrip()), (0, 0, 0, INDENT), expand=False))

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something is being done."""
        if self.console.is_terminal:
            with self.console.status(Text(text)):
                yield
        else:
            yield

    def progress(self, text: str, seconds: float, check: Callable[[], None]) -> None:
        """Let time pass visibly; `check` raises where somebody we wait for has died."""
        columns = (TextColumn("  {task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console, disable=not self.console.is_terminal) as progress:
            task = progress.add_task(text, total=seconds)
            began = time.monotonic()
            while (passed := time.monotonic() - began) < seconds:
                check()
                progress.update(task, completed=passed)
                time.sleep(min(POLL_SECONDS, seconds - passed))
            progress.update(task, completed=seconds)
        if not self.console.is_terminal:
            self.say(tr(f"  {text}: done, {seconds:.0f} s", f"  {text}: 完了（{seconds:.0f}秒）"))


def command_line(words: Sequence[str]) -> str:
    """Return a command as it would be typed, for messages."""
    return shlex.join(words)


def child_environment(columns: int) -> dict[str, str]:
    """Return the environment of the commands: ours, without what would change who acts and where."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KURAMORI_")}
    return environment | {"COLUMNS": str(columns), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
