"""Papers of the register on the command line: the form written to a file, the checkpoint page, and what was sealed.

Must not know how pages are drawn: the desk prints them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from kuramori.cli.client import CommandFailure, DeskClient
from kuramori.cli.custody_common import unwritable
from kuramori.cli.options import confirm, site_time
from kuramori.texts import tr

if TYPE_CHECKING:
    from kuramori.desk.merkle_log import MerkleLog

LATEST_UTC_MS = 253_402_300_800_000  # the year 10000: no end
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


def period_of(config: Path | None, since: str | None, before: str | None) -> tuple[int, int]:
    """Return the times that a person wrote, in UTC milliseconds; what is left out is open. Raises CommandFailure."""
    begin = site_time(config, since) if since is not None else 0
    end = site_time(config, before) if before is not None else LATEST_UTC_MS
    if begin >= end:
        raise CommandFailure(tr("--to has to be after --from.", "--to は --from より後の日時としてください。"))
    return begin, end


def write_form(desk: DeskClient, file: Path, shape: FormFormat, period: tuple[int, int]) -> None:
    """Write the form of every hand-over of a period into a new file. Raises CommandFailure."""
    wanted = {"format": shape.value, "from_utc_ms": period[0], "to_utc_ms": period[1]}
    write_paper(file, desk.get_file("/v1/register/form", wanted))


def write_checkpoint_page(desk: DeskClient, file: Path) -> None:
    """Write the page of the newest checkpoint into a new file. Raises CommandFailure."""
    write_paper(file, desk.get_file("/v1/register/checkpoint-page"))


def show_over(desk: DeskClient) -> list[str]:
    """List the requests whose five years are over; return those whose entries may go. Raises CommandFailure."""
    kept = desk.get_rows("/v1/register/over", "requests")["requests"]
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


def write_paper(file: Path, content: bytes) -> None:
    """Write what the desk printed into a new file. Raises CommandFailure."""
    from kuramori.new_file import write_new_file

    try:
        write_new_file(file, content)
    except OSError as error:
        raise unwritable(file, error) from error
