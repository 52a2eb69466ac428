"""The keystore in ordinary life: keys come durably, stay through restarts, and die with a rotation."""

import gc
import threading
from collections.abc import Iterator

import pytest

from kuramori_segments import cipher
from kuramori_segments.key_records import Epoch, KeepRequest, Moment
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import (
    EpochKeyGone,
    KeystoreClosed,
    KeystoreExists,
    KeystoreFault,
    KeystoreInUse,
    KeystoreMissing,
    RootGone,
)
from kuramori_segments.tier import ErasureTier
from tests.fakes.crashing_files import Machine
from tests.fakes.keystore_machine import BOOT, HOLD, OTHER_UID, SAME, SEPARATE, UID, cells_of, new_store, reopened


def before_and_after_restart(machine: Machine, store: Keystore) -> Iterator[Keystore]:
    yield store
    yield reopened(machine, store)


# ---- keys come and stay ------------------------------------------------------------------------------------


def test_an_epoch_lives_through_a_restart() -> None:
    """Everything said of it, and its key, are there again."""
    machine = Machine()
    store = new_store(machine)
    epoch = store.new_epoch(7, 1_790_000_000_000, 123_456)
    key = store.segment_key(epoch.epoch_id, UID)
    assert epoch == Epoch(epoch.epoch_id, 7, 1_790_000_000_000, 123_456, BOOT)
    assert epoch.first_boot_ns == 123_456_000_000
    store = reopened(machine, store)
    assert store.epochs() == (epoch,)
    assert store.segment_key(epoch.epoch_id, UID) == key


def test_segment_keys_are_those_of_the_format() -> None:
    """K_seg = HKDF(epoch key, segment uid): each segment and each epoch has another."""
    store = new_store(Machine())
    one, two = store.new_epoch(1, 0, 0), store.new_epoch(1, 1, 1)
    keys = {store.segment_key(epoch.epoch_id, uid) for epoch in (one, two) for uid in (UID, OTHER_UID)}
    assert len(keys) == 4
    row = store._table._epochs[one.epoch_id]
    assert store.segment_key(one.epoch_id, UID) == cipher.segment_key(bytes(row[-32:]), UID)


def test_a_rotation_keeps_what_it_was_not_told_to_destroy() -> None:
    """Many rotations, restarts between them: the same keys."""
    machine = Machine()
    store = new_store(machine)
    epochs = [store.new_epoch(camera, camera, 0) for camera in range(1, 9)]
    keys = [store.segment_key(epoch.epoch_id, UID) for epoch in epochs]
    for lap in range(5):
        store.rotate((), lap)
        store = reopened(machine, store)
        assert [store.segment_key(epoch.epoch_id, UID) for epoch in epochs] == keys
    assert store.generation == 6


def test_epochs_made_after_a_rotation_live_in_the_new_slot() -> None:
    """The journal follows the slot."""
    machine = Machine()
    store = new_store(machine)
    store.rotate((), 0)
    epoch = store.new_epoch(1, 0, 0)
    assert reopened(machine, store).epochs() == (epoch,)


def test_two_processes_do_not_share_a_store() -> None:
    """The second is told so."""
    machine = Machine()
    new_store(machine)
    with pytest.raises(KeystoreInUse):
        Keystore.open(machine.files("store"), cells_of(machine))


def test_a_store_is_never_made_over_another() -> None:
    """Neither over its directory nor over its cell."""
    machine = Machine()
    store = new_store(machine)
    store.close()
    with pytest.raises(KeystoreExists):
        new_store(machine)
    with pytest.raises(KeystoreExists):
        Keystore.create(machine.files("elsewhere"), cells_of(machine))
    assert reopened(machine, store).generation == 1


def test_an_empty_directory_holds_no_store() -> None:
    """Named, so that the operator makes one."""
    machine = Machine()
    with pytest.raises(KeystoreMissing):
        Keystore.open(machine.files("store"), cells_of(machine))


def test_without_its_cell_a_store_opens_nothing() -> None:
    """The cell's medium is missing: the fault names both cells."""
    machine = Machine()
    new_store(machine).close()
    elsewhere = Machine()
    with pytest.raises(RootGone) as caught:
        Keystore.open(machine.files("store"), cells_of(elsewhere))
    assert caught.value.cells == ("cell/cell-a", "cell/cell-b")


