"""Papers of the register on the command line: the form written to a file, the checkpoint page, and what was sealed.

Must not know how pages are drawn: the desk prints them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kuramori.cli.client import DeskClient
from kuramori.cli.custody_common import unwritable
from kuramori.cli.options import confirm
from kuramori.texts import tr

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


def show_over(desk: DeskClient) -> list[str]:
    """List the requests whose five years are over; return those whose entries may go. Raises CommandFailure."""
    kept = desk.get_json("/v1/register/over")["requests"]
    waiting = {
        "held": tr("still held", "保存期間延長中"),
        "not-returned": tr("not returned", "消去・返却の報告待ち"),
        "not-answered": tr("not answered", "未回答"),
    }
    for one in kept:
        reason = waiting.get(one["waits"], one["waits"])
        typer.echo(f"{one['request']}  {one['over_since']}  {len(one['entries'])}  {reason}".rstrip())
    if not kept:
        typer.echo(tr("No request is past its five years.", "保存期間を満了した請求はありません。"))
    return [one["request"] for one in kept if not one["waits"]]


def delete_over(desk: DeskClient, yes: bool) -> None:
    """Delete what was just listed, after asking back. Raises CommandFailure."""
    free = show_over(desk)
    if not free:
        return
    confirm(
        tr(
            f"Delete who, why and to whom of these {len(free)} requests for good? The entries stay.",
            f"これら {len(free)} 件の請求の記録本文を廃棄しますか。元に戻せません(項目は残ります)。",
        ),
        yes,
    )
    done = desk.post_json("/v1/register/over/deletion", {"requests": free})
    typer.echo(tr(f"Deleted; entry {done['entry']}.", f"廃棄しました。記録簿第{done['entry']}項"))


def _write(file: Path, content: bytes) -> None:
    from kuramori.new_file import write_new_file

    try:
        write_new_file(file, content)
    except OSError as error:
        raise unwritable(file, error) from error
