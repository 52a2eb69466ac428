"""Statements of time at the desk: made, signed elsewhere, taken once, registered before anything dies."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori.erasure_messages import ConfirmTimeRequest
from kuramori_segments.time_statement import TimeStatement, confirm, new_statement, read_statement
from tests.fakes.desk_room import AUDITOR, MANAGER, NOW_UTC_MS, DeskRoom, to_plain_bytes
from tests.fakes.desk_steps import content, kinds, raw
from tests.fakes.key_holders import custodian

CONFIRMATIONS = "/v1/overdue/confirmations"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk whose custodians are "custodian 1" to "custodian 3", two of whom count."""
    async with DeskRoom(tmp_path) as made:
        await made.open_desk.tidy()
        yield made


async def stated(room: DeskRoom) -> TimeStatement:
    """Have the desk make a statement."""
    found = content(await room.call("POST", "/v1/overdue/statement", MANAGER, {}), 201)
    assert found["needed"] == 2
    return read_statement(raw(found["document"]))


def signed(statement: TimeStatement, *numbers: int) -> dict[str, list[str]]:
    """Have these custodians sign it."""
    now = statement.later_than_utc_ms + 1000
    files = [confirm(statement, custodian(f"custodian {number}"), now).to_bytes() for number in numbers]
    return {"confirmations": [to_plain_bytes(file) for file in files]}


async def test_k_signatures_are_registered_and_then_carried_out_once(room: DeskRoom) -> None:
    """The register names date and custodians before the recorder is told; the same statement again is refused."""
    assert content(await room.call("GET", "/v1/overdue", AUDITOR))["cameras"][0]["keys"] == 1
    statement = await stated(room)
    assert statement.later_than_utc_ms == NOW_UTC_MS
    body = signed(statement, 1, 3)
    receipt = content(await room.call("POST", CONFIRMATIONS, MANAGER, body), 201)
    assert receipt["erasure_id"] == statement.statement_id.hex()
    assert (await kinds(room))[-2:] == ["time_confirmed", "erased"]
    again = content(await room.call("POST", CONFIRMATIONS, MANAGER, body), 409)
    assert again["reason"] == "used"
    await room.restart()
    again = content(await room.call("POST", CONFIRMATIONS, MANAGER, signed(statement, 1, 2)), 409)
    assert again["reason"] == "used"


async def test_what_does_not_count_is_refused_and_not_registered(room: DeskRoom) -> None:
    """Too few; the same custodian twice; for another recorder; by a stranger. The recorder hears of none."""
    statement = await stated(room)
    foreign = new_statement(bytes(15) + b"\x01", room.custodians, NOW_UTC_MS)
    for body, reason in (
        (signed(statement, 1), "too-few"),
        (signed(statement, 1, 1), "twice"),
        (signed(foreign, 1, 2), "other-recorder"),
        (signed(statement, 1, 9), "stranger"),
        ({"confirmations": []}, "too-few"),
    ):
        assert content(await room.call("POST", CONFIRMATIONS, MANAGER, body), 409)["reason"] == reason
    assert "time_confirmed" not in await kinds(room)
    assert not any(isinstance(question, ConfirmTimeRequest) for question in room.recorder.asked)


async def test_a_recorder_that_was_away_is_told_later(room: DeskRoom) -> None:
    """Registered while the recorder is away: carried out when it is back, also by a desk that was started anew."""
    statement = await stated(room)
    await room.stop_recorder()
    answer = await room.call("POST", CONFIRMATIONS, MANAGER, signed(statement, 2, 3))
    assert answer.status_code == 503
    assert (await kinds(room))[-1] == "time_confirmed"
    await room.restart()
    await room.start_recorder()
    await room.open_desk.tidy()
    assert room.recorder.receipts[-1].erasure_id == statement.statement_id.hex()
    assert (await kinds(room))[-1] == "erased"
    asked = len(room.recorder.asked)
    await room.open_desk.tidy()
    assert not any(isinstance(question, ConfirmTimeRequest) for question in room.recorder.asked[asked:])