def test_a_closed_store_cannot_erase_everything() -> None:
    """It knows no keys any more, so a rotation of it is refused, and so is everything else."""
    machine = Machine()
    store = new_store(machine)
    epoch = store.new_epoch(1, 0, 0)
    store.close()
    store.close()
    for call in (lambda: store.rotate((), 0), lambda: store.new_epoch(1, 0, 0), lambda: store.drop_hold(HOLD)):
        with pytest.raises(KeystoreClosed):
            call()
    assert reopened(machine, store).epochs() == (epoch,)


@pytest.mark.parametrize("numbers", [(-1, 0, 0), (1 << 32, 0, 0), (1, 1 << 63, 0), (1, 0, -1)])
def test_numbers_out_of_range_are_refused(numbers: tuple[int, int, int]) -> None:
    """Before anything is written."""
    machine = Machine()
    store = new_store(machine)
    with pytest.raises(ValueError):
        store.new_epoch(*numbers)
    assert reopened(machine, store).epochs() == ()


# ---- keys die ----------------------------------------------------------------------------------------------


def test_a_rotation_destroys_what_it_was_told() -> None:
    """The key is gone at once and after a restart; the receipt says what, when and how strongly."""
    machine = Machine()
    store = new_store(machine)
    dying, living = store.new_epoch(1, 10, 0), store.new_epoch(2, 20, 0)
    receipt = store.rotate({dying.epoch_id}, 5000)
    assert (receipt.generation, receipt.erased_utc_ms, receipt.tier) == (2, 5000, ErasureTier.E2)
    assert (receipt.epochs, receipt.keeps, receipt.cell) == ((dying,), (), "cell/cell-a")
    for current in before_and_after_restart(machine, store):
        assert current.epochs() == (living,)
        assert current.erasures == (receipt,)
        assert not current.erasure_pending
        with pytest.raises(EpochKeyGone):
            current.segment_key(dying.epoch_id, UID)


def test_a_copy_of_the_store_made_before_shows_nothing_after() -> None:
    """Whatever was copied from the store's medium at whatever time: no root that exists opens the dead key."""
    machine = Machine()
    store = new_store(machine)
    dying = store.new_epoch(1, 10, 0)
    store.rotate((), 1)
    thief = Machine()
    for name, data in machine.files("store").durable_content().items():
        thief.files("store").create(name, data)
    for name, data in machine.files("cell").durable_content().items():
        thief.files("cell").create(name, data)
    store.rotate({dying.epoch_id}, 2)
    with pytest.raises(KeystoreFault):
        Keystore.open(thief.files("store"), cells_of(machine))  # the cells as they are now
    with_the_old_cells = Keystore.open(thief.files("store"), cells_of(thief))
    assert with_the_old_cells.epochs() == (dying,)  # what the tier is about: these must not be copied along


def test_a_destroyed_root_is_nowhere_on_the_cells_medium() -> None:
    """Every durable byte that was ever under a name of the cell: the old root is not among them."""
    machine = Machine()
    store = new_store(machine)
    root = cells_of(machine)[0].read()
    assert root is not None
    assert any(root in content for content in machine.image("cell").values())
    store.rotate((), 0)
    assert not any(root in content for content in machine.image("cell").values())


def test_what_is_not_there_cannot_be_destroyed_and_does_no_harm() -> None:
    """Asking again for what died is fine; the receipt names only what died now."""
    store = new_store(Machine())
    dying = store.new_epoch(1, 0, 0)
    store.rotate({dying.epoch_id}, 0)
    assert store.rotate({dying.epoch_id, bytes(16)}, 1).epochs == ()
    assert len(store.erasures) == 1


def test_the_last_receipts_are_remembered() -> None:
    """A day of hourly rotations; older ones are in the ledger."""
    machine = Machine()
    store = new_store(machine)
    for hour in range(30):
        store.rotate({store.new_epoch(1, hour, 0).epoch_id}, hour)
    receipts = reopened(machine, store).erasures
    assert [receipt.erased_utc_ms for receipt in receipts] == list(range(6, 30))


