"""Masked copies at the desk (H9): registered before keys, confirmed by another person, released only then, and gone."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kuramori import messages
from kuramori.clips.job import ExtractionFailed, ExtractionFault
from kuramori.desk.maskings import MASKINGS_MOST, WAITING_MS_MOST
from tests.fakes.desk_room import (
    AUDITOR,
    DEPUTY,
    HANDLER,
    MANAGER,
    NOW_UTC_MS,
    SECOND_HANDLER,
    DeskRoom,
    to_plain_bytes,
)
from tests.fakes.desk_steps import approved, content, handed_deks, kinds, open_bundle, raw
from tests.fakes.fake_masker import SHEETS
from tests.nvr.masking.drawings import file, point

CITIZEN = {
    "kind": "person-filmed",
    "name": "青木 花",
    "contact": "000-000-0001",
    "identity_check": "運転免許証と本人の顔を照合",
}
DISCLOSURE = {"ground": "disclosure", "document_number": "開示請求第9号", "recipient": CITIZEN}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


def boxes(**more: Any) -> bytes:
    """Return a boxes file of the granted minutes."""
    return file([[point(NOW_UTC_MS - 1_800_000, 0.1, 0.1, 0.2, 0.4), point(NOW_UTC_MS, 0.5, 0.1, 0.2, 0.4)]], **more)


async def begun(room: DeskRoom, number: str, drawn: bytes = b"", status: int = 202, **more: Any) -> Any:
    """Have a copy begun; return what the desk says."""
    body = {"deks": await handed_deks(room, number), "boxes": to_plain_bytes(drawn or boxes()), **more}
    return content(await room.call("POST", f"/v1/requests/{number}/masked-copies", HANDLER, body), status)


async def shown(room: DeskRoom, number: str, copy: int = 1) -> Any:
    """Return a copy as it stands."""
    return content(await room.call("GET", f"/v1/requests/{number}/masked-copies/{copy}", HANDLER))


async def made(room: DeskRoom, number: str) -> Any:
    """Have a copy made; return it as it waits."""
    copy = (await begun(room, number))["number"]
    async with asyncio.timeout(60):
        while (found := await shown(room, number, copy))["state"] == "making":
            await asyncio.sleep(0.01)
    return found


async def said(room: DeskRoom, copy: Any, person: str, status: int = 201, **changes: Any) -> Any:
    """Confirm a copy as somebody who looked through it, or say something else of it."""
    facts = copy["made"]
    body = {"confirmed": True, "file_sha256": facts["file_sha256"], "strips_sha256": facts["strips_sha256"]} | changes
    path = f"/v1/requests/{copy['request_id']}/masked-copies/{copy['number']}/confirmation"
    return content(await room.call("POST", path, person, body), status)


async def release(room: DeskRoom, copy: Any, person: str = HANDLER, status: int = 201) -> Any:
    """Ask for the release of a copy."""
    path = f"/v1/requests/{copy['request_id']}/masked-copies/{copy['number']}/release"
    return content(await room.call("POST", path, person), status)


async def test_a_copy_from_its_boxes_to_its_hand_over(room: DeskRoom) -> None:
    """Begun, waiting, confirmed, released: each step in the register with who, and the file that was looked through."""
    number = await approved(room, **DISCLOSURE)
    copy = await made(room, number)
    assert (copy["number"], copy["state"], copy["drawn_by"], copy["judged_by"]) == (1, "waiting", HANDLER, "")
    confirmed = await said(room, copy, DEPUTY)
    assert (confirmed["state"], confirmed["judged_by"]) == ("confirmed", DEPUTY)
    waits = await release(room, copy)
    assert (await shown(room, number))["state"] == "released"
    taken = await room.call("GET", f"/v1/requests/{number}/bundle", HANDLER)
    (fake,) = room.maskers.copies
    assert fake.stream is not None
    assert taken.content == fake.stream.archive
    assert waits["manifest_digest"] == fake.stream.manifest_digest.hex()
    entries = {entry["kind"]: entry for entry in content(await room.call("GET", "/v1/register", MANAGER))["entries"]}
    (confirmation,) = fake.confirmations
    assert confirmation.register_index == entries["masked_copy_confirmed"]["index"]
    assert entries["masked_copy_confirmed"]["person"] == DEPUTY
    assert raw(entries["masked_copy_confirmed"]["body"]["file_sha256"]).hex() == copy["made"]["file_sha256"]
    assert raw(entries["masked_copy_begun"]["body"]["boxes_sha256"]).hex() == copy["boxes_sha256"]
    assert raw(entries["released"]["body"]["manifest_digest"]) == fake.stream.manifest_digest
    assert fake.closed == 0  # it waits until it is written, as every bundle does


async def test_it_is_registered_before_keys_are_released_and_confirmed_before_papers_are_signed(room: DeskRoom) -> None:
    """The recorder is asked only behind *opened* and *masked_copy_begun*; nothing else of the request was asked."""
    number = await approved(room, **DISCLOSURE)
    register = room.open_desk.journal.register
    seen: list[list[str]] = []

    def watch(question: object) -> None:
        if isinstance(question, messages.ReleaseKeysRequest):
            seen.append([record.entry.kind for record in register.records()[-2:]])

    room.recorder.on_question = watch
    await made(room, number)
    assert seen == [["opened", "masked_copy_begun"]]
    (order,) = room.maskers.orders
    assert (order.number, order.drawing, [camera.camera for camera in order.job.cameras]) == (1, boxes(), ["gate"])


async def test_who_drew_it_may_not_confirm_it(room: DeskRoom) -> None:
    """Nor reject it; it goes on waiting and nothing is registered."""
    number = await approved(room, **DISCLOSURE)
    copy = await made(room, number)
    before = await kinds(room)
    for changes in ({}, {"confirmed": False, "reason": "x"}):
        assert (await said(room, copy, HANDLER, 403, **changes))["code"] == "masked-copy-own"
    assert (await shown(room, number))["state"] == "waiting"
    assert await kinds(room) == before


async def test_a_confirmation_of_another_digest_is_refused(room: DeskRoom) -> None:
    """Of the file or of the strips: what was looked through has to be what waits."""
    number = await approved(room, **DISCLOSURE)
    copy = await made(room, number)
    before = await kinds(room)
    for member in ("file_sha256", "strips_sha256"):
        for confirmed in (True, False):
            refused = await said(room, copy, DEPUTY, 409, confirmed=confirmed, reason="x", **{member: "00" * 32})
            assert refused["code"] == "masked-copy-differs"
    assert await kinds(room) == before
    assert room.maskers.copies[0].confirmations == []


async def test_a_rejected_copy_is_gone_and_its_number_is_not_given_again(room: DeskRoom) -> None:
    """Its worker is ended, neither sheets nor release; the next copy is number 2 of another opening."""
    number = await approved(room, **DISCLOSURE)
    copy = await made(room, number)
    assert (await said(room, copy, DEPUTY, 422, confirmed=False))["code"] == "request-invalid"  # a no needs its reason
    rejected = await said(room, copy, DEPUTY, confirmed=False, reason="左端の人の顔が見える")
    assert (rejected["state"], rejected["reason"], rejected["made"]) == ("rejected", "左端の人の顔が見える", None)
    assert room.maskers.copies[0].closed == 1
    path = f"/v1/requests/{number}/masked-copies/1/sheets/1"
    assert content(await room.call("GET", path, DEPUTY), 409)["code"] == "masked-copy-not-waiting"
    assert (await said(room, copy, DEPUTY, 409))["code"] == "masked-copy-not-waiting"
    assert (await release(room, copy, status=409))["code"] == "masked-copy-not-waiting"
    again = await made(room, number)
    assert (again["number"], again["opening"]) == (2, 2)
    listed = content(await room.call("GET", f"/v1/requests/{number}/masked-copies", AUDITOR))["masked_copies"]
    assert [one["state"] for one in listed] == ["rejected", "waiting"]


async def test_only_a_confirmed_copy_is_released_and_only_to_who_filed(room: DeskRoom) -> None:
    """While it waits it is not; another handler gets nothing; a second time there is nothing."""
    number = await approved(room, **DISCLOSURE)
    copy = await made(room, number)
    refused = await release(room, copy, status=409)
    assert (refused["code"], "waiting" in refused["detail"]) == ("masked-copy-not-waiting", True)
    assert "released" not in await kinds(room)
    await said(room, copy, MANAGER)
    assert (await release(room, copy, SECOND_HANDLER, 403))["code"] == "not-the-requester"
    assert (await said(room, copy, DEPUTY, 409))["code"] == "masked-copy-not-waiting"  # once is enough
    await release(room, copy)
    assert (await release(room, copy, status=409))["code"] == "masked-copy-not-waiting"
    assert (await kinds(room)).count("released") == 1


@pytest.mark.slow
async def test_released_twice_at_once_it_goes_out_once(room: DeskRoom) -> None:
    """Two calls of the handler at the same time: one bundle, one entry, and it waits to be taken."""
    number = await approved(room, **DISCLOSURE)
    copy = await made(room, number)
    await said(room, copy, DEPUTY)
    path = f"/v1/requests/{number}/masked-copies/1/release"
    answers = await asyncio.gather(*(room.call("POST", path, HANDLER) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert (await kinds(room)).count("released") == 1
    assert (await room.call("GET", f"/v1/requests/{number}/bundle", HANDLER)).status_code == 200


async def test_a_grant_that_does_not_name_a_masked_copy_makes_none(room: DeskRoom) -> None:
    """Refused before anything is registered; and where only a masked copy is granted, no clear one goes out."""
    number = await approved(room)
    before = await kinds(room)
    assert (await begun(room, number, status=403))["code"] == "output-not-granted"
    assert await kinds(room) == before
    masked_only = await approved(room, **DISCLOSURE)
    clear = await open_bundle(room, masked_only, await handed_deks(room, masked_only))
    assert content(clear, 403)["code"] == "output-not-granted"
    assert room.maskers.orders == []
    assert room.workers.jobs == []


async def test_a_restart_of_the_desk_loses_what_waits_and_says_so(room: DeskRoom) -> None:
    """Confirmed or not: the worker ends with the desk, the copy reads *gone*, its number stays given."""
    number, other = await approved(room, **DISCLOSURE), await approved(room, **DISCLOSURE)
    copy, confirmed = await made(room, number), await made(room, other)
    await said(room, confirmed, DEPUTY)
    await room.restart()
    assert [copy.closed for copy in room.maskers.copies] == [1, 1]
    for lost in (copy, confirmed):
        found = await shown(room, lost["request_id"])
        assert (found["state"], found["made"], found["job"]) == ("gone", None, "")
    refused = await said(room, copy, DEPUTY, 409)
    assert (refused["code"], "is gone" in refused["detail"]) == ("masked-copy-not-waiting", True)
    assert (await release(room, confirmed, status=409))["code"] == "masked-copy-not-waiting"
    assert (await made(room, number))["number"] == 2


@pytest.mark.slow
async def test_what_nobody_confirms_is_gone_after_a_day(room: DeskRoom) -> None:
    """By the desk's own housekeeping: not a moment before."""
    number = await approved(room, **DISCLOSURE)
    await made(room, number)
    for passed_ms, state in ((WAITING_MS_MOST - 1, "waiting"), (1, "gone")):
        room.clock.pass_ms(passed_ms)
        await room.open_desk.tidy()
        assert (await shown(room, number))["state"] == state
    assert room.maskers.copies[0].closed == 1


