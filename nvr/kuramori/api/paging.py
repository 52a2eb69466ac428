"""Lists in pages: `limit` rows, and an opaque cursor that says behind which row the next page begins.

A cursor names a row by its sort key, not by a number: what is added or goes in the meantime moves nobody else's rows.
It holds nothing that the page before did not show. Pure but for the query. Must not know what is listed.
"""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query

from kuramori.desk.call_fault import CursorInvalid

LIMIT_MOST = 1000  # also without a limit
CURSOR_CHARACTERS_MOST = 512

Row = TypeVar("Row")
Key = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is asked for."""

    limit: int = LIMIT_MOST
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows of a page; `next` is the cursor of the page behind it, null on the last."""

    rows: tuple[Row, ...]
    next: str | None


def _asked(
    limit: Annotated[int, Query(ge=1, le=LIMIT_MOST, description="rows at most")] = LIMIT_MOST,
    cursor: Annotated[
        str, Query(max_length=CURSOR_CHARACTERS_MOST, description="`next` of the page before; opaque")
    ] = "",
) -> Paging:
    return Paging(limit, cursor)


ThePage = Annotated[Paging, Depends(_asked)]


def page_of(
    listing: str, rows: Iterable[Row], key: Callable[[Row], Key], asked: Paging, *, newest_first: bool = False
) -> Page[Row]:
    """Return the page that is asked for. Keys are unique and never change. Raises CursorInvalid."""
    ordered = sorted(rows, key=key, reverse=newest_first)
    if asked.cursor:
        after = read_cursor(listing, asked.cursor)
        try:
            ordered = [row for row in ordered if (key(row) < after if newest_first else key(row) > after)]
        except TypeError:  # a cursor of our shape with other types in it
            raise CursorInvalid from None
    shown = tuple(ordered[: asked.limit])
    return Page(shown, make_cursor(listing, key(shown[-1])) if len(ordered) > len(shown) else None)


def make_cursor(listing: str, key: Key) -> str:
    """Return the cursor behind a row."""
    return base64.urlsafe_b64encode(json.dumps([listing, *key]).encode()).decode().rstrip("=")


def read_cursor(listing: str, cursor: str) -> Key:
    """Return the key in a cursor of this list. Raises CursorInvalid, and nothing else."""
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise CursorInvalid from None
    if not isinstance(found, list) or found[:1] != [listing] or any(type(part) not in (int, str) for part in found):
        raise CursorInvalid
    return tuple(found[1:])
