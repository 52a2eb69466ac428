"""Keeps Python's garbage collector from looking through the recorder while it is still being loaded; imported first.

Nothing of what a start makes is garbage. Only a process that runs as the recorder's program is meant: whoever else
imports its modules keeps the collector. `end` is called once the start is over, and after `REST_SECONDS` in any case:
a start can wait long for a medium. This module must not know what is started.
"""

import gc
import sys

PROGRAM = "kuramori.recorder_process"
REST_SECONDS = 10.0


def _is_program() -> bool:
    specification = getattr(sys.modules.get("__main__"), "__spec__", None)
    return specification is not None and specification.name == PROGRAM


if _is_program():
    gc.disable()


def end() -> None:
    """Collect again from now on, but not what the start made: it stays. May be called again."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
