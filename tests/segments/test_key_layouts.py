"""The keystore's bytes: the sizes that KEYS.md says, and any bytes at all give a value or our error."""

import os
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments import custodian_key, key_journal, key_snapshot, key_table
from kuramori_segments.key_journal import Entry, Journal, JournalBlockForged, JournalBroken, Operation, replay
from kuramori_segments.key_records import Epoch, ErasureReceipt, KeepRequest, KeptKey, Moment
from kuramori_segments.key_snapshot import SnapshotHead, SnapshotUnreadable, open_snapshot, seal_snapshot
from kuramori_segments.key_table import KeyTable, Removal, TableUnreadable, epoch_row, epochs_of
from kuramori_segments.mounts import parse_mountinfo
from kuramori_segments.tier import ErasureTier

KEYS_PAGE = Path(__file__).parents[2] / "segments" / "KEYS.md"
HEAD = SnapshotHead(1, 7, b"\x05" * 16)
MASTER = b"\x06" * 32
IDS = st.binary(min_size=16, max_size=16)
TIMES = st.integers(-(1 << 62), 1 << 62)
BOOT_TIMES = st.integers(0, 1 << 62)
EPOCHS = st.builds(Epoch, IDS, st.integers(1, (1 << 32) - 1), TIMES, BOOT_TIMES, IDS)
KEPT = st.builds(KeptKey, IDS, IDS, IDS, st.integers(1, (1 << 32) - 1), TIMES, TIMES)
RECEIPTS = st.builds(
    ErasureReceipt,
    st.integers(0, 1 << 60),
    TIMES,
    st.sampled_from(ErasureTier),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.lists(EPOCHS, max_size=3).map(tuple),
    st.lists(KEPT, max_size=3).map(tuple),
)
STRUCTS: dict[str, struct.Struct] = {
    "snapshot head": key_snapshot.HEAD,
    "table head": key_table.HEAD,
    "epoch row": key_table.EPOCH_ROW,
    "kept key row": key_table.KEPT_ROW,
    "receipt head": key_table.RECEIPT_HEAD,
    "journal block head": key_journal.HEAD,
}
TYPES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q"}


def table_of(epochs: list[Epoch]) -> KeyTable:
    table = KeyTable()
    for epoch in {one.epoch_id: one for one in epochs}.values():
        table.add_epoch(epoch_row(epoch, lambda view: view.cast("B").__setitem__(slice(None), os.urandom(32))))
    return table


# ---- the page ----------------------------------------------------------------------------------------------


def documented_tables() -> dict[str, tuple[int, list[tuple[int, int, str]]]]:
    """Return each table of KEYS.md: its length, and offset, bytes and type of every row."""
    found = {}
    pattern = re.compile(r"<!-- table: (.+), (\d+) bytes -->\n\n((?:\|.*\n)+)")
    for name, length, rows in pattern.findall(KEYS_PAGE.read_text()):
        cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()[2:]]
        found[name] = int(length), [(int(row[0]), int(row[1]), row[2]) for row in cells]
    return found


@pytest.mark.parametrize("name", STRUCTS)
def test_the_page_and_the_code_say_the_same(name: str) -> None:
    """Every field in its place, nothing left out, the same length."""
    length, rows = documented_tables()[name]
    code, end = "<", 0
    for offset, size, kind in rows:
        assert offset == end
        code += {"bytes": f"{size}s", "zero": f"{size}x"}.get(kind) or TYPES[kind]
        end += size
    documented, ours = struct.Struct(code), STRUCTS[name]
    assert documented.size == ours.size == length == end
    sample = bytes(range(1, ours.size + 1))
    expected = documented.unpack(sample)  # a zero field is a number to some of our structs: left out
    assert tuple(value for value in ours.unpack(sample) if value in expected) == expected


def test_every_table_of_the_page_is_compared() -> None:
    """None is forgotten here."""
    assert documented_tables().keys() == STRUCTS.keys()


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    """Argon2id and passphrases."""
    page = KEYS_PAGE.read_text()
    costs = custodian_key.LEAST_COST, custodian_key.USUAL_COST, custodian_key.MOST_COST
    memory = [f"{cost.memory_kib // 1024} MiB".replace("1024 MiB", "1 GiB") for cost in costs]
    assert f"| Argon2id memory | {' | '.join(memory)} |" in page
    assert f"| Argon2id iterations | {' | '.join(str(cost.iterations) for cost in costs)} |" in page
    assert f"| Argon2id lanes | {' | '.join(str(cost.lanes) for cost in costs)} |" in page
    characters, different = custodian_key.LEAST_PASSPHRASE_CHARACTERS, custodian_key.LEAST_DIFFERENT_CHARACTERS
    assert f"{characters} characters, {different} different" in page
    assert f"The last {key_table.RECEIPTS_KEPT} receipts" in page
    assert key_table.MAX_EPOCHS == key_table.MAX_KEPT_KEYS == 1 << 18


