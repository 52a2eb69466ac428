"""The commands as a person types them, each in a process of its own, and what bad input must look like.

For tests: `typed` runs one command; `refusal` holds it to one sentence, a non-zero exit and no inside shown.
"""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 60
INSIDES = ("Traceback", "Errno", 'File "', "<kuramori", "object at 0x")
LARGE_BYTES = 64 << 20  # volumes are not looked into


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command answered."""

    code: int
    out: str
    err: str

    def refusal(self, code: int = 1, *, sentences: int = 1) -> str:
        """Return the only thing said: so many lines on standard error, nothing of the program's inside."""
        lines = [line for line in self.err.splitlines() if not line.startswith("{")]  # JSON: the log
        assert self.code == code, (self.code, self.out, self.err)
        assert len(lines) == sentences, self.err
        said = "\n".join(lines)
        assert not [inside for inside in INSIDES if inside in self.out + said], self.err
        return said


def typed(*words: object, japanese: bool = False, folder: Path | None = None, home: Path | None = None) -> Typed:
    """Run a command to its end. `home`: where the command may keep its own notes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KURAMORI_")}
    environment |= {"LC_ALL": "", "LANG": "ja_JP.UTF-8" if japanese else "C.UTF-8", "PYTHONUTF8": "1"}
    if home is not None:
        environment["KURAMORI_NOTEBOOK"] = str(home / "notebook.json")
    command = [sys.executable, "-m", "kuramori.cli", *map(str, words)]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Typed(done.returncode, done.stdout, done.stderr)


def contents(folder: Path) -> dict[str, str]:
    """Return every file below a folder with its digest, to see that nothing was left, lost or half-written."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink() or not path.is_file():
            found[name] = "-"
        elif path.stat().st_size > LARGE_BYTES:
            found[name] = f"{path.stat().st_size} bytes"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