async def test_sheets_are_shown_to_staff_only_and_never_cached(room: DeskRoom) -> None:
    """The handler and whoever may confirm: no auditor, nobody without a name; none that is not there."""
    number = await approved(room, **DISCLOSURE)
    copy = await made(room, number)
    path = f"/v1/requests/{number}/masked-copies/1/sheets"
    for person in (HANDLER, DEPUTY, MANAGER, SECOND_HANDLER):
        sheets = [await room.call("GET", f"{path}/{sheet}", person) for sheet in range(1, copy["made"]["sheets"] + 1)]
        assert tuple(sheet.content for sheet in sheets) == SHEETS
        assert {sheet.headers["cache-control"] for sheet in sheets} == {"no-store"}
    assert content(await room.call("GET", f"{path}/1", AUDITOR), 403)["code"] == "role-missing"
    assert content(await room.call("GET", f"{path}/1"), 401)["code"] == "person-missing"
    assert content(await room.call("GET", f"{path}/3", DEPUTY), 422)["code"] == "request-invalid"
    assert "sheets" not in json.dumps(content(await room.call("GET", "/v1/register", MANAGER)))


async def test_boxes_that_cannot_be_used_open_nothing(room: DeskRoom) -> None:
    """No file, a camera that was not granted, blocks finer than allowed: said where, before anything is registered."""
    number = await approved(room, **DISCLOSURE)
    before = await kinds(room)
    for drawn in (b"not a boxes file", boxes(camera="park"), boxes(blocks=99)):
        assert (await begun(room, number, drawn, 422))["code"] == "boxes-unusable"
    assert await kinds(room) == before


