"""Cells in the non-volatile memory of a TPM 2.0: a root in an index of its own, destroyed by removing the index.

Not a *sealed* blob: that lies in a file, and each old copy of it unseals again. An index lies in the chip, and once
removed, nothing anywhere opens to it. Removing is verified by asking the TPM again. A password per recorder keeps other
programs of the machine away from it; whoever is root has that too. The attribute `no_da` keeps the cells usable when
somebody else's wrong guesses lock the TPM out.

This module must not know what a root opens, nor how the TPM is reached.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from crc32c import crc32c

from kuramori_segments.erasable_cell import ROOT_BYTES
from kuramori_segments.keystore_faults import CellUnusable
from kuramori_segments.store_files import BytesLike
from kuramori_segments.tier import ErasureTier, TierAssessment, TierReason
from kuramori_segments.tpm_tools import Maker, NvIndex, TpmFailed, TpmTools

ATTRIBUTES = ("authread", "authwrite", "no_da")
PASSWORD_BYTES = 32  # at most the digest of SHA-256, by TPM 2.0 Library, part 1, 37.2.8
WRITTEN = "written"  # the TPM's own mark
SOFTWARE_MAKERS = frozenset({"IBM", "MSFT", "GOOG", "AMZN", "VMW", "SLM"})  # swtpm, hypervisors and clouds
CONTENT = struct.Struct("<8s32s")
CONTENT_BYTES = CONTENT.size + 4

_MAGIC = b"KRMCEL\x01\n"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TpmCell:
    """A cell in one index. Use `open_tpm_cells`, which looks at the TPM first."""

    tools: TpmTools
    index: int
    password: bytes
    assessment: TierAssessment

    def __repr__(self) -> str:
        return f"TpmCell({self.index:#010x})"

    @property
    def tier(self) -> ErasureTier:
        """See Cell."""
        return self.assessment.tier

    @property
    def description(self) -> str:
        """See Cell."""
        return f"TPM {self.tools.tcti}, index {self.index:#010x}"

    def read(self) -> bytes | None:
        """See Cell."""
        return self._tried("read", self._read)

    def write(self, root: BytesLike) -> None:
        """See Cell."""
        if len(root) != ROOT_BYTES:
            raise ValueError(f"a root has {ROOT_BYTES} bytes")
        self.destroy()
        content = CONTENT.pack(_MAGIC, bytes(root))
        self._tried("write", lambda: self._write(content + crc32c(content).to_bytes(4, "little")))

    def destroy(self) -> None:
        """See Cell. Raises CellUnusable too where the index is there still afterwards."""
        self._tried("destroy", self._destroy)

    def _read(self) -> bytes | None:
        found = self.tools.indices().get(self.index)
        if found is None:
            return None
        self._require_ours("read", found)
        if WRITTEN not in found.attributes:
            return None
        content = self.tools.read(self.index, self.password, CONTENT_BYTES)
        magic, root = CONTENT.unpack_from(content.ljust(CONTENT_BYTES, b"\0"))
        if len(content) != CONTENT_BYTES or magic != _MAGIC:
            return None
        return root if crc32c(content[:-4]).to_bytes(4, "little") == content[-4:] else None

    def _write(self, content: bytes) -> None:
        self.tools.define(self.index, CONTENT_BYTES, ATTRIBUTES, self.password)
        self.tools.write(self.index, self.password, content)

    def _destroy(self) -> None:
        found = self.tools.indices().get(self.index)
        if found is None:
            return
        self._require_ours("destroy", found)
        if WRITTEN in found.attributes:  # whose password does not open it is another recorder, and must not remove it
            self.tools.read(self.index, self.password, CONTENT_BYTES)
        self.tools.undefine(self.index)
        if self.index in self.tools.indices():
            raise CellUnusable(self.description, "destroy", 0, "the index is there still after it was removed")

    def _require_ours(self, operation: str, found: NvIndex) -> None:
        """An index of another shape belongs to somebody else: neither believed nor removed."""
        if found.size_bytes != CONTENT_BYTES or found.attributes - {WRITTEN} != frozenset(ATTRIBUTES):
            detail = "the index belongs to another program; name another one in keystore.tpm_nv_index"
            raise CellUnusable(self.description, operation, 0, detail)

    def _tried(self, operation: str, action: Callable[[], T]) -> T:
        try:
            return action()
        except TpmFailed as failed:
            raise CellUnusable(self.description, operation, 0, str(failed)) from failed


def open_tpm_cells(tools: TpmTools, first_index: int, password: bytes) -> tuple[TpmCell, TpmCell]:
    """Return the two cells, in an index and the next, with their tier. Raises CellUnusable without a TPM."""
    if not 0 < len(password) <= PASSWORD_BYTES:
        raise ValueError(f"a password of an index has at most {PASSWORD_BYTES} bytes")
    try:
        assessment = assess_tpm(tools.maker())
    except TpmFailed as failed:
        raise CellUnusable(f"TPM {tools.tcti}", "reach", 0, str(failed)) from failed
    return (
        TpmCell(tools, first_index, password, assessment),
        TpmCell(tools, first_index + 1, password, assessment),
    )


def assess_tpm(maker: Maker) -> TierAssessment:
    """Return the tier of a TPM: a chip is a device of its own; a program keeps its memory in some file: E0."""
    name = " ".join(part for part in ("TPM", maker.vendor, maker.model) if part)
    if not maker.vendor or maker.vendor in SOFTWARE_MAKERS:
        return TierAssessment(ErasureTier.E0, TierReason.SOFTWARE_TPM, (name,))
    return TierAssessment(ErasureTier.E2, TierReason.TPM, (name,))
