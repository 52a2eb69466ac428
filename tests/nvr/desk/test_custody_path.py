"""April: custodians join, leave, lose keys; recordings are handed on; the recovery key is broken out and replaced."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kuramori.desk.combining import combine_shares
from kuramori.desk.custody_book import DRILL_MS
from kuramori.desk.custody_store import CustodyStore
from kuramori.desk.extraction_key import ExtractionKey
from kuramori.desk.hand_on_work import HandedPage, WorkHead, WorkPage, plan_of, seal_page
from kuramori.desk.package import PackageRefused
from kuramori.desk.recovery_opening import open_with_recovery
from kuramori.wire import from_plain, to_plain
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.drill import answer, read_challenge
from kuramori_segments.key_faults import KeyFault
from kuramori_segments.recovery_key import restore
from kuramori_segments.set_change import read_change
from tests.fakes.desk_room import DEPUTY, HANDLER, MANAGER, MINUTE_MS, NOW_UTC_MS, DeskRoom, to_plain_bytes
from tests.fakes.desk_steps import (
    EXTRACTION,
    approve_as,
    content,
    fetched_package,
    granted,
    handed_deks,
    judged,
    kinds,
    open_bundle,
    raw,
    reviewed_package,
)
from tests.fakes.key_holders import custodian, recovery

OLD = {number: custodian(f"custodian {number}") for number in (1, 2, 3)}
NEW = {number: custodian(f"custodian {number}") for number in (4, 5, 6)}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded, and custodians "custodian 1" to "custodian 3", two of whom open."""
    async with DeskRoom(tmp_path) as made:
        await made.open_desk.tidy()
        yield made


async def propose(room: DeskRoom, *, joining: Any = (), **wanted: Any) -> bytes:
    """Propose a change; return its file."""
    body = {"reason": "April", "joining": [to_plain_bytes(key.card.to_bytes()) for key in joining], **wanted}
    return raw(content(await room.call("POST", "/v1/custody/proposal", MANAGER, body), 201)["document"])


async def sign(room: DeskRoom, document: bytes, key: CustodianKey) -> Any:
    """Sign a change as its file travels, and hand it in."""
    change = read_change(document)
    signed = replace(change, signatures=(change.sign(key),))
    body = {"document": to_plain_bytes(signed.to_bytes())}
    return await room.call("POST", "/v1/custody/proposal/signatures", body=body)


async def changed(room: DeskRoom, signers: Any, **wanted: Any) -> None:
    """Have a change proposed and signed by these, after which it is in effect."""
    document = await propose(room, **wanted)
    for key in signers:
        found = content(await sign(room, document, key))
    assert found["in_effect"]


async def april(room: DeskRoom) -> None:
    """Custodian 1 leaves, 4, 5 and 6 join: three of five."""
    await changed(room, (OLD[1], OLD[3]), joining=NEW.values(), leaving=["custodian 1"], threshold=3)


async def work_of(room: DeskRoom, key: CustodianKey) -> list[tuple[WorkHead, WorkPage]]:
    """Fetch all pages of a custodian's work."""
    found, after = [], [0, 0]
    while after is not None:
        where = {"custodian": key.custodian_id.hex(), "camera": after[0], "sequence": after[1]}
        page = content(await room.call("GET", "/v1/custody/hand-on", **where))
        found.append((from_plain(WorkHead, page["head"]), from_plain(WorkPage, page["page"])))
        after = page["after"]
    return found


async def sealed_by(room: DeskRoom, key: CustodianKey) -> list[HandedPage]:
    """Let a custodian do all the work there is."""
    return [seal_page(plan_of(head), page, key) for head, page in await work_of(room, key) if page.rows]


async def bring(room: DeskRoom, page: HandedPage) -> Any:
    """Hand a page in."""
    return await room.call("POST", "/v1/custody/hand-on", body=to_plain(page))


async def hand_on(room: DeskRoom, *keys: CustodianKey) -> int:
    """Let custodians hand everything on; return of how many segments something was new."""
    new = 0
    for key in keys:
        for page in await sealed_by(room, key):
            new += content(await bring(room, page), 201)["new"]
    return new


async def open_with(room: DeskRoom, number: str, *keys: CustodianKey) -> dict[str, str]:
    """Approve a granted request with these keys; return the segment keys as the handler puts them together."""
    for key in keys:
        content(await approve_as(room, number, key), 201)
    return await handed_deks(room, number)


def recorded_deks(room: DeskRoom, deks: dict[str, str]) -> dict[str, str]:
    """Return what the keys of the same segments really are."""
    return {one.uid.hex(): to_plain_bytes(one.dek) for one in room.recorder.segments if one.uid.hex() in deks}