async def test_what_fails_is_gone_with_its_number(room: DeskRoom) -> None:
    """A worker that ends, while it makes or while it signs: the copy is gone, the next one has the next number."""
    number = await approved(room, **DISCLOSURE)
    room.maskers.failure = ExtractionFailed(ExtractionFault.WORKER_DIED, "it was killed")
    copy = await made(room, number)
    assert (copy["state"], copy["made"]) == ("gone", None)
    room.maskers.failure = None
    again = await made(room, number)
    assert (again["number"], again["state"]) == (2, "waiting")
    room.maskers.copies[0].failure = ExtractionFailed(ExtractionFault.WORKER_DIED, "it was killed")
    assert (await said(room, again, DEPUTY, 502))["code"].startswith("extraction-")
    assert (await shown(room, number, 2))["state"] == "gone"
    assert room.maskers.copies[0].closed == 1


@pytest.mark.slow
async def test_only_so_many_are_made_or_wait(room: DeskRoom) -> None:
    """Each is a process: the next is refused as busy, before anything is registered."""
    number = await approved(room, **DISCLOSURE)
    for _ in range(MASKINGS_MOST):
        await made(room, number)
    before = await kinds(room)
    assert (await begun(room, number, status=503))["code"] == "busy"
    assert await kinds(room) == before


async def test_one_that_is_stopped_while_it_is_made_is_gone(room: DeskRoom) -> None:
    """The job is cancelled by who started it; nothing waits, nothing can be confirmed."""
    number = await approved(room, **DISCLOSURE)
    room.maskers.going.clear()
    copy = await begun(room, number)
    assert copy["state"] == "making"
    content(await room.call("POST", f"{copy['job']}/cancellation", HANDLER))
    async with asyncio.timeout(60):
        while (await shown(room, number))["state"] == "making":
            await asyncio.sleep(0.01)
    assert (await shown(room, number))["state"] == "gone"
    assert room.maskers.copies == []
