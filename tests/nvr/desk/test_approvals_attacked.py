"""Approvals under attack, over the API: each attempt is refused with a stable code and stands in the register."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuramori.desk.approval import Approval, signed_message
from kuramori.desk.attempt_book import ATTEMPTS_MOST
from kuramori.desk.request import APPROVAL_LIFETIME_MS
from kuramori_segments.custodian_key import CustodianKey
from tests.fakes.desk_room import HANDLER, MANAGER, DeskRoom, to_plain_bytes
from tests.fakes.desk_steps import (
    approval_body,
    approve_as,
    approved,
    content,
    fetched_package,
    filed,
    granted,
    handed_deks,
    judged,
    open_bundle,
    raw,
)
from tests.fakes.key_holders import CREATED_UTC_MS, YEAR_MS, custodian, keys_of
from tests.nvr.desk.test_custody_path import NEW, OLD, changed, hand_on

Made = tuple[Approval, bytes]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded, and custodians 1 to 3, two of whom open."""
    async with DeskRoom(tmp_path) as made:
        await made.open_desk.tidy()
        yield made


async def made_by(room: DeskRoom, number: str, key: CustodianKey) -> Made:
    """Return an approval as an honest client makes it."""
    return await judged(room, await fetched_package(room, number, key), key)


async def hand_in(room: DeskRoom, number: str, made: Made, status: int = 403) -> dict[str, Any]:
    """Hand an approval in; return the answer."""
    answer: dict[str, Any] = content(
        await room.call("POST", f"/v1/requests/{number}/approvals", body=approval_body(*made)), status
    )
    return answer


async def attempts(room: DeskRoom, number: str) -> list[dict[str, Any]]:
    """Return the bodies of the refused attempts at a request, as the register has them."""
    entries = content(await room.call("GET", "/v1/register", MANAGER))["entries"]
    return [one["body"] for one in entries if (one["kind"], one["request"]) == ("approval_refused", number)]


async def refused(room: DeskRoom, number: str, made: Made, reason: str, status: int = 403) -> None:
    """Hand an approval in that has to be refused for this reason, counts for nothing, and is registered."""
    before = content(await room.call("GET", f"/v1/requests/{number}", MANAGER))
    answer = await hand_in(room, number, made, status)
    assert (answer["code"], answer.get("reason")) in {("approval-refused", reason), (reason, None)}, answer
    after = content(await room.call("GET", f"/v1/requests/{number}", MANAGER))
    assert (after["state"], after["missing_approvals"]) == (before["state"], before["missing_approvals"])
    newest = (await attempts(room, number))[-1]
    assert newest["reason"] == reason
    assert raw(newest["custodian_id"]) == made[0].custodian_id
    assert raw(newest["document_digest"]) == hashlib.sha256(made[0].to_bytes()).digest()


def signed(approval: Approval, key: CustodianKey) -> Made:
    """Return an approval that its sender signed, whatever stands in it."""
    return approval, key.sign(signed_message(approval.to_bytes()))


async def test_replayed(room: DeskRoom) -> None:
    """The same bytes again."""
    number, (key, *_) = await granted(room), keys_of(room.custodians)
    made = await made_by(room, number, key)
    await hand_in(room, number, made, 201)
    await refused(room, number, made, "twice")


async def test_swapped_between_two_requests(room: DeskRoom) -> None:
    """For the first request, handed in at the second; also under its number, signed anew by nobody."""
    first, second, (key, *_) = await granted(room), await granted(room), keys_of(room.custodians)
    approval, signature = await made_by(room, first, key)
    await refused(room, second, (approval, signature), "void")
    await refused(room, second, (replace(approval, request_id=second), signature), "forged")
    await refused(room, second, signed(replace(approval, request_id=second), key), "void")
    assert await attempts(room, first) == []


async def test_the_same_person_twice(room: DeskRoom) -> None:
    """Made anew by the same key: one person is one approval."""
    number, (key, *_) = await granted(room), keys_of(room.custodians)
    content(await approve_as(room, number, key), 201)
    room.clock.pass_ms(1000)
    await refused(room, number, await made_by(room, number, key), "twice")


