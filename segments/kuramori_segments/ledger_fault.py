"""The ledger's errors: one class for each thing that goes wrong with it, with the facts for the operator.

    LedgerFault
    ├── LedgerMissing          neither database exists: nothing was set up here
    ├── LedgerLost             databases exist, but neither can be read
    ├── LedgerTooNew           written by a newer version; nothing was touched
    ├── LedgerForeign          the file is not a ledger, or the two belong to different recorders
    ├── LedgerInUse            another process holds it
    ├── LedgerUnwritable       a change did not become durable and was undone
    └── LedgerMisuse           the caller asked for something that cannot be; nothing was changed
        ├── CameraUnknown
        ├── RunStillOpen
        ├── NoOpenRun
        ├── HoldUnknown
        └── HoldDiffers

This module must not know SQL.
"""

from pathlib import Path


class LedgerFault(Exception):
    """Something is wrong with the ledger; its text is the sentence for the operator."""


class LedgerMissing(LedgerFault):
    """There is no ledger at `path` and no mirror."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"there is no ledger at {path}: run `kuramori init` first")


class LedgerLost(LedgerFault):
    """Neither the ledger nor its mirror can be read."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(
            f"the ledger {path} and its mirror cannot be read ({detail}): restore one of them from a backup, or let "
            "the recorder begin a new one; what the old one said of gaps and erasures is then lost"
        )


class LedgerTooNew(LedgerFault):
    """A newer version of the program wrote this ledger. Going back is refused."""

    def __init__(self, path: Path, found_version: int, known_version: int) -> None:
        self.path = path
        self.found_version = found_version
        self.known_version = known_version
        super().__init__(
            f"the ledger {path} has format {found_version}, this program knows {known_version}: install the newer "
            "version again; the ledger was not touched"
        )


class LedgerForeign(LedgerFault):
    """The file at `path` is something else, or belongs to another recorder."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(f"{path} is not this recorder's ledger ({detail}): name another path, it was not touched")


class LedgerInUse(LedgerFault):
    """Another process has the ledger open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"the ledger {path} is in use by another process: is the recorder running already?")


class LedgerUnwritable(LedgerFault):
    """The change is not durable and is undone; the same call may be made again."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        self.detail = detail
        super().__init__(f"the ledger {path} could not be written ({detail}): look at the medium it lies on")


class LedgerMisuse(LedgerFault):
    """A caller's fault."""


class CameraUnknown(LedgerMisuse):
    """No camera has this number."""

    def __init__(self, camera_number: int) -> None:
        self.camera_number = camera_number
        super().__init__(f"no camera has number {camera_number}")


class RunStillOpen(LedgerMisuse):
    """A camera has at most one open run."""

    def __init__(self, camera_number: int, run_id: int) -> None:
        self.camera_number = camera_number
        self.run_id = run_id
        super().__init__(f"run {run_id} of camera {camera_number} is still open")


class NoOpenRun(LedgerMisuse):
    """The camera has no open run that could end there."""

    def __init__(self, camera_number: int, detail: str = "none is open") -> None:
        self.camera_number = camera_number
        self.detail = detail
        super().__init__(f"no run of camera {camera_number} can be closed: {detail}")


class HoldUnknown(LedgerMisuse):
    """There is no hold of this id."""

    def __init__(self, hold_id: str) -> None:
        self.hold_id = hold_id
        super().__init__(f"there is no hold {hold_id}")


class HoldDiffers(LedgerMisuse):
    """A hold of this id exists and says something else."""

    def __init__(self, hold_id: str) -> None:
        self.hold_id = hold_id
        super().__init__(f"hold {hold_id} exists already and names other minutes or cameras")
