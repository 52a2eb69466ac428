"""Opened bundles wait, sealed, until they are written, given up or a week old; nobody else gets at them (K7)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori.desk.bundle_fault import BundleMissing, BundlesWaiting
from kuramori.desk.waiting_bundles import WAITING_MOST, WAITING_MS_MOST, Bundle, WaitingBundles
from tests.fakes.clock import ToldClock
from tests.fakes.desk_room import HANDLER, SECOND_HANDLER, DeskRoom
from tests.fakes.desk_steps import approved, content, handed_deks
from tests.fakes.fake_worker import FakeStream


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk."""
    async with DeskRoom(tmp_path) as made:
        yield made


async def opened(room: DeskRoom) -> str:
    """Return the number of a request whose bundle waits."""
    number = await approved(room)
    body = {"deks": await handed_deks(room, number)}
    content(await room.call("POST", f"/v1/requests/{number}/opening", HANDLER, body), 201)
    return number


async def test_opened_it_waits_and_is_taken_as_often_as_needed_until_it_is_written(room: DeskRoom) -> None:
    """A medium that fails costs nothing; once one is noted as written, the spool is erased."""
    number = await opened(room)
    (listed,) = content(await room.call("GET", "/v1/bundles", HANDLER))["bundles"]
    (stream,) = room.workers.streams
    assert (listed["request_id"], listed["size_bytes"], listed["taken"]) == (number, len(stream.archive), False)
    for _ in range(2):
        taken = await room.call("GET", f"/v1/requests/{number}/bundle", HANDLER)
        assert taken.content == stream.archive
    assert stream.closed == 0
    written = {"manifest_digest": listed["manifest_digest"], "medium": "USB stick A"}
    content(await room.call("POST", f"/v1/requests/{number}/written", HANDLER, written))
    assert stream.closed == 1
    gone = await room.call("GET", f"/v1/requests/{number}/bundle", HANDLER)
    assert content(gone, 404)["code"] == "bundle-missing"
    assert content(await room.call("GET", "/v1/bundles", HANDLER)) == {"bundles": []}


async def test_another_medium_than_that_of_this_bundle_erases_nothing(room: DeskRoom) -> None:
    """A digest that is no bundle's is refused, and the spool stays."""
    number = await opened(room)
    written = {"manifest_digest": "00" * 32, "medium": "USB stick A"}
    assert (await room.call("POST", f"/v1/requests/{number}/written", HANDLER, written)).status_code == 422
    assert room.workers.streams[0].closed == 0


async def test_it_can_be_given_up(room: DeskRoom) -> None:
    """The key is destroyed; a second time there is nothing to erase."""
    number = await opened(room)
    for expected in (True, False):
        assert content(await room.call("DELETE", f"/v1/requests/{number}/bundle", HANDLER)) == {"erased": expected}
    assert room.workers.streams[0].closed == 1


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_another_handler_neither_sees_nor_takes_nor_erases_it(room: DeskRoom, method: str) -> None:
    """What waits belongs to who filed the request."""
    number = await opened(room)
    refused = await room.call(method, f"/v1/requests/{number}/bundle", SECOND_HANDLER)
    assert content(refused, 403)["code"] == "not-the-requester"
    assert content(await room.call("GET", "/v1/bundles", SECOND_HANDLER)) == {"bundles": []}
    assert room.workers.streams[0].closed == 0


async def test_opened_anew_the_one_before_is_erased(room: DeskRoom) -> None:
    """One waits for each request, and every opening is counted."""
    number = await opened(room)
    body = {"deks": await handed_deks(room, number)}
    anew = content(await room.call("POST", f"/v1/requests/{number}/opening", HANDLER, body), 201)
    assert anew["opening"] == 2
    assert [stream.closed for stream in room.workers.streams] == [1, 0]


async def test_after_a_week_it_is_erased(room: DeskRoom) -> None:
    """By the desk's own housekeeping, whether it was taken or not."""
    await opened(room)
    room.clock.pass_ms(WAITING_MS_MOST)
    await room.open_desk.tidy()
    assert room.workers.streams[0].closed == 1


async def test_none_outlives_the_desk(room: DeskRoom) -> None:
    """The keys are in the memory of processes that end with it."""
    await opened(room)
    await room.stop_desk()
    assert room.workers.streams[0].closed == 1


class TestRoom:
    """How many may wait."""

    @staticmethod
    def bundle(number: int) -> Bundle:
        """Return one that could wait."""
        return Bundle(FakeStream(b"x" * 100, bytes(32)), f"20261124-{number}", 1, 1000 + number)

    async def test_no_more_than_memory_allows(self) -> None:
        """The ninth is refused as long as none was taken whole; then that one gives way."""
        waiting = WaitingBundles(ToldClock(0))
        bundles = [self.bundle(number) for number in range(WAITING_MOST)]
        for bundle in bundles:
            await waiting.make_room(bundle.request_id)
            await waiting.keep(bundle)
        with pytest.raises(BundlesWaiting):
            await waiting.make_room("20261124-99")
        await waiting.make_room(bundles[0].request_id)  # in place of the one before it
        assert b"".join([piece async for piece in bundles[3].pieces()]) == b"x" * 100
        await waiting.make_room("20261124-99")
        with pytest.raises(BundleMissing):
            waiting.of(bundles[3].request_id)
        assert len(waiting.all()) == WAITING_MOST - 1

    async def test_a_week_and_no_longer(self) -> None:
        """At the last moment it is there, at the next it is not."""
        clock = ToldClock(1000)
        waiting = WaitingBundles(clock)
        await waiting.keep(self.bundle(0))
        for utc_ms, there in ((1000 + WAITING_MS_MOST - 1, 1), (1000 + WAITING_MS_MOST, 0)):
            clock.now_utc_ms = utc_ms
            await waiting.forget_old()
            assert len(waiting.all()) == there
