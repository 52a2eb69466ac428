"""The systemd unit that a package brought: the places it has to be let write to, and starting it after the set-up.

Only where systemd runs and the unit is installed; elsewhere there is nothing to do. Must not know what a recorder is.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from kuramori.places import Places

UNIT = "kuramori.service"
SYSTEMD_RUNS = Path("/run/systemd/system")
DROP_IN = Path("/etc/systemd/system/kuramori.service.d/places.conf")
GIVEN = (Path("/srv/kuramori"), Path("/var/lib/kuramori"), Path("/run/kuramori"))  # by the unit itself
COMMAND_SECONDS_MOST = 30.0
PUBLIC_MODE = 0o644
_HEAD = "# Written by `kuramori init` from the configuration: where the recorder may write beside the usual places.\n"


def unit_installed() -> bool:
    """Tell whether systemd runs here, has the unit, and may be told by this account."""
    if os.geteuid() != 0 or not SYSTEMD_RUNS.is_dir() or shutil.which("systemctl") is None:
        return False
    return _systemctl("is-enabled", "--quiet", UNIT)


def drop_in_text(places: Places) -> str | None:
    """Return the drop-in that lets the service write where its configuration says; None where it may already."""
    files = [*places.volumes, *([places.ledger_mirror] if places.ledger_mirror is not None else [])]
    folders = {file.parent for file in files if not file.is_relative_to("/dev")}
    folders.update(folder for folder in (places.state, places.cell, places.fallback_cell) if folder is not None)
    devices = [volume for volume in places.volumes if volume.is_relative_to("/dev")]
    wanted = sorted(folder for folder in folders if not _given(folder, GIVEN))
    if not wanted and not devices:
        return None
    lines = [f"ReadWritePaths={_quoted(f'-{folder}')}\n" for folder in wanted]
    if devices:
        lines.append("PrivateDevices=no\n")
        lines += [f"DeviceAllow={_quoted(device)} rw\n" for device in devices]
    return _HEAD + "[Service]\n" + "".join(lines)


def let_write(places: Places) -> None:
    """Put the drop-in where systemd reads it. Raises OSError."""
    text = drop_in_text(places)
    if text is not None:
        DROP_IN.parent.mkdir(parents=True, exist_ok=True)
        DROP_IN.write_text(text, encoding="utf-8")
        DROP_IN.chmod(PUBLIC_MODE)
        _systemctl("daemon-reload")


def begin() -> bool:
    """Have systemd start the service, without waiting until it records; tell whether systemd agreed."""
    return _systemctl("start", "--no-block", UNIT)


def _given(folder: Path, places: Iterable[Path]) -> bool:
    return any(folder.is_relative_to(place) for place in places)


def _quoted(path: Path | str) -> str:
    """Return a path as a unit file takes it (systemd.syntax(7)): quoted, with its specifiers taken literally."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"' if any(letter in text for letter in ' "\\') else text


def _systemctl(*words: str) -> bool:
    try:
        done = subprocess.run(
            ["systemctl", *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS_MOST
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