# ---- the whole of April --------------------------------------------------------------------------------------------


async def test_after_the_hand_on_new_custodians_open_what_was_recorded_before(room: DeskRoom) -> None:
    """Two of three become three of five, one leaves: only newcomers open an old segment, and the pictures come out."""
    await april(room)
    assert await hand_on(room, OLD[1], OLD[3]) == 10  # five segments, two shares each
    released = content(await room.call("POST", "/v1/custody/release", MANAGER))["released"]
    assert released == ["custodian 1 (防犯課)"]
    number = await granted(room)
    deks = await open_with(room, number, *NEW.values())
    assert deks == recorded_deks(room, deks)
    assert (await open_bundle(room, number, deks)).status_code == 200
    register = [kind for kind in await kinds(room) if kind.startswith(("custod", "hand"))]
    assert register[:3] == ["custody_changed", "custody_proposed", "custody_changed"]
    assert set(register[3:-1]) == {"handed_on"}
    assert register[-1] == "custodians_released"


async def test_before_the_hand_on_the_old_custodians_open_and_new_segments_are_the_new_ones(room: DeskRoom) -> None:
    """The change counts from the next segment on; who left stays responsible for what was sealed to them."""
    await april(room)
    number = await granted(room)
    with pytest.raises(PackageRefused, match="holds no share"):
        await judged(room, await fetched_package(room, number, NEW[4]), NEW[4])
    deks = await open_with(room, number, OLD[1], OLD[2])
    assert deks == recorded_deks(room, deks)
    later = room.recorder.record("gate", NOW_UTC_MS, NOW_UTC_MS + MINUTE_MS)
    room.clock.pass_ms(MINUTE_MS)
    number = await granted(room, from_utc_ms=NOW_UTC_MS + 1000, to_utc_ms=NOW_UTC_MS + MINUTE_MS)
    deks = await open_with(room, number, OLD[2], NEW[5], NEW[6])
    assert deks == {later.uid.hex(): to_plain_bytes(later.dek)}


async def test_release_is_refused_until_nothing_depends_on_who_leaves(room: DeskRoom) -> None:
    """With two of three leaving, one of the needed two would be left: refused with the numbers, holds among them."""
    await changed(room, (OLD[1], OLD[2]), joining=NEW.values(), leaving=["custodian 1", "custodian 2"], threshold=2)
    await granted(room)  # which holds minutes of the gate
    refused = content(await room.call("POST", "/v1/custody/release", MANAGER), 409)
    assert (refused["code"], refused["needed"], refused["given"]) == ("not-handed-on", 2, 1)
    assert "5 segments (4 of them held)" in refused["detail"]
    body = {"reason": "May", "leaving": ["custodian 3"]}
    again = content(await room.call("POST", "/v1/custody/proposal", MANAGER, body), 409)
    assert again["code"] == "not-handed-on"
    await hand_on(room, OLD[1])
    assert content(await room.call("POST", "/v1/custody/release", MANAGER), 409)["code"] == "not-handed-on"
    await hand_on(room, OLD[2])
    waits = content(await room.call("POST", "/v1/custody/release", MANAGER), 409)
    assert waits["reason"] == "request-waits"
    (number,) = room.open_desk.journal.requests
    await open_with(room, number, OLD[1], OLD[2])
    assert len(content(await room.call("POST", "/v1/custody/release", MANAGER))["released"]) == 2


async def test_a_released_custodian_approves_nothing(room: DeskRoom) -> None:
    """The key file of somebody who left is a stranger's from then on."""
    await april(room)
    await hand_on(room, OLD[1], OLD[2])
    await room.call("POST", "/v1/custody/release", MANAGER)
    number = await granted(room)
    found = await room.call("GET", f"/v1/requests/{number}/package", custodian=OLD[1].custodian_id.hex())
    assert content(found, 403)["reason"] == "stranger"


async def test_handed_on_again_next_april(room: DeskRoom) -> None:
    """A second change: the custodians of the first hand on what they were handed, and only newcomers are needed."""
    await april(room)
    await hand_on(room, OLD[2], OLD[3])
    await room.call("POST", "/v1/custody/release", MANAGER)
    last = [custodian("custodian 7"), custodian("custodian 8")]
    leaving = [f"custodian {number}" for number in (2, 3, 4, 5, 6)]
    await changed(room, (OLD[2], NEW[4], NEW[6]), joining=last, leaving=leaving, threshold=2)
    assert await hand_on(room, NEW[4], NEW[5], NEW[6]) == 15
    assert len(content(await room.call("POST", "/v1/custody/release", MANAGER))["released"]) == 5
    deks = await open_with(room, await granted(room), *last)
    assert deks == recorded_deks(room, deks)


