"""Keeps Python's garbage collector from looking through a program that is still being loaded; imported first.

Nothing of what a start makes is garbage. Whoever imports this calls `end` once the start is over. This module must not
know what is started.
"""

import gc

gc.disable()


def end() -> None:
    """Collect again from now on, but not what the start made: it stays."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