# ---- the table ---------------------------------------------------------------------------------------------


@given(
    st.lists(EPOCHS, max_size=5),
    st.lists(RECEIPTS, max_size=4),
    st.none() | st.builds(Moment, TIMES, BOOT_TIMES, IDS, st.booleans()),
)
def test_a_table_reads_back(epochs: list[Epoch], receipts: list[ErasureReceipt], reference: Moment | None) -> None:
    """Everything, in order."""
    table = table_of(epochs)
    again = KeyTable.decode(memoryview(table.encode(Removal(), receipts, reference)))
    assert epochs_of(again.epoch_facts()) == epochs_of(table.epoch_facts())
    assert again._epochs == table._epochs
    assert again.receipts == tuple(receipts)
    assert again.reference == reference


@given(st.data())
def test_a_cut_table_is_refused(data: st.DataObject) -> None:
    """At any byte."""
    whole = table_of(data.draw(st.lists(EPOCHS, max_size=3))).encode(
        Removal(), data.draw(st.lists(RECEIPTS, max_size=2)), None
    )
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(TableUnreadable):
        KeyTable.decode(memoryview(whole[:cut]))
    with pytest.raises(TableUnreadable):
        KeyTable.decode(memoryview(whole + b"\0"))


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(data: bytes) -> None:
    """Nothing else comes out, and no huge count is believed."""
    try:
        KeyTable.decode(memoryview(data))
    except TableUnreadable:
        return


def test_the_same_epoch_twice_is_refused() -> None:
    """Two keys for one epoch cannot both be right."""
    epoch = Epoch(bytes(16), 1, 0, 0)
    table = table_of([epoch])
    with pytest.raises(TableUnreadable):
        table.add_epoch(epoch_row(epoch, lambda _view: None))


# ---- snapshot and journal ----------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_any_bytes_are_no_snapshot(data: bytes) -> None:
    """Without the root nothing opens."""
    with pytest.raises(SnapshotUnreadable):
        open_snapshot(bytes(32), 0, data)


def test_a_snapshot_opens_in_its_own_slot_only() -> None:
    """Copied over the other slot's file it is refused."""
    sealed = seal_snapshot(bytes(32), HEAD, bytearray(b"table"))
    assert open_snapshot(bytes(32), 1, sealed).table == b"table"
    with pytest.raises(SnapshotUnreadable):
        open_snapshot(bytes(32), 0, sealed)
    with pytest.raises(SnapshotUnreadable):
        open_snapshot(b"\x01" * 32, 1, sealed)


def blocks(count: int) -> bytes:
    journal = Journal(MASTER, HEAD, 0)
    entry = Entry(Operation.DROP_HOLD, b"\x09" * 16)
    return b"".join(journal.seal(payload) for _ in range(count) for payload in key_journal.pack_entries([entry]))


@given(st.binary(max_size=9000))
def test_any_bytes_are_an_empty_or_torn_journal_or_refused(data: bytes) -> None:
    """No entry comes out of what was not sealed."""
    assert replay(MASTER, HEAD, data).entries == ()


@given(st.integers(0, 3 * 4096 - 1), st.integers(1, 255))
def test_an_altered_journal_never_gives_another_entry(place: int, change: int) -> None:
    """Torn, damaged or forged, or the same entries as before."""
    whole = blocks(3)
    data = bytearray(whole)
    data[place] ^= change
    try:
        found = replay(MASTER, HEAD, data)
    except (JournalBroken, JournalBlockForged):
        return
    assert found.entries == replay(MASTER, HEAD, whole).entries[: len(found.entries)]
    assert found.torn


def test_two_sessions_never_share_key_and_nonce() -> None:
    """The same entry, at the same place, under the same root: other bytes."""
    assert blocks(1)[64:] != blocks(1)[64:]


def test_a_payload_with_an_unknown_entry_is_damage() -> None:
    """Written by a later version: refused rather than half understood."""
    for payload in (b"\x63", b"\x01short"):
        with pytest.raises(JournalBroken):
            replay(MASTER, HEAD, Journal(MASTER, HEAD, 0).seal(payload))


def test_entries_do_not_show_their_keys() -> None:
    """In a traceback, say."""
    assert repr(Entry(Operation.KEEP, b"secret")) == f"Entry(operation={Operation.KEEP!r})"
    assert "table" not in repr(open_snapshot(bytes(32), 1, seal_snapshot(bytes(32), HEAD, bytearray(b"table"))))


@given(st.text(max_size=300))
def test_any_text_is_a_list_of_mounts(text: str) -> None:
    """Lines that are none are passed over."""
    parse_mountinfo(text)


def test_keep_requests_name_no_key() -> None:
    """They cross rooms."""
    assert "key=" not in repr(KeepRequest(bytes(16), bytes(16), 0, bytes(16)))
