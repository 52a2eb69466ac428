"""Keystores on a simulated machine: the store in one place, its two cells in another."""

from kuramori_segments.erasable_cell import FileCell
from kuramori_segments.keystore import Keystore
from kuramori_segments.tier import ErasureTier, TierAssessment, TierReason
from tests.fakes.crashing_files import Machine

BOOT = b"\x0b" * 16
HOLD = b"\x01" * 16
UID = b"\x02" * 16
OTHER_UID = b"\x03" * 16
SEPARATE = TierAssessment(ErasureTier.E2, TierReason.SEPARATE_DISK, ("sdb",), ("sda",))
SAME = TierAssessment(ErasureTier.E0, TierReason.SAME_DISK, ("sda",), ("sda",))


def cells_of(machine: Machine, assessment: TierAssessment = SEPARATE) -> tuple[FileCell, FileCell]:
    files = machine.files("cell")
    return FileCell(files, "cell-a", assessment), FileCell(files, "cell-b", assessment)


def new_store(machine: Machine) -> Keystore:
    return Keystore.create(machine.files("store"), cells_of(machine), boot_id=BOOT)


def reopened(machine: Machine, store: Keystore) -> Keystore:
    store.close()
    return Keystore.open(machine.files("store"), cells_of(machine), boot_id=BOOT)
