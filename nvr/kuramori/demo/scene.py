"""The scene: what the acts know of each other, and how they run a command before the audience.

It must not know what any act is about.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

from kuramori.cli.times import format_time
from kuramori.demo.cast import Cast, Custodian, DemoCamera, cast, custodians
from kuramori.demo.narrator import Narrator
from kuramori.demo.stage import COMMAND, Outcome, Stage, StepFailed
from kuramori.texts import tr


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the demo takes."""

    record_seconds: float
    request_seconds: int
    discover_seconds: float


FULL = Pace(record_seconds=40.0, request_seconds=10, discover_seconds=3.0)
QUICK = Pace(record_seconds=12.0, request_seconds=5, discover_seconds=1.5)


@dataclass(slots=True)
class Scene:
    """Everything that one act leaves for the next."""

    folder: Path  # as the user would type it
    stage: Stage
    narrator: Narrator
    pace: Pace
    zone: tzinfo
    people: Cast = field(default_factory=cast)
    custodians: tuple[Custodian, ...] = ()
    cameras: tuple[DemoCamera, ...] = ()
    spare_camera: str = ""  # the address of one that nobody took into service yet
    metrics_port: int = 0
    recording_from_utc_ms: int = 0
    from_utc_ms: int = 0
    to_utc_ms: int = 0
    request: str = ""

    def __post_init__(self) -> None:
        self.custodians = custodians(self.folder / "people")

    # ---- places ------------------------------------------------------------------------------------------------

    @property
    def config(self) -> Path:
        """The recorder's configuration."""
        return self.folder / "kuramori.toml"

    @property
    def medium(self) -> Path:
        """The recording medium: volume and state."""
        return self.folder / "recording-medium"

    @property
    def second_volume(self) -> Path:
        """A second volume, where a story has one."""
        return (self.medium / "volume1").resolve()

    @property
    def medium_copy(self) -> Path:
        """What somebody copied from it."""
        return self.folder / "copy-of-the-medium"

    @property
    def cell(self) -> Path:
        """The keystore's cell, on a path of its own."""
        return self.folder / "cell-device" / "cell"

    @property
    def desk_socket(self) -> Path:
        """Where the desk answers."""
        return self.stage.runtime / "run" / "desk.sock"

    @property
    def certificate(self) -> Path:
        """The recorder's certificate, which the site publishes."""
        return self.medium / "state" / "device_certificate.pem"

    @property
    def bundle(self) -> Path:
        """What the handler takes."""
        return self.folder / "bundle"

    # ---- times -------------------------------------------------------------------------------------------------

    def time(self, utc_ms: int) -> str:
        """Return a time as a person writes it on the command line."""
        return format_time(utc_ms, self.zone)

    @property
    def asked_range(self) -> tuple[str, str, str, str]:
        """The options that name the requested seconds."""
        return ("--from", self.time(self.from_utc_ms), "--to", self.time(self.to_utc_ms))

    # ---- commands ----------------------------------------------------------------------------------------------

    def quiet(self, *words: str | Path) -> Outcome:
        """Run a command that the audience need not see."""
        return self.stage.run([str(word) for word in words])

    def done(
        self, *words: str | Path, waiting: str = "", most_lines: int | None = None, silent: bool = False
    ) -> Outcome:
        """Run a command that has to succeed; show it, and what it answered. Raises StepFailed."""
        outcome = self._shown(words, waiting)
        if outcome.code != 0:
            raise _failed(outcome, tr("This should have worked", "成功するはずの操作が失敗しました"))
        if not silent:
            self.narrator.output(outcome.all_output, most_lines)
        return outcome

    def refused(self, *words: str | Path, code: int = 1) -> Outcome:
        """Run a command that has to be refused with this exit code and a sentence. Raises StepFailed."""
        outcome = self._shown(words)
        if outcome.code != code or not outcome.all_output:
            raise _failed(outcome, tr("This should have been refused", "拒否されるはずの操作が拒否されませんでした"))
        self.narrator.output(outcome.all_output)
        return outcome

    def json_of(self, outcome: Outcome) -> Any:
        """Return what a command answered in JSON. Raises StepFailed."""
        try:
            return json.loads(outcome.output)
        except ValueError as error:
            raise _failed(outcome, tr("The answer is not JSON", "応答がJSONではありません")) from error

    def _shown(self, words: Sequence[str | Path], waiting: str = "") -> Outcome:
        texts = [str(word) for word in words]
        self.narrator.command([COMMAND, *texts])
        with self.narrator.waiting(waiting or texts[0]):
            outcome = self.stage.run(texts)
        self.stage.require_alive()
        return outcome


def _failed(outcome: Outcome, what: str) -> StepFailed:
    line = " ".join((COMMAND, *outcome.words))
    return StepFailed(f"{what} (exit code {outcome.code}): {line}", outcome.all_output)
