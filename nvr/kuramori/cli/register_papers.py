"""Papers of the register on the command line: the form written to a file, the checkpoint page, and what was sealed.

Must not know how pages are drawn: the desk prints them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from kuramori.cli.client import DeskClient
from kuramori.cli.custody_common import unwritable

if TYPE_CHECKING:
    from kuramori.desk.merkle_log import MerkleLog

_SEALED = re.compile(r"(\d{1,15}):([0-9a-f]{64})")


class FormFormat(StrEnum):
    """As what the form is wanted."""

    PDF = "pdf"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Sealed:
    """What stands on a sealed page: so many entries had this root."""

    entries: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> "Sealed":
        """Return what a person typed from the page, with or without its spaces. Raises ValueError."""
        match = _SEALED.fullmatch(re.sub(r"\s", "", text).lower())
        if match is None:
            raise ValueError("ENTRIES:ROOT, as printed on the sealed page")
        return cls(int(match[1]), bytes.fromhex(match[2]))

    def is_contained_in(self, tree: "MerkleLog") -> bool:
        """Tell whether the tree began with exactly these entries."""
        return self.entries <= tree.size and tree.root(self.entries) == self.root


def write_form(desk: DeskClient, file: Path, shape: FormFormat) -> None:
    """Write the form of every hand-over into a new file. Raises CommandFailure."""
    _write(file, desk.get_file("/v1/register/form", {"format": shape.value}))


def write_checkpoint_page(desk: DeskClient, file: Path) -> None:
    """Write the page of the newest checkpoint into a new file. Raises CommandFailure."""
    _write(file, desk.get_file("/v1/register/checkpoint-page"))


def _write(file: Path, content: bytes) -> None:
    from kuramori.new_file import write_new_file

    try:
        write_new_file(file, content)
    except OSError as error:
        raise unwritable(file, error) from error
