"""That masked copies were made, looked through and confirmed or rejected, as the register knows it (H9).

Frozen; like `steps`, whose tables name them: field names are part of the register's format (REGISTER.md). Must not know
pictures.
"""

from dataclasses import dataclass

from kuramori.wire import WireBytes


@dataclass(frozen=True, slots=True)
class MaskedCopyBegun:
    """The handler has a masked copy made of what was just opened. Its number is never given again."""

    number: int  # 1 for the first of the request
    opening: int
    camera: str
    boxes_sha256: WireBytes  # of the boxes file: what was drawn


@dataclass(frozen=True, slots=True)
class MaskedCopyConfirmed:
    """Another person looked through the strips: this very file may be handed over."""

    number: int
    file_sha256: WireBytes
    strips_sha256: WireBytes


@dataclass(frozen=True, slots=True)
class MaskedCopyRejected:
    """Another person looked through the strips and says no: the copy is destroyed."""

    number: int
    file_sha256: WireBytes
    strips_sha256: WireBytes
    reason: str


MaskingStep = MaskedCopyBegun | MaskedCopyConfirmed | MaskedCopyRejected
