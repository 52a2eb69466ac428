"""A folder behind a file system that fails when told (see fuse_passthrough). Needs /dev/fuse, mfusepy and fuse3."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("fuse_passthrough.py")
PATIENCE_SECONDS = 10.0


class FuseDisk:
    """`directory` is the mounted side, `backing` the folder behind it."""

    def __init__(self, folder: Path) -> None:
        self.directory, self.backing = folder / "mounted", folder / "backing"
        self._control = folder / "control.json"
        for path in (self.directory, self.backing):
            path.mkdir()
        self.rule()

    def rule(self, **rules: Any) -> None:
        """Obey these from the next operation on: write, fsync, read, open; none: all is well."""
        fresh = self._control.with_suffix(".new")
        fresh.write_text(json.dumps(rules))
        os.replace(fresh, self._control)

    @contextmanager
    def mounted(self) -> Iterator["FuseDisk"]:
        """Mount until the block ends."""
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(self.backing), str(self.directory), str(self._control)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not os.path.ismount(self.directory):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise OSError("the file system was not mounted")
                time.sleep(0.02)
            yield self
        finally:
            self.rule()
            subprocess.run(["fusermount3", "-u", "-z", str(self.directory)], check=False, capture_output=True)
            process.terminate()
            process.wait(PATIENCE_SECONDS)