# ---- broken off, replayed, swapped ----------------------------------------------------------------------------------


async def test_handing_on_goes_on_where_it_was_broken_off(room: DeskRoom) -> None:
    """Pages that came are not asked for again, also after a restart; the same page twice changes nothing."""
    await april(room)
    first, *others = await sealed_by(room, OLD[1])
    assert content(await bring(room, first), 201)["new"] == len(first.rows)
    await room.restart()
    assert content(await bring(room, first), 201)["new"] == 0
    rest = await sealed_by(room, OLD[1])
    assert sum(len(page.rows) for page in rest) == sum(len(page.rows) for page in others)
    for page in others:
        await bring(room, page)
    assert await sealed_by(room, OLD[1]) == []
    assert await hand_on(room, OLD[2]) == 5
    assert await hand_on(room, OLD[3]) == 0, "two of three are enough, and a third would be another polynomial"
    deks = await open_with(room, await granted(room), *NEW.values())
    assert deks == recorded_deks(room, deks)


async def test_swapped_and_altered_pages_are_refused(room: DeskRoom) -> None:
    """Another's name, another segment's row, another share number, an altered byte, an older set."""
    await april(room)
    page, *_ = await sealed_by(room, OLD[1])
    one, two, *_ = page.rows
    wrong = (
        replace(page, custodian_id=OLD[2].custodian_id),
        replace(page, custodian_id=NEW[4].custodian_id),
        replace(page, to_set_id=room.custodians.set_id),
        replace(page, rows=(replace(one, segment_uid=two.segment_uid),)),
        replace(page, rows=(replace(one, number=one.number % 3 + 1),)),
        replace(page, rows=(replace(one, from_set_id=page.to_set_id),)),
        replace(page, rows=(replace(one, pieces=bytes([one.pieces[0] ^ 1]) + one.pieces[1:]),)),
        replace(page, rows=(one, one)),
    )
    for altered in wrong:
        assert content(await bring(room, altered), 409)["code"] == "custody-refused"
    assert "handed_on" not in await kinds(room)


async def test_a_custodian_hands_on_to_nobody_whom_k_did_not_sign(room: DeskRoom) -> None:
    """The client refuses work for another, with a chain that is cut, and shares of a set that it is not in."""
    await april(room)
    (head, page), *_ = await work_of(room, OLD[1])
    with pytest.raises(KeyFault):
        seal_page(plan_of(head), page, OLD[2])
    with pytest.raises(KeyFault):
        plan_of(replace(head, chain=room.custodians.to_bytes()))
    with pytest.raises(KeyFault):
        plan_of(replace(head, to_set_id=room.custodians.set_id))
    with pytest.raises(KeyFault):
        plan_of(replace(head, recorder_id=bytes(16)))
    moved = replace(page.rows[0], sequence=page.rows[0].sequence + 1)
    with pytest.raises(KeyFault):
        seal_page(plan_of(head), WorkPage((moved,)), OLD[1])


async def test_a_liars_hand_on_is_discarded_and_done_by_another(room: DeskRoom) -> None:
    """What the first brought is thrown away, registered; the third custodian takes the place."""
    await april(room)
    await hand_on(room, OLD[1], OLD[2])
    body = {"custodian": "custodian 1", "reason": "the keys do not fit"}
    assert content(await room.call("POST", "/v1/custody/hand-on/discard", MANAGER, body))["new"] == 5
    assert await hand_on(room, OLD[3]) == 5
    assert "hand_on_discarded" in await kinds(room)
    deks = await open_with(room, await granted(room), *NEW.values())
    assert deks == recorded_deks(room, deks)


# ---- the change itself ----------------------------------------------------------------------------------------------


async def test_a_change_takes_k_signatures_of_custodians_in_office(room: DeskRoom) -> None:
    """One signature changes nothing; a newcomer's is refused; an altered proposal is another one."""
    document = await propose(room, joining=[NEW[4]])
    assert content(await sign(room, document, OLD[1]))["missing"] == 1
    assert content(await sign(room, document, OLD[1]))["missing"] == 1
    assert content(await sign(room, document, NEW[4]), 409)["reason"] == "SignatureNotACustodians"
    forged = replace(read_change(document), reason="another")
    assert content(await sign(room, forged.to_bytes(), OLD[2]), 409)["reason"] == "another-change"
    assert room.open_desk.custodians().set_id == room.custodians.set_id
    assert content(await sign(room, document, OLD[2]))["in_effect"]
    assert content(await sign(room, document, OLD[3]), 404)["code"] == "proposal-missing"


