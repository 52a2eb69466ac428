"""Keys die on time, a hold keeps exactly what it names, an order erases exactly what it names, and each has a receipt.

A real vault in a folder; the clock is the test's. Recordings are written by the real recording and volume.
"""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from kuramori.forgetting import Forgetting, HoldRefused
from kuramori.messages import EraseRequest, FailureCode, PlaceHoldRequest
from kuramori.recorder_figures import statistics_of
from kuramori.timebase import UtcAnchor
from kuramori_config.written_acts import RetiredCamera
from tests.fakes.house import FRAME_MS, FRAMES_PER_SLOT, START_UTC_MS, House, running_house

HOUR_MS = 3_600_000


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Two cameras whose pictures are kept for four hours."""
    async with running_house(tmp_path) as made:
        yield made


def order(camera: str, from_utc_ms: int, to_utc_ms: int, number: int = 1) -> EraseRequest:
    return EraseRequest(f"{number:032x}", camera, from_utc_ms, to_utc_ms, "Sato Hanako", "wrong aim")


def hold(camera: str, from_utc_ms: int, to_utc_ms: int, until_utc_ms: int, number: int = 7) -> PlaceHoldRequest:
    return PlaceHoldRequest(
        f"{number:032x}", (camera,), from_utc_ms, to_utc_ms, until_utc_ms, "R-1", "Sato Hanako", "police inquiry"
    )


async def test_keys_die_before_their_first_frame_is_too_old(house: House) -> None:
    """Four hours of retention: at three hours and a bit the first hour's key is gone, and the receipt names it."""
    house.record("gate", 10)
    first_hour = house.vault.keystore.epochs()
    house.clock.pass_ms(2 * HOUR_MS)
    await house.forgetting.catch_up()
    assert set(first_hour) <= set(house.vault.keystore.epochs())
    house.clock.pass_ms(HOUR_MS)
    await house.forgetting.catch_up()
    assert not set(first_hour) & set(house.vault.keystore.epochs())
    assert house.openable("gate") == [False]
    (receipt,) = house.vault.ledger.erasures()
    assert (receipt.rule, receipt.tier) == ("retention", "E0")
    assert receipt.erased[0].epoch_ids == tuple(epoch.epoch_id for epoch in first_hour)
    assert len(receipt.signature) == 64


async def test_a_removed_camera_keeps_its_own_retention(house: House) -> None:
    """The camera left the configuration; its pictures live as long as its [[retired_camera]] says, no longer."""
    house.record("gate", 10)
    first_hour = set(house.vault.keystore.epochs())
    removed = RetiredCamera.model_validate(
        {"name": "gate", "place": "x", "removed": date(2026, 4, 1), "retention": "5 hours"}
    )
    house.recorder.configuration = house.recorder.configuration.model_copy(update={"retired_cameras": (removed,)})
    del house.recorder.cameras["gate"]
    house.clock.pass_ms(3 * HOUR_MS)
    await house.forgetting.catch_up()
    assert first_hour <= set(house.vault.keystore.epochs())
    house.clock.pass_ms(HOUR_MS)
    await house.forgetting.catch_up()
    assert not first_hour & set(house.vault.keystore.epochs())


async def test_a_hold_keeps_what_it_names_beyond_its_time_and_nothing_else(house: House) -> None:
    """The held minutes open after their epoch is dead; the rest of the hour does not; after its end nothing does."""
    house.record("gate", 3 * FRAMES_PER_SLOT)
    begin = START_UTC_MS + FRAMES_PER_SLOT * FRAME_MS + 60_000
    until = START_UTC_MS + 10 * HOUR_MS
    number = house.recorder.cameras["gate"].recording.camera_number
    placed, kept = await house.forgetting.place_hold(hold("gate", begin, begin + 60_000, until), [number])
    assert placed.ends_utc_ms == until
    assert kept == 1
    house.clock.pass_ms(4 * HOUR_MS)
    await house.forgetting.catch_up()
    assert house.vault.keystore.epochs() == ()
    assert sum(house.openable("gate")) == 1
    assert house.forgetting.figures.held_slots == 1
    house.clock.pass_ms(7 * HOUR_MS)
    await house.forgetting.catch_up()
    assert sum(house.openable("gate")) == (0 if house.recorder.clock_trusted else 1)


