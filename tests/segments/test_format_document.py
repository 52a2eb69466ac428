"""FORMAT.md and the code say the same: every byte table, every code, every limit."""

import re
from enum import IntEnum
from pathlib import Path

import pytest

from kuramori_segments import limits
from kuramori_segments.audio_track import AUDIO
from kuramori_segments.block_layout import BlockLayout
from kuramori_segments.chunk import AUTHENTICATED_HEAD, CHUNK_HEAD
from kuramori_segments.codes import (
    AudioState,
    FooterKind,
    Provenance,
    SlotState,
    Suite,
    Track,
    VideoCodec,
)
from kuramori_segments.footer import FOOTER, FOOTER_GAP
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.header import HEADER, SEALED_SHARE
from kuramori_segments.limits import CHUNK_AUTHENTICATED_BYTES
from kuramori_segments.records import ACCESS_UNIT, INDEX_ENTRY, RECORD_HEAD, SENDER_REPORT, RecordType
from kuramori_segments.slot_entry import SLOT_ENTRY
from kuramori_segments.superblock import SUPERBLOCK

DOCUMENT = (Path(__file__).parents[2] / "segments" / "FORMAT.md").read_text(encoding="utf-8")
LAYOUTS = (
    SUPERBLOCK,
    SLOT_ENTRY,
    HEADER,
    SEALED_SHARE,
    CHUNK_HEAD,
    RECORD_HEAD,
    ACCESS_UNIT,
    AUDIO,
    SENDER_REPORT,
    INDEX_ENTRY,
    FOOTER,
    FOOTER_GAP,
)
CODES: tuple[type[IntEnum], ...] = (
    SlotState,
    Suite,
    Track,
    Provenance,
    VideoCodec,
    AudioState,
    RecordType,
    FooterKind,
    GapReason,
)
KINDS = {"B": "u8", "H": "u16", "I": "u32", "Q": "u64", "q": "i64"}


def rows_behind(marker: str) -> list[list[str]]:
    """Return the cells of the table behind a marker, without its heading."""
    assert DOCUMENT.count(marker) == 1
    rows = []
    for line in DOCUMENT.split(marker)[1].strip().splitlines():
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows[2:]


def table_of(layout: BlockLayout) -> list[list[str]]:
    """Return the rows of a block's table."""
    return rows_behind(f"<!-- table: {layout.name}, {layout.length_bytes} bytes -->")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_byte_tables_agree_with_the_code(layout: BlockLayout) -> None:
    """Each field stands in the document with the code's offset, length, type and name."""
    written = [tuple(row[:4]) for row in table_of(layout) if row[2] != "zero"]
    coded = [
        (str(item.offset_bytes), str(item.length_bytes), KINDS.get(item.kind, "bytes"), item.name)
        for item in layout.fields
    ]
    assert written == coded


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_byte_tables_leave_no_byte_unsaid(layout: BlockLayout) -> None:
    """The rows of a table, the zero ones too, cover the block without hole or overlap."""
    position = 0
    for row in table_of(layout):
        assert int(row[0]) == position
        position += int(row[1])
    assert position == layout.length_bytes


def test_every_table_of_the_document_is_compared() -> None:
    """No byte table stands in the document that the tests do not know."""
    assert set(re.findall(r"<!-- table: (.*), \d+ bytes -->", DOCUMENT)) == {item.name for item in LAYOUTS}
    assert set(re.findall(r"<!-- codes: (.*) -->", DOCUMENT)) == {code.__name__ for code in CODES}


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.__name__)
def test_codes_agree_with_the_code(code: type[IntEnum]) -> None:
    """Each number has the same name in the document and in the code."""
    written = [(int(row[0]), row[1]) for row in rows_behind(f"<!-- codes: {code.__name__} -->")]
    assert written == [(member.value, member.name) for member in code]


def test_limits_agree_with_the_code() -> None:
    """Each limit in the document has the code's value and a reason; no limit of the code is missing."""
    rows = rows_behind("<!-- limits -->")
    assert all(row[2] for row in rows)
    written = {row[0]: int(row[1]) for row in rows}
    derived = {"MEBIBYTE", "CHUNK_HEAD_BYTES", "CHUNK_AUTHENTICATED_BYTES", "TAG_BYTES"}
    coded = {name: value for name, value in vars(limits).items() if name.isupper() and name not in derived}
    assert written == coded


def test_the_writers_short_struct_is_the_heads_table() -> None:
    """The hot path's struct of a chunk head covers exactly what the associated data covers."""
    assert AUTHENTICATED_HEAD.size == CHUNK_AUTHENTICATED_BYTES
    values = (b"KCHK", 1, 2, 3, 0, b"12345678", -1, 5, 6, 7, 8, 9)
    packed = CHUNK_HEAD.pack(*(value for position, value in enumerate(values) if position != 4), 0)
    assert bytes(packed[:60]) == AUTHENTICATED_HEAD.pack(*values)