async def test_one_change_at_a_time_and_it_can_be_withdrawn(room: DeskRoom) -> None:
    """A second proposal waits; after the withdrawal it is possible."""
    await propose(room, joining=[NEW[4]])
    body = {"reason": "r", "leaving": ["custodian 1"]}
    assert content(await room.call("POST", "/v1/custody/proposal", MANAGER, body), 409)["code"] == "proposal-pending"
    await room.call("POST", "/v1/custody/proposal/withdrawal", MANAGER, {"reason": "r"})
    await propose(room, leaving=["custodian 1"])


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"leaving": ["nobody"]}, "request-invalid"),
        ({"leaving": ["custodian 1", "custodian 2"]}, "custody-refused"),
        ({"lost": ["custodian 1", "custodian 2"], "threshold": 2}, "custody-refused"),
        ({}, "custody-refused"),
        ({"threshold": 9}, "custody-refused"),
        ({"recovery": "e30="}, "custody-refused"),
        ({"joining": ["e30="]}, "custody-refused"),
        ({"reason": ""}, "request-invalid"),
    ],
)
async def test_what_cannot_be_is_refused_when_it_is_proposed(room: DeskRoom, wanted: Any, code: str) -> None:
    """Strangers, too few people, too many lost keys, no change at all, damaged cards."""
    answer_ = await room.call("POST", "/v1/custody/proposal", MANAGER, {"reason": "r", **wanted})
    assert answer_.json()["code"] == code
    assert "custody_proposed" not in await kinds(room)


async def test_a_change_that_a_stop_interrupted_is_carried_on(room: DeskRoom) -> None:
    """Registered, but the recorder was away: it is told when it is back; new segments are the new custodians' then."""
    document = await propose(room, joining=[NEW[4]], threshold=3)
    await sign(room, document, OLD[1])
    await room.stop_recorder()
    assert content(await sign(room, document, OLD[2]))["in_effect"]
    assert room.recorder.custodians.k == 2
    await room.start_recorder()
    await room.restart()
    await room.open_desk.tidy()
    assert room.recorder.custodians.k == 3
    assert (await kinds(room)).count("custody_changed") == 2
    assert content(await room.call("GET", "/v1/custody", MANAGER))["proposal"] is None


async def test_registered_but_not_yet_on_disk_is_carried_on(room: DeskRoom) -> None:
    """A stop between the register's entry and the files: the next desk writes them."""
    document = await propose(room, joining=[NEW[4]], threshold=3)
    await sign(room, document, OLD[1])
    before = room.places.custodians.read_bytes()
    await sign(room, document, OLD[2])
    signed = room.open_desk.custody.chain().changes[-1]
    await room.stop_desk()
    room.places.custodians.write_bytes(before)
    room.places.custodians.with_name("custodian_chain.json").unlink()
    store = CustodyStore.open(room.places.custody)
    store.propose(1, signed.to_bytes())
    store.close()
    await room.start_desk()
    await room.open_desk.tidy()
    assert room.open_desk.custodians().k == 3
    assert (await kinds(room)).count("custody_changed") == 2


# ---- drills ---------------------------------------------------------------------------------------------------------


async def test_a_drill_is_answered_once_and_registered_with_its_day(room: DeskRoom) -> None:
    """Each custodian in office gets a challenge; the answer counts once, for the one asked, within its time."""
    found = content(await room.call("POST", "/v1/custody/drills", MANAGER), 201)["challenges"]
    assert [one["name"] for one in found] == [card.name for card in room.custodians.custodians]
    challenge = read_challenge(raw(found[0]["document"]))
    key = custodian(found[0]["name"])
    room.clock.pass_ms(1000)
    body = {"document": to_plain_bytes(answer(challenge, key).to_bytes())}
    told = content(await room.call("POST", "/v1/custody/drills/answers", body=body), 201)
    assert told["last_drill_utc_ms"] == room.clock.utc_ms()
    again = content(await room.call("POST", "/v1/custody/drills/answers", body=body), 409)
    assert again["reason"] == "not-asked"
    shown = content(await room.call("GET", "/v1/custody", MANAGER))["in_use"]["custodians"]
    assert [one["last_drill_utc_ms"] is None for one in shown] == [False, True, True]
    status = content(await room.call("GET", "/v1/status"))
    assert [one["overdue"] for one in status["custody"]["custodians"]] == [False, False, False]
    room.clock.pass_ms(DRILL_MS)
    status = content(await room.call("GET", "/v1/status"))
    assert [one["overdue"] for one in status["custody"]["custodians"]] == [False, True, True]
    assert sum("has not shown the key" in problem for problem in status["problems"]) == 2


