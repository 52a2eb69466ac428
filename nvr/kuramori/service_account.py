"""The account that the service runs under: who it is, and handing it what `kuramori init` made as root.

A package makes the account; without it everything stays with whoever ran the command. The configuration stays root's
and is readable by the account's group, so that the service cannot rewrite the rules it runs under. Must not know what
is inside any file.
"""

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kuramori.places import Places

ACCOUNT = "kuramori"
CONFIGURATION_MODE = 0o640
ROOT_UID = 0


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The account's numbers."""

    uid: int
    gid: int

    @classmethod
    def of_this_machine(cls) -> Self | None:
        """Return the account, None where there is none, or where files cannot be given to it."""
        if os.geteuid() != ROOT_UID:
            return None
        try:
            return cls(pwd.getpwnam(ACCOUNT).pw_uid, grp.getgrnam(ACCOUNT).gr_gid)
        except KeyError:
            return None

    def take_over(self, configuration: Path, places: Places) -> None:
        """Give the account what the recorder writes, and let it read the configuration. Raises OSError.

        Devices (a volume can be one) are left as they are: their owner is a matter of the machine's device rules.
        """
        os.chown(configuration, ROOT_UID, self.gid, follow_symlinks=False)
        os.chmod(configuration, CONFIGURATION_MODE, follow_symlinks=True)
        folders = [places.state, places.secrets, places.cell, places.fallback_cell]
        for folder in folders:
            if folder is not None and folder.is_dir():
                self._give_tree(folder)
        mirror = places.ledger_mirror
        mirrors = list(mirror.parent.glob(f"{mirror.name}*")) if mirror is not None else []
        given = {path for path in (*places.volumes, *mirrors) if path.exists()}
        for path in given:
            self._give(path)
        for folder in {path.parent for path in given}:
            if given.issuperset(folder.iterdir()):  # a folder of the recorder's own: SQLite makes its journal in it
                self._give(folder)

    def _give_tree(self, folder: Path) -> None:
        for top, _, names in os.walk(folder, followlinks=False):
            self._give(Path(top))
            for name in names:
                self._give(Path(top) / name)

    def _give(self, path: Path) -> None:
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