@pytest.mark.slow
async def test_one_person_with_two_keys(room: DeskRoom) -> None:
    """Custodian 1 stands in the set with another title and a second key: both approve, one counts."""
    from kuramori_segments.custodian_key import new_custodian_key

    second = new_custodian_key("Custodian  1", "課長補佐", CREATED_UTC_MS, CREATED_UTC_MS + 3 * YEAR_MS)
    await changed(room, (OLD[1], OLD[2]), joining=[second])
    await hand_on(room, OLD[1], OLD[2], OLD[3])
    number = await granted(room)
    content(await approve_as(room, number, OLD[1]), 201)
    await refused(room, number, await made_by(room, number, second), "twice")


async def test_for_a_changed_request(room: DeskRoom) -> None:
    """Amended: void while undecided, void after the new decision, whether it had counted or not."""
    number, (one, two, _) = await granted(room), keys_of(room.custodians)
    counted, waiting = await made_by(room, number, one), await made_by(room, number, two)
    await hand_in(room, number, counted, 201)
    body = room.request_body(purpose="別件の捜査")
    content(await room.call("POST", f"/v1/requests/{number}/amendment", HANDLER, body))
    for made in (counted, waiting):
        await refused(room, number, made, "not-in-state", 409)
    decision = {"outcome": "granted", "reason": "要件を満たす"}
    content(await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, decision))
    for made in (counted, waiting):
        await refused(room, number, made, "void")


async def test_with_anothers_key(room: DeskRoom) -> None:
    """Under one custodian's name, signed by another."""
    number, (one, two, _) = await granted(room), keys_of(room.custodians)
    approval, signature = await made_by(room, number, one)
    await refused(room, number, (approval, two.sign(signed_message(approval.to_bytes()))), "forged")
    await refused(room, number, (replace(approval, custodian_id=two.custodian_id), signature), "forged")


async def test_with_an_unknown_key(room: DeskRoom) -> None:
    """A stranger's, whole and well signed."""
    number, stranger = await granted(room), custodian("a stranger")
    approval, _ = await made_by(room, number, keys_of(room.custodians)[0])
    await refused(room, number, signed(replace(approval, custodian_id=stranger.custodian_id), stranger), "stranger")


async def test_with_a_revoked_key(room: DeskRoom) -> None:
    """Reported lost: not even for what it still opens, and it is handed no package."""
    number = await granted(room)
    made = await made_by(room, number, OLD[3])
    await changed(room, (OLD[1], OLD[2]), joining=[NEW[4]], lost=["custodian 3"])
    await refused(room, number, made, "revoked")
    where = f"/v1/requests/{number}/package"
    answer = content(await room.call("GET", where, custodian=OLD[3].custodian_id.hex()), 403)
    assert answer["reason"] == "revoked"


@pytest.mark.slow
async def test_by_a_custodian_of_an_old_set(room: DeskRoom) -> None:
    """Custodian 1 left: of what was handed on there is no share any more, and after the release no duty."""
    await changed(room, (OLD[1], OLD[3]), joining=[NEW[4]], leaving=["custodian 1"])
    await hand_on(room, OLD[1], OLD[2], OLD[3])
    number = await granted(room)
    honest, _ = await made_by(room, number, OLD[2])
    left = signed(replace(honest, custodian_id=OLD[1].custodian_id), OLD[1])
    await refused(room, number, left, "segments")
    body = {"reason": "handed on"}
    content(await room.call("POST", "/v1/custody/release", MANAGER, body))
    await refused(room, number, left, "stranger")


async def test_before_the_decision(room: DeskRoom) -> None:
    """An approval counts after the decision only, and there is no package before it."""
    number, other, (key, *_) = await filed(room), await granted(room), keys_of(room.custodians)
    approval, _ = await made_by(room, other, key)
    await refused(room, number, signed(replace(approval, request_id=number), key), "not-in-state", 409)
    answer = await room.call("GET", f"/v1/requests/{number}/package", custodian=key.custodian_id.hex())
    assert content(answer, 409)["code"] == "not-in-state"


@pytest.mark.slow
async def test_after_the_opening_or_a_grant_taken_back(room: DeskRoom) -> None:
    """What was opened needs no further approval; and of a grant that was taken back none counts."""
    number, withdrawn, third = await approved(room), await approved(room), keys_of(room.custodians)[2]
    late = await made_by(room, number, third)
    answer = await open_bundle(room, number, await handed_deks(room, number))
    assert answer.status_code == 200
    await refused(room, number, late, "not-in-state", 409)
    late = await made_by(room, withdrawn, third)
    body = {"outcome": "refused", "reason": "取消し"}
    content(await room.call("POST", f"/v1/requests/{withdrawn}/decision", MANAGER, body))
    await refused(room, withdrawn, late, "not-in-state", 409)


