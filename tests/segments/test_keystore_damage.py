"""A keystore whose files were torn, damaged, forged or taken away: what is tolerated, and what is refused loudly."""

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.key_records import Epoch
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import JournalForged, KeystoreDamaged
from tests.fakes.crashing_files import Machine
from tests.fakes.keystore_machine import BOOT, cells_of, new_store, reopened


def content(machine: Machine, name: str) -> bytearray:
    """Return the bytes of a file, to be altered in place: what programs see and what is durable."""
    inode = machine.files("store")._names[name]
    inode.durable = inode.seen
    return inode.seen


def with_three_epochs() -> tuple[Machine, list[Epoch]]:
    machine = Machine()
    store = new_store(machine)
    epochs = [store.new_epoch(number, 0, 0) for number in (1, 2, 3)]
    store.close()
    return machine, epochs


def open_again(machine: Machine) -> Keystore:
    return Keystore.open(machine.files("store"), cells_of(machine), boot_id=BOOT)


@given(st.integers(1, 4095))
def test_a_torn_tail_is_tolerated(cut: int) -> None:
    """The last block was never acknowledged: what was before it counts, and new keys go where it was."""
    machine, epochs = with_three_epochs()
    journal = content(machine, "journal-a")
    del journal[-cut:]
    store = open_again(machine)
    assert list(store.epochs()) == epochs[:2]
    fourth = store.new_epoch(4, 0, 0)
    assert list(reopened(machine, store).epochs()) == [*epochs[:2], fourth]


def test_a_last_block_of_zeros_is_tolerated() -> None:
    """A file that grew before its content came."""
    machine, epochs = with_three_epochs()
    content(machine, "journal-a").extend(bytes(4096))
    assert list(open_again(machine).epochs()) == epochs


def test_damage_in_the_middle_is_refused() -> None:
    """A bad block before good ones is no torn write."""
    machine, _ = with_three_epochs()
    content(machine, "journal-a")[4096 + 100] ^= 1
    with pytest.raises(KeystoreDamaged):
        open_again(machine)


@pytest.mark.parametrize("place", [4096 * 2 + 70, 4096 * 2 + 33, 4096 * 2 + 24, 4096 * 2 + 16, 4096 * 2 + 4000])
def test_a_forged_entry_is_refused(place: int) -> None:
    """A block with a right checksum that this store did not write: even the last one is no torn tail."""
    machine, _ = with_three_epochs()
    journal = content(machine, "journal-a")
    journal[place] ^= 1
    repair_checksum(journal, 2)
    with pytest.raises(JournalForged) as caught:
        open_again(machine)
    assert caught.value.sequence == 2


def test_a_moved_entry_is_refused() -> None:
    """A genuine block in another place."""
    machine, _ = with_three_epochs()
    journal = content(machine, "journal-a")
    journal[8192:] = journal[:4096]
    with pytest.raises(JournalForged):
        open_again(machine)


def test_an_entry_of_another_generation_is_refused() -> None:
    """A genuine block of the time before the last rotation cannot bring a key back."""
    machine = Machine()
    store = new_store(machine)
    store.new_epoch(1, 0, 0)
    old = bytes(content(machine, "journal-a"))
    store.rotate((), 0)
    store.close()
    content(machine, "journal-b").extend(old)
    with pytest.raises(JournalForged):
        open_again(machine)


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_altered_byte_of_a_snapshot_is_refused(place: int, change: int) -> None:
    """Head, content or tag."""
    machine, _ = with_three_epochs()
    store = open_again(machine)
    store.rotate((), 0)
    store.close()
    snapshot = content(machine, "snapshot-b")
    snapshot[place % len(snapshot)] ^= change
    with pytest.raises(KeystoreDamaged):
        open_again(machine)


@pytest.mark.parametrize("name", ["snapshot-a", "journal-a"])
def test_a_missing_file_is_damage(name: str) -> None:
    """A root without its snapshot or journal is not an empty store."""
    machine, _ = with_three_epochs()
    machine.files("store").remove(name)
    with pytest.raises(KeystoreDamaged):
        open_again(machine)


def repair_checksum(journal: bytearray, block: int) -> None:
    start = block * 4096
    journal[start + 4092 : start + 4096] = crc32c(journal[start : start + 4092]).to_bytes(4, "little")