async def test_a_replaced_challenge_counts_no_more(room: DeskRoom) -> None:
    """A new drill makes the challenges before it void."""
    first = content(await room.call("POST", "/v1/custody/drills", MANAGER), 201)["challenges"][0]
    await room.call("POST", "/v1/custody/drills", MANAGER)
    given = answer(read_challenge(raw(first["document"])), custodian(first["name"]))
    body = {"document": to_plain_bytes(given.to_bytes())}
    assert content(await room.call("POST", "/v1/custody/drills/answers", body=body), 409)["reason"] == "not-asked"


# ---- break-glass ----------------------------------------------------------------------------------------------------


async def recovered(room: DeskRoom, number: str, person: str = MANAGER, present: str = "") -> Any:
    """Open a granted request with the recovery key's sheets; return the desk's answer."""
    card, words = recovery().card, recovery().words[:2]
    body = {"recovery_key": to_plain_bytes(card.opening_key), "reason": "all custodians are away"}
    body |= {"present": [present]} if present else {}
    begun = await room.call("POST", f"/v1/requests/{number}/recovery/begin", person, body)
    if begun.status_code != 200:
        return begun
    reviewed = await reviewed_package(room, begun.json())
    opening = open_with_recovery(reviewed, card, restore(card, words), room.clock.utc_ms())
    return await room.call(
        "POST", f"/v1/requests/{number}/recovery", person, {"opening": to_plain_bytes(opening.to_bytes())}
    )


async def test_break_glass_opens_a_granted_request_loudly(room: DeskRoom) -> None:
    """Registered before the headers are given out; counted as approval; loud until the key is replaced."""
    number = await granted(room)
    assert content(await recovered(room, number), 201)["state"] == "approved"
    found = content(await room.call("GET", f"/v1/requests/{number}/shares", HANDLER))
    key = ExtractionKey(EXTRACTION.private_bytes_raw())
    deks = combine_shares(raw(found["granted"]), [raw(text) for text in found["approvals"]], key)
    plain = {uid.hex(): to_plain_bytes(dek) for uid, dek in deks.items()}
    assert plain == recorded_deks(room, plain)
    assert (await open_bundle(room, number, plain)).status_code == 200
    assert [kind for kind in await kinds(room) if kind.startswith("recovery")] == ["recovery_begun", "recovery_opened"]
    await room.restart()
    status = content(await room.call("GET", "/v1/status"))
    assert status["custody"]["recovery_used"]
    assert any("recovery key" in problem for problem in status["problems"])
    card = recovery(2, 5).card
    await changed(room, (OLD[1], OLD[2]), recovery=to_plain_bytes(card.to_bytes()))
    status = content(await room.call("GET", "/v1/status"))
    assert not status["custody"]["recovery_used"]


async def test_break_glass_is_for_granted_requests_of_others(room: DeskRoom) -> None:
    """The requester may not, nor for a request that nobody granted, nor with a stranger's card, nor anybody alone."""
    number = await granted(room)
    body = {"recovery_key": to_plain_bytes(recovery(3, 3).card.opening_key), "reason": "r"}
    path = f"/v1/requests/{number}/recovery/begin"
    assert content(await room.call("POST", path, MANAGER, body), 409)["reason"] == "not-our-recovery-key"
    assert (await recovered(room, number, HANDLER)).status_code == 403
    assert content(await recovered(room, number, DEPUTY), 403)["code"] == "witness-missing"
    assert "recovery_begun" not in await kinds(room)
    approved = content(await recovered(room, number, DEPUTY, MANAGER), 201)
    assert approved["state"] == "approved"
    assert content(await recovered(room, number), 409)["reason"] == "not-waiting"


async def test_a_replaced_recovery_key_opens_what_was_handed_on_to_it(room: DeskRoom) -> None:
    """After the hand-on the new sheets open what was recorded under the old ones."""
    fresh = recovery(2, 4)
    await changed(room, (OLD[1], OLD[2]), recovery=to_plain_bytes(fresh.card.to_bytes()))
    await hand_on(room, OLD[1], OLD[3])
    number = await granted(room)
    body = {"recovery_key": to_plain_bytes(fresh.card.opening_key), "reason": "r"}
    begun = content(await room.call("POST", f"/v1/requests/{number}/recovery/begin", MANAGER, body))
    reviewed = await reviewed_package(room, begun)
    opening = open_with_recovery(reviewed, fresh.card, restore(fresh.card, fresh.words[:2]), 1)
    assert len(opening.deks) == len(reviewed.headers)
