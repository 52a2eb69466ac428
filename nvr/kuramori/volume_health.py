"""Whether a volume is recorded into, judged by its commits: who failed, who hangs, who may be tried again. Pure.

A volume is *good* until a commit fails or does not end. One broken place makes it no worse: the commit after it goes
elsewhere on the same volume. Two failed commits in a row, or a fault of the whole file system (full, read-only, cut),
make it *failing*: nothing is recorded into it before it has been looked at. A commit that does not end makes it *late*,
and where it hangs on *hanging*: that is a failing volume whose thread is left alone. This module must not know disks.
"""

from dataclasses import dataclass
from enum import StrEnum

from kuramori.storage_fault_texts import storage_fault_text
from kuramori.texts import tr
from kuramori_segments.storage_fault import MediumFault, StorageFault

NS_PER_SECOND = 1_000_000_000
LATE_NS = 3 * NS_PER_SECOND  # a commit that has not ended by then is told: an alarm within five seconds
HANGING_NS = 4 * NS_PER_SECOND  # and by then its cameras go elsewhere, if there is an elsewhere
FAULTS_IN_A_ROW = 2
FIRST_TRY_NS = NS_PER_SECOND // 2  # after it failed; each try in vain doubles the wait
LONGEST_TRY_NS = 10 * NS_PER_SECOND
LET_GO_NS = 15 * NS_PER_SECOND  # it is let go then, so that it can be unmounted and mended
REMEMBERED_NS = 600 * NS_PER_SECOND  # so long a fault that is over is still told


class VolumeState(StrEnum):
    """What is done with a volume."""

    GOOD = "good"
    LATE = "late"  # a commit does not end: what comes waits in memory
    FAILING = "failing"  # nothing is recorded into it until it has been looked at
    HANGING = "hanging"  # likewise, and its thread still waits for the medium
    RETIRED = "retired"  # its cameras leave it for good
    AWAY = "away"  # it could not be opened


@dataclass(slots=True)
class VolumeHealth:
    """One volume's standing. Times are CLOCK_BOOTTIME nanoseconds."""

    state: VolumeState = VolumeState.GOOD
    since_boot_ns: int = 0
    detail: str = ""  # the last fault, in words
    next_try_boot_ns: int = 0
    _faults_in_a_row: int = 0
    _last_fault_boot_ns: int | None = None
    _wait_ns: int = FIRST_TRY_NS

    @property
    def is_good(self) -> bool:
        """Tell whether it may be recorded into."""
        return self.state is VolumeState.GOOD

    @property
    def needs_return(self) -> bool:
        """Tell whether it must be looked at before it is recorded into again."""
        return self.state in (VolumeState.FAILING, VolumeState.HANGING, VolumeState.RETIRED, VolumeState.AWAY)

    def note_success(self, boot_ns: int) -> None:
        """A commit is durable."""
        self._faults_in_a_row = 0
        if self.state is VolumeState.LATE:
            self._enter(VolumeState.GOOD, boot_ns)

    def note_fault(self, fault: StorageFault, boot_ns: int) -> None:
        """A commit failed."""
        self.detail, self._last_fault_boot_ns = storage_fault_text(fault), boot_ns
        self._faults_in_a_row += 1
        whole = not isinstance(fault, MediumFault)
        if whole or self._faults_in_a_row >= FAULTS_IN_A_ROW:
            self.fail(VolumeState.FAILING, self.detail, boot_ns)
        elif self.state is VolumeState.LATE:
            self._enter(VolumeState.GOOD, boot_ns)

    def note_late(self, boot_ns: int) -> None:
        """A commit has not ended in time."""
        self._last_fault_boot_ns = boot_ns
        if self.state is VolumeState.GOOD:
            self.detail = tr("a write has not ended", "書込みが終わりません")
            self._enter(VolumeState.LATE, boot_ns)

    def fail(self, state: VolumeState, detail: str, boot_ns: int) -> None:
        """It must be looked at before it is used again."""
        self.detail, self._last_fault_boot_ns = detail, boot_ns
        if not self.needs_return:
            self._wait_ns = FIRST_TRY_NS
            self.next_try_boot_ns = boot_ns + FIRST_TRY_NS
        self._enter(state, boot_ns)

    def note_try_in_vain(self, detail: str, boot_ns: int) -> None:
        """It was looked at, and is not good."""
        self.detail, self._last_fault_boot_ns = detail, boot_ns
        self._wait_ns = min(2 * self._wait_ns, LONGEST_TRY_NS)
        self.next_try_boot_ns = boot_ns + self._wait_ns

    def note_return(self, boot_ns: int) -> None:
        """It was looked at, and is good."""
        self._faults_in_a_row = 0
        self._enter(VolumeState.GOOD, boot_ns)

    def is_sound(self, boot_ns: int) -> bool:
        """Tell whether there is nothing to tell: it is good, and no fault is fresh."""
        last = self._last_fault_boot_ns
        return self.is_good and (last is None or boot_ns - last >= REMEMBERED_NS)

    def _enter(self, state: VolumeState, boot_ns: int) -> None:
        if state is not self.state:
            self.state, self.since_boot_ns = state, boot_ns
