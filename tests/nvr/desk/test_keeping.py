"""Holds, erasures and restarts: the recorder follows the register, however often either of them was away."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori import messages
from kuramori.desk.fault import CustodiansUnusable, RecorderAway
from tests.fakes.desk_room import HANDLER, MANAGER, MINUTE_MS, NOW_UTC_MS, DeskRoom
from tests.fakes.desk_steps import approved, content, filed, handed_deks, kinds, open_bundle
from tests.fakes.key_holders import custodian_set

RANGE = {"from_utc_ms": NOW_UTC_MS - 30 * MINUTE_MS, "to_utc_ms": NOW_UTC_MS - 20 * MINUTE_MS}
HOLD = {"cameras": ["gate", "park"], **RANGE, "until_utc_ms": NOW_UTC_MS + 86_400_000, "reason": "市長の指示"}
ERASURE = {"camera": "gate", **RANGE, "reason": "誤って撮影"}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


async def test_a_request_filed_while_the_recorder_is_away_is_held_when_it_is_back(room: DeskRoom) -> None:
    """Filing works without the recorder (H10); the answer says that the minutes are not held; later they are."""
    await room.stop_recorder()
    body = content(await room.call("POST", "/v1/requests", HANDLER, room.request_body()), 201)
    assert body["hold_trouble"]
    with pytest.raises(RecorderAway):
        await room.open_desk.tidy()
    await room.start_recorder()
    await room.open_desk.tidy()
    (hold,) = room.recorder.held.values()
    assert (hold.request_id, hold.cameras) == (body["request_id"], ("gate",))
    await room.open_desk.tidy()
    assert (await kinds(room)).count("hold_placed") == 1


async def test_a_request_for_what_lies_on_a_volume_that_is_away_is_filed_held_and_not_granted(room: DeskRoom) -> None:
    """Not "nothing recorded": the answer names the volume, the minutes are held; it is granted when it is back."""
    room.recorder.away["gate"] = "/srv/second/volume1"
    body = content(await room.call("POST", "/v1/requests", HANDLER, room.request_body()), 201)
    assert "/srv/second/volume1" in body["hold_trouble"]
    assert [hold.cameras for hold in room.recorder.held.values()] == [("gate",)]
    decision = {"outcome": "granted", "reason": "必要と認める"}
    number = body["request_id"]
    problem = content(await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, decision), 409)
    assert problem["code"] == "recording-away"
    room.recorder.away.clear()
    content(await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, decision))


async def test_an_erasure_that_a_volume_that_is_away_hinders_is_carried_out_when_it_is_back(room: DeskRoom) -> None:
    """The order stands in the register, the answer says why it waits; nothing is said to be erased before."""
    room.recorder.away["gate"] = "/srv/second/volume1"
    problem = content(await room.call("POST", "/v1/erasures", MANAGER, ERASURE), 409)
    assert problem["code"] == "erasure-waits"
    assert "/srv/second/volume1" in problem["detail"]
    await room.open_desk.tidy()
    assert "erased" not in await kinds(room)
    status = content(await room.call("GET", "/v1/status", MANAGER))
    assert any("not carried out yet: gate" in problem for problem in status["problems"])
    room.recorder.away.clear()
    await room.open_desk.tidy()
    assert (await kinds(room))[-1] == "erased"
    assert room.open_desk.journal.holds.ordered == {}
    status = content(await room.call("GET", "/v1/status", MANAGER))
    assert not any("not carried out" in problem for problem in status["problems"])


async def test_a_restart_forgets_nothing(room: DeskRoom) -> None:
    """Every state, approvals and shares among it, is the same after the desk was started anew."""
    number = await approved(room)
    before = content(await room.call("GET", f"/v1/requests/{number}", MANAGER))
    deks = await handed_deks(room, number)
    await room.restart()
    assert content(await room.call("GET", f"/v1/requests/{number}", MANAGER)) == before
    assert await handed_deks(room, number) == deks
    assert (await open_bundle(room, number, deks)).status_code == 200
    await room.restart()
    another = await filed(room)
    assert another.split("-") == [number.split("-")[0], "2"]


async def test_a_hold_is_registered_before_it_is_placed_and_a_refused_one_is_registered_too(room: DeskRoom) -> None:
    """The recorder is asked when the entry is durable; what it cannot hold is told and stays in the register."""
    seen: list[str] = []
    register = room.open_desk.journal.register

    def watch(question: object) -> None:
        if isinstance(question, messages.PlaceHoldRequest | messages.EraseRequest | messages.LiftHoldRequest):
            seen.append(register.records()[-1].entry.kind)

    room.recorder.on_question = watch
    hold = content(await room.call("POST", "/v1/holds", MANAGER, HOLD), 201)
    content(await room.call("POST", f"/v1/holds/{hold['hold_id']}/lift", MANAGER, {"reason": "不要"}))
    content(await room.call("POST", "/v1/erasures", MANAGER, ERASURE), 201)
    assert seen == ["hold_placed", "hold_lifted", "erase_ordered"]
    room.recorder.hold_budget = 0
    problem = content(await room.call("POST", "/v1/holds", MANAGER, HOLD), 409)
    assert problem["code"] == "hold-refused"
    assert (await kinds(room))[-1] == "hold_refused"
    await room.open_desk.tidy()
    assert room.recorder.held == {}


NO_HOLDS: list[dict[str, object]] = [
    {"cameras": []},
    {"cameras": ["nowhere"]},
    {"to_utc_ms": RANGE["from_utc_ms"]},
    {"until_utc_ms": NOW_UTC_MS},
    {"until_utc_ms": NOW_UTC_MS + 400 * 86_400_000},
    {"reason": ""},
    {"reason": "two\nlines"},
]


async def test_a_hold_has_cameras_a_time_an_end_and_a_reason(room: DeskRoom) -> None:
    """A hold without one of them is refused and leaves no entry (K5)."""
    for change in NO_HOLDS:
        problem = content(await room.call("POST", "/v1/holds", MANAGER, {**HOLD, **change}), 422)
        assert problem["code"] == "request-invalid"
    assert await kinds(room) == []


async def test_an_erasure_ordered_while_the_recorder_is_away_is_carried_out_when_it_is_back(room: DeskRoom) -> None:
    """The order is durable; the same erasure is asked again under its id, once; the receipt ends it."""
    await room.stop_recorder()
    problem = content(await room.call("POST", "/v1/erasures", MANAGER, ERASURE), 503)
    assert "will be carried out" in problem["detail"]
    await room.start_recorder()
    await room.restart()
    await room.open_desk.tidy()
    await room.open_desk.tidy()
    assert len(room.recorder.receipts) == 1
    assert [kind for kind in await kinds(room) if kind.startswith("erase")] == ["erase_ordered", "erased"]
    assert not room.recorder.segments[1].alive


async def test_every_destruction_of_keys_comes_into_the_register_once(room: DeskRoom) -> None:
    """Receipts of the end of retention are fetched in order, also those from before a restart, none twice."""
    for _ in range(3):
        room.recorder.forget_on_time("park")
    await room.open_desk.tidy()
    room.recorder.forget_on_time("gate")
    await room.restart()
    await room.open_desk.tidy()
    content(await room.call("POST", "/v1/erasures", MANAGER, ERASURE), 201)
    entries = content(await room.call("GET", "/v1/register", MANAGER))["entries"]
    numbers = [entry["body"]["receipt"]["number"] for entry in entries if entry["kind"] == "erased"]
    assert numbers == [1, 2, 3, 4, 5]
    retention = next(entry for entry in entries if entry["kind"] == "erased")
    assert (retention["person"], retention["body"]["receipt"]["cause"]) == (None, "retention")


async def test_the_custodians_are_registered_once_and_an_exchange_is_refused(room: DeskRoom) -> None:
    """The set in use is in the register from the first tidying on; another that nobody signed is never taken."""
    await room.open_desk.tidy()
    await room.open_desk.tidy()
    assert (await kinds(room)).count("custody_changed") == 1
    room.places.custodians.write_bytes(custodian_set(3, 4).to_bytes())
    await room.restart()
    with pytest.raises(CustodiansUnusable):
        await room.open_desk.tidy()
    entries = content(await room.call("GET", "/v1/register", MANAGER))["entries"]
    changes = [entry for entry in entries if entry["kind"] == "custody_changed"]
    assert [entry["body"]["threshold"] for entry in changes] == [2]


async def test_without_the_recorder_the_desk_answers_what_it_can(room: DeskRoom) -> None:
    """Status says that the recorder is away; what needs it is a 503 with its code; the register is served."""
    number = await filed(room)
    await room.stop_recorder()
    status = content(await room.call("GET", "/v1/status"))
    assert status["recorder"] is None
    assert status["problems"]
    decision = {"outcome": "granted", "reason": "x"}
    for answer in (
        await room.call("GET", "/v1/coverage", camera="gate", **RANGE),
        await room.call("GET", "/v1/holds", MANAGER),
        await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, decision),
    ):
        assert content(answer, 503)["code"] == "recorder-unreachable"
    assert "decided" not in await kinds(room)
    refusal = {"outcome": "refused", "reason": "x"}
    assert content(await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, refusal))["state"] == "refused"
    await room.start_recorder()
    await room.open_desk.tidy()
    assert room.recorder.held == {}


async def test_a_damaged_register_is_said_and_nothing_is_granted(room: DeskRoom) -> None:
    """The desk starts, shows its status with the damage, and refuses everything that needs an entry."""
    await filed(room)
    await room.stop_desk()
    content_bytes = bytearray(room.places.register.read_bytes())
    position = content_bytes.find(b'"kind":"filed"')
    assert position > 0
    content_bytes[position + 9] ^= 1
    room.places.register.write_bytes(content_bytes)
    await room.start_desk()
    status = content(await room.call("GET", "/v1/status"))
    assert any("register" in problem for problem in status["problems"])
    assert status["recorder"] is not None
    for answer in (
        await room.call("POST", "/v1/requests", HANDLER, room.request_body()),
        await room.call("GET", "/v1/register", MANAGER),
        await room.call("GET", "/v1/register/checkpoint"),
    ):
        assert content(answer, 503)["code"] == "register-unusable"


async def test_a_custodian_set_that_cannot_be_read_stops_approvals_only(room: DeskRoom) -> None:
    """The sentence says what is wrong; filing goes on."""
    number = await approved(room)
    room.places.custodians.write_bytes(b"{}")
    found = await room.call("GET", f"/v1/requests/{number}/package", custodian="00" * 16)
    assert content(found, 503)["code"] == "custodians-unusable"
    await filed(room)
