"""The garbage collector rests while the recorder's program is loaded, and for nobody else who imports its modules."""

import subprocess
import sys

SAY = "import gc; import kuramori.recorder_process; print(gc.isenabled())"
AS_PROGRAM = (
    "import gc, importlib.machinery, sys; "
    "sys.modules['__main__'].__spec__ = importlib.machinery.ModuleSpec('kuramori.recorder_process', None); "
    "from kuramori import collector_pause; print(gc.isenabled()); collector_pause.end(); print(gc.isenabled())"
)


def told(program: str) -> list[str]:
    """What a Python of its own prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_whoever_imports_the_recorder_keeps_the_collector() -> None:
    """A test or another process would grow without bounds otherwise."""
    assert told(SAY) == ["True"]


def test_the_program_rests_it_until_the_start_is_over() -> None:
    """Off when loading begins, on again afterwards."""
    assert told(AS_PROGRAM) == ["False", "True"]
