"""Asking the running recorder, and where there is none, finding out without it from the configuration and the machine.

What is found out without the recorder is a lesser answer; the command says which one it shows. Must not know commands.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kuramori.cli.client import CommandFailure, DeskProblem
from kuramori.texts import japanese_wanted, tr

if TYPE_CHECKING:
    from kuramori_config.schema import Configuration

RECORDER_AWAY = "recorder-unreachable"  # the code of the desk's problem
T = TypeVar("T")


def desk_or_machine(
    config: Path | None, resource: str, kind: type[T], without: "Callable[[Configuration, int], T]"
) -> tuple[T, bool]:
    """Return the answer, and whether the recorder gave it. `without` gets the time, too. Raises CommandFailure."""
    from kuramori.cli.client import DeskNotRunning
    from kuramori.cli.options import desk_for, now_utc_ms
    from kuramori.wire import WireInvalid, from_plain

    try:
        with desk_for(config) as desk:
            answer: Any = desk.get_json(resource)
        return from_plain(kind, answer), True
    except DeskNotRunning:
        return without(_configuration(config), now_utc_ms()), False
    except DeskProblem as problem:
        if problem.code != RECORDER_AWAY:
            raise
        return without(_configuration(config), now_utc_ms()), False
    except WireInvalid as invalid:
        raise CommandFailure(
            tr(f"The desk's answer is not understood: {invalid}", f"受付(desk)の応答を解釈できません: {invalid}")
        ) from None


def _configuration(config: Path | None) -> "Configuration":
    from kuramori.cli.camera_common import config_path
    from kuramori_config.faults import ConfigurationFault
    from kuramori_config.load import load_configuration

    try:
        return load_configuration(config_path(config))
    except ConfigurationFault as fault:
        raise CommandFailure(fault.text(japanese=japanese_wanted())) from None