def test_dead_keys_are_overwritten_in_memory() -> None:
    """The bytes that held a destroyed key are zero, and no object that Python knows of holds it any more."""
    store = new_store(Machine())
    dying = store.new_epoch(1, 0, 0)
    row = store._table._epochs[dying.epoch_id]
    key = bytes(row[-32:])
    store.rotate({dying.epoch_id}, 0)
    assert row == bytes(len(row))
    holders = [found for found in gc.get_objects() if isinstance(found, bytes | bytearray) and key in found]
    assert holders == []


def test_a_store_does_not_show_its_keys() -> None:
    """Neither it nor what it says of its keys."""
    store = new_store(Machine())
    epoch = store.new_epoch(1, 0, 0)
    assert repr(store) == "Keystore('store', generation 1)"
    assert bytes(store._table._epochs[epoch.epoch_id][-32:]).hex() not in repr((store, store.epochs()))


def test_the_weaker_cell_decides_the_tier() -> None:
    """A store whose roots live on different media now and then claims the weaker one."""
    machine = Machine()
    mixed = (cells_of(machine, SEPARATE)[0], cells_of(machine, SAME)[1])
    assert Keystore.create(machine.files("store"), mixed).tier is ErasureTier.E0


# ---- holds -------------------------------------------------------------------------------------------------


def test_a_kept_key_outlives_its_epoch() -> None:
    """K5: exactly the named segment stays; the epoch key dies on time."""
    machine = Machine()
    store = new_store(machine)
    epoch = store.new_epoch(4, 77, 0)
    key = store.segment_key(epoch.epoch_id, UID)
    store.keep_segment_key(epoch.epoch_id, UID, 9000, HOLD)
    store.rotate({epoch.epoch_id}, 1000)
    for current in before_and_after_restart(machine, store):
        assert current.segment_key(epoch.epoch_id, UID) == key
        with pytest.raises(EpochKeyGone):
            current.segment_key(epoch.epoch_id, OTHER_UID)
        with pytest.raises(EpochKeyGone):
            current.segment_key(bytes(16), UID)
        (kept,) = current.kept()
        assert (kept.camera_number, kept.epoch_first_utc_ms, kept.until_utc_ms) == (4, 77, 9000)


def test_a_kept_key_ends_with_the_first_rotation_at_its_time() -> None:
    """Not before, and the receipt names it."""
    store = new_store(Machine())
    epoch = store.new_epoch(1, 0, 0)
    store.keep_segment_key(epoch.epoch_id, UID, 9000, HOLD)
    assert store.rotate({epoch.epoch_id}, 8999).keeps == ()
    (ended,) = store.rotate((), 9000).keeps
    assert (ended.hold_id, ended.segment_uid) == (HOLD, UID)
    with pytest.raises(EpochKeyGone):
        store.segment_key(epoch.epoch_id, UID)


def test_without_trusted_time_no_hold_ends() -> None:
    """A hold is never dropped because a clock jumped."""
    store = new_store(Machine())
    epoch = store.new_epoch(1, 0, 0)
    store.keep_segment_key(epoch.epoch_id, UID, 9000, HOLD)
    assert store.rotate((), 1 << 50, time_trusted=False).keeps == ()
    assert len(store.kept()) == 1


def test_a_hold_can_be_extended() -> None:
    """The same hold and segment again: the later time counts, once."""
    machine = Machine()
    store = new_store(machine)
    epoch = store.new_epoch(1, 0, 0)
    store.keep_segment_key(epoch.epoch_id, UID, 9000, HOLD)
    store.rotate({epoch.epoch_id}, 0)
    store.keep_segment_key(epoch.epoch_id, UID, 20000, HOLD)
    assert [kept.until_utc_ms for kept in reopened(machine, store).kept()] == [20000]


def test_two_holds_of_one_segment_end_separately() -> None:
    """The key dies with the last of them."""
    store = new_store(Machine())
    epoch = store.new_epoch(1, 0, 0)
    for hold, until in ((HOLD, 1000), (b"\x05" * 16, 2000)):
        store.keep_segment_key(epoch.epoch_id, UID, until, hold)
    store.rotate({epoch.epoch_id}, 1500)
    key = store.segment_key(epoch.epoch_id, UID)
    assert len(key) == 32
    store.rotate((), 2000)
    with pytest.raises(EpochKeyGone):
        store.segment_key(epoch.epoch_id, UID)