async def test_lifting_a_hold_destroys_what_only_it_kept(house: House) -> None:
    """The keys go with the rotation that follows at once."""
    house.record("gate", 10)
    number = house.recorder.cameras["gate"].recording.camera_number
    asked = hold("gate", START_UTC_MS, START_UTC_MS + 60_000, START_UTC_MS + 10 * HOUR_MS)
    await house.forgetting.place_hold(asked, [number])
    house.clock.pass_ms(4 * HOUR_MS)
    await house.forgetting.catch_up()
    assert house.openable("gate") == [True]
    await house.forgetting.lift_hold(asked.hold_id, "Sato Hanako", "handed over")
    assert house.vault.keystore.kept() == ()
    assert house.openable("gate") == [False]


async def test_a_hold_beyond_the_budget_is_refused_with_the_reason(house: House) -> None:
    """A quarter of the ring may be held; more would cost other cameras their days."""
    house.record("gate", 14 * FRAMES_PER_SLOT)
    number = house.recorder.cameras["gate"].recording.camera_number
    with pytest.raises(HoldRefused) as caught:
        await house.forgetting.place_hold(
            hold("gate", START_UTC_MS, START_UTC_MS + 9 * HOUR_MS, START_UTC_MS + 90 * HOUR_MS), [number]
        )
    assert caught.value.failure.code is FailureCode.HOLD_BUDGET
    assert house.vault.ledger.holds() == ()


async def test_an_order_erases_the_named_minutes_and_keeps_the_rest_of_the_hour(house: House) -> None:
    """Three slots of one epoch, the middle one named: it alone is gone, and the other camera is untouched."""
    house.record("gate", 3 * FRAMES_PER_SLOT)
    house.record("yard", 5)
    await leave_the_hour(house, "gate")
    begin = START_UTC_MS + FRAMES_PER_SLOT * FRAME_MS + 60_000
    number = house.recorder.cameras["gate"].recording.camera_number
    before = house.openable("gate")
    receipt = await house.forgetting.erase(order("gate", begin, begin + 60_000), number)
    assert receipt is not None
    assert (receipt.rule, receipt.person, receipt.reason) == ("request", "Sato Hanako", "wrong aim")
    after = house.openable("gate")
    assert [was and not now for was, now in zip(before, after, strict=True)].count(True) == 1
    assert not after[1]
    assert house.openable("yard") == [True]


async def test_a_second_order_in_the_same_hour_erases_what_the_first_one_kept(house: House) -> None:
    """Three slots of one epoch: the middle one, then the last: each is gone when its order is done, the first stays."""
    house.record("gate", 3 * FRAMES_PER_SLOT)
    await leave_the_hour(house, "gate")
    number = house.recorder.cameras["gate"].recording.camera_number
    for which in (1, 2):
        begin = START_UTC_MS + which * FRAMES_PER_SLOT * FRAME_MS + 60_000
        receipt = await house.forgetting.erase(order("gate", begin, begin + 60_000, number=which), number)
        assert receipt is not None
        assert [erased.camera_number for erased in receipt.erased] == [number]
        assert not house.openable("gate")[which]
    assert house.openable("gate")[0]


