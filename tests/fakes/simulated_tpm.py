"""A TPM on a simulated machine: each command is one step, wholly done or not at all, and its answer another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kuramori_segments.tier import ErasureTier, TierAssessment, TierReason
from kuramori_segments.tpm_cell import TpmCell
from kuramori_segments.tpm_tools import Maker, NvIndex, TpmFailed, TpmTools
from tests.fakes.crashing_files import Machine

PLACE = "cell"
CHIP = TierAssessment(ErasureTier.E2, TierReason.TPM, ("TPM INTC",))
PASSWORD = b"p" * 32
NAMES = {0x0180_4B52: "cell-a", 0x0180_4B53: "cell-b"}


@dataclass
class Slot:
    attributes: tuple[str, ...]
    content: bytearray
    written: bool = False


class SimulatedTpm(TpmTools):
    """What `TpmTools` does, without programs. Non-volatile memory survives every power cut."""

    __slots__ = ("machine", "slots")

    def __init__(self, machine: Machine) -> None:
        super().__init__("simulated")
        object.__setattr__(self, "machine", machine)
        object.__setattr__(self, "slots", {})
        machine.files(PLACE)

    if TYPE_CHECKING:
        machine: Machine
        slots: dict[int, Slot]

    def indices(self) -> dict[int, NvIndex]:
        self._step("read", "indices")
        return {
            index: NvIndex(
                frozenset(slot.attributes) | ({"written"} if slot.written else frozenset()), len(slot.content)
            )
            for index, slot in self.slots.items()
        }

    def maker(self) -> Maker:
        return Maker("INTC", "simulated")

    def define(self, index: int, size_bytes: int, attributes: Sequence[str], password: bytes) -> None:
        self._step("enter", NAMES[index])
        self.slots[index] = Slot(tuple(attributes), bytearray(size_bytes))
        self._step("answer", NAMES[index])

    def write(self, index: int, password: bytes, data: bytes) -> None:
        self._step("write", NAMES[index])
        self.slots[index].content[:] = data
        self.slots[index].written = True
        self._step("answer", NAMES[index])

    def read(self, index: int, password: bytes, size_bytes: int) -> bytes:
        self._step("read", NAMES[index])
        return bytes(self.slots[index].content[:size_bytes])

    def undefine(self, index: int) -> None:
        self._step("unlink", NAMES[index])
        del self.slots[index]
        self._step("answer", NAMES[index])

    def _step(self, kind: str, name: str) -> None:
        try:
            self.machine.step(PLACE, kind, name)
        except OSError as error:
            raise TpmFailed("tpm2", 0x101, "the TPM refused: it is in failure mode") from error


def tpm_cells_of(machine: Machine) -> tuple[TpmCell, TpmCell]:
    """Return the cells of a machine's TPM; the same memory each time."""
    tpm = machine.parts.setdefault("tpm", SimulatedTpm(machine))
    assert isinstance(tpm, SimulatedTpm)
    first, second = NAMES
    return TpmCell(tpm, first, PASSWORD, CHIP), TpmCell(tpm, second, PASSWORD, CHIP)