def test_a_dropped_hold_is_gone_at_once_and_erased_with_the_next_rotation() -> None:
    """Also after a restart; the receipt names what was dropped, once."""
    machine = Machine()
    store = new_store(machine)
    epoch = store.new_epoch(1, 0, 0)
    store.keep_segment_keys([KeepRequest(epoch.epoch_id, uid, 9000, HOLD) for uid in (UID, OTHER_UID)])
    store.rotate({epoch.epoch_id}, 0)
    assert not store.rotation_wanted
    assert store.drop_hold(HOLD) == 2
    assert store.drop_hold(HOLD) == 0
    store = reopened(machine, store)
    assert store.kept() == ()
    assert store.rotation_wanted
    assert {kept.segment_uid for kept in store.rotate((), 1).keeps} == {UID, OTHER_UID}
    assert not store.rotation_wanted
    assert store.rotate((), 2).keeps == ()


def test_many_segments_are_kept_in_one_call() -> None:
    """A day of one camera: more than a journal block takes."""
    machine = Machine()
    store = new_store(machine)
    epoch = store.new_epoch(1, 0, 0)
    uids = [number.to_bytes(16, "big") for number in range(200)]
    keys = [store.segment_key(epoch.epoch_id, uid) for uid in uids]
    store.keep_segment_keys([KeepRequest(epoch.epoch_id, uid, 9000, HOLD) for uid in uids])
    store.rotate({epoch.epoch_id}, 0)
    store = reopened(machine, store)
    assert [store.segment_key(epoch.epoch_id, uid) for uid in uids] == keys


def test_what_is_gone_cannot_be_held() -> None:
    """All or nothing: one missing key, and nothing of the call is kept."""
    machine = Machine()
    store = new_store(machine)
    epoch = store.new_epoch(1, 0, 0)
    with pytest.raises(EpochKeyGone):
        store.keep_segment_keys([KeepRequest(epoch.epoch_id, UID, 9000, HOLD), KeepRequest(bytes(16), UID, 9000, HOLD)])
    assert reopened(machine, store).kept() == ()


@pytest.mark.parametrize(("uid", "hold"), [(bytes(15), HOLD), (UID, b"hold-1"), (UID, b"")])
def test_ids_of_other_lengths_are_refused(uid: bytes, hold: bytes) -> None:
    """Our own misuse fails at once."""
    store = new_store(Machine())
    epoch = store.new_epoch(1, 0, 0)
    with pytest.raises(ValueError):
        store.keep_segment_key(epoch.epoch_id, uid, 0, hold)


def test_the_reference_moment_is_remembered() -> None:
    """It moves on with boot time, for the plan after a restart."""
    machine = Machine()
    store = new_store(machine)
    assert store.reference is None
    store.rotate((), 1000, now_boot_ms=50)
    store.rotate((), 99999, now_boot_ms=60, time_trusted=False)
    assert reopened(machine, store).reference == Moment(1010, 60, BOOT, trusted=True)


# ---- threads -----------------------------------------------------------------------------------------------


def test_keys_are_never_wiped_while_somebody_uses_them() -> None:
    """One thread rotates, another asks: each answer is the right key or EpochKeyGone, never a key of zeros."""
    store = new_store(Machine())
    epochs = [store.new_epoch(1, number, 0) for number in range(300)]
    keys = {epoch.epoch_id: store.segment_key(epoch.epoch_id, UID) for epoch in epochs}
    wrong: list[bytes] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            for epoch in epochs:
                try:
                    if store.segment_key(epoch.epoch_id, UID) != keys[epoch.epoch_id]:
                        wrong.append(epoch.epoch_id)
                except EpochKeyGone:
                    continue

    asking = threading.Thread(target=ask)
    asking.start()
    for start in range(0, 300, 10):
        store.rotate({epoch.epoch_id for epoch in epochs[start : start + 10]}, start)
    done.set()
    asking.join()
    assert wrong == []
    assert store.epochs() == ()