async def test_a_hold_keeps_what_is_left_of_an_hour_that_was_erased_in_part(house: House) -> None:
    """What an order left over can still be held beyond its retention."""
    house.record("gate", 2 * FRAMES_PER_SLOT)
    await leave_the_hour(house, "gate")
    number = house.recorder.cameras["gate"].recording.camera_number
    begin = START_UTC_MS + FRAMES_PER_SLOT * FRAME_MS + 60_000
    await house.forgetting.erase(order("gate", begin, begin + 60_000), number)
    asked = hold("gate", START_UTC_MS, START_UTC_MS + 60_000, START_UTC_MS + 10 * HOUR_MS)
    await house.forgetting.place_hold(asked, [number])
    ends = {key.until_utc_ms for key in house.vault.keystore.kept() if key.hold_id == bytes.fromhex(asked.hold_id)}
    assert ends == {START_UTC_MS + 10 * HOUR_MS}
    assert house.openable("gate")[:2] == [True, False]


async def test_what_a_lifted_hold_kept_of_an_hour_erased_in_part_lives_until_its_time(house: House) -> None:
    """The order did not name it, the hold did: when the hold ends early, its retention counts again."""
    forgetting = house.forgetting = Forgetting(house.recorder, lambda: True)
    await forgetting.catch_up()
    house.record("gate", 2 * FRAMES_PER_SLOT)
    number = house.recorder.cameras["gate"].recording.camera_number
    asked = hold("gate", START_UTC_MS, START_UTC_MS + 60_000, START_UTC_MS + 10 * HOUR_MS)
    await house.forgetting.place_hold(asked, [number])
    await leave_the_hour(house, "gate")
    begin = START_UTC_MS + FRAMES_PER_SLOT * FRAME_MS + 60_000
    await house.forgetting.erase(order("gate", begin, begin + 60_000), number)
    await house.forgetting.lift_hold(asked.hold_id, "Sato Hanako", "not needed")
    assert house.openable("gate")[:2] == [True, False]
    house.clock.pass_ms(4 * HOUR_MS)
    await house.forgetting.catch_up()
    assert house.openable("gate")[:2] == [False, False]