async def test_expired(room: DeskRoom) -> None:
    """Signed and kept back for more than seven days."""
    number, (key, *_) = await granted(room), keys_of(room.custodians)
    made = await made_by(room, number, key)
    room.clock.pass_ms(APPROVAL_LIFETIME_MS + 1)
    await refused(room, number, made, "expired")


async def test_of_segments_that_were_not_granted_or_twice(room: DeskRoom) -> None:
    """Another segment, one segment twice, none at all: by a custodian's own hand, and refused."""
    number, (key, *_) = await granted(room), keys_of(room.custodians)
    approval, _ = await made_by(room, number, key)
    share = approval.shares[0]
    for shares in ((replace(share, segment_uid=bytes(16)),), (share, share), ()):
        await refused(room, number, signed(replace(approval, shares=shares), key), "segments")


@pytest.mark.slow
async def test_by_the_requester_alone(tmp_path: Path) -> None:
    """The requester is a custodian too: the approval counts as one, and nothing opens without somebody else's."""
    room = DeskRoom(tmp_path)
    people = tuple(replace(one, name="custodian 1") if one.name == HANDLER else one for one in room.site.people)
    room.site = replace(room.site, people=people)
    async with room:
        body = room.request_body()
        number = content(await room.call("POST", "/v1/requests", "custodian 1", body), 201)["request_id"]
        decision = {"outcome": "granted", "reason": "要件を満たす"}
        content(await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, decision))
        own = content(await approve_as(room, number, OLD[1]), 201)
        assert (own["state"], own["missing_approvals"]) == ("granted", 1)
        await refused(room, number, await made_by(room, number, OLD[1]), "twice")
        shares = await room.call("GET", f"/v1/requests/{number}/shares", "custodian 1")
        assert content(shares, 409)["code"] == "approvals-missing"


@pytest.mark.slow
async def test_nobody_fills_the_register_with_attempts(room: DeskRoom) -> None:
    """After a number of them they are only logged, also after a restart; an honest approval still counts."""
    number, (key, *_) = await granted(room), keys_of(room.custodians)
    path, body = f"/v1/requests/{number}/approvals", {"approval": to_plain_bytes(b"{}"), "signature": ""}
    for _ in range(ATTEMPTS_MOST + 3):
        assert content(await room.call("POST", path, body=body), 403)["reason"] == "unreadable"
    noted = await attempts(room, number)
    assert len(noted) == ATTEMPTS_MOST
    assert [one["last"] for one in noted] == [False] * (ATTEMPTS_MOST - 1) + [True]
    await room.restart()
    assert content(await room.call("POST", path, body=body), 403)["reason"] == "unreadable"
    assert len(await attempts(room, number)) == ATTEMPTS_MOST
    content(await approve_as(room, number, key), 201)


@pytest.fixture
async def target(room: DeskRoom) -> tuple[DeskRoom, str, bytes, bytes]:
    """A granted request with an approval that was not handed in: desk, number, document, signature."""
    number, (key, *_) = await granted(room), keys_of(room.custodians)
    approval, signature = await made_by(room, number, key)
    return room, number, approval.to_bytes(), signature


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
async def test_altered_bits(target: tuple[DeskRoom, str, bytes, bytes], data: st.DataObject) -> None:
    """Any bit of the document or the signature turned, any byte cut off or put on: refused, and nothing counts."""
    room, number, document, signature = target
    whole = document + signature
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    turned = bytearray(whole)
    turned[at // 8] ^= 1 << (at % 8)
    cut = data.draw(st.sampled_from([0, 0, 0, 1, 7]))
    changed_document = bytes(turned[: len(document) - cut])
    body = {"approval": to_plain_bytes(changed_document), "signature": to_plain_bytes(bytes(turned[len(document) :]))}
    answer = content(await room.call("POST", f"/v1/requests/{number}/approvals", body=body), 403)
    assert answer["code"] == "approval-refused"
    assert answer["reason"] in ("unreadable", "stranger", "forged", "void", "segments")
    now = content(await room.call("GET", f"/v1/requests/{number}", MANAGER))
    assert (now["state"], now["missing_approvals"]) == ("granted", 2)