async def test_a_hold_keeps_no_segment_that_ended_before_its_minutes(house: House) -> None:
    """Also one that is still open, of a camera that has sent nothing since."""
    house.record("gate", 3)
    house.clock.pass_ms(HOUR_MS // 2)
    now = house.recorder.now_utc_ms()
    number = house.recorder.cameras["gate"].recording.camera_number
    await house.forgetting.place_hold(hold("gate", now - 60_000, now, now + 10 * HOUR_MS), [number])
    assert house.vault.keystore.kept() == ()


async def test_a_receipt_counts_what_holds_keep_of_the_named_minutes_and_nothing_else(house: House) -> None:
    """The rest of the hour is kept by no hold."""
    house.record("gate", 3 * FRAMES_PER_SLOT)
    number = house.recorder.cameras["gate"].recording.camera_number
    await house.forgetting.place_hold(
        hold("gate", START_UTC_MS, START_UTC_MS + 60_000, START_UTC_MS + HOUR_MS), [number]
    )
    await leave_the_hour(house, "gate")
    begin = START_UTC_MS + FRAMES_PER_SLOT * FRAME_MS + 60_000
    beside = await house.forgetting.erase(order("gate", begin, begin + 60_000), number)
    assert beside is not None
    assert beside.kept_for_holds == 0
    across = await house.forgetting.erase(
        order("gate", START_UTC_MS, begin + 2 * FRAMES_PER_SLOT * FRAME_MS, 2), number
    )
    assert across is not None
    assert across.kept_for_holds == 1


async def test_the_same_order_again_returns_its_first_receipt(house: House) -> None:
    """Asked twice, destroyed once."""
    house.record("gate", 5)
    await leave_the_hour(house, "gate")
    number = house.recorder.cameras["gate"].recording.camera_number
    asked = order("gate", START_UTC_MS, START_UTC_MS + 20_000)
    first = await house.forgetting.erase(asked, number)
    assert first is not None
    assert await house.forgetting.erase(asked, number) == first
    assert len(house.vault.ledger.erasures()) == 1


async def test_an_order_never_takes_held_minutes(house: House) -> None:
    """A hold is not silently dropped: what it names stays openable."""
    house.record("gate", 5)
    number = house.recorder.cameras["gate"].recording.camera_number
    asked = hold("gate", START_UTC_MS, START_UTC_MS + 60_000, START_UTC_MS + 10 * HOUR_MS)
    await house.forgetting.place_hold(asked, [number])
    await leave_the_hour(house, "gate")
    await house.forgetting.erase(order("gate", START_UTC_MS, START_UTC_MS + 20_000), number)
    assert house.openable("gate")[0]


async def test_nothing_there_is_said(house: House) -> None:
    """An order for minutes that were never recorded destroys nothing and has no receipt."""
    house.record("gate", 5)
    number = house.recorder.cameras["gate"].recording.camera_number
    assert await house.forgetting.erase(order("gate", 1000, 2000), number) is None
    assert house.vault.ledger.erasures() == ()


async def leave_the_hour(house: House, camera: str) -> None:
    """Go on under a new epoch, as the tick does when an order names the running hour."""
    recording = house.recorder.cameras[camera].recording
    recording.leave_epoch()
    house.record(camera, 1)
    assert recording.plan.left is None


async def test_a_receipt_that_a_stop_kept_from_the_ledger_is_entered_at_the_next_start(house: House) -> None:
    """Keys destroyed, then the machine stops: the ledger learns of it, once."""
    house.record("gate", 3)
    doomed = [epoch.epoch_id for epoch in house.vault.keystore.epochs()]
    house.vault.keystore.rotate(doomed, START_UTC_MS + 60_000, time_trusted=False)
    assert house.vault.ledger.erasures() == ()
    await house.forgetting.catch_up()
    await house.forgetting.catch_up()
    (receipt,) = house.vault.ledger.erasures()
    assert list(receipt.erased[0].epoch_ids) == doomed


async def test_a_hold_ends_the_segment_that_is_still_written(house: House) -> None:
    """So that what a request names has its signed footer when it is opened."""
    house.record("gate", 3)
    number = house.recorder.cameras["gate"].recording.camera_number
    await house.forgetting.place_hold(
        hold("gate", START_UTC_MS, START_UTC_MS + 60_000, START_UTC_MS + 10 * HOUR_MS), [number]
    )
    house.record("gate", 3)
    house.record("gate", 3)
    assert [item.header.sequence for item in house.forgetting.segments(number, 0, 1 << 52)] == [1, 2]


async def test_what_an_untrusted_clock_calls_overdue_is_refused_alarmed_and_taken_first(tmp_path: Path) -> None:
    """After a power cut of five hours with a clock that nobody vouches for: no key dies; with a trusted one all do."""
    synchronised = True
    async with running_house(tmp_path) as house:
        forgetting = Forgetting(house.recorder, lambda: synchronised)
        await forgetting.catch_up()
        house.record("gate", 5)
        epochs = house.vault.keystore.epochs()
        number = house.recorder.numbers["gate"]
        uids = {item.header.segment_uid: item.header.epoch_id for item in forgetting.segments(number, 0, 1 << 52)}
        assert not forgetting.too_old(uids)
        synchronised = False
        after_a_power_cut(house, HOUR_MS * 5)
        await forgetting.catch_up()
        assert house.vault.keystore.epochs() == epochs
        assert forgetting.figures.overdue_epochs == 1
        assert "overdue" in house.recorder.problems
        assert forgetting.too_old(uids) == uids.keys()
        synchronised = True
        await forgetting.catch_up()
        assert house.vault.keystore.epochs() == ()
        assert "overdue" not in house.recorder.problems


async def test_how_late_erasure_is_is_counted_for_each_camera_and_for_the_recorder(tmp_path: Path) -> None:
    """Nothing in its time; an hour when a picture kept for four hours opens after five; nothing when it died."""
    synchronised = True
    async with running_house(tmp_path) as house:
        forgetting = Forgetting(house.recorder, lambda: synchronised)
        await forgetting.catch_up()
        house.record("gate", 5)
        gate = house.recorder.numbers["gate"]

        def lags() -> tuple[float | None, float]:
            oldest = {epoch.camera_number: epoch.first_utc_ms for epoch in house.vault.keystore.epochs()}
            figures = statistics_of(house.recorder, forgetting, oldest)
            assert figures.keystore is not None
            (camera,) = [one for one in figures.cameras if one.name == "gate"]
            assert (camera.erasure_lag_seconds is None) == (gate not in oldest)
            return camera.erasure_lag_seconds, figures.keystore.erasure_lag_seconds

        assert lags() == (0, 0)
        synchronised = False
        after_a_power_cut(house, HOUR_MS * 5)
        await forgetting.catch_up()
        camera, whole = lags()
        assert camera == whole == pytest.approx(3600, abs=60)
        synchronised = True
        await forgetting.catch_up()
        assert lags() == (None, 0)


async def test_a_hold_brings_nothing_back_whose_time_is_over_already(tmp_path: Path) -> None:
    """Placed while it is overdue, it keeps no key, now or later; one that was placed before keeps its own."""
    async with running_house(tmp_path) as house:
        forgetting = Forgetting(house.recorder, lambda: False)
        await forgetting.catch_up()
        house.record("gate", 2 * FRAMES_PER_SLOT)
        number = house.recorder.numbers["gate"]
        first, second, *_ = forgetting.segments(number, 0, 1 << 52)
        until = START_UTC_MS + 100 * HOUR_MS
        await forgetting.place_hold(hold("gate", START_UTC_MS, START_UTC_MS + 60_000, until), [number])
        after_a_power_cut(house, HOUR_MS * 5)
        await forgetting.catch_up()
        late = hold("gate", START_UTC_MS, house.clock.utc_ms(), until, number=8)
        await forgetting.place_hold(late, [number])
        await forgetting.catch_up()
        assert {key.segment_uid for key in house.vault.keystore.kept()} == {first.header.segment_uid}
        asked = {item.header.segment_uid: item.header.epoch_id for item in (first, second)}
        assert forgetting.too_old(asked) == {second.header.segment_uid}


def after_a_power_cut(house: House, off_ms: int) -> None:
    """As if the machine had been off so long: another boot, whose clock nobody vouches for."""
    for store in house.vault.keystore.stores:
        store._boot_id = b"\x0c" * 16
    object.__setattr__(house.vault, "boot_id", b"\x0c" * 16)
    house.clock.pass_ms(off_ms)
    house.clock.now_boot_ns = 60_000_000_000
    house.recorder.anchor = UtcAnchor(house.clock.utc_ms(), house.clock.now_boot_ns)


async def test_a_wall_clock_that_jumps_ends_no_hold(tmp_path: Path) -> None:
    """A trusted clock leaps a year ahead: the hold is in force, its slots are held, and its keys live."""
    async with running_house(tmp_path) as house:
        forgetting = Forgetting(house.recorder, lambda: True)
        await forgetting.catch_up()
        house.record("gate", 5)
        number = house.recorder.numbers["gate"]
        asked = hold("gate", START_UTC_MS, START_UTC_MS + 60_000, START_UTC_MS + 10 * HOUR_MS)
        await forgetting.place_hold(asked, [number])
        house.recorder.anchor = UtcAnchor(house.clock.utc_ms() + 8760 * HOUR_MS, house.clock.boot_ns())
        await forgetting.catch_up()
        assert forgetting.figures.holds == 1
        assert forgetting.figures.held_slots == 1
        assert house.vault.keystore.kept() != ()
        house.clock.pass_ms(11 * HOUR_MS)
        await forgetting.catch_up()
        assert forgetting.figures.holds == 0
        assert house.vault.keystore.kept() == ()
